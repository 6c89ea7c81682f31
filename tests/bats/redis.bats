#!/usr/bin/env bats
# redis.bats - sources of kind "redis": every key of every database comes back, with an append-only file and with a password too.

load support
load repository
load servers
load redis

setup() {
  setup_redis
}

teardown() {
  teardown_redis
}

@test "redis: the component is a dump that a stock server starts from and stock tools find sound" {
  begin
  configure
  take
  run -0 --separate-stderr "$repo/recover.sh" latest "$BATS_TEST_TMPDIR/out"
  redis-check-rdb "$BATS_TEST_TMPDIR/out/cache/dump.rdb" | grep -q 'RDB looks OK'
  grep -q '^db3:keys=2' "$BATS_TEST_TMPDIR/out/cache/info.txt"
  stop_redis
  cp "$BATS_TEST_TMPDIR/out/cache/dump.rdb" "$REDIS_DIR/"
  start_redis
  assert_same
}

@test "redis: every key of every database comes back; what was there comes back with --undo" {
  begin
  configure
  take
  lose_keys
  run -0 --separate-stderr "$script"
  assert_regex "$stderr" 'keys as in the dump: 310 in 3 databases'
  assert_same
  run -0 --separate-stderr "$script" --undo
  assert_equal "$(redis_ask --scan)" wrong
  run -0 "$script" --accept
  assert_equal "$(find "$REDIS_DIR" -name '*.before_*' -o -name '*.undone_*')" ''
}

@test "redis: with an append-only file the server starts with the keys of the dump, and goes on appending" {
  begin --appendonly yes
  configure
  take
  lose_keys
  run -0 --separate-stderr "$script"
  assert_same
  redis_ask SET later 1 >/dev/null
  stop_redis
  start_redis "${settings[@]}"
  assert_equal "$(redis_ask GET later)" 1
  redis_ask DEL later >/dev/null
  assert_same
  assert_dir_exists "$(echo "$REDIS_DIR"/appendonlydir.before_*)"
}

@test "redis: a password comes from a file that nobody else reads; a wrong one fails in seconds and is never shown" {
  export REDIS_PASSWORD=geheim42
  begin --requirepass geheim42
  echo geheim42 >"$BATS_TEST_TMPDIR/pw"
  configure 'password_file = "pw"'
  sed -i 's/--no-auth-warning/--no-auth-warning -a geheim42/' "$HOLDFAST_CONFIG"
  run -3 --separate-stderr snap # others may read it
  chmod 600 "$BATS_TEST_TMPDIR/pw"
  take
  lose_keys
  run -0 --separate-stderr "$script"
  assert_same
  echo falsch >"$BATS_TEST_TMPDIR/pw"
  SECONDS=0
  run -8 --separate-stderr snap
  refute_regex "$stderr" falsch
  assert_regex "$stderr" 'NOAUTH|WRONGPASS|AUTH'
  ((SECONDS < 15)) || fail "it took $SECONDS s"
}

@test "redis: a server that is killed in mid dump leaves no component" {
  begin
  redis_ask DEBUG JMAP >/dev/null 2>&1 || true
  redis_ask EVAL 'for i = 1, 200000 do redis.call("SET", "k" .. i, string.rep(i, 40)) end' 0 >/dev/null
  redis_ask CONFIG SET rdb-key-save-delay 100 >/dev/null # a dump takes twenty seconds
  configure
  snap >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  local pid=$! code=0
  sleep 3
  kill -KILL "$(<"$REDIS_DIR/pid")"
  pkill_of_this_server
  wait "$pid" || code=$?
  rm -f "$REDIS_DIR/pid"
  assert_equal "$code" 8
  assert_equal "$(<"$BATS_TEST_TMPDIR/out")" ''
  assert_equal "$(catalog list --json | jq length)" 0
}

# The child that writes the dump dies with its server; nothing of other servers is touched.
pkill_of_this_server() {
  local pid
  for pid in $(pgrep -f "redis-rdb-.*unixsocket:$REDIS_DIR/socket"); do kill -KILL "$pid" || true; done
}

@test "redis: a dump that does not load is refused before the server is stopped" {
  begin
  configure "via = [\"$BATS_TEST_TMPDIR/newer\"]"
  printf '#!/bin/bash\nif [[ $* == *--rdb* ]]; then "$@" | sed "1s/^REDIS..../REDIS0099/" | head -c -48 && head -c 8 /dev/zero; else exec "$@"; fi\n' >"$BATS_TEST_TMPDIR/newer"
  chmod +x "$BATS_TEST_TMPDIR/newer"
  take
  local run_id
  run_id=$(redis_ask INFO server | grep run_id)
  run -5 --separate-stderr "$script"
  assert_regex "$stderr" 'the dump does not load.*nothing was changed'
  assert_equal "$(redis_ask INFO server | grep run_id)" "$run_id"
  assert_same
  run -5 --separate-stderr env HOLDFAST_RESTORED="$(bad_dump)" "$script" --scratch
  assert_regex "$stderr" 'the dump does not load'
}

bad_dump() {
  mkdir -p "$BATS_TEST_TMPDIR/bad"
  restore latest --component cache/dump.rdb --stdout | head -c 2000 >"$BATS_TEST_TMPDIR/bad/dump.rdb"
  echo "$BATS_TEST_TMPDIR/bad/dump.rdb"
}

@test "redis: a server that is no service is not exchanged under its own feet" {
  begin
  configure
  take
  sed -i '/^\[services\]/,/^timeout/d' "$HOLDFAST_CONFIG"
  run -10 --separate-stderr "$script"
  assert_regex "$stderr" 'the server still runs: its files were not touched'
  assert_same
  assert_equal "$(find "$REDIS_DIR" -name '*.before_*')" ''
}

@test "redis: a server that cannot save its own data makes the snapshot partial" {
  begin
  configure
  mkdir "$REDIS_DIR/dump.rdb" # which a dump cannot replace
  redis_ask SET a 1 >/dev/null
  redis_ask BGSAVE >/dev/null
  local i
  for ((i = 0; i < 50; i++)); do
    if redis_ask INFO persistence | grep -q 'last_bgsave_status:err'; then break; fi
    sleep 0.1
  done
  redis_ask CONFIG SET stop-writes-on-bgsave-error no repl-diskless-sync yes >/dev/null
  run -4 --separate-stderr snap
  assert_regex "$stderr" 'the server cannot save its own data: rdb_last_bgsave_status is err'
}
