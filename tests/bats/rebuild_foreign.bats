#!/usr/bin/env bats
# rebuild_foreign.bats - restore --from-export of other programs' files, where guessing would lose or change something.

load support
load repository

setup() {
  fresh_repository
  cd -- "$BATS_TEST_TMPDIR" || return
  mkdir foreign
}

@test "rebuild: triggers of --schema do not fire on the rows, and indexes hold all of them" {
  printf 'a\n1\n2\n' >foreign/t.csv
  cat >schema.sql <<'SQL'
CREATE TABLE log(x);
CREATE TABLE t(a);
CREATE TRIGGER keep AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); DELETE FROM t WHERE a = 1; END;
CREATE INDEX by_a ON t(a);
CREATE VIEW v AS SELECT a FROM t; -- the last one
SQL
  run -0 --separate-stderr restore --from-export foreign --schema schema.sql --target new.db
  assert_equal "$(sql new.db 'SELECT (SELECT count(*) FROM log), (SELECT group_concat(a) FROM t), (SELECT count(*) FROM v)')" '0|1,2|2'
  assert_equal "$(sql new.db "SELECT group_concat(type) FROM sqlite_schema")" 'table,table,trigger,index,view'
  sql new.db 'INSERT INTO t VALUES (3)'
  assert_equal "$(sql new.db 'SELECT (SELECT group_concat(x) FROM log), (SELECT group_concat(a) FROM t INDEXED BY by_a WHERE a > 0)')" '3|2,3'
  assert_sound new.db
}

@test "rebuild: a unique index of --schema that the rows are against is exit 5" {
  printf 'a\n1\n1\n' >foreign/t.csv
  echo 'CREATE TABLE t(a); CREATE UNIQUE INDEX by_a ON t(a)' >schema.sql
  run -5 --separate-stderr restore --from-export foreign --schema schema.sql --target new.db
  assert_not_exist new.db
  echo 'CREATE VIRTUAL TABLE t USING fts5(a)' >schema.sql
  run -2 --separate-stderr restore --from-export foreign --schema schema.sql --target new.db
  assert_not_exist new.db
}

@test "rebuild: objects inside of values are refused at any depth, and no row is lost" {
  printf '[{"id":1},{"id":2,"a":{"b":{"c":1}}},{"id":3},{"id":4}]' >foreign/t.json
  run -5 --separate-stderr restore --from-export foreign --target new.db
  assert_regex "${stderr_lines[0]}" "'t.json', line 1, column [0-9]*: column 'a' holds a list or an object"
  rm foreign/*
  printf '{"id":1}\n{"id":2,"a":{"b":{}}}\n{"id":3}\n' >foreign/t.ndjson
  run -5 --separate-stderr restore --from-export foreign --target new.db
  assert_regex "${stderr_lines[0]}" "'t.ndjson', line 2, column [0-9]*: column 'a' holds a list or an object"
  assert_not_exist new.db
}

@test "rebuild: integers beyond 64 bits keep every digit" {
  echo '[{"a":18446744073709551615},{"a":1},{"a":-123456789012345678901234567890}]' >foreign/t.json
  run -0 --separate-stderr restore --from-export foreign --target new.db
  assert_equal "$(sql new.db 'SELECT group_concat(quote(a)) FROM t')" "'18446744073709551615','1','-123456789012345678901234567890'"
}

@test "rebuild: UTF-16 and headers of other encodings are named, exit 5" {
  printf 'a,b\n1,2\n' | iconv -t UTF-16 >foreign/t.csv
  run -5 --separate-stderr restore --from-export foreign --target new.db
  assert_regex "${stderr_lines[0]}" "'t.csv', line 1, column 1: this is UTF-16"
  printf 'gr\366\337e,b\n1,2\n' >foreign/t.csv
  run -5 --separate-stderr restore --from-export foreign --target new.db
  assert_regex "${stderr_lines[0]}" "'t.csv', line 1, column 1: the header is not UTF-8"
  assert_not_exist new.db
}
