#!/usr/bin/env bats
# postgres_kept.bats - what pg_restore.sh keeps for --undo: found by its mark and its whole name, never by the look of a name;
# and what is left of a run that was killed.

load support
load repository
load servers
load pg_restore

@test "postgres: --undo and --accept take nothing that is only named like a kept database" {
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i'
  take
  pg_ask postgres 'CREATE DATABASE shop_before_migration' 'CREATE DATABASE shop_before_20200101_000000'
  restore_pg --undo
  assert_failure 6
  restore_pg --clean
  assert_success
  restore_pg --accept
  assert_success
  assert_regex "$stderr" "'shop_before_20200101_000000' is not dropped"
  assert_equal "$(databases '^shop')" 'shop shop_before_20200101_000000 shop_before_migration'
}

@test "postgres: two databases whose long names begin alike are kept, undone and given up each for itself" {
  local one two
  one=$(printf 'x%.0s' {1..60})1 two=$(printf 'x%.0s' {1..60})2
  configure "database = [\"$one\", \"$two\"]" 'globals = "none"'
  pg_ask postgres "CREATE DATABASE $one" "CREATE DATABASE $two" "COMMENT ON DATABASE $one IS 'mine'"
  take
  pg_ask "$one" 'CREATE TABLE newer(i int)'
  pg_ask "$two" 'CREATE TABLE newer(i int)'
  restore_pg --clean
  assert_success
  restore_pg --accept --database "$two"
  assert_success
  assert_equal "$(databases '^xxx' | wc -w)" 3
  restore_pg --undo --database "$one"
  assert_success
  assert_equal "$(pg_ask "$one" 'SELECT count(*) FROM newer' "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '$one'")" $'0\nmine'
  assert_equal "$(pg_ask "$two" "SELECT to_regclass('newer') IS NULL")" t
}

@test "postgres: odd names of databases are restored, undone and given up" {
  local name long
  long=a$(printf 'ä%.0s' {1..30})
  for name in 'a b' '.dot' "q'u\"o" "$long" '*' 'new=x' 'postgresql://h'; do
    [[ $name != */* ]] || continue # no component can have that name
    pg_ask postgres "CREATE DATABASE \"${name//\"/\"\"}\""
    rm -rf -- "$repo"
    fresh_repository
    configure "database = $(jq -cn --arg name "$name" '[$name]')" 'globals = "none"'
    take
    restore_pg --clean
    assert_success
    restore_pg --undo
    assert_success
    restore_pg --accept
    assert_success
    assert_equal "$(pg_ask postgres "SELECT count(*) FROM pg_database WHERE datname !~ '^(template|postgres$|shop$)'")" 1
    pg_ask postgres "DROP DATABASE \"${name//\"/\"\"}\""
  done
}

@test "postgres: --undo said twice does not go back to an older state" {
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i'
  take
  pg_ask shop 'INSERT INTO t VALUES (2)'
  restore_pg --clean
  assert_success
  sleep 1
  restore_pg --clean
  assert_success
  sleep 1
  restore_pg --undo
  assert_success
  restore_pg --undo
  assert_failure 6
  assert_regex "$stderr" 'was undone already; nothing was changed'
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM t')" 1
}

@test "postgres: every database of the configuration has to be in the snapshot, and others stay out" {
  pg_ask postgres 'CREATE DATABASE ".dot"' 'CREATE DATABASE extra'
  configure 'database = ["shop", ".dot", "extra"]'
  take
  pg_ask postgres 'DROP DATABASE ".dot"' 'DROP DATABASE shop' 'DROP DATABASE extra'
  configure 'database = ["shop", ".dot"]'
  restore_pg
  assert_success
  assert_regex "$stderr" "has a 'extra.dump' too, which the configuration does not name: it is left out"
  assert_equal "$(databases '^(.dot|extra|shop)')" '.dot shop'
  configure 'database = ["shop", "later"]'
  restore_pg --clean
  assert_failure 6
  assert_regex "$stderr" "has no dump of database 'later' in source 'pg'; nothing was changed"
}

@test "postgres: what a restore that was killed leaves is named by the next one and dropped by --accept" {
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i'
  take
  shim "if [[ \$* == *--jobs* ]]; then \"\$real\" \"\$@\"; kill -9 \$(<$BATS_TEST_TMPDIR/pid); sleep 1; exit; fi"
  PATH=$BATS_TEST_TMPDIR/shim:$PATH run bash -c "echo \$\$ >$BATS_TEST_TMPDIR/pid; exec $script --clean --quiet"
  assert_failure 137
  local left
  left=$(databases '^shop_')
  assert_regex "$left" '^shop_restoring_[0-9_]*$'
  restore_pg --clean
  assert_success
  assert_regex "$stderr" "$left: left by a restore of 'shop' that was killed"
  restore_pg --accept
  assert_success
  assert_equal "$(databases '^shop')" shop
}

@test "postgres: an answer to COMMIT that is lost is asked for again, and what was done is not called failed" {
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i'
  take
  mkdir "$BATS_TEST_TMPDIR/shim"
  printf '#!/bin/bash\nexec 4>&1; %s "$@" > >(sed "/^done\\$/d" >&4)\n' "$(command -v psql)" >"$BATS_TEST_TMPDIR/shim/psql"
  chmod +x "$BATS_TEST_TMPDIR/shim/psql"
  restore_by_shim --clean
  assert_success
  assert_regex "$stderr" 'the answer of the server was lost, but the exchange of the names was done'
  assert_regex "$(databases '^shop')" '^shop shop_before_'
}

@test "postgres: connections of others keep a user who is no superuser from the exchange, and he is told" {
  pg_ask postgres "CREATE ROLE app LOGIN CREATEDB PASSWORD 'secret'" 'ALTER DATABASE shop OWNER TO app'
  sed -i 's/user = "owner"/user = "app"\nglobals = "none"/' "$HOLDFAST_CONFIG"
  take
  pg_ask shop 'SELECT pg_sleep(600)' >/dev/null 2>&1 3>&- &
  local i
  for ((i = 0; i < 50; i++)); do
    if [[ $(pg_ask postgres "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == 1 ]]; then break; fi
    sleep 0.1
  done
  restore_pg --clean
  assert_failure 10
  assert_regex "$stderr" "'shop' is in use: psql of owner"
  restore_pg --clean --force
  assert_failure 10
  assert_regex "$stderr" 'this user may not end their connections'
  assert_equal "$(databases '^shop')" shop
}

@test "postgres: a service file says where the server is, for the dump and the restore" {
  printf '[shop-service]\nhost=%s\nuser=owner\npassfile=%s\n' "$PG_DIR" "$BATS_TEST_TMPDIR/pgpass" >"$BATS_TEST_TMPDIR/services.conf"
  printf '[[source]]\nname = "pg"\nkind = "postgres"\nservice = "shop-service"\nservice_file = "services.conf"\ndatabase = "shop"\n' >"$HOLDFAST_CONFIG"
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i'
  take
  pg_ask shop 'DELETE FROM t'
  restore_pg --clean
  assert_success
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM t')" 1
}

@test "postgres: --scratch restores a database of a tablespace, below a folder whose path is too long for a socket" {
  mkdir "$PG_DIR/space"
  ((EUID != 0)) || chown postgres "$PG_DIR/space"
  pg_ask postgres "CREATE TABLESPACE small LOCATION '$PG_DIR/space'" 'CREATE DATABASE spaced TABLESPACE small'
  pg_ask spaced 'CREATE TABLE t TABLESPACE pg_default AS SELECT 1 AS i'
  pg_ask shop 'CREATE TABLE u TABLESPACE small AS SELECT 1 AS i'
  configure 'database = ["spaced", "shop"]'
  take
  local deep
  deep=$PG_DIR/$(printf 'd%.0s' {1..90})
  mkdir -m 755 "$deep"
  run --separate-stderr "$script" --scratch --staging "$deep"
  local code=$status
  pg_ask postgres 'DROP DATABASE spaced' 'DROP DATABASE shop' 'DROP TABLESPACE small' 'CREATE DATABASE shop'
  assert_equal "$code $stderr" "0 $stderr"
  assert_regex "$stderr" 'rows as in the dump: 1 in 1 tables'
  run -2 ls -d /tmp/hf-pg.*
  assert_equal "$(ls "$deep")" ''
}
