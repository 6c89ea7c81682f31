#!/usr/bin/env bats
# postgres_rollback.bats - restore.sh with a database in a server: what it takes back is exactly what it did, also where nothing was
# there before, or something older is kept.

load support
load repository
load servers
load pg_restore

# One service, which is up while its file `down` is not there, and healthy while `unhealthy` is not.
services() {
  local service=$BATS_TEST_TMPDIR/service
  cat >"$service" <<END
#!/bin/bash
case \$1-\$2 in
  stop-app) touch $BATS_TEST_TMPDIR/down ;;
  start-app) rm -f $BATS_TEST_TMPDIR/down ;;
  status-app) [[ ! -e $BATS_TEST_TMPDIR/down ]] || exit 3 ;;
  health-)
    if [[ -e $BATS_TEST_TMPDIR/deadly ]]; then kill -9 "\$(<$BATS_TEST_TMPDIR/pid)"; fi
    [[ ! -e $BATS_TEST_TMPDIR/unhealthy ]]
    ;;
esac
END
  chmod +x "$service"
  configure 'database = "shop"' '[services]' 'names = ["app"]' "stop = [\"$service\", \"stop\"]" "start = [\"$service\", \"start\"]" \
    "status = [\"$service\", \"status\"]" "health = [\"$service\", \"health\"]" 'health_timeout = "1s"' 'timeout = "5s"'
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i'
  take
}

restore_all() {
  run --separate-stderr "$HOLDFAST_SOURCE/scripts/restore.sh" latest --yes --quiet
}

@test "postgres: a rollback of a database that was lost leaves none, and says so, whatever older one is kept" {
  services
  pg_ask shop 'INSERT INTO t VALUES (2)'
  restore_all
  assert_success
  local kept
  kept=$(databases '^shop_before_')
  pg_ask postgres 'DROP DATABASE shop'
  touch "$BATS_TEST_TMPDIR/unhealthy"
  restore_all
  assert_failure 8
  assert_regex "$stderr" 'ROLLED BACK'
  [[ $(databases '^shop') =~ ^"$kept shop_undone_"[0-9_]*$ ]] || fail "there is $(databases '^shop')"
  assert_not_exists "$BATS_TEST_TMPDIR/down"
}

@test "postgres: a rollback brings back the database of just before, and a second restore can be undone" {
  services
  restore_all
  assert_success
  pg_ask shop 'INSERT INTO t VALUES (2), (3)'
  touch "$BATS_TEST_TMPDIR/unhealthy"
  restore_all
  assert_failure 8
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM t')" 3
  restore_pg --accept
  assert_success
  assert_equal "$(databases '^shop')" shop
}

@test "postgres: a restore.sh that was killed after the exchange says how it is undone" {
  services
  pg_ask shop 'INSERT INTO t VALUES (2)'
  touch "$BATS_TEST_TMPDIR/deadly"
  run bash -c "echo \$\$ >'$BATS_TEST_TMPDIR/pid'; exec '$HOLDFAST_SOURCE/scripts/restore.sh' latest --yes --quiet"
  assert_failure 137
  rm "$BATS_TEST_TMPDIR/deadly"
  run --separate-stderr "$HOLDFAST_SOURCE/scripts/restore.sh" --undo --yes
  assert_failure 6
  assert_regex "$stderr" 'pg_restore.sh --undo'
  restore_pg --undo
  assert_success
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM t')" 2
}
