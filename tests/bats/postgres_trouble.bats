#!/usr/bin/env bats
# postgres_trouble.bats - a server that dies, a wrong password, a full disk: no component appears, the message says why, and soon.

load support
load repository
load servers

setup_file() {
  make_postgres
  pg_ask postgres 'CREATE DATABASE big'
  pg_ask big "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 30) AS v FROM generate_series(1, 60000) i" 'CREATE ROLE reader LOGIN PASSWORD $$secret$$'
}

teardown_file() {
  remove_postgres
}

setup() {
  fresh_repository
  password_file
  configure 'user = "owner"'
}

configure() { # <line of the source>...
  HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    printf '[[source]]\nname = "pg"\nkind = "postgres"\nhost = "%s"\ndatabase = "big"\npassword_file = "pgpass"\n' "$PG_DIR"
    printf '%s\n' "$@"
  } >"$HOLDFAST_CONFIG"
}

@test "postgres: a server that is killed in mid dump leaves no component" {
  # The client is slowed down, so that the server surely dies in the middle.
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/bash\nexec pg_dump "${@:2}" > >(head -c 5000000; touch "%s"; sleep 3; cat)\n' "$BATS_TEST_TMPDIR/begun" >"$BATS_TEST_TMPDIR/bin/slow"
  chmod +x "$BATS_TEST_TMPDIR/bin/slow"
  configure 'user = "owner"' "via = [\"$BATS_TEST_TMPDIR/bin/slow\"]" 'globals = "none"'
  snap >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  local pid=$! code=0 i
  for ((i = 0; i < 200; i++)); do
    if [[ -e $BATS_TEST_TMPDIR/begun ]]; then break; fi
    sleep 0.1
  done
  stop_postgres
  wait "$pid" || code=$?
  start_postgres
  assert_equal "$code" 8
  assert_equal "$(<"$BATS_TEST_TMPDIR/out")" ''
  grep -q 'server closed the connection' "$BATS_TEST_TMPDIR/err"
  assert_equal "$(catalog list --json | jq length)" 0
  assert_whole
}

@test "postgres: a dump that is cut off on its way makes no component, although its exit status is lost too" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/bash\n"$@" | head -c 1000000\n' >"$BATS_TEST_TMPDIR/bin/cut"
  chmod +x "$BATS_TEST_TMPDIR/bin/cut"
  configure 'user = "owner"' "via = [\"$BATS_TEST_TMPDIR/bin/cut\"]" 'globals = "none"'
  run -8 --separate-stderr snap
  assert_regex "$stderr" 'stopped early: its output has no end'
  assert_equal "$(catalog list --json | jq length)" 0
}

@test "postgres: a wrong password, a wrong database and a host that is not there fail in seconds and ask nobody" {
  password_file wrong
  SECONDS=0
  run -8 --separate-stderr snap
  assert_regex "$stderr" 'password authentication failed'
  refute_regex "$stderr" secret
  password_file
  sed -i 's/"big"/"nonsense"/' "$HOLDFAST_CONFIG"
  run -8 --separate-stderr snap
  assert_regex "$stderr" 'database "nonsense" does not exist'
  sed -i 's/host = .*/host = "127.0.0.1"\nport = 1/' "$HOLDFAST_CONFIG"
  run -8 --separate-stderr snap
  assert_regex "$stderr" 'Connection refused'
  ((SECONDS < 20)) || fail "it took $SECONDS s"
}

@test "postgres: a role that may not read passwords or tables is told so, and without-passwords is for it" {
  configure 'user = "reader"'
  run -8 --separate-stderr snap
  assert_regex "$stderr" 'permission denied'
  pg_ask big 'GRANT pg_read_all_data TO reader'
  configure 'user = "reader"' 'globals = "without-passwords"'
  take
  restore latest --component pg/globals.sql --stdout >"$BATS_TEST_TMPDIR/globals.sql"
  grep -q 'CREATE ROLE reader' "$BATS_TEST_TMPDIR/globals.sql"
  refute_regex "$(<"$BATS_TEST_TMPDIR/globals.sql")" PASSWORD
}

@test "postgres: no password is ever in the arguments of a process or in what is printed" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/bash\nprintf "%%s\\n" "$@" >>"%s"\nexec "$@"\n' "$BATS_TEST_TMPDIR/argv" >"$BATS_TEST_TMPDIR/bin/spy"
  chmod +x "$BATS_TEST_TMPDIR/bin/spy"
  configure 'user = "owner"' "via = [\"$BATS_TEST_TMPDIR/bin/spy\"]"
  take --verbose
  refute_regex "$stderr" secret
  run -1 grep secret "$BATS_TEST_TMPDIR/argv"
  grep -q 'passfile=' "$BATS_TEST_TMPDIR/argv"
}

@test "postgres: a disk that is full under the server ends a restore, and the live database stays" {
  ((EUID == 0)) || skip 'mounts a small disk'
  local place=$PG_DIR/space
  mkdir "$place"
  mount -t tmpfs -o size=45m tmpfs "$place"
  chown postgres "$place"
  pg_ask postgres "CREATE TABLESPACE small LOCATION '$place'" 'CREATE DATABASE tight TABLESPACE small' 2>/dev/null
  pg_ask tight 'CREATE TABLE t AS SELECT i, repeat(md5(i::text), 30) AS v FROM generate_series(1, 20000) i'
  sed -i 's/"big"/"tight"/' "$HOLDFAST_CONFIG"
  take
  run --separate-stderr "$HOLDFAST_SOURCE/scripts/pg_restore.sh" --clean
  local code=$status left
  left=$(pg_ask tight 'SELECT count(*) FROM t')
  left+=" $(pg_ask postgres "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '^tight'")"
  pg_ask postgres 'DROP DATABASE tight' 'DROP TABLESPACE small' >/dev/null
  umount "$place"
  assert_equal "$code" 8
  assert_regex "$stderr" 'No space left on device'
  assert_equal "$left" '20000 tight'
}

@test "postgres: a repository whose disk is full makes no snapshot" {
  ((EUID == 0)) || skip 'mounts a small disk'
  local place=$BATS_TEST_TMPDIR/small
  mkdir "$place"
  mount -t tmpfs -o size=1m tmpfs "$place"
  init --repo "$place/repo" >/dev/null
  run --separate-stderr snap --repo "$place/repo"
  local code=$status ids
  ids=$(catalog list --json --repo "$place/repo" | jq length)
  umount "$place"
  assert_equal "$code" 8
  assert_equal "$ids" 0
}

@test "postgres: a configuration that others may write does not start a client" {
  chmod o+w "$HOLDFAST_CONFIG"
  run -10 --separate-stderr snap
  assert_regex "$stderr" 'names commands, and they do not run'
}
