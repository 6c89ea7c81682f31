#!/usr/bin/env bats
# backup.bats - scripts/backup.sh: one run, one log, one terminal state, whatever happens.

load support

setup() {
  private_home
  backup=$HOLDFAST_SOURCE/scripts/backup.sh
  system=$BATS_TEST_TMPDIR/system
  mkdir -p "$system/data" "$system/conf"
  cd "$system" || return 1
  sqlite3 data/t.db 'PRAGMA journal_mode = WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1), (2), (3);' >/dev/null
  echo 'setting: 1' >conf/a.yaml
  cat >holdfast.toml <<'END'
[repository]
path = "backups"
[[source]]
name = "trades"
kind = "sqlite"
path = "data/t.db"
[[source]]
name = "conf"
kind = "tree"
class = "config"
path = "conf"
END
  init >/dev/null
}

add_command() { # <name> <shell line>
  printf '[[source]]\nname = "%s"\nkind = "command"\ncommand = "%s"\n' "$1" "$2" >>holdfast.toml
}

newest_log() {
  local logs=(logs/backups/backup_*.log)
  printf '%s\n' "${logs[@]}" | tail -n 1
}

assert_outcome() { # <state> <code>: the one terminal state, in the last line of the one log
  local log
  log=$(newest_log)
  assert_regex "$(tail -n 1 "$log")" "^20[0-9-]+T[0-9:]+Z INFO  state=$1 code=$2 id="
  assert_equal "$(grep -c 'state=' "$log")" 1
}

# A folder of tools in which one is replaced by a script of ours.
replace_tool() { # <tool> <script>
  mkdir -p "$BATS_TEST_TMPDIR/bin"
  ln -sf "$HOLDFAST_BIN"/* "$BATS_TEST_TMPDIR/bin/"
  rm "$BATS_TEST_TMPDIR/bin/$1"
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
  export HOLDFAST_BIN=$BATS_TEST_TMPDIR/bin
}

wait_for() { # <command> [arg...]: up to ten seconds
  local i
  for ((i = 0; i < 100; i++)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  fail "never came true: $*"
}

@test "backup.sh: takes a snapshot, verifies it, prints its id and logs every event with a UTC time" {
  run -0 --separate-stderr "$backup"
  assert_regex "$output" '^20[0-9]{6}T[0-9]{6}Z-[0-9a-f]{6}$'
  assert_equal "$(catalog list --format id)" "$output"
  assert_regex "$(newest_log)" '/backup_[0-9]{8}_[0-9]{6}\.log$'
  assert_outcome complete 0
  refute grep -vE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z (INFO |WARN |ERROR|HINT ) ' "$(newest_log)"
  assert grep -q "snapshot $output verified (deep)" "$(newest_log)"
  assert_equal "$(catalog show --json latest | jq -r .type)" full
}

@test "backup.sh: what it wrote comes back as it was" {
  "$backup" --quiet
  restore latest --target out
  assert_equal "$(sqlite3 out/trades 'SELECT sum(x) FROM t; PRAGMA integrity_check')" $'6\nok'
  diff -r conf out/conf
}

@test "backup.sh: works from cron's empty environment, without a home, a terminal or standard input" {
  run -0 env -i HOLDFAST_BIN="$HOLDFAST_BIN" XDG_STATE_HOME="$XDG_STATE_HOME" XDG_CACHE_HOME="$XDG_CACHE_HOME" \
    /bin/sh -c 'cd / && exec "$0" --config "$1" --quiet 0<&- 2>&-' "$backup" "$system/holdfast.toml"
  assert_regex "$output" '^20[0-9]{6}T[0-9]{6}Z-'
  assert_outcome complete 0
}

@test "backup.sh: --quiet says nothing on standard error when all is well, and its log still says all" {
  run -0 --separate-stderr "$backup" --quiet
  assert_equal "$stderr" ''
  assert grep -q 'snap: note: ' "$(newest_log)"
}

@test "backup.sh: BACKUP_* switches leave out their class" {
  BACKUP_DATABASE=false "$backup" --quiet
  assert_equal "$(catalog show --json latest | jq -r '[.components[].name] | join(" ")')" conf
  BACKUP_CONFIG=no BACKUP_REDIS=false "$backup" --quiet
  assert_equal "$(catalog show --json latest | jq -r '[.components[].name] | join(" ")')" trades
  run -3 "$backup" conf --config <(sed 's/conf/konf/' holdfast.toml)
}

@test "backup.sh: a source that is named is taken although its class is switched off" {
  BACKUP_DATABASE=false "$backup" --quiet trades
  assert_equal "$(catalog show --json latest | jq -r '[.components[].name] | join(" ")')" trades
}

@test "backup.sh: with every class switched off there is nothing to do, and that is no success" {
  BACKUP_DATABASE=0 BACKUP_CONFIG=off run -3 --separate-stderr "$backup"
  assert_equal "$output" ''
  assert_regex "$stderr" 'no source is left'
}

@test "backup.sh: a switch that is neither true nor false is wrong usage, not a guess" {
  BACKUP_LOGS=maybe run -2 "$backup"
  assert_output --partial "BACKUP_LOGS must be true or false, not 'maybe'"
  DRY_RUN=perhaps run -2 "$backup"
}

@test "backup.sh: the type comes from --type, else BACKUP_TYPE, else it is full" {
  BACKUP_TYPE=hourly "$backup" --quiet
  assert_equal "$(catalog show --json latest | jq -r .type)" hourly
  BACKUP_TYPE=hourly "$backup" --quiet --type pre-deployment
  assert_equal "$(catalog show --json latest | jq -r .type)" pre-deployment
  BACKUP_TYPE=weekly run -2 "$backup" --quiet
  assert_outcome failed 2
}

@test "backup.sh: a dry run writes nothing at all" {
  find . | sort >"$BATS_TEST_TMPDIR/before"
  run -0 "$backup" --dry-run
  assert_output --partial trades
  DRY_RUN=true run -0 "$backup" conf
  refute_output --partial trades
  find . | sort | diff "$BATS_TEST_TMPDIR/before" -
}

@test "backup.sh: --path and BACKUP_ROOT name another repository" {
  init --repo "$BATS_TEST_TMPDIR/other" >/dev/null
  "$backup" --quiet --path "$BATS_TEST_TMPDIR/other"
  BACKUP_ROOT=$BATS_TEST_TMPDIR/other "$backup" --quiet
  assert_equal "$(catalog list --repo "$BATS_TEST_TMPDIR/other" --format id | wc -l)" 2
  assert_equal "$(catalog list --format id)" ''
}

@test "backup.sh: a repository that does not exist is an error with a hint, never made in passing" {
  run -6 --separate-stderr "$backup" --path "$BATS_TEST_TMPDIR/none"
  assert_equal "$output" ''
  assert_regex "$stderr" "init --repo '$BATS_TEST_TMPDIR/none'"
  assert_not_exist "$BATS_TEST_TMPDIR/none"
  assert_outcome failed 6
}

@test "backup.sh: a wrong configuration is exit 3 with its place, and no configuration is as well" {
  echo 'pathh = 1' >>holdfast.toml
  run -3 "$backup"
  assert_output --partial "unknown key 'pathh'"
  cd "$BATS_TEST_TMPDIR"
  run -3 "$backup"
  assert_output --partial 'there is no configuration'
  assert_not_exist "$BATS_TEST_TMPDIR/logs"
}

@test "backup.sh: a missing source makes the backup partial; the rest is kept and verified" {
  rm -r conf
  run -4 --separate-stderr "$backup"
  assert_equal "$(catalog list --format id)" "$output"
  assert grep -q "snapshot $output verified" "$(newest_log)"
  assert grep -q 'WARN .*conf' "$(newest_log)"
  assert_outcome partial 4
}

@test "backup.sh: a snapshot of nothing is no success" {
  rm -r conf data
  run --separate-stderr "$backup"
  assert_not_equal "$status" 0
  assert_equal "$output" ''
  assert_outcome failed "$status"
}

@test "backup.sh: damage found by verify is exit 5 and wins over partial; the finding is in the log" {
  rm -r conf
  replace_tool verify 'printf "damage\tid\ttrades\tobjects/ab\tbit flipped\n"; exit 5'
  run -5 --separate-stderr "$backup"
  assert_regex "$output" '^20' # the id of what is damaged
  assert grep -q 'verify: damage id trades objects/ab bit flipped' "$(newest_log)"
  assert_outcome failed 5
}

@test "backup.sh: verifies as the configuration says" {
  replace_tool verify 'echo "verify: note: called with $*" >&2'
  sed -i '1i [backup]\nverify_after = "plain"\n' holdfast.toml
  run -0 "$backup"
  assert_output --partial 'called with --'
  refute_output --partial '--deep'
  sed -i 's/"plain"/"none"/' holdfast.toml
  run -0 "$backup"
  refute_output --partial 'called with'
  assert_output --partial 'not verified'
}

@test "backup.sh: a second run at the same time is exit 7 and names the first" {
  add_command slow 'touch started; sleep 30'
  "$backup" --quiet >/dev/null 2>&1 3>&- &
  local first=$!
  wait_for test -e started
  run -7 --separate-stderr "$backup"
  assert_equal "$output" ''
  assert_regex "$stderr" "already running: process $first"
  kill "$first"
  wait "$first" || true
}

@test "backup.sh: with --wait a second run waits for the first, and no longer than it was told" {
  add_command slow 'touch started; sleep 2; echo x'
  "$backup" --quiet >/dev/null 2>&1 3>&- &
  local first=$!
  wait_for test -e started
  run -7 "$backup" --quiet --wait 1s
  BACKUP_LOCK_WAIT=30s run -0 "$backup" --quiet trades
  wait "$first"
  assert_equal "$(catalog list --format id | wc -l)" 2
}

@test "backup.sh: nothing blocks the next run after the first was killed with -9" {
  add_command slow 'touch started; sleep 5'
  "$backup" --quiet >/dev/null 2>&1 3>&- &
  local first=$!
  wait_for test -e started
  kill -9 "$first"
  wait "$first" || true
  run -0 "$backup" --quiet trades
}

@test "backup.sh: TERM stops it within five seconds and leaves a terminal state, no snapshot and no child" {
  add_command slow 'echo $$ >pid; exec sleep 600'
  "$backup" --quiet >/dev/null 2>&1 3>&- &
  local pid=$! code=0
  wait_for test -s pid
  SECONDS=0
  kill -TERM "$pid"
  wait "$pid" || code=$?
  assert_equal "$code" 143
  assert [ "$SECONDS" -le 5 ]
  assert_outcome failed 143
  assert grep -q 'snap: error: stopped by SIGTERM' "$(newest_log)"
  assert_equal "$(catalog list --format id)" ''
  refute kill -0 "$(<pid)"
}

@test "backup.sh: a run that takes longer than its limit is stopped and says so" {
  sed -i '1i [backup]\ntime_limit = "1s"\n' holdfast.toml
  add_command slow 'echo $$ >pid; exec sleep 600'
  SECONDS=0
  run -8 "$backup"
  assert [ "$SECONDS" -le 8 ]
  assert_output --partial 'took longer than 1 s (backup.time_limit)'
  assert_outcome failed 8
  refute kill -0 "$(<pid)"
}

@test "backup.sh: an id that cannot be printed is exit 8, the snapshot is kept" {
  local code=0
  "$backup" --quiet >/dev/full 2>/dev/null || code=$?
  assert_equal "$code" 8
  assert_outcome failed 8
  code=0
  "$backup" --quiet >&- 2>/dev/null || code=$?
  assert_equal "$code" 8
  code=0
  {
    "$backup" --quiet 2>/dev/null || code=$?
    echo "$code" >code
  } | true
  wait_for test -s code
  assert_equal "$(catalog list --format id | wc -l)" 3
}

@test "backup.sh: a log folder that cannot be made is exit 8; a log that is full does not stop the backup" {
  echo file >logs
  run -8 "$backup"
  assert_output --partial 'cannot make the log folder'
  assert_output --partial 'state=failed code=8'
  rm logs
  mkdir -p logs/backups
  replace_tool snap 'if [[ $* != *--print-config* ]]; then for f in logs/backups/backup_*.log; do ln -sf /dev/full "$f"; done; fi
exec '"$HOLDFAST_BIN/snap"' "$@"'
  run -0 --separate-stderr "$backup"
  assert_regex "$output" '^20'
  assert_regex "$stderr" 'cannot write'
}

@test "backup.sh: logs and lock are private whatever the umask is" {
  local mask
  for mask in 000 777; do
    rm -rf logs
    (umask "$mask" && exec "$backup" --quiet)
    assert_equal "$(stat -c %a logs/backups)" 700
    assert_equal "$(stat -c %a logs/backups/* | sort -u)" 600
  done
}

@test "backup.sh: a TMPDIR that cannot be written is no obstacle" {
  TMPDIR=/nonexistent run -0 "$backup" --quiet
}

@test "backup.sh: wrong flags are exit 2 with a hint; --help has the exit codes and an example" {
  local arguments
  for arguments in --nope --path --type '--wait soon' '--wait -1'; do
    # shellcheck disable=SC2086 # two words each
    run -2 --separate-stderr "$backup" $arguments
    assert_equal "$output" ''
  done
  run -0 --separate-stderr "$backup" --help
  assert_line 'EXIT STATUS'
  assert_line 'EXAMPLES'
  assert_equal "$stderr" ''
}

@test "backup.sh: without the tools it says what to do" {
  mkdir -p elsewhere/scripts
  cp -r "$HOLDFAST_SOURCE/scripts/backup.sh" "$HOLDFAST_SOURCE/scripts/lib" elsewhere/scripts
  HOLDFAST_BIN='' run -3 --separate-stderr elsewhere/scripts/backup.sh
  assert_regex "$stderr" 'tools of holdfast were not found'
}

@test "backup.sh: installed, it finds the tools beside its folder" {
  mkdir -p libexec/holdfast
  cp -r "$HOLDFAST_SOURCE/scripts" libexec/holdfast/
  ln -s "$HOLDFAST_BIN"/* libexec/holdfast/
  HOLDFAST_BIN='' run -0 --separate-stderr libexec/holdfast/scripts/backup.sh --quiet
}
