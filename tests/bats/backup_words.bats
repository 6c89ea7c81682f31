#!/usr/bin/env bats
# backup_words.bats - the first word of scripts/backup.sh: a type, or status; scripts/emergency_snapshot.sh.

load support

setup() {
  private_home
  backup=$HOLDFAST_SOURCE/scripts/backup.sh
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir conf
  echo 'setting: 1' >conf/a.yaml
  printf '[repository]\npath = "backups"\n' >holdfast.toml
  printf '[[source]]\nname = "%s"\nkind = "tree"\npath = "conf"\n' conf hourly >>holdfast.toml
  init >/dev/null
}

newest() { # <jq filter>
  catalog --json --limit 1 | jq -r ".[0] | $1"
}

@test "backup.sh: the first word names the type of the snapshot" {
  local pair
  for pair in nightly:full hourly:hourly snapshot:manual pre-deployment:pre-deployment emergency-pre-restore:emergency; do
    run -0 "$backup" "${pair%:*}" --quiet conf
    assert_equal "$(newest .type)" "${pair#*:}"
    assert_equal "$(newest '.sources | join(" ")')" conf
  done
  BACKUP_TYPE=full run -0 "$backup" nightly --type manual --quiet
  assert_equal "$(newest .type)" manual
}

@test "backup.sh: a source with the name of a type is reached after -- and a note says so" {
  run -0 "$backup" hourly
  assert_output --partial 'the source of that name: backup.sh -- hourly'
  assert_equal "$(newest '.type + " " + (.sources | join(" "))')" 'hourly conf hourly'
  run -0 "$backup" --quiet -- hourly
  refute_output --partial 'the source of that name'
  assert_equal "$(newest '.type + " " + (.sources | join(" "))')" 'full hourly'
}

@test "backup.sh: a word that is no type is a source, wherever it stands" {
  run -6 "$backup" weekly
  run -6 "$backup" conf nightly
}

@test "emergency_snapshot.sh: keeps the present state, with the options of backup.sh, and latest does not mean it" {
  run -0 "$backup" --quiet
  local good=$output
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/emergency_snapshot.sh" --quiet conf
  assert_equal "$(newest '.id + " " + .type')" "$output emergency"
  assert_equal "$(catalog show latest --json | jq -r .id)" "$good"
}

@test "backup.sh: status tells the last outcome and the newest snapshot; its exit code is that of the last run" {
  run -6 --separate-stderr "$backup" status
  assert_line --partial $'newest snapshot\tnone'
  id=$("$backup" --quiet)
  run -0 --separate-stderr "$backup" status
  assert_regex "${lines[0]}" "^last run.20[0-9-]+T[0-9:]+Z  state=complete code=0 id=$id\$"
  assert_regex "${lines[1]}" "^newest snapshot.$id  [0-9]+ s old, full, complete, verified deep\$"
  rm -r conf
  mkdir conf
  run -4 "$backup" --quiet
  run -4 "$backup" status
  assert_line --partial 'state=partial code=4'
}

@test "backup.sh: status of a run that was killed is exit 1; one that is under way is named, and judged by the one before" {
  "$backup" --quiet
  printf '[[source]]\nname = "slow"\nkind = "command"\ncommand = "touch started; sleep 5"\n' >>holdfast.toml
  setsid "$backup" --quiet >/dev/null 2>&1 3>&- &
  local pid=$! i
  for ((i = 0; i < 100; i++)); do
    if [[ -e started ]]; then break; fi
    sleep 0.1
  done
  run -0 "$backup" status
  assert_line $'running\tprocess '"$pid"
  assert_line --partial 'state=complete'
  run -7 "$backup" --quiet
  run -0 "$backup" status
  kill -9 "$pid"
  wait "$pid" || true
  pkill -KILL --session "$pid" || true # what it had started would still write while the folder is removed
  run -1 "$backup" status
  assert_line --partial 'state=killed'
}
