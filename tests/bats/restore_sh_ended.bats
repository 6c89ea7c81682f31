#!/usr/bin/env bats
# restore_sh_ended.bats - scripts/restore.sh that is ended in an awkward moment, or whose taking back goes wrong: the last words and
# the record say which data is live and what the next step is.

load support
load repository
load incident

setup() {
  make_system
  write_patient_config 'health = ["true"]'
  lose_data
}

teardown() {
  stop_system
}

on_call() { # <name> <verb> <shell line that the fake systemctl runs first>
  printf '%s\n' "$3" >"$services_dir/$1.$2"
}

begin_run() { # <argument of restore.sh>...: in the background; $pid, and what it says in the file err
  "$script" "$@" --yes 2>err 3>&- &
  pid=$!
  echo "$pid" >pid
}

wait_for() { # <file>: a minute, for the machine may be busy
  local i
  for ((i = 0; i < 600; i++)); do
    if [[ -e $1 ]]; then return; fi
    sleep 0.1
  done
  fail "'$1' never came: $(<err)"
}

# Waits as long as it takes for services; what health says counts at once.
write_patient_config() { # [line of [services]]...
  write_config 'health_timeout = "1s"' "$@"
  sed -i 's/^timeout = "3s"/timeout = "60s"/' holdfast.toml
}

assert_ended() { # <code>
  local code=0
  wait "$pid" || code=$?
  assert_equal "$code" "$1"
}

# The tools, but after `restore VERB` its answer is held back until it is ended: TERM comes before it was read.
hold_answer_of() { # <--undo>
  local tool held=$BATS_TEST_TMPDIR/held
  mkdir "$held"
  for tool in "$HOLDFAST_BIN"/*; do ln -s "$tool" "$held"; done
  rm "$held/restore"
  printf '#!/bin/bash\n"%s/restore" "$@" || exit\nif [[ " $* " == *" %s "* ]]; then touch "%s/answered"; sleep 30; fi\n' \
    "$HOLDFAST_BIN" "$1" "$live" >"$held/restore"
  chmod +x "$held/restore"
  export HOLDFAST_BIN=$held
}

@test "restore.sh: --undo whose health check fails says that the old state is live, and how the restored one comes again" {
  "$script" latest --yes --quiet
  rm logs/backups/incident_*
  write_patient_config 'health = ["false"]'
  run -8 --separate-stderr "$script" --undo --yes
  assert_lost
  assert_up
  assert_regex "$stderr" "what was there before the restore is live; .* --accept 20.*; restore.sh $good brings it again"
  refute_regex "$stderr" '--undo'
  run -0 record
  assert_output --partial '**undone, not healthy** (exit 8)'
  assert_output --partial "\`restore.sh $good\` brings it again"
  refute_output --partial '--undo 20'
  write_patient_config 'health = ["true"]'
  run -0 "$script" "$good" --yes
  assert_good
}

@test "restore.sh: a signal that ends jq as well does not cost the record of the run" {
  printf '#!/bin/bash\nif [[ " $* " == *" --arg name check_health "* && ! -e %s/once ]]; then touch %s/once; kill -TERM "$(<%s/pid)"; exit 130; fi\nexec %s "$@"\n' \
    "$live" "$live" "$live" "$(type -P jq)" >"$BATS_TEST_TMPDIR/bin/jq"
  chmod +x "$BATS_TEST_TMPDIR/bin/jq"
  begin_run latest
  assert_ended 143
  rm "$BATS_TEST_TMPDIR/bin/jq"
  run -0 record
  assert_output --partial '**restored, not checked** (exit 143)'
  assert_output --partial '| stop |'
  assert_regex "$output" '\| check_health \| [0-9.]+ s \| interrupted \|'
}

@test "restore.sh: TERM while it stops services to roll back says that the rollback did not take place, and the way back" {
  write_patient_config 'health = ["false"]'
  on_call trading stop "if grep -q 'ROLLING BACK' $live/err; then touch $live/stopping; sleep 2; fi"
  begin_run latest
  wait_for stopping
  kill -TERM "$pid"
  assert_ended 143
  assert_good
  assert_up
  run -0 cat err
  assert_output --partial 'warn: the rollback did not take place: the restored data is in place and not healthy (the health check'
  assert_output --partial 'hint: restore.sh --undo 20'
}

@test "restore.sh: TERM after the rollback and before its answer was read says that the old state is back" {
  write_patient_config 'health = ["false"]'
  hold_answer_of --undo
  begin_run latest
  wait_for answered
  kill -TERM "$pid"
  assert_ended 143
  assert_lost
  assert_up
  run -0 record
  assert_output --partial '**rolled back** (exit 143)'
  assert_regex "$output" 'the restored one is kept until `restore.sh --accept 20'
  assert grep -q 'warn: rolled back: .*the state before the restore is back' err
  assert grep -Eq 'state=failed code=143 .* restore_id=20' err
}

@test "restore.sh: TERM after --undo and before its answer was read says that it took place" {
  "$script" latest --yes --quiet
  rm logs/backups/incident_*
  hold_answer_of --undo
  begin_run --undo
  wait_for answered
  kill -TERM "$pid"
  assert_ended 143
  assert_lost
  assert_up
  run -0 record
  assert_output --partial '**undone, not checked** (exit 143)'
  assert grep -q "hint: look at it, then restore.sh --accept 20.*; restore.sh $good brings again" err
}

@test "restore.sh: TERM before --undo began leaves the restored data, and says that nothing was changed" {
  "$script" latest --yes --quiet
  rm logs/backups/incident_*
  on_call dash stop "touch $live/stopping; sleep 2"
  begin_run --undo
  wait_for stopping
  kill -TERM "$pid"
  assert_ended 143
  assert_good
  assert_up
  assert grep -q 'nothing was changed' err
}

@test "restore.sh: --resume after a kill between the exchange and the start brings the services up, and nothing else is touched" {
  on_call dash start "kill -KILL \"\$(<$live/pid)\"; exit 1"
  begin_run latest
  assert_ended 137
  assert_good
  rm "$services_dir/dash.start"
  rm -f logs/backups/incident_*
  run -0 --separate-stderr "$script" --resume --dry-run
  assert_regex "$stderr" 'To be started: trading dash'
  assert_equal "$(systemctl is-active trading)" inactive
  systemctl start dash
  : >"$calls"
  run -0 "$script" --resume --yes
  assert_up
  assert_good
  assert_equal "$(calls_of start) $(calls_of stop)" 'trading '
  run -0 record
  assert_output --partial '**started** (exit 0)'
  run -6 "$script" --resume --yes
}

@test "restore.sh: a signal while a service command runs leaves nothing in the memory of the host" {
  on_call dash stop "readlink /proc/\$\$/fd/1 >$live/said; touch $live/stopping; sleep 2"
  begin_run latest
  wait_for stopping
  kill -TERM "$pid"
  assert_ended 143
  assert_file_not_empty said
  assert_not_exists "$(<said)"
  run ! grep -v '^/dev/shm/holdfast-service[.]' said
  assert_not_exists "$(dirname "$(<said)")"
}
