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
    '[[source]]' 'name = "pg-wal"' 'kind = "tree"' 'path = "wal"' >"$HOLDFAST_CONFIG"
  receiver=
}

teardown() {
  rm -rf -- "${PG_DIR:?}/cluster"
  if [[ -n $receiver ]]; then
    kill -INT "$receiver" 2>/dev/null || true
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

@test "pg_wal: check finds a missing segment and WAL that stopped coming, and clean removes what is old" {
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
  run -0 "$scripts/pg_wal.sh" clean "$wal" --older-than 30m
  assert_equal "$(find "$wal" -type f ! -name '*.partial')" ''
  run -6 "$scripts/pg_wal.sh" check "$BATS_TEST_TMPDIR"
}
