# shellcheck shell=bash
# redis.bash - a Redis server that is a service of its configuration (`load redis` after `load servers`).

setup_redis() {
  fresh_repository
  script=$HOLDFAST_SOURCE/scripts/redis_restore.sh
  make_redis
  unset REDIS_PASSWORD REDISCLI_AUTH
  settings=()
}

teardown_redis() {
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

live_sums() { # the data as it is now, to be found unchanged
  redis_sums >"$BATS_TEST_TMPDIR/live"
}

# Nothing of an exchange is left but what was there: the same keys from the same files.
assert_untouched() {
  wait_for "$REDIS_DIR/socket"
  cmp <(redis_sums) "$BATS_TEST_TMPDIR/live"
  assert_equal "$(find "$REDIS_DIR" -name '*.before_*')" ''
}

# A program of that name in front of PATH: the real one, and then something else if its arguments match.
shim() { # <program> <pattern> <command>
  mkdir -p "$BATS_TEST_TMPDIR/shim"
  printf '#!/bin/bash\n%s "$@" || exit\nif [[ $* == %s ]]; then %s; fi\n' "$(command -v "$1")" "$2" "$3" >"$BATS_TEST_TMPDIR/shim/$1"
  chmod +x "$BATS_TEST_TMPDIR/shim/$1"
}

wait_for() { # <file>
  local i
  for ((i = 0; i < 300; i++)); do
    if [[ -e $1 ]]; then return; fi
    sleep 0.1
  done
  fail "'$1' does not come"
}
