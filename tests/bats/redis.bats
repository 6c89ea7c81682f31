#!/usr/bin/env bats
# redis.bats - sources of kind "redis": every key of every database comes back, with an append-only file and with a password too.

load support
load repository
load servers

setup() {
  fresh_repository
  script=$HOLDFAST_SOURCE/scripts/redis_restore.sh
  make_redis
  unset REDIS_PASSWORD
  settings=()
}

teardown() {
  stop_redis
  if [[ -f $REDIS_DIR/pid ]]; then kill -KILL "$(<"$REDIS_DIR/pid")"; fi
  rm -rf -- "${REDIS_DIR:?}"
}

# Something of every type, in three databases, some of it with an end of its own.
fill_redis() {
  local i
  {
    for ((i = 0; i < 300; i++)); do echo "SET user:$i value-$i"; done
    printf 'RPUSH list a b c\nSADD set 1 2 3\nZADD zset 1 a 2 b\nHSET hash f v g w\nXADD stream * k v\nPFADD hll a b\nSET gone 1 EX 100000\n'
    printf 'SELECT 3\nMSET a 1 b 2\nSELECT 15\nSET last "\\x00\\xff"\n'
  } | redis_ask >/dev/null
}

redis_sums() { # every key with the sum of its value as Redis itself writes it
  local db
  for db in 0 3 15; do
    redis_ask -n "$db" EVAL 'local out = {} for _, key in ipairs(redis.call("KEYS", "*")) do out[#out + 1] = key .. " " .. redis.sha1hex(redis.call("DUMP", key)) end
      table.sort(out) return out' 0
  done
}

configure() { # [line of the source]...
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    # The server is a service like any other: stopped before the files are exchanged, started after.
    printf '[services]\nstop = "redis-cli --no-auth-warning -s %s/socket SHUTDOWN SAVE; sleep 0.5"\n' "$REDIS_DIR"
    printf 'start = "cd / && exec setsid -f bash %s/start </dev/null >/dev/null 2>&1"\ntimeout = "20s"\n' "$REDIS_DIR"
    printf '[[source]]\nname = "cache"\nkind = "redis"\nsocket = "%s/socket"\n' "$REDIS_DIR"
    printf '%s\n' "$@"
  } >"$HOLDFAST_CONFIG"
  printf 'redis-server --port 0 --unixsocket %s/socket --dir %s --daemonize yes --pidfile %s/pid --logfile %s/log --save "" --repl-diskless-sync-delay 0 %s\n' \
    "$REDIS_DIR" "$REDIS_DIR" "$REDIS_DIR" "$REDIS_DIR" "${settings[*]}" >"$REDIS_DIR/start"
}

begin() { # [setting value]...
  settings=("$@")
  start_redis "$@"
  fill_redis
  redis_sums >"$BATS_TEST_TMPDIR/sums"
}

lose_keys() {
  redis_ask FLUSHALL >/dev/null
  redis_ask SET wrong 1 >/dev/null
}

assert_same() {
  diff <(redis_sums) "$BATS_TEST_TMPDIR/sums" | head -n 5
  cmp <(redis_sums) "$BATS_TEST_TMPDIR/sums"
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
  configure
  take
  run -5 --separate-stderr env HOLDFAST_RESTORED="$(bad_dump)" "$script" --scratch
  assert_regex "$stderr" 'the dump does not load'
  assert_same
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
  assert_regex "$stderr" 'the server still runs: nothing was changed'
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
