#!/usr/bin/env bats
# postgres_hostile.bats - what any user of a database can write into it, and so into its dump, must not become a command of whoever
# restores it; and a restore changes nothing that it was not asked to change.

load support
load repository
load servers
load pg_restore

rights_of() { # <role>...
  local role
  for role in "$@"; do pg_ask postgres "SELECT rolname, rolsuper, rolcanlogin, md5(rolpassword) FROM pg_authid WHERE rolname = '$role'"; done
}

@test "postgres: a comment that looks like statements about the database is restored as a comment" {
  pg_ask postgres "CREATE ROLE lowly LOGIN PASSWORD 'secret'" "COMMENT ON DATABASE shop IS 'first line
second'" "ALTER DATABASE shop SET work_mem = '5MB'" 'REVOKE CONNECT ON DATABASE shop FROM PUBLIC' 'GRANT CONNECT ON DATABASE shop TO lowly' \
    "ALTER ROLE lowly IN DATABASE shop SET work_mem = '6MB'"
  pg_ask shop 'GRANT CREATE ON SCHEMA public TO lowly'
  local evil="hello
COMMENT ON DATABASE shop IS NULL; ALTER ROLE lowly SUPERUSER;
ALTER DATABASE shop SET work_mem = '1GB'; ALTER ROLE lowly SUPERUSER;
GRANT ALL ON DATABASE shop TO PUBLIC;
GRANT SELECT ON x TO nobody_such;
'; ALTER ROLE lowly SUPERUSER;
COPY x.y FROM stdin;"
  PGPASSWORD=secret psql -XqAt -h "$PG_DIR" -U lowly -d shop -v evil="$evil" -v ON_ERROR_STOP=1 >"$BATS_TEST_TMPDIR/lo" <<'END'
CREATE TABLE mine(i int);
COMMENT ON TABLE mine IS :'evil';
SET check_function_bodies = off;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS :'evil';
SELECT lo_from_bytea(7, 'x');
COMMENT ON LARGE OBJECT 7 IS :'evil';
END
  local before
  before=$(rights_of lowly)
  take
  restore_pg --clean
  assert_success
  assert_equal "$(rights_of lowly)" "$before"
  assert_equal "$(pg_ask shop "SELECT obj_description('mine'::regclass)")" "$evil"
  assert_equal "$(pg_ask postgres "SELECT shobj_description(oid, 'pg_database'), datacl FROM pg_database WHERE datname = 'shop'")" \
    'first line
second|{owner=CTc/owner,=T/owner,lowly=c/owner}'
  assert_equal "$(PGPASSWORD=secret psql -XqAt -h "$PG_DIR" -U lowly -d shop -c 'SHOW work_mem')" 6MB
  assert_equal "$(pg_ask shop 'SHOW work_mem')" 5MB
}

@test "postgres: --globals makes the roles that are missing and leaves those that are there as they are" {
  pg_ask postgres "CREATE ROLE lowly LOGIN PASSWORD 'old'" "CREATE ROLE rotated LOGIN PASSWORD 'old' CREATEDB" 'CREATE ROLE crew' "CREATE ROLE gone LOGIN PASSWORD 'kept' IN ROLE crew" \
    "COMMENT ON ROLE gone IS 'left
ALTER ROLE lowly SUPERUSER;'" 'CREATE ROLE other'
  # A setting that anybody may make for himself, with a line that looks like a statement about a role that is missing.
  printf 'SET search_path TO "a\nALTER ROLE gone SUPERUSER;\n"; ALTER ROLE lowly SET search_path FROM CURRENT;\n' | PGPASSWORD=secret psql -Xq -h "$PG_DIR" -U owner -d postgres
  pg_ask shop 'CREATE TABLE t(i int)' 'ALTER TABLE t OWNER TO gone'
  take
  pg_ask postgres 'DROP DATABASE shop' 'DROP ROLE gone' 'DROP ROLE crew' 'DROP ROLE other' "ALTER ROLE rotated NOLOGIN NOCREATEDB PASSWORD 'new'" "COMMENT ON ROLE rotated IS 'he left'"
  local before
  before=$(rights_of lowly rotated)
  restore_pg
  assert_failure 3
  assert_regex "$stderr" 'speaks of: gone; nothing was changed'
  restore_pg --globals
  assert_success
  assert_equal "$(rights_of lowly rotated)" "$before"
  assert_equal "$(rights_of gone | cut -d '|' -f 1-3)" 'gone|f|t'
  assert_equal "$(PGPASSWORD=kept psql -XqAt -h "$PG_DIR" -U gone -d shop -c "SELECT count(*), pg_has_role('crew', 'member') FROM t")" '0|t'
  assert_equal "$(rights_of other)" '' # the dump does not need it
}

@test "postgres: --no-owner restores without the roles of the dump, and without their grants" {
  pg_ask postgres 'CREATE ROLE gone' 'GRANT CONNECT ON DATABASE shop TO gone' "ALTER DATABASE shop SET work_mem = '5MB'" "ALTER ROLE gone IN DATABASE shop SET work_mem = '6MB'"
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i' 'ALTER TABLE t OWNER TO gone' 'ALTER TABLE t ENABLE ROW LEVEL SECURITY'
  take
  pg_ask postgres 'DROP DATABASE shop' 'DROP ROLE gone'
  restore_pg --no-owner
  assert_success
  assert_equal "$(pg_ask shop 'SELECT tableowner FROM pg_tables WHERE tablename = $$t$$' 'SHOW work_mem')" 'owner
5MB'
}

@test "postgres: a policy for a role that is missing is told before anything is made" {
  pg_ask postgres 'CREATE ROLE "the crew"'
  pg_ask shop 'CREATE TABLE t(i int)' "CREATE POLICY \"p TO x\" ON t TO \"the crew\" USING (i > 0 AND 'a TO b' <> '')"
  take
  pg_ask postgres 'DROP DATABASE shop' 'DROP ROLE "the crew"'
  restore_pg
  assert_failure 3
  assert_regex "$stderr" 'speaks of: the crew; nothing was changed'
}

@test "postgres: an extension that the server lacks is named before anything is made" {
  pg_ask shop 'CREATE EXTENSION pgcrypto' 'CREATE TABLE t(i int)'
  take
  # The same dump, of a server that had an extension of another name.
  local place=$BATS_TEST_TMPDIR/given/pg
  run -0 restore latest --target "$BATS_TEST_TMPDIR/given" --quiet
  LC_ALL=C sed -i 's/pgcrypto/pgnosuch/g' "$place/shop.dump"
  (cd "$BATS_TEST_TMPDIR/given" && HOLDFAST_RESTORED=$place/shop.dump run --separate-stderr "$script" --scratch --quiet && assert_failure 3 &&
    assert_regex "$stderr" 'lacks extensions that the dump needs: pgnosuch; nothing was changed')
}

@test "postgres: who may not make the grants of the database changes nothing; what is live is exchanged with its grants or not at all" {
  pg_ask postgres "CREATE ROLE app LOGIN CREATEDB PASSWORD 'secret'" 'CREATE ROLE boss' 'ALTER DATABASE shop OWNER TO boss' 'REVOKE CONNECT ON DATABASE shop FROM PUBLIC' \
    'GRANT CONNECT ON DATABASE shop TO app' 'GRANT boss TO app'
  pg_ask shop 'CREATE TABLE t AS SELECT 1 AS i' 'ALTER TABLE t OWNER TO app'
  sed -i 's/user = "owner"/user = "app"\nglobals = "none"/' "$HOLDFAST_CONFIG"
  take
  restore_pg --clean
  assert_success
  assert_equal "$(pg_ask postgres "SELECT datacl FROM pg_database WHERE datname = 'shop'")" '{boss=CTc/boss,=T/boss,app=c/boss}'
  restore_pg --accept
  pg_ask postgres 'REVOKE boss FROM app' 'ALTER DATABASE shop OWNER TO app'
  pg_ask shop 'INSERT INTO t VALUES (2)'
  restore_pg --clean
  assert_failure 10
  assert_regex "$stderr" 'could not be exchanged; the live database is as it was'
  assert_equal "$(databases '^shop') $(pg_ask shop 'SELECT count(*) FROM t')" 'shop 2'
  restore_pg --clean --no-owner
  assert_success
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM t')" 1
}
