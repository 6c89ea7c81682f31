#!/usr/bin/env bats
# postgres_tables.bats - pg_restore.sh --table: exactly the tables that are meant, whole, with what belongs to them, in one
# transaction; and nothing that the dump does not hold is lost.

load support
load repository
load servers
load pg_restore

partitions() {
  pg_ask shop 'CREATE TABLE quotes(day date NOT NULL, code text, PRIMARY KEY (day, code)) PARTITION BY RANGE (day)' 'CREATE INDEX quotes_code ON quotes(code)' \
    "CREATE TABLE quotes_a PARTITION OF quotes FOR VALUES FROM ('2026-01-01') TO ('2026-07-01')" \
    "CREATE TABLE quotes_b PARTITION OF quotes FOR VALUES FROM ('2026-07-01') TO ('2027-01-01') PARTITION BY LIST (code)" \
    "CREATE TABLE quotes_b_x PARTITION OF quotes_b FOR VALUES IN ('x')" \
    "INSERT INTO quotes SELECT date '2026-01-01' + i, 'x' FROM generate_series(0, 299) i"
}

tree_of_quotes() {
  pg_ask shop 'SELECT relid, parentrelid, (SELECT count(*) FROM pg_index WHERE indrelid = relid AND indisvalid) FROM pg_partition_tree($$quotes$$) ORDER BY relid::regclass::text' 'SELECT count(*) FROM quotes'
}

@test "postgres: a partitioned table is restored with its partitions, and one partition into the table that is there" {
  partitions
  local good
  good=$(tree_of_quotes)
  take
  pg_ask shop 'DELETE FROM quotes' "INSERT INTO quotes VALUES ('2026-02-02', 'live')"
  restore_pg --clean --table quotes
  assert_success
  assert_equal "$(tree_of_quotes)" "$good"
  pg_ask shop 'DELETE FROM quotes_a'
  restore_pg --clean --table quotes_a
  assert_success
  assert_equal "$(tree_of_quotes)" "$good"
  pg_ask shop 'DROP TABLE quotes_b'
  restore_pg --table quotes_b
  assert_success
  assert_equal "$(tree_of_quotes)" "$good"
  pg_ask shop 'DROP TABLE quotes'
  restore_pg --table quotes_a
  assert_failure 10
  assert_regex "$stderr" 'is a partition of public.quotes, which database .shop. does not have; nothing was changed'
  restore_pg --table quotes
  assert_success
  assert_equal "$(tree_of_quotes)" "$good"
}

@test "postgres: --clean does not drop a partition that the dump does not hold" {
  partitions
  take
  pg_ask shop "CREATE TABLE quotes_c PARTITION OF quotes FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')" "INSERT INTO quotes VALUES ('2027-02-02', 'live')"
  restore_pg --clean --table quotes
  assert_failure 10
  assert_regex "$stderr" 'they would be lost: quotes_c; nothing was changed'
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM quotes')" 301
}

@test "postgres: a name is the one table of that name, never another schema's nor one that begins like it" {
  pg_ask shop 'CREATE TABLE trades AS SELECT 1 AS i' 'CREATE TABLE "trades b" AS SELECT 1 AS i' 'CREATE SCHEMA archive' 'CREATE TABLE archive.trades AS SELECT 1 AS i' \
    'CREATE SCHEMA "DATA"' 'CREATE TABLE "DATA"."public.trades" AS SELECT 1 AS i' 'COMMENT ON TABLE "trades b" IS $$b$$' 'CREATE INDEX ON "trades b"(i)'
  take
  pg_ask shop 'UPDATE trades SET i = 2' 'UPDATE "trades b" SET i = 2' 'UPDATE archive.trades SET i = 2' 'UPDATE "DATA"."public.trades" SET i = 2'
  restore_pg --clean --table trades
  assert_failure 2
  assert_regex "$stderr" "'trades' may be archive.trades or public.trades; nothing was changed"
  restore_pg --clean --table '"public"."trades"'
  assert_failure 6
  restore_pg --clean --table archive.trades
  assert_success
  assert_equal "$(pg_ask shop 'SELECT i FROM trades' 'SELECT i FROM "trades b"' 'SELECT i FROM archive.trades' 'SELECT i FROM "DATA"."public.trades"' | paste -sd ' ')" '2 2 1 2'
  restore_pg --clean --table 'trades b' --table 'DATA.public.trades'
  assert_success
  assert_equal "$(pg_ask shop 'SELECT i FROM trades' 'SELECT i FROM "trades b"' 'SELECT i FROM archive.trades' 'SELECT i FROM "DATA"."public.trades"' | paste -sd ' ')" '2 1 1 1'
}

@test "postgres: a restored table counts on where it was, has its triggers, policies and texts, and no view comes with it" {
  pg_ask shop 'CREATE TABLE codes(id serial PRIMARY KEY, code text UNIQUE)' 'INSERT INTO codes(code) VALUES ($$a$$), ($$b$$)' \
    'CREATE TABLE trades(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code int REFERENCES codes, note text DEFAULT $$n$$)' 'INSERT INTO trades(code) SELECT 1 FROM generate_series(1, 5)' \
    'CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := $q$by trigger$q$; RETURN NEW; END $$' 'CREATE TRIGGER tg BEFORE INSERT ON trades FOR EACH ROW EXECUTE FUNCTION tf()' \
    'ALTER TABLE trades ENABLE ROW LEVEL SECURITY' 'CREATE POLICY pol ON trades USING (id > 0)' 'CREATE INDEX trades_code ON trades(code)' 'CREATE STATISTICS st ON id, code FROM trades' \
    'COMMENT ON TABLE trades IS $$t$$' 'COMMENT ON COLUMN trades.note IS $$c$$' 'COMMENT ON INDEX trades_code IS $$i$$' 'GRANT SELECT ON trades TO PUBLIC'
  pg_dump_of() { PGPASSWORD=secret pg_dump -h "$PG_DIR" -U owner shop | grep -v '^.\(un\)\?restrict '; }
  pg_dump_of >"$BATS_TEST_TMPDIR/good"
  pg_ask shop 'CREATE VIEW v AS SELECT * FROM trades'
  take
  pg_ask shop 'DROP TABLE trades CASCADE'
  restore_pg --table trades
  assert_success
  pg_dump_of >"$BATS_TEST_TMPDIR/restored"
  diff "$BATS_TEST_TMPDIR/good" "$BATS_TEST_TMPDIR/restored"
  assert_equal "$(pg_ask shop 'INSERT INTO trades(code) VALUES (2) RETURNING id, note')" '6|by trigger'
  pg_ask shop 'DELETE FROM trades' 'DELETE FROM codes'
  restore_pg --clean --table trades --table codes # each refers to the other
  assert_success
  assert_equal "$(pg_ask shop 'INSERT INTO codes(code) VALUES ($$c$$) RETURNING id')" 3
}

@test "postgres: a pg_restore that is killed while it writes a table changes nothing" {
  pg_ask shop "CREATE TABLE big AS SELECT i, repeat('x', 200) AS v FROM generate_series(1, 30000) i"
  take
  pg_ask shop "INSERT INTO big VALUES (-1, 'live')"
  shim 'if [[ $* == *--use-list=*/list* ]]; then "$real" "$@" | head -c 3000000; kill -9 $$; fi'
  restore_by_shim --clean --table big
  assert_failure 8
  assert_regex "$stderr" 'nothing was changed'
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM big')" 30001
}

@test "postgres: SQL that is cut off on its way to the server changes nothing" {
  pg_ask shop "CREATE TABLE big AS SELECT i, repeat('x', 200) AS v FROM generate_series(1, 30000) i"
  take
  pg_ask shop "INSERT INTO big VALUES (-1, 'live')"
  mkdir "$BATS_TEST_TMPDIR/bin" # as a container client that is stopped: psql sees the end of its input, and the exit status is lost
  printf '#!/bin/bash\nhead -c 3000000 | sed "s/x$/x/" | { "$@"; }\n' >"$BATS_TEST_TMPDIR/bin/cut"
  chmod +x "$BATS_TEST_TMPDIR/bin/cut"
  configure 'database = "shop"' "via = [\"$BATS_TEST_TMPDIR/bin/cut\"]" 'globals = "none"'
  restore_pg --clean --table big
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM big')" 30001
  ((status != 0)) || fail 'it says that the table is restored'
}

@test "postgres: rows that go missing on the way are seen before they are committed, exit 5" {
  pg_ask shop 'CREATE TABLE t AS SELECT generate_series(1, 10) AS i'
  take
  pg_ask shop 'INSERT INTO t VALUES (11)'
  shim 'if [[ $* == *--use-list=*/list* ]]; then "$real" "$@" | sed "/^7\$/d"; exit; fi'
  restore_by_shim --clean --table t
  assert_failure 5
  assert_regex "$stderr" 'public.t does not have the 10 rows of the dump'
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM t')" 11
  # The whole database: the row goes after its restore.
  shim "if [[ \$* == *--jobs* ]]; then \"\$real\" \"\$@\" || exit; PGPASSWORD=secret psql -Xq -h $PG_DIR -U owner -d \"\$(PGPASSWORD=secret psql -XqAt -h $PG_DIR -U owner -d postgres -c \"SELECT datname FROM pg_database WHERE datname ~ '_restoring_'\")\" -c 'DELETE FROM t WHERE i = 7'; exit; fi"
  restore_by_shim --clean --jobs 3
  assert_failure 5
  assert_regex "$stderr" 'does not have the rows of the dump'
  assert_regex "$stderr" '< 10'
  assert_equal "$(databases '^shop') $(pg_ask shop 'SELECT count(*) FROM t')" 'shop 11'
}

@test "postgres: an application that goes on writing during a restore of its table is no failure" {
  pg_ask shop 'CREATE TABLE hot AS SELECT generate_series(1, 1000) AS i'
  take
  (for ((i = 0; i < 300; i++)); do printf 'INSERT INTO hot VALUES (0);\n\\! sleep 0.01\n'; done | PGPASSWORD=secret psql -XqAt -h "$PG_DIR" -U owner shop >/dev/null 2>&1 3>&-) &
  local pid=$!
  restore_pg --clean --table hot
  wait "$pid"
  assert_success
  assert_equal "$(pg_ask shop 'SELECT count(*) FROM hot WHERE i > 0')" 1000
}
