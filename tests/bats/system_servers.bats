#!/usr/bin/env bats
# system_servers.bats - examples/systems/postgres-redis.toml at work: both servers, configuration and logs are lost and come back
# by one command, services and all; parts of it by the switches of the environment.

load support
load repository
load servers

setup_file() {
  make_postgres
  pg_ask postgres 'CREATE ROLE trading_user LOGIN CREATEDB PASSWORD $$secret$$' 'CREATE DATABASE trading_db OWNER trading_user'
  pg_ask trading_db 'CREATE TABLE trades(id serial PRIMARY KEY, price numeric, created_at timestamptz DEFAULT now())' \
    'INSERT INTO trades(price) SELECT generate_series(1, 1000)' \
    'ALTER TABLE trades OWNER TO trading_user'
}

teardown_file() {
  remove_postgres
}

setup() {
  private_home
  live=$BATS_TEST_TMPDIR/live scripts=$HOLDFAST_SOURCE/scripts
  mkdir -p "$live/conf" "$live/logs"
  cd "$live" || return 1
  make_redis
  password_file
  service="$live/service.sh"
  write_service
  start_redis
  redis_ask MSET a 1 b 2 >/dev/null
  redis_ask -n 2 SET c 3 >/dev/null
  "$service" start trading-system
  echo 'good: 1' >conf/a.yaml
  echo KEY=good >.env
  echo services: >docker-compose.yml
  echo log >logs/app.log
  sed -e "s|^host = \"/var/run/postgresql\".*|host = \"$PG_DIR\"|" -e "s|\"/etc/holdfast/pgpass\"|\"$BATS_TEST_TMPDIR/pgpass\"|" \
    -e "s|^host = \"127.0.0.1\"|socket = \"$REDIS_DIR/socket\"|" -e '/redis.pass/d' -e "s|/usr/local/libexec/holdfast/scripts|$scripts|; s|/etc/holdfast/holdfast.toml|$live/holdfast.toml|" \
    -e "s|^health = .*|stop = [\"$service\", \"stop\"]\nstart = [\"$service\", \"start\"]\nstatus = [\"$service\", \"status\"]\nhealth = [\"$service\", \"health\"]\nhealth_timeout = \"5s\"\ntimeout = \"20s\"|" \
    "$HOLDFAST_SOURCE/examples/systems/postgres-redis.toml" >holdfast.toml
  init >/dev/null
  run -0 --separate-stderr "$scripts/backup.sh" --quiet
  good=$output
}

teardown() {
  "$service" stop trading-system || true
  stop_redis
  rm -rf -- "${REDIS_DIR:?}"
}

# The application holds a connection to the database for as long as it runs.
write_service() {
  cat >"$service" <<END
#!/usr/bin/env bash
export PGPASSWORD=secret
pid=$live/app.pid
case \$1-\$2 in
  start-trading-system) [[ -p \$pid.in ]] || mkfifo \$pid.in; setsid psql -XqAt -h $PG_DIR -U trading_user -d trading_db <>\$pid.in >/dev/null 2>&1 3>&- & echo \$! >\$pid ;;
  stop-trading-system) kill \$(<\$pid) ; rm -f \$pid ;;
  status-trading-system) [[ -f \$pid ]] && kill -0 \$(<\$pid) 2>/dev/null || exit 3 ;;
  start-redis-server) cd / && redis-server --port 0 --unixsocket $REDIS_DIR/socket --dir $REDIS_DIR --daemonize yes --pidfile $REDIS_DIR/pid --save '' --repl-diskless-sync-delay 0 3>&- ;;
  stop-redis-server) redis-cli -s $REDIS_DIR/socket SHUTDOWN SAVE; sleep 0.5 ;;
  status-redis-server) redis-cli -s $REDIS_DIR/socket PING >/dev/null 2>&1 || exit 3 ;;
  health-) [[ ! -e $live/unhealthy ]] && psql -XqAt -h $PG_DIR -U trading_user -d trading_db -c 'SELECT 1 FROM trades LIMIT 1' ;;
esac
END
  chmod +x "$service"
}

lose_everything() {
  pg_ask trading_db 'DELETE FROM trades'
  redis_ask FLUSHALL >/dev/null
  echo 'good: 0' >conf/a.yaml
}

state_of_data() {
  echo "$(pg_ask trading_db 'SELECT count(*) FROM trades') $(redis_ask DBSIZE) $(redis_ask -n 2 DBSIZE) $(<conf/a.yaml)"
}

@test "postgres-redis: everything is lost and comes back by one command, with the services down meanwhile" {
  assert_equal "$(catalog show latest --json | jq -r '[.components[].name] | sort | join(" ")')" \
    'config/.env config/conf config/docker-compose.yml database/globals.sql database/trading_db.dump logs redis/dump.rdb redis/info.txt'
  lose_everything
  run -0 --separate-stderr "$scripts/restore.sh" "$good" --yes --quiet
  assert_equal "$(state_of_data)" '1000 2 1 good: 1'
  run -0 "$service" status trading-system
  run -0 jq -r '[.steps[].name] | join(" ")' "$live"/logs/backups/incident_*.json
  assert_output --partial 'prepare database prepare redis stop exchange database exchange redis restore'
  assert_output --partial 'health check redis'
}

@test "postgres-redis: the switches of the environment choose what is backed up and restored" {
  run -0 --separate-stderr env BACKUP_REDIS=false BACKUP_CONFIG=false BACKUP_LOGS=false "$scripts/backup.sh" --quiet
  assert_equal "$(catalog show "$output" --json | jq -r '[.components[].source] | unique | join(" ")')" database
  lose_everything
  run -0 --separate-stderr env RESTORE_REDIS=false RESTORE_CONFIG=false "$scripts/restore.sh" "$good" --yes --quiet
  assert_equal "$(state_of_data)" '1000 0 0 good: 0'
  run -0 --separate-stderr env DRY_RUN=true "$scripts/restore.sh" "$good"
  assert_regex "$stderr" 'database: its databases are made anew'
  assert_equal "$(state_of_data)" '1000 0 0 good: 0'
  run -0 --separate-stderr env RESTORE_DATABASE=false RESTORE_CONFIG=false "$scripts/restore.sh" "$good" --yes --quiet
  assert_equal "$(state_of_data)" '1000 2 1 good: 0'
}

@test "postgres-redis: a system that does not come up healthy gets everything back that was there before" {
  lose_everything
  pg_ask trading_db 'INSERT INTO trades(price) VALUES (7)'
  touch unhealthy
  run -8 --separate-stderr "$scripts/restore.sh" "$good" --yes --quiet
  assert_regex "$stderr" 'ROLLED BACK'
  assert_equal "$(state_of_data)" '1 0 0 good: 0'
  pg_ask trading_db "DELETE FROM trades" 'INSERT INTO trades(price) SELECT generate_series(1, 1000)'
}

# TERM while the restored dump takes its place: short, so that redis_restore.sh itself goes back, and so long that it is killed.
@test "postgres-redis: TERM in the middle of the exchange gives both servers their old data before anything starts" {
  local pid code seconds databases
  databases=$(pg_ask postgres "SELECT string_agg(datname, ' ' ORDER BY 1) FROM pg_database WHERE datname !~ '_undone_'")
  lose_everything
  redis_ask SET live 1 >/dev/null
  mkdir shim
  for seconds in 1 8; do
    printf '#!/bin/bash\n%s "$@" || exit\nif [[ $* == *dump.rdb.before_* ]]; then touch %s/half; sleep %s; fi\n' "$(command -v mv)" "$live" "$seconds" >shim/mv
    chmod +x shim/mv
    rm -f half
    PATH=$live/shim:$PATH "$scripts/restore.sh" "$good" --yes --quiet 2>err 3>&- &
    pid=$! code=0
    for ((i = 0; i < 600; i++)); do [[ -e half ]] && break || sleep 0.1; done
    kill -TERM "$pid"
    wait "$pid" || code=$?
    assert_equal "$code" 143
    assert_equal "$(state_of_data)" '0 1 0 good: 0'
    run -0 "$service" status trading-system
    assert_equal "$(find "$REDIS_DIR" -name '*.before_*')" ''
    assert_equal "$(pg_ask postgres "SELECT string_agg(datname, ' ' ORDER BY 1) FROM pg_database WHERE datname !~ '_undone_'")" "$databases"
    run -0 jq -r '.state + ": " + .summary' "$(find "$live/logs/backups" -name 'incident_*.json' | sort | tail -n 1)"
    assert_output 'failed: nothing was changed'
  done
  pg_ask trading_db 'INSERT INTO trades(price) SELECT generate_series(1, 1000)'
}

@test "postgres-redis: a drill restores both servers for real and passes; prune follows the policy" {
  run -0 --separate-stderr "$scripts/dr_drill.sh" --quiet
  local json
  json=$(dirname "$output")
  run -0 jq -r '[.sources[].checks[] | select(.name == "restores" or .name == "loads") | .state] | unique | join(" ")' "$json"/recovery_test_*.json
  assert_output passed
  run -0 --separate-stderr prune
  run -0 --separate-stderr "$scripts/backup.sh" hourly --quiet
  run -0 --separate-stderr prune --simulate 120d
}
