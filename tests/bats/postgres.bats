#!/usr/bin/env bats
# postgres.bats - sources of kind "postgres": a real server is captured, brought back and compared, row by row; and whatever goes
# wrong on the way leaves the live database as it was.

load support
load repository
load servers

setup_file() {
  make_postgres
  fill_postgres shop
  pg_sums shop >"$PG_DIR.sums"
}

teardown_file() {
  remove_postgres
  rm -f -- "$PG_DIR.sums"
}

setup() {
  fresh_repository
  script=$HOLDFAST_SOURCE/scripts/pg_restore.sh
  password_file
  configure 'database = "shop"'
}

teardown() {
  local name
  for name in $(pg_ask postgres "SELECT datname FROM pg_database WHERE datname ~ '^(shop_|look|other)'"); do
    pg_ask postgres "DROP DATABASE \"$name\" WITH (FORCE)"
  done
}

configure() { # <line of the source>...
  HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    printf '[backup]\nlog_dir = "logs"\n[[source]]\nname = "pg"\nkind = "postgres"\nhost = "%s"\nuser = "owner"\npassword_file = "pgpass"\n' "$PG_DIR"
    printf '%s\n' "$@"
  } >"$HOLDFAST_CONFIG"
}

restore_pg() { # [argument]...
  run --separate-stderr "$script" --quiet "$@"
}

assert_same() { # <database>
  assert_equal "$(pg_sums "$1")" "$(<"$PG_DIR.sums")"
}

@test "postgres: the components are a custom dump and the globals, which stock tools read without holdfast" {
  take
  run -0 --separate-stderr "$repo/recover.sh" latest "$BATS_TEST_TMPDIR/out"
  assert_equal "$(sort <<<"$output")" "$BATS_TEST_TMPDIR/out/pg/globals.sql
$BATS_TEST_TMPDIR/out/pg/shop.dump"
  pg_ask postgres 'CREATE DATABASE other'
  PGPASSWORD=secret pg_restore -h "$PG_DIR" -U owner -d other --exit-on-error "$BATS_TEST_TMPDIR/out/pg/shop.dump"
  assert_same other
  grep -q 'CREATE ROLE trader' "$BATS_TEST_TMPDIR/out/pg/globals.sql"
}

@test "postgres: a second dump of nearly the same data stores a small part of it" {
  take
  local first second
  first=$(catalog list --json | jq '.[0].stored_bytes')
  pg_ask shop 'UPDATE pgbench_accounts SET abalance = abalance WHERE aid = 5'
  take
  second=$(catalog list --json | jq '.[0].stored_bytes')
  ((second * 4 < first)) || fail "first $first, second $second"
}

@test "postgres: a lost database comes back with every row, key, large object, extension and owner" {
  take
  pg_ask postgres 'DROP DATABASE shop WITH (FORCE)'
  restore_pg
  assert_success
  assert_same shop
}

@test "postgres: a database that exists is not touched without --clean, exchanged with it, and comes back with --undo" {
  take
  pg_ask shop 'DELETE FROM trades'
  restore_pg
  assert_failure 10
  assert_regex "$stderr" "'shop' already exists; nothing was changed"
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM trades')" 0
  restore_pg --clean
  assert_success
  assert_same shop
  restore_pg --undo
  assert_success
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM trades')" 0
  restore_pg --clean
  assert_success
  assert_same shop
  restore_pg --accept
  assert_success
  assert_equal "$(pg_ask postgres "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '^shop'")" shop
}

@test "postgres: roles that are missing are named before anything is made; --globals makes them" {
  take
  pg_ask postgres 'DROP DATABASE shop WITH (FORCE)' 'DROP ROLE trader'
  restore_pg
  assert_failure 3
  assert_regex "$stderr" 'lacks roles that the dump speaks of: trader; nothing was changed'
  assert_equal "$(pg_ask postgres "SELECT count(*) FROM pg_database WHERE datname ~ '^shop'")" 0
  restore_pg --globals
  assert_success
  assert_same shop
}

@test "postgres: somebody who is connected keeps the exchange from happening, and is named" {
  take
  PGAPPNAME=dashboard pg_ask shop 'SELECT pg_sleep(60)' >/dev/null 2>&1 3>&- &
  local i
  for ((i = 0; i < 50; i++)); do
    if [[ $(pg_ask postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dashboard'") == 1 ]]; then break; fi
    sleep 0.1
  done
  restore_pg --clean
  assert_failure 10
  assert_regex "$stderr" "'shop' is in use: dashboard of owner"
  restore_pg --clean --force
  assert_success
  assert_same shop
  restore_pg --accept
}

@test "postgres: one table comes back with its rows, keys and indexes, into the database or a file" {
  take
  restore_pg --table quotes_a --to-file "$BATS_TEST_TMPDIR/quotes.sql"
  assert_success
  assert_equal "$(grep -c '^CREATE TABLE' "$BATS_TEST_TMPDIR/quotes.sql")" 1
  restore_pg --table trades
  assert_failure 10
  restore_pg --table nonsense
  assert_failure 6
  pg_ask shop 'DROP TABLE trades CASCADE'
  restore_pg --table trades
  assert_success
  pg_ask shop 'CREATE VIEW totals AS SELECT position, sum(price) FROM trades GROUP BY 1'
  assert_same shop
}

@test "postgres: a table that cannot be replaced whole stays as it is" {
  take
  restore_pg --clean --table positions # trades refers to it
  assert_failure 8
  assert_regex "$stderr" 'the database is as it was'
  assert_same shop
}

@test "postgres: a configured check that fails keeps the live database in place" {
  configure 'database = "shop"' '[[source.check]]' 'name = "trades are recent"' 'sql = "SELECT max(at) FROM trades"' 'max_age = "1d"' \
    '[[source.check]]' 'name = "none is free"' 'sql = "SELECT count(*) FROM trades WHERE price > 5"' 'expect = "0"'
  take
  restore_pg --clean
  assert_failure 5
  assert_regex "$stderr" "check failed: none is free: the answer is '1965', expected '0'"
  refute_regex "$stderr" 'trades are recent'
  assert_equal "$(pg_ask postgres "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '^shop'")" shop
  assert_same shop
}

@test "postgres: --scratch proves a snapshot in a server of its own, as a check of a drill does" {
  configure 'database = "shop"' '[[source.check]]' 'sql = "SELECT count(*) FROM trades"' 'expect = "2000"' \
    '[[source.check]]' 'name = "restores"' "command = [\"$script\", \"--scratch\", \"--config\", \"$BATS_TEST_TMPDIR/holdfast.toml\"]" 'timeout = "5m"'
  take
  run -0 --separate-stderr "$script" --scratch
  assert_regex "$stderr" 'rows as in the dump: '
  assert_regex "$stderr" 'check passed: SELECT count'
  run -0 --separate-stderr drill --scratch "$BATS_TEST_TMPDIR" --report-dir "$BATS_TEST_TMPDIR" --json
  assert_equal "$(jq -r '[.sources[].checks[] | select(.name == "restores") | .state] | unique[]' <<<"$output")" passed
  run -2 ls -d /tmp/hf-pg.*
}
