#!/usr/bin/env bats
# restore_sh.bats - scripts/restore.sh when all goes well: what a person or a script asks for is what happens.

load support
load repository
load injection
load incident

setup() {
  make_system
}

teardown() {
  stop_system
  tmux -L "holdfast$$" kill-server 2>/dev/null || true
}

# Types each line on a terminal, when the prompt that it answers is there once more.
type_lines() { # <arguments of restore.sh> [prompt line]...
  local arguments=$1 asked=0
  shift
  : >screen
  tmux -L "holdfast$$" new-session -d -x 160 -y 60 "$script $arguments 2>screen; echo \$? >code" 3>&-
  while (($#)); do
    asked=$((asked + 1))
    wait_until prompts "$asked" "$1"
    tmux -L "holdfast$$" send-keys "$2" Enter
    shift 2
  done
  wait_until test -s code
  output=$(<screen) status=$(<code)
  rm code
}

prompts() { # <how many> <the last one>
  [[ $(grep -oE '(Number or id|Type .[a-z]+.)' screen | sed -n '$=') == "$1" ]] && grep -oE '(Number or id|Type .[a-z]+.)' screen | tail -n 1 | grep -qF -- "$2"
}

@test "restore.sh: from corruption to healthy in one command; services stop in order and start in reverse" {
  lose_data
  systemctl stop dash
  systemctl stop trading
  head -c 100 /dev/urandom | dd of=t.db conv=notrunc status=none
  rm -f t.db-wal t.db-shm
  systemctl start dash
  systemctl start trading
  : >"$calls"
  run -0 --separate-stderr "$script" latest --yes
  assert_good
  assert_up
  assert_equal "$(calls_of stop)" 'trading dash'
  assert_equal "$(calls_of start)" 'dash trading'
  # The damaged file is kept in the emergency snapshot, which `latest` never means.
  assert_equal "$(catalog --json | jq -r '.[0].type')" emergency
  assert_equal "$(catalog show latest --json | jq -r .id)" "$good"
  run -0 "$script" "$(catalog --json | jq -r '.[0].id')" --dry-run
  assert_output --partial 'it holds what was there right before a restore'
}

@test "restore.sh: the record says who, what, how old, every step with its time, the checks and the way back" {
  lose_data
  run -0 "$script" latest --yes
  run -0 record
  assert_output --partial '**restored** (exit 0)'
  assert_output --partial "| snapshot | $good, full, complete, verified deep |"
  assert_regex "$output" 'what was written in the [0-9]+ s since then is not in it'
  assert_output --partial "| who | $(id -un) on $(uname -n) |"
  assert_output --partial '| services | trading, dash |'
  local step
  for step in plan confirm stop restore 'restore: emergency' 'restore: swap' start 'check_health'; do
    assert_regex "$output" "\\| $step \\| [0-9.]+ s \\| done \\|"
  done
  assert_output --partial '| trades | integrity_check | passed |'
  assert_output --partial "\`restore.sh --undo $(record_json .restore.restore)\`"
  assert_output --partial "$(record_json .restore.emergency)"
  assert_equal "$(record_json '.total_s >= ([.steps[] | select(.name | startswith("restore:") | not) | .seconds] | max)')" true
  assert_regex "$(tail -n 1 logs/backups/incident_*.log)" "state=complete code=0 id=$good restore_id="
}

@test "restore.sh: a person picks by number; wrong answers ask again; the word that is shown confirms" {
  lose_data
  type_lines '--source trades' 'Number or id' 99 'Number or id' nonsense 'Number or id' 1 "Type 'trades'" trade "Type 'trades'" trades
  assert_equal "$status" 0
  assert_output --partial 'There is no number 99'
  assert_output --partial "no snapshot is named 'nonsense'"
  assert_equal "$(sql t.db 'SELECT count(*) FROM trade')" 1500
  assert_equal "$(<conf/a.yaml)" 'setting: bad' # was not chosen
}

@test "restore.sh: a person picks by the beginning of an id, and several sources are confirmed by one word" {
  lose_data
  type_lines '' 'Number or id' "${good%-*}" "Type 'replace'" replace
  assert_equal "$status" 0
  assert_good
}

@test "restore.sh: q and the end of input end the picker cleanly; three wrong words are a refusal; nothing was changed" {
  lose_data
  type_lines '' 'Number or id' q
  assert_equal "$status" 0
  assert_output --partial 'Nothing was changed.'
  run -0 script -qec "$script" /dev/null </dev/null
  assert_output --partial 'Nothing was changed.'
  type_lines latest "Type 'replace'" yes "Type 'replace'" y "Type 'replace'" REPLACE
  assert_equal "$status" 10
  assert_output --partial 'nothing was changed'
  assert_lost
  assert_equal "$(<"$calls")" ''
}

@test "restore.sh: without a terminal a snapshot must be named (2) and --yes be given (10)" {
  lose_data
  run -2 --separate-stderr "$script" </dev/null
  assert_equal "$output" ''
  run -10 --separate-stderr "$script" latest </dev/null
  assert_regex "$stderr" 'hint: add --yes'
  assert_lost
  assert_equal "$(<"$calls")" ''
}

@test "restore.sh: a dry run shows what would be replaced and stopped, and does neither" {
  lose_data
  local run
  for run in "DRY_RUN=true $script latest" "$script latest --dry-run --yes"; do
    run -0 bash -c "$run </dev/null"
    assert_output --partial "$live/t.db"
    assert_output --partial 'Stopped meanwhile: trading dash'
  done
  assert_lost
  assert_equal "$(<"$calls")" ''
  assert_equal "$(find logs -name 'incident_*')" ''
}

@test "restore.sh: DB_PATH restores the database to another file; services go on and nothing else is touched" {
  lose_data
  DB_PATH=$BATS_TEST_TMPDIR/look.db run -0 "$script" latest --yes
  assert_equal "$(sql "$BATS_TEST_TMPDIR/look.db" 'SELECT count(*) FROM trade')" 1500
  assert_lost
  run -0 "$script" --undo --yes
  assert_file_not_exists "$BATS_TEST_TMPDIR/look.db"
  assert_equal "$(<"$calls")" ''
  mkdir other
  DB_PATH=other/../t.db run -0 "$script" latest --yes # its own place by another name
  assert_equal "$(calls_of stop)" 'trading dash'
}

@test "restore.sh: RESTORE_* leaves out classes; logs are evidence and come back only when asked for" {
  lose_data
  echo 'what happened' >applogs/app.log
  RESTORE_DATABASE=false run -0 "$script" latest --yes
  assert_equal "$(sql t.db 'SELECT count(*) FROM trade')" 0
  assert_equal "$(<conf/a.yaml)" 'setting: good'
  assert_equal "$(<applogs/app.log)" 'what happened'
  RESTORE_CONFIG=false RESTORE_DATABASE=no RESTORE_LOGS=true run -0 "$script" latest --yes
  assert_equal "$(<applogs/app.log)" 'good log'
  RESTORE_CONFIG=false RESTORE_DATABASE=no run -6 "$script" latest --yes
  RESTORE_DATABASE=maybe run -2 "$script" latest --yes
}

@test "restore.sh: a snapshot is named by id, prefix, folder, time or latest; what is not there is exit 6" {
  lose_data
  local name
  for name in "$good" "${good%????}" "$live/backups/snapshots/$good" "backups/snapshots/$good/" latest "--at $(date -u +%FT%T)"; do
    # shellcheck disable=SC2086 # two words each
    run -0 "$script" $name --dry-run
    assert_output --partial "snapshot $good"
  done
  run -6 "$script" --at 2001-01-01 --yes
  run -6 "$script" 19990101 --yes
  run -6 "$script" latest --source nope --yes
  assert_output --partial 'it holds: logs settings trades'
  run -2 "$script" latest trades --yes
  assert_output --partial -- '--source trades'
}

@test "restore.sh: what a command printed is left out with a note, and refused when it is named" {
  printf '[[source]]\nname = "dump"\nkind = "command"\ncommand = "echo hi"\n' >>holdfast.toml
  "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  lose_data
  run -0 "$script" latest --yes
  assert_output --partial 'left out, what a command printed has no place of its own: dump'
  assert_good
  run -10 "$script" latest --source dump --yes
}

@test "restore.sh: --undo brings back what was replaced, services and all; --accept gives it up" {
  lose_data
  "$script" latest --yes --quiet
  : >"$calls"
  run -10 "$script" --undo </dev/null
  run -0 "$script" --undo --yes
  assert_output --partial 'is back'
  assert_lost
  assert_up
  assert_equal "$(calls_of stop)" 'trading dash'
  "$script" latest --yes --quiet
  run -0 "$script" --accept
  run -6 "$script" --undo zzz --yes
  assert_good
}

@test "restore.sh: one that was killed half way is finished by --resume, which stops and starts the services" {
  lose_data
  systemctl stop trading
  systemctl stop dash
  under renameat2:signal=KILL:when=1 restore latest --in-place --source trades --source settings
  assert_equal "$status" 137
  systemctl start trading
  run -10 "$script" latest --yes
  run -0 "$script" --resume --yes
  assert_good
  assert_up
}

@test "restore.sh: --target restores beside: no question, no service, no record" {
  lose_data
  run -0 "$script" latest --target "$BATS_TEST_TMPDIR/out" </dev/null
  assert_equal "$(sql "$BATS_TEST_TMPDIR/out/trades" 'SELECT count(*) FROM trade')" 1500
  assert_lost
  assert_equal "$(<"$calls")" ''
}

@test "restore.sh: --online rewrites the database while the services go on" {
  lose_data
  local before
  before=$(cat "$services_dir"/*.pid)
  run -0 "$script" latest --source trades --online --yes
  assert_equal "$(sql t.db 'SELECT count(*) FROM trade')" 1500
  assert_equal "$(cat "$services_dir"/*.pid)" "$before"
  assert_equal "$(calls_of stop)" ''
}

@test "restore.sh: works from cron's empty environment, from inside a folder that is replaced; everything is private" {
  lose_data
  (umask 000 && cd conf && env -i PATH="$BATS_TEST_TMPDIR/bin:/usr/bin:/bin" HOLDFAST_BIN="$HOLDFAST_BIN" XDG_STATE_HOME="$XDG_STATE_HOME" \
    FAKE_SERVICES="$FAKE_SERVICES" FAKE_DATABASE="$FAKE_DATABASE" FAKE_CALLS="$FAKE_CALLS" \
    "$script" --config ../holdfast.toml latest --yes --quiet </dev/null)
  assert_good
  assert_up
  assert_equal "$(stat -c %a logs/backups/incident_*)" $'600\n600\n600'
}

@test "restore.sh: list shows number, id, age, type, state, trust, size, newest row and sources, newest first" {
  ask_for_newest_row
  "$HOLDFAST_SOURCE/scripts/backup.sh" hourly --quiet trades
  run -0 --separate-stderr "$script" list
  assert_regex "${lines[0]}" '^# +SNAPSHOT +AGE +TYPE +STATE +TRUST +SIZE +NEWEST ROW +SOURCES'
  assert_regex "${lines[1]}" '^1 +20[0-9TZa-f-]+ +[0-9]+ s +hourly +complete +verified deep +[0-9.]+KiB +2026-11-20T14:00:00Z +trades$'
  assert_regex "${lines[2]}" "^2 +$good .* - +logs,settings,trades\$"
}

@test "restore.sh: the list names only snapshots of the source that is asked for, by the numbers that the picker takes" {
  "$HOLDFAST_SOURCE/scripts/backup.sh" hourly --quiet trades
  run -0 --separate-stderr "$script" list --source settings
  assert_equal "${#lines[@]}" 2
  assert_regex "${lines[1]}" "^1 +$good "
  lose_data
  type_lines '--source settings' 'Number or id' 2 'Number or id' 1 "Type 'settings'" settings
  assert_equal "$status" 0
  assert_output --partial 'There is no number 2'
  assert_equal "$(<conf/a.yaml)" 'setting: good'
}

@test "restore.sh: on a terminal of 80 columns every snapshot has two lines, none is wrapped, and the prompt is in view" {
  ask_for_newest_row
  for _ in {1..14}; do "$HOLDFAST_SOURCE/scripts/backup.sh" pre-deployment --quiet; done
  tmux -L "holdfast$$" new-session -d -x 80 -y 24 "$script" 3>&-
  wait_until picker_asks
  output=$(tmux -L "holdfast$$" capture-pane -p)
  mapfile -t lines <<<"$output"
  assert_regex "${lines[0]}" '^ +# +SNAPSHOT +AGE +TYPE +TRUST +SIZE$'
  assert_regex "${lines[1]}" '^ 1 +20[0-9TZa-f-]+ +[0-9]+ s +pre-deployment +verified deep +[0-9.]+KiB$'
  assert_equal "${lines[2]}" '    newest row 2026-11-20T14:00:00Z; logs, settings, trades'
  assert_equal "$(grep -cE '^ *[0-9]+  20' <<<"$output")" 10
  assert_output --partial '... and 5 older: restore.sh list'
  tmux -L "holdfast$$" send-keys q Enter
}

picker_asks() {
  tmux -L "holdfast$$" capture-pane -p | grep -q 'Number or id'
}

@test "restore.sh: the picker tells a suspect snapshot, and what is not known of the newest row" {
  rm conf/a.yaml
  run "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  tmux -L "holdfast$$" new-session -d -x 80 -y 24 "$script" 3>&-
  wait_until picker_asks
  run -0 tmux -L "holdfast$$" capture-pane -p
  assert_line '   suspect; newest row not known; logs, settings, trades'
  tmux -L "holdfast$$" send-keys q Enter
}
