#!/usr/bin/env bats
# restore_sh_trouble.bats - scripts/restore.sh when something goes wrong: the data is whole, the services are up or it is said that
# they are not, and the exit code tells which.

load support
load repository
load injection
load incident

setup() {
  make_system
  lose_data
}

teardown() {
  stop_system
}

on_call() { # <name> <verb> <shell line that the fake systemctl runs first>
  printf '%s\n' "$3" >"$services_dir/$1.$2"
}

@test "restore.sh: a health check that fails rolls back by itself, says so, and exit is 8" {
  write_config 'health = ["false"]' 'health_timeout = "1s"'
  run -8 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'the health check did not pass within 1 s \(exit 1\)'
  assert_regex "$stderr" 'ROLLED BACK'
  assert_lost
  assert_up
  run -0 record
  assert_output --partial '**rolled back** (exit 8)'
  assert_regex "$output" '\| check_health \| [0-9.]+ s \| the health check did not pass'
  assert_regex "$output" '\| rollback \| [0-9.]+ s \| done \|'
  assert_equal "$(calls_of stop)" 'trading dash trading dash'
}

@test "restore.sh: with --no-rollback the restored data stays, and the way back is named" {
  write_config 'health = ["false"]' 'health_timeout = "1s"'
  run -8 --separate-stderr "$script" latest --yes --no-rollback
  assert_regex "$stderr" 'restore.sh --undo 20'
  assert_good
  assert_up
  run -0 record
  assert_output --partial '**restored, not healthy** (exit 8)'
}

@test "restore.sh: health is tried again until it passes" {
  write_config 'health = "echo x >>tries; test $(wc -l <tries) -ge 3"' 'health_timeout = "20s"'
  sed -i "s|tries|$live/tries|g" holdfast.toml
  run -0 "$script" latest --yes
  assert_good
  assert_equal "$(wc -l <tries)" 3
}

@test "restore.sh: reconcile runs after its wait, before the health check; its failure rolls back" {
  write_config "reconcile = \"echo reconcile >>$calls\"" 'reconcile_wait = "1s"' "health = \"echo health >>$calls\""
  run -0 "$script" latest --yes
  assert_equal "$(grep -n -e reconcile -e health "$calls" | cut -d: -f2 | paste -sd ' ')" 'reconcile health'
  assert_equal "$(record_json '.steps[] | select(.name == "reconcile") | .seconds >= 1')" true
  rm -rf logs/backups/incident_*
  "$script" --undo --yes --quiet
  write_config 'reconcile = "echo no such account; exit 3"' 'reconcile_wait = "0s"'
  run -8 "$script" latest --yes
  assert_output --partial 'reconciling failed (exit 3: no such account)'
  assert_lost
}

@test "restore.sh: a service that cannot be stopped ends it before anything changed; what was stopped comes up again" {
  on_call dash stop 'echo device busy; exit 1'
  run -8 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'dash could not be stopped \(exit 1: device busy\); the data was not touched'
  assert_lost
  assert_up
  assert_equal "$(calls_of start)" 'dash trading'
}

@test "restore.sh: a stop that hangs is ended after its timeout" {
  on_call trading stop 'sleep 60'
  SECONDS=0
  run -8 --separate-stderr "$script" latest --yes
  assert [ "$SECONDS" -le 20 ]
  assert_regex "$stderr" 'trading could not be stopped \(no answer within 3 s'
  assert_lost
}

@test "restore.sh: a service that says it stopped and did not is found by its status" {
  on_call trading stop 'exit 0'
  run -8 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'trading was told to stop, but is not known to be down \(status: running'
  assert_lost
  assert_up
}

@test "restore.sh: a status that cannot be asked for is not taken for down" {
  on_call trading is-active 'echo Failed to connect to bus: Host is down; exit 1'
  run -8 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'status: unknown'
  assert_lost
}

@test "restore.sh: a service that is still deactivating is waited for" {
  on_call trading stop ": >$live/deactivating"
  on_call trading is-active "f=$live/deactivating"'; if [[ -f $f ]] && (($(wc -c <"$f") < 3)); then printf x >>"$f"; echo deactivating; exit 3; fi'
  run -0 "$script" latest --yes
  assert_good
  assert_equal "$(<deactivating)" xxx
}

@test "restore.sh: a service that does not start, or does not stay up, rolls back" {
  on_call trading start 'if [[ ! -f '"$live"'/once ]]; then touch '"$live"'/once; exit 1; fi'
  run -8 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'trading could not be started \(exit 1\)'
  assert_regex "$stderr" 'ROLLED BACK'
  assert_lost
  assert_up
  on_call trading start 'exit 0'
  run -1 "$script" latest --yes
  assert_output --partial 'trading did not stay up (status: down)'
}

@test "restore.sh: if the services do not come up after the rollback either, exit is 1 and a person is told" {
  on_call trading start 'exit 1'
  run -1 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'rolled back, but trading could not be started'
  assert_lost
}

@test "restore.sh: a service that was down before the run is started after a restore, but not after one that was refused" {
  systemctl stop trading
  on_call dash stop 'exit 1'
  run -8 "$script" latest --yes
  assert_output --partial 'down before this run, so not started: trading'
  assert_equal "$(systemctl is-active trading)" inactive
  rm "$services_dir/dash.stop"
  run -0 "$script" latest --yes
  assert_up
}

@test "restore.sh: a damaged snapshot is exit 5, nothing is changed and the services are up again" {
  local object
  object=$(find backups/objects -type f -size +20k | head -n 1)
  chmod u+w "$object"
  flip_bit "$object"
  run -5 --separate-stderr "$script" latest --yes
  assert_lost
  assert_up
  assert_equal "$(record_json .state)" failed
  assert_equal "$(record_json '.steps[] | select(.name == "restore") | .outcome')" 'exit 5'
}

@test "restore.sh: an earlier restore of other data that was torn is not taken for this one: the services are up again" {
  local object nth
  for nth in {1..20}; do # some renames are of the journal
    under "renameat2:signal=KILL:when=$nth" restore "$good" --in-place --source settings
    if [[ $(restore --pending --json | jq -r '.[0].state') == swapping ]]; then break; fi
    restore --undo --quiet
  done
  assert_equal "$(restore --pending --json | jq -r '.[0].state')" swapping
  object=$(find backups/objects -type f -size +20k | head -n 1)
  chmod u+w "$object"
  flip_bit "$object"
  run -5 --separate-stderr "$script" latest --source trades --yes
  assert_up
  assert_equal "$(record_json .state)" failed
  assert_regex "$stderr" 'nothing was changed'
  run -1 grep -e '--resume' <<<"$stderr"
}

@test "restore.sh: somebody else who has the database open is named, exit is 10 and the services are up again" {
  sqlite3 t.db <<<$'SELECT count(*) FROM book;\n.shell touch open; exec sleep 30' >/dev/null 3>&- &
  wait_until test -e open
  run -10 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" "pid $!, sqlite3"
  kill "$!" && pkill -P "$!" || true
  assert_lost
  assert_up
}

@test "restore.sh: TERM while the services are down brings them up again and leaves the data whole" {
  local pid code=0
  "$script" latest --yes --quiet # a restore of the same snapshot that can be undone is not this one
  lose_data
  on_call dash stop "touch $live/stopping; sleep 2"
  "$script" latest --yes 2>err 3>&- &
  pid=$!
  wait_until test -e stopping
  kill -TERM "$pid"
  wait "$pid" || code=$?
  assert_equal "$code" 143
  assert_lost
  assert_regex "$(tail -n 1 err)" 'state=failed code=143 .* restore_id=none'
  rm "$services_dir/dash.stop"
  assert_equal "$(systemctl is-active trading)" active
  assert grep -q 'starting again what was stopped' err
  assert grep -q 'nothing was changed' err
  # What was started at the end still hears signals: systemctl stop would wait for ever otherwise.
  run -0 systemctl stop trading
}

@test "restore.sh: TERM at any moment of the restore itself leaves the whole old or the whole new data, and the services up" {
  local pid delay code
  for delay in 0 0.05 0.1 0.2 0.3; do
    rm -f err # else the words of the time before are taken for those of this one
    "$script" latest --yes 2>err 3>&- &
    pid=$! code=0
    wait_until grep -q 'this takes as long' err
    sleep "$delay"
    kill -TERM "$pid" || true
    wait "$pid" || code=$?
    [[ $code == 0 || $code == 143 ]] || fail "exit $code: $(<err)"
    assert_up
    if [[ $(<conf/a.yaml) == 'setting: good' ]]; then
      assert_good
      assert grep -q 'restored' err
      "$script" --undo --yes --quiet
    fi
    assert_lost
    assert grep -q -e 'nothing was changed' -e 'restored' err
    assert_equal "$(restore --pending --json | jq -r 'any(.state == "swapping" or .state == "staging")')" false
  done
}

@test "restore.sh: INT while the health is checked leaves the restored data, services up, and the record names the way back" {
  write_config "health = \"touch $live/asked; exit 1\"" 'health_timeout = "30s"'
  local pid code=0
  (trap - INT && exec "$script" latest --yes 2>err 3>&-) &
  pid=$!
  wait_until test -e asked
  while [[ $(ps -o stat= -p "$pid") == [!Z]* ]]; do # again, as a person does: bash 5.2 loses one of many
    kill -INT "$pid"
    sleep 0.3
  done
  wait "$pid" || code=$?
  assert_equal "$code" 130
  assert_good
  assert_up
  run -0 record
  assert_output --partial '**restored, not checked** (exit 130)'
  assert_output --partial 'restore.sh --undo 20'
}

@test "restore.sh: a log folder that cannot be written does not stop it; log and record lie elsewhere, which is said" {
  rm -rf logs
  echo file >logs
  run -0 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" "warn: the log folder .* is not used: it cannot be written; log and record go to $TMPDIR/holdfast-incident"
  assert_good
  assert_file_not_empty "$(find "$TMPDIR" -name 'incident_*.md')"
}

@test "restore.sh: a log folder inside what is replaced is not used" {
  sed -i 's|^\[services\]|[backup]\nlog_dir = "conf/logs"\n&|' holdfast.toml
  run -0 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'it lies in .*/conf., which is replaced'
  assert_good
}

@test "restore.sh: commands of a configuration that others may write do not run" {
  chmod o+w holdfast.toml
  run -10 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'hint: chmod go-w'
  assert_lost
  assert_equal "$(<"$calls")" ''
  run -0 "$script" list
}

@test "restore.sh: while a backup runs it is exit 7, and --wait waits" {
  exec {lock}>>logs/backups/backup.lock
  flock "$lock"
  run -7 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'a backup or a restore is running'
  assert_equal "$(<"$calls")" ''
  (sleep 1 && flock -u "$lock") 3>&- &
  exec {lock}>&-
  run -0 "$script" latest --yes --wait 20s
}

@test "restore.sh: a newest snapshot that is suspect is not restored unattended unless it is named" {
  sleep 1
  run -4 "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  run -10 --separate-stderr "$script" latest --yes
  assert_regex "$stderr" 'is suspect'
  run -0 "$script" "$good" --yes
  assert_good
}
