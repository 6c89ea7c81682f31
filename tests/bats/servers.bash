# shellcheck shell=bash
# servers.bash - private database servers for suites (`load servers` after `load repository`): on unix sockets in folders of
# their own, independent of whatever servers the machine has.

servers_bin() {
  printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1
}

# PostgreSQL refuses to run as root.
as_server() { # <command>...
  if ((EUID == 0)); then (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); else "$@"; fi
}

# For setup_file: a cluster whose owner is `owner` with a password; the tests get it from a password file.
make_postgres() { # [setting]...
  PG_DIR=$(mktemp -d /tmp/hf-test-pg.XXXXXX)
  export PG_DIR
  if ((EUID == 0)); then chown postgres "$PG_DIR"; fi
  as_server bash -c "umask 077 && echo secret >'$PG_DIR/pw' && '$(servers_bin)/initdb' -D '$PG_DIR/data' -U owner --pwfile='$PG_DIR/pw' \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync" >/dev/null
  start_postgres "$@"
}

start_postgres() { # [setting]...
  local settings=() setting
  for setting in "$@"; do settings+=(-c "$setting"); done
  as_server "$(servers_bin)/pg_ctl" -D "$PG_DIR/data" -w -t 60 -l "$PG_DIR/log" -o "-c listen_addresses='' -c unix_socket_directories='$PG_DIR' -c fsync=off \
    -c shared_buffers=16MB -c wal_level=replica -c max_wal_senders=6 -c wal_keep_size=64MB ${settings[*]}" start >/dev/null 3>&-
}

stop_postgres() { # as a crash does
  as_server "$(servers_bin)/pg_ctl" -D "$PG_DIR/data" -m immediate -w stop >/dev/null 2>&1 || true
}

remove_postgres() {
  stop_postgres
  rm -rf -- "${PG_DIR:?}"
}

# For the test's own questions.
pg_ask() { # <database> <statement>...
  local args=() statement
  for statement in "${@:2}"; do args+=(-c "$statement"); done
  PGPASSWORD=secret psql -XqAt -v ON_ERROR_STOP=1 -h "$PG_DIR" -U owner -d "$1" "${args[@]}"
}

password_file() { # [password]: a PGPASSFILE of its own
  printf '*:*:*:*:%s\n' "${1:-secret}" >"$BATS_TEST_TMPDIR/pgpass"
  chmod 600 "$BATS_TEST_TMPDIR/pgpass"
}

# Every row of every table, large objects too, as one line per table: what has to be the same after a restore.
pg_sums() { # <database>
  local table
  while IFS= read -r table; do
    printf '%s %s\n' "$table" "$(pg_ask "$1" "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text COLLATE \"C\")), '-') FROM ONLY $table t")"
  done < <(pg_ask "$1" "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY oid::regclass::text COLLATE \"C\"")
  pg_ask "$1" "SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid" \
    "SELECT conname, convalidated FROM pg_constraint WHERE contype IN ('p', 'f') ORDER BY 1" "SELECT indexname FROM pg_indexes WHERE schemaname !~ '^pg_' ORDER BY 1" \
    "SELECT extname FROM pg_extension ORDER BY 1" "SELECT rolname FROM pg_roles JOIN pg_class ON relowner = pg_roles.oid WHERE relname = 'trades'"
}

# pgbench and a bit of everything: keys between tables, partitions, large objects, an extension, odd names, a role.
fill_postgres() { # <database>
  pg_ask postgres "DO \$\$ BEGIN CREATE ROLE trader NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$" "CREATE DATABASE $1"
  PGPASSWORD=secret pgbench -q -i -s 1 --foreign-keys -h "$PG_DIR" -U owner "$1" >/dev/null 2>&1
  pg_ask "$1" 'CREATE EXTENSION pgcrypto' \
    'CREATE TABLE positions(id serial PRIMARY KEY, code text NOT NULL UNIQUE)' \
    'CREATE TABLE trades(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, position int NOT NULL REFERENCES positions, price numeric, note text, raw bytea, at timestamptz)' \
    'CREATE INDEX trades_at ON trades(at)' \
    'ALTER TABLE trades OWNER TO trader' 'GRANT SELECT ON trades TO trader' \
    "INSERT INTO positions(code) SELECT 'S' || i FROM generate_series(1, 50) i" \
    "INSERT INTO trades(position, price, note, raw, at) SELECT 1 + i % 50, i / 7.0, E'tab\\there\\nline \\\\\\\\. COPY x FROM stdin; ' || i, gen_random_bytes(20), now() - i * interval '1 minute' FROM generate_series(1, 2000) i" \
    'CREATE TABLE quotes(day date, code text, price numeric) PARTITION BY RANGE (day)' \
    "CREATE TABLE quotes_a PARTITION OF quotes FOR VALUES FROM ('2026-01-01') TO ('2026-07-01')" \
    "CREATE TABLE quotes_b PARTITION OF quotes FOR VALUES FROM ('2026-07-01') TO ('2027-01-01')" \
    "INSERT INTO quotes SELECT date '2026-01-01' + i % 360, 'S' || i, i FROM generate_series(1, 1000) i" \
    'CREATE SCHEMA "Odd schema"' 'CREATE TABLE "Odd schema"."a (b) ""c"""("d e" text)' \
    "INSERT INTO \"Odd schema\".\"a (b) \"\"c\"\"\" VALUES ('x'), (NULL)" \
    'CREATE VIEW totals AS SELECT position, sum(price) FROM trades GROUP BY 1' \
    "SELECT lo_from_bytea(0, (SELECT string_agg(gen_random_bytes(1000), '') FROM generate_series(1, 5))), lo_from_bytea(0, gen_random_bytes(100))" >/dev/null
}

# For setup_file or a test: sets REDIS_DIR.
make_redis() {
  REDIS_DIR=$(mktemp -d /tmp/hf-test-redis.XXXXXX)
  export REDIS_DIR
}

start_redis() { # [setting value]...
  redis-server --port 0 --unixsocket "$REDIS_DIR/socket" --dir "$REDIS_DIR" --daemonize yes --pidfile "$REDIS_DIR/pid" --logfile "$REDIS_DIR/log" \
    --save '' --repl-diskless-sync-delay 0 "$@" >/dev/null 3>&-
  local i
  for ((i = 0; i < 100; i++)); do
    if redis_ask PING 2>/dev/null | grep -qE 'PONG|NOAUTH'; then return; fi
    sleep 0.1
  done
  fail "redis does not start: $(tail -n 3 "$REDIS_DIR/log")"
}

stop_redis() { # [nosave]
  redis_ask SHUTDOWN "${1:-nosave}" >/dev/null 2>&1 || true
  local i
  for ((i = 0; i < 100; i++)); do
    if [[ ! -f $REDIS_DIR/pid ]]; then return; fi
    sleep 0.1
  done
}

redis_ask() { # [argument of redis-cli]...
  env ${REDIS_PASSWORD:+"REDISCLI_AUTH=$REDIS_PASSWORD"} redis-cli --no-auth-warning -s "$REDIS_DIR/socket" "$@"
}
