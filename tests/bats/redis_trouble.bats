#!/usr/bin/env bats
# redis_trouble.bats - redis_restore.sh when something is in its way: servers that do not say what they are, hosts that were lost,
# signals, replicas. What was there stays, or comes back.

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

useless_stop() { # the service says that it was stopped, and was not
  sed -i 's/^stop = .*/stop = "true"/; s/^start = .*/start = "true"/' "$HOLDFAST_CONFIG"
}

@test "redis: a server with no room for another client still runs, so its files stay" {
  begin --save '100 1000'
  configure
  take
  redis_ask SET live 1 >/dev/null
  redis_ask SAVE >/dev/null
  live_sums
  useless_stop
  redis_ask CONFIG SET maxclients 1 >/dev/null
  redis-cli -s "$REDIS_DIR/socket" SUBSCRIBE x >/dev/null 2>&1 3>&- &
  local pid=$!
  sleep 0.5
  sed -i '/^socket/a data_dir = "'"$REDIS_DIR"'"' "$HOLDFAST_CONFIG"
  run -10 --separate-stderr "$script"
  kill "$pid"
  wait "$pid" || true
  assert_regex "$stderr" 'the server still runs: its files were not touched .*(no answer|max number of clients)'
  redis_ask CONFIG SET maxclients 100 >/dev/null
  assert_untouched
}

@test "redis: a server that is busy or stopped by a signal still runs, so its files stay" {
  begin --lua-time-limit 100
  configure "data_dir = \"$REDIS_DIR\""
  take
  live_sums
  useless_stop
  redis-cli -s "$REDIS_DIR/socket" EVAL 'while true do end' 0 >/dev/null 2>&1 3>&- &
  sleep 0.5
  run -10 --separate-stderr "$script"
  assert_regex "$stderr" 'the server still runs: its files were not touched .*BUSY'
  redis_ask SCRIPT KILL >/dev/null
  kill -STOP "$(<"$REDIS_DIR/pid")"
  run -10 --separate-stderr "$script"
  kill -CONT "$(<"$REDIS_DIR/pid")"
  assert_regex "$stderr" 'the server still runs: its files were not touched .*(no answer|max number of clients)'
  assert_untouched
}

@test "redis: TERM in the middle of the exchange puts the old files back before the server starts" {
  begin --save '100 1000'
  configure
  take
  redis_ask SET live 1 >/dev/null
  live_sums
  shim mv '*dump.rdb.before_*' "touch $BATS_TEST_TMPDIR/half; sleep 1"
  PATH=$BATS_TEST_TMPDIR/shim:$PATH "$script" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  local pid=$! code=0
  wait_for "$BATS_TEST_TMPDIR/half"
  kill -TERM "$pid"
  wait "$pid" || code=$?
  assert_equal "$code" 143
  assert_regex "$(<"$BATS_TEST_TMPDIR/err")" 'the old files are back'
  assert_untouched
}

@test "redis: TERM while the dump is being copied leaves the files as they are" {
  begin --save '100 1000'
  configure
  take
  redis_ask SET live 1 >/dev/null
  live_sums
  shim cp '*holdfast-redis*dump.rdb' "touch $BATS_TEST_TMPDIR/half; sleep 5"
  PATH=$BATS_TEST_TMPDIR/shim:$PATH "$script" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  local pid=$! code=0
  wait_for "$BATS_TEST_TMPDIR/half"
  kill -TERM "$pid"
  wait "$pid" || code=$?
  assert_equal "$code" 143
  assert_untouched
  assert_equal "$(find "$REDIS_DIR" -name '.holdfast*')" ''
}

@test "redis: a server that does not come up with the restored data gets its old files back, and the exit says so" {
  begin --save '100 1000'
  configure
  take
  redis_ask SET live 1 >/dev/null
  live_sums
  sed -i 's/^timeout = .*/timeout = "3s"/' "$HOLDFAST_CONFIG"
  printf 'if [[ ! -e %s/once ]]; then touch %s/once; exit 0; fi\n%s\n' "$REDIS_DIR" "$REDIS_DIR" "$(<"$REDIS_DIR/start")" >"$REDIS_DIR/start"
  run -8 --separate-stderr "$script"
  assert_regex "$stderr" 'the server did not come up with its data: down'
  assert_regex "$stderr" 'ROLLING BACK'
  assert_untouched
}

@test "redis: a server that starts from another file than the restored one is found out and taken back" {
  begin --save '100 1000'
  configure
  take
  mkdir "$REDIS_DIR/other"
  redis_ask EVAL 'for i = 1, 1000 do redis.call("SET", "user:" .. i, i) end' 0 >/dev/null
  redis_ask -n 7 SET extra 1 >/dev/null
  redis_ask SAVE >/dev/null
  cp "$REDIS_DIR/dump.rdb" "$REDIS_DIR/other/"
  live_sums
  sed -i "s|--dir $REDIS_DIR|--dir $REDIS_DIR/other|" "$REDIS_DIR/start"
  run -5 --separate-stderr "$script"
  assert_regex "$stderr" 'it started from a file of 1012 keys, the dump has 310'
  assert_untouched
}

@test "redis: of a lost server it is not known whether it had an append-only file; it starts with the keys either way" {
  begin --appendonly yes
  configure "data_dir = \"$REDIS_DIR/data\""
  sed -i "s|--dir $REDIS_DIR|--dir $REDIS_DIR/data|" "$REDIS_DIR/start"
  take
  stop_redis
  mkdir "$REDIS_DIR/data"
  run -0 --separate-stderr "$script"
  assert_same
  assert_equal "$(redis_ask INFO persistence | tr -d '\r' | grep aof_enabled)" aof_enabled:1
  stop_redis
  rm -rf "$REDIS_DIR/data"
  mkdir "$REDIS_DIR/data"
  sed -i 's/--appendonly yes//' "$REDIS_DIR/start"
  run -0 --separate-stderr "$script"
  assert_same
  assert_not_exists "$REDIS_DIR/data/appendonlydir" # from which it would start on the day that somebody turns it on
  run -0 --separate-stderr "$script" --undo
  assert_equal "$(redis_ask DBSIZE)" 0 # nothing was there before
}

@test "redis: an append-only file of before Redis 7 is replaced by one" {
  begin --appendonly yes --save '100 1000'
  configure "data_dir = \"$REDIS_DIR/data\""
  sed -i "s|--dir $REDIS_DIR|--dir $REDIS_DIR/data|" "$REDIS_DIR/start"
  take
  lose_keys
  redis_ask SAVE >/dev/null
  stop_redis
  mkdir "$REDIS_DIR/data"
  cp "$REDIS_DIR/dump.rdb" "$REDIS_DIR/data/appendonly.aof"
  run -0 --separate-stderr "$script"
  assert_same
  assert_file_exists "$(echo "$REDIS_DIR"/data/appendonly.aof.before_*)"
}

@test "redis: a user who may not ask for the configuration restores a server with an append-only file" {
  printf 'user default on >geheim ~* &* +@all\nuser bk on >bkpw ~* +ping +info +psync +replconf +sync +select\n' >"$REDIS_DIR/users.acl"
  export REDIS_PASSWORD=geheim
  begin --appendonly yes --aclfile "$REDIS_DIR/users.acl"
  (umask 077 && echo bkpw >"$BATS_TEST_TMPDIR/pw")
  configure 'user = "bk"' 'password_file = "pw"' "data_dir = \"$REDIS_DIR\""
  sed -i 's/--no-auth-warning/--no-auth-warning -a geheim/' "$HOLDFAST_CONFIG"
  take
  lose_keys
  run -0 --separate-stderr "$script"
  assert_same
}

@test "redis: what starts the services does not learn the password" {
  export REDIS_PASSWORD=geheim42
  begin --requirepass geheim42
  (umask 077 && echo geheim42 >"$BATS_TEST_TMPDIR/pw")
  configure 'password_file = "pw"'
  sed -i 's/--no-auth-warning/--no-auth-warning -a geheim42/' "$HOLDFAST_CONFIG"
  sed -i '1i env >'"$REDIS_DIR/environment" "$REDIS_DIR/start"
  take
  run -0 --separate-stderr "$script"
  grep -q ^PATH= "$REDIS_DIR/environment"
  run -1 grep -E 'REDISCLI_AUTH' "$REDIS_DIR/environment"
}

@test "redis: a replica is not restored, for its master would replace what was restored" {
  begin
  configure
  take
  redis_ask REPLICAOF 127.0.0.1 1 >/dev/null
  live_sums
  run -10 --separate-stderr "$script"
  assert_regex "$stderr" "is a replica of '127.0.0.1'.*nothing was changed"
  assert_untouched
}

@test "redis: --accept removes what its restores set aside, and nothing else" {
  begin
  configure
  take
  touch "$REDIS_DIR/mine.before_1_1" "$REDIS_DIR/dump.rdb.before_20200101_000000"
  run -0 --separate-stderr "$script"
  run -0 "$script" --accept
  assert_equal "$(cd "$REDIS_DIR" && find . -name '*before_*' | sort | paste -sd ' ')" './dump.rdb.before_20200101_000000 ./mine.before_1_1'
  assert_equal "$(find "$REDIS_DIR" -name '.holdfast*')" ''
}

@test "redis: a staging folder with a long path is no hindrance" {
  local long
  long=$BATS_TEST_TMPDIR/$(printf 'l%.0s' {1..90})
  mkdir "$long"
  begin
  configure
  take
  run -0 --separate-stderr "$script" --scratch --staging "$long"
  assert_equal "$(ls -A "$long")" ''
}
