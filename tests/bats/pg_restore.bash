# shellcheck shell=bash
# pg_restore.bash - for suites about pg_restore.sh (`load pg_restore` after `load servers`): one small database `shop` per test,
# its configuration, and clients that fail on purpose.

setup_file() {
  make_postgres
}

teardown_file() {
  remove_postgres
}

setup() {
  fresh_repository
  script=$HOLDFAST_SOURCE/scripts/pg_restore.sh
  password_file
  configure 'database = "shop"'
  pg_ask postgres 'CREATE DATABASE shop'
}

teardown() {
  local name
  while IFS= read -r name; do
    pg_ask postgres "DROP DATABASE \"${name//\"/\"\"}\" WITH (FORCE)"
  done < <(pg_ask postgres "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')")
  while IFS= read -r name; do
    pg_ask postgres "DROP OWNED BY \"$name\"" "DROP ROLE \"$name\""
  done < <(pg_ask postgres "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'owner'")
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

databases() { # <regular expression>: in one line
  pg_ask postgres "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname ~ '$1'"
}

# A pg_restore that is run by the real one's name; "$@" is as it was given, `real` the real one.
shim() { # <script>
  mkdir -p "$BATS_TEST_TMPDIR/shim"
  printf '#!/bin/bash\nreal=%s\n%s\nexec "$real" "$@"\n' "$(command -v pg_restore)" "$1" >"$BATS_TEST_TMPDIR/shim/pg_restore"
  chmod +x "$BATS_TEST_TMPDIR/shim/pg_restore"
}

restore_by_shim() { # [argument]...
  PATH=$BATS_TEST_TMPDIR/shim:$PATH restore_pg "$@"
}
