#!/usr/bin/env bats
# postgres_pitr.bats - a base backup and the WAL behind it bring a cluster back to any moment, and it is proven which one.

load support
load repository
load servers

setup_file() {
  make_postgres
  pg_ask postgres 'CREATE DATABASE shop' 'CREATE ROLE owner2'
  pg_ask shop 'CREATE TABLE t(i int, at timestamptz DEFAULT clock_timestamp())' 'INSERT INTO t SELECT generate_series(1, 1000)'
}

teardown_file() {
  remove_postgres
}

setup() {
  fresh_repository
  scripts=$HOLDFAST_SOURCE/scripts
  password_file
  wal=$BATS_TEST_TMPDIR/wal
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  printf '%s\n' '[[source]]' 'name = "pg"' 'kind = "postgres"' 'mode = "physical"' "host = \"$PG_DIR\"" 'user = "owner"' 'password_file = "pgpass"' \
    '[[source]]' 'name = "pg-wal"' 'kind = "tree"' 'path = "wal"' 'max_shrink = "100%"' >"$HOLDFAST_CONFIG"
  receiver=
}

teardown() {
  rm -rf -- "${PG_DIR:?}/cluster" "$PG_DIR/other"
  if [[ -n $receiver ]]; then
    kill -TERM "$receiver" 2>/dev/null || true
    wait "$receiver" 2>/dev/null || true
  fi
  pg_ask postgres "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active" >/dev/null
}

receive() {
  "$scripts/pg_wal.sh" run "$wal" --quiet >"$BATS_TEST_TMPDIR/receiver.log" 2>&1 3>&- &
  receiver=$!
  local i
  for ((i = 0; i < 100; i++)); do
    if [[ -n $(find "$wal" -type f 2>/dev/null) ]]; then return; fi
    pg_ask postgres "SELECT pg_logical_emit_message(true, 'test', 'a server that is idle sends nothing')" >/dev/null
    sleep 0.1
  done
  fail "no WAL came: $(<"$BATS_TEST_TMPDIR/receiver.log")"
}

# All that the server wrote has arrived.
wait_for_wal() {
  local i
  for ((i = 0; i < 100; i++)); do
    if [[ $(pg_ask postgres "SELECT flush_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication WHERE application_name = 'pg_receivewal'") == t ]]; then return; fi
    sleep 0.1
  done
  fail 'the WAL does not arrive'
}

@test "pitr: a cluster comes back as it was at a moment between two changes, and the moment is proven" {
  receive
  take pg pg-wal
  pg_ask shop 'INSERT INTO t SELECT generate_series(1001, 1500)'
  sleep 0.3
  local moment
  moment=$(pg_ask shop 'SELECT clock_timestamp()')
  sleep 0.3
  pg_ask shop 'DELETE FROM t'
  wait_for_wal
  take pg-wal
  run -0 --separate-stderr "$scripts/pg_pitr.sh" --at "$moment" --target "$PG_DIR/cluster" --start --user owner --database shop --query 'SELECT count(*) FROM t'
  assert_equal "$output" 1500
  assert_regex "$stderr" "reached ${moment/+/[+]}: last completed transaction was at log time .*; recovery stopping before commit"
  run -1 grep -E '^(recovery_target|restore_command|recovery_end)' "$PG_DIR/cluster/data/postgresql.auto.conf"
  run -0 --separate-stderr "$scripts/restore.sh" --source pg --at "$moment" --target "$BATS_TEST_TMPDIR/again" --dry-run
  assert_regex "$stderr" 'would lay out'
  assert_not_exists "$BATS_TEST_TMPDIR/again"
  run -0 --separate-stderr "$scripts/restore.sh" --source pg --at "$moment" --target "$BATS_TEST_TMPDIR/again"
  assert_file_exists "$BATS_TEST_TMPDIR/again/data/recovery.signal"
  grep -qF "recovery_target_time = '$moment" "$BATS_TEST_TMPDIR/again/data/postgresql.auto.conf"
}

@test "pitr: a moment behind the end of the WAL is not reached, and that is said" {
  receive
  take pg pg-wal
  run -8 --separate-stderr "$scripts/pg_pitr.sh" --at "$(date -u -d '+1 hour' '+%F %T+00')" --target "$PG_DIR/cluster" --start --user owner
  assert_regex "$stderr" 'recovery ended before configured recovery target was reached'
  run -6 --separate-stderr "$scripts/pg_pitr.sh" --at '2020-01-01 00:00:00+00' --target "$PG_DIR/other"
  assert_regex "$stderr" 'no base backup of source .pg. was complete'
}

@test "pitr: a base backup is a tar that stock tools unpack, verify and start" {
  take pg
  run -0 --separate-stderr "$repo/recover.sh" latest "$BATS_TEST_TMPDIR/out"
  mkdir "$BATS_TEST_TMPDIR/data"
  tar xf "$BATS_TEST_TMPDIR/out/pg/base.tar" -C "$BATS_TEST_TMPDIR/data"
  "$(servers_bin)/pg_verifybackup" "$BATS_TEST_TMPDIR/data"
}

@test "pg_wal: check finds a missing segment and WAL that stopped coming" {
  receive
  local i
  for i in 1 2 3; do pg_ask shop 'INSERT INTO t VALUES (0)' 'SELECT pg_switch_wal()' >/dev/null; done
  wait_for_wal
  run -0 --separate-stderr "$scripts/pg_wal.sh" check "$wal"
  assert_regex "$stderr" 'without a gap'
  find "$wal" -type f -exec touch -d '-1 hour' {} +
  run -4 --separate-stderr "$scripts/pg_wal.sh" check "$wal"
  assert_regex "$stderr" 'is 36[0-9][0-9] s old'
  rm "$(find "$wal" -type f ! -name '*.partial' | sort | sed -n 2p)"
  run -5 --separate-stderr "$scripts/pg_wal.sh" check "$wal"
  assert_regex "$stderr" 'WAL is missing: 1 after 0000000'
  run -6 "$scripts/pg_wal.sh" check "$BATS_TEST_TMPDIR"
}

# A moment between two transactions.
pass_moment() { # in $moment
  sleep 0.3
  moment=$(pg_ask shop 'SELECT clock_timestamp()')
  sleep 0.3
}

@test "pitr: the moment may lie in WAL of which no snapshot alone has all" {
  receive
  take pg pg-wal
  pg_ask shop 'INSERT INTO t VALUES (7001)' 'SELECT pg_switch_wal()' 'INSERT INTO t VALUES (7002)' 'SELECT pg_switch_wal()' >/dev/null
  wait_for_wal
  take pg-wal
  until compgen -G "$wal/*.partial" >/dev/null; do # the next segment has begun
    pg_ask postgres "SELECT pg_logical_emit_message(true, 'test', 'something')" >/dev/null
    sleep 0.1
  done
  find "$wal" -type f ! -name '*.partial' -delete # as somebody does whose disk is full
  pass_moment
  take pg-wal # the first after the moment, which has nothing that was committed behind it
  pg_ask shop 'INSERT INTO t VALUES (7003)' 'SELECT pg_switch_wal()' >/dev/null
  wait_for_wal
  take pg-wal
  run -0 --separate-stderr "$scripts/pg_pitr.sh" --at "$moment" --target "$PG_DIR/cluster" --start --user owner --database shop \
    --query 'SELECT string_agg(i::text, $$ $$ ORDER BY i) FROM t WHERE i > 7000'
  assert_equal "$output" '7001 7002'
}

@test "pitr: a snapshot of WAL that is being written is whole, and goes back to a moment" {
  receive
  take pg pg-wal
  pg_ask shop 'INSERT INTO t VALUES (8001)' >/dev/null
  pass_moment
  while pg_ask shop 'INSERT INTO t SELECT -1 FROM generate_series(1, 20000)' >/dev/null 2>&1; do :; done 3>&- &
  local writer=$! i
  for i in 1 2 3; do run -0 snap pg-wal; done
  kill "$writer"
  wait "$writer" || true
  wait_for_wal
  take pg-wal
  pg_ask shop 'DELETE FROM t WHERE i < 0'
  run -0 --separate-stderr "$scripts/pg_pitr.sh" --at "$moment" --target "$PG_DIR/cluster" --start --remove --user owner --database shop \
    --query 'SELECT count(*) FROM t WHERE i = 8001 OR i < 0'
  assert_equal "$output" 1
  assert_not_exists "$PG_DIR/cluster"
}

@test "pitr: settings of the original that would start or harm something else do not count" {
  receive
  pg_ask postgres "ALTER SYSTEM SET archive_cleanup_command = 'touch $PG_DIR/cleaned'" "ALTER SYSTEM SET recovery_end_command = 'touch $PG_DIR/ended'" \
    "ALTER SYSTEM SET recovery_target_name = 'x'"
  printf "data_directory = '%s/data'\nexternal_pid_file = '%s/pid'\n" "$PG_DIR" "$PG_DIR" >>"$PG_DIR/data/postgresql.conf"
  take pg pg-wal
  pg_ask postgres 'ALTER SYSTEM RESET ALL'
  sed -i '/^data_directory\|^external_pid_file/d' "$PG_DIR/data/postgresql.conf"
  pass_moment
  pg_ask shop 'INSERT INTO t VALUES (1)' >/dev/null
  wait_for_wal
  take pg-wal
  run -0 --separate-stderr "$scripts/pg_pitr.sh" --at "$moment" --target "$PG_DIR/cluster" --start --user owner --query 'SHOW data_directory'
  assert_equal "$output" "$PG_DIR/cluster/data"
  assert_not_exists "$PG_DIR/cleaned"
  assert_not_exists "$PG_DIR/ended"
  run -1 grep -E '^(data_directory|external_pid_file)' "$PG_DIR/cluster/data/postgresql.conf"
}

@test "pitr: a failure leaves no folder that looks like a cluster, and --remove leaves nothing" {
  receive
  take pg pg-wal
  rm -rf "$repo/objects"
  run --separate-stderr "$scripts/pg_pitr.sh" --at end --target "$PG_DIR/cluster" --start --user owner
  ((status != 0)) || fail 'it cannot have'
  assert_not_exists "$PG_DIR/cluster/data"
}

@test "pitr: a drill starts the base backup with the WAL behind it, and fails if it does not come up" {
  receive
  sed -i "/^password_file/a [[source.check]]\nname = \"starts\"\ncommand = [\"$scripts/pg_pitr.sh\", \"--config\", \"$HOLDFAST_CONFIG\", \"--at\", \"end\", \"--start\", \"--remove\", \"--query\", \"SELECT 1\"]\ntimeout = \"5m\"" "$HOLDFAST_CONFIG"
  take pg pg-wal
  run --separate-stderr env TMPDIR="$PG_DIR" "$scripts/dr_drill.sh" --quiet # postgres may enter it
  ((status == 0)) || fail "$stderr $(jq -c '.sources[].checks' "$(dirname "$output")"/recovery_test_*.json)"
  run -0 jq -r '[.sources[].checks[] | select(.name == "starts") | .state] | unique | join(" ")' "$(dirname "$output")"/recovery_test_*.json
  assert_output passed
  sed -i 's/SELECT 1/SELECT no_such_thing/' "$HOLDFAST_CONFIG"
  run -5 --separate-stderr env TMPDIR="$PG_DIR" "$scripts/dr_drill.sh" --quiet
}

@test "pg_wal: clean removes what the newest snapshot holds and no base backup needs, and nothing else" {
  receive
  pg_ask shop 'INSERT INTO t VALUES (0)' 'SELECT pg_switch_wal()' 'INSERT INTO t VALUES (0)' 'SELECT pg_switch_wal()' >/dev/null
  wait_for_wal
  local whole name
  whole=$(find "$wal" -type f ! -name '*.partial' | sort)
  find "$wal" -type f ! -name '*.partial' -exec touch -d '-1 day' {} +
  run -6 --separate-stderr "$scripts/pg_wal.sh" clean "$wal"
  take pg # and no WAL
  run -6 --separate-stderr "$scripts/pg_wal.sh" clean "$wal"
  for name in $whole; do assert_file_exists "$name"; done
  take pg-wal
  pg_ask shop 'INSERT INTO t VALUES (0)' 'SELECT pg_switch_wal()' >/dev/null
  wait_for_wal
  run -0 "$scripts/pg_wal.sh" clean "$wal" --older-than 2d
  assert_output ''
  run -0 "$scripts/pg_wal.sh" clean "$wal"
  assert_equal "$(wc -l <<<"$output")" "$(wc -l <<<"$whole")"
  run find "$wal" -type f ! -name '*.partial' # of after the base backup
  refute_output ''
}

@test "pg_wal: run ends with 8 when the server goes away, and says what to do when it is another line" {
  receive
  stop_postgres
  local code=0
  wait "$receiver" || code=$?
  receiver=
  start_postgres
  assert_equal "$code" 8
  grep -q 'no WAL is received any more' "$BATS_TEST_TMPDIR/receiver.log"
  grep -q 'begin with an empty folder, and take a base backup' "$BATS_TEST_TMPDIR/receiver.log"
}
