#!/usr/bin/env bats
# rebuild_hostile.bats - restore --from-export of exports that somebody altered, and of definitions that would lose rows.

load support
load repository
load exports

setup() {
  fresh_repository
  cd -- "$BATS_TEST_TMPDIR" || return
}

export_of() { # <sql>… into the folder out, from a database made of it
  rm -rf t.db out
  sql t.db "$@"
  holdfast export -q --db t.db --out out
}

# A copy of out with another export.json; the rebuild of it ends with this code and, unless that is 4, leaves nothing.
edited() { # <code> <jq filter>
  rm -rf bad new.db
  cp -r out bad
  jq "$2" out/export.json >bad/export.json
  run -"$1" --separate-stderr timeout 60 restore --from-export bad --target new.db
  if [[ $1 -ne 4 ]]; then assert_not_exist new.db; fi
  assert_equal "$(find . -maxdepth 1 -name '.holdfast*')" ''
}

@test "rebuild: no row is dropped or replaced by a constraint that says so: exit 5" {
  mkdir foreign
  printf 'a,b\n1,2\n1,4\n' >foreign/t.csv
  for conflict in IGNORE REPLACE; do
    echo "CREATE TABLE t(a UNIQUE ON CONFLICT $conflict, b)" >schema.sql
    run -5 --separate-stderr restore --from-export foreign --schema schema.sql --target new.db
    assert_regex "${stderr_lines[0]}" 'UNIQUE constraint failed: t.a'
    assert_not_exist new.db
  done
  export_of 'CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4)'
  edited 5 '.database.schema[0].sql = "CREATE TABLE t(a, b, c AS (1), UNIQUE(c) ON CONFLICT REPLACE)"'
  edited 5 '.database.schema[0].sql = "CREATE TABLE t(a, b CHECK(0) ON CONFLICT IGNORE, UNIQUE(a) ON CONFLICT IGNORE)" | .tables[0].rows = 3'
}

@test "rebuild: rows that were against a CHECK of their table come back as they were" {
  export_of 'PRAGMA ignore_check_constraints=ON; CREATE TABLE t(a CHECK(a > 5)); INSERT INTO t VALUES (1), (9)'
  run -0 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(sql new.db 'SELECT group_concat(a) FROM t')" 1,9
}

@test "rebuild: a definition makes what it is named, and nothing more" {
  export_of 'CREATE TABLE t(a, b); CREATE INDEX i ON t(a); CREATE VIRTUAL TABLE w USING fts5(x); INSERT INTO t VALUES (1, 2)'
  edited 5 '(.database.schema[] | select(.name == "t")).sql = "CREATE TABLE u(a, b)"'
  edited 5 '(.database.schema[] | select(.name == "t")).sql += "; nonsense"'
  edited 5 '(.database.schema[] | select(.name == "i")).sql = "CREATE INDEX j ON t(a)"'
  edited 5 '(.database.schema[] | select(.name == "i")).sql = "CREATE VIEW i AS SELECT 1"'
  edited 5 '(.database.schema[] | select(.name == "w")).name = "z"'
  edited 5 '(.database.schema[] | select(.name == "w")) |= (.name = "t2" | .sql = "CREATE VIRTUAL TABLE t USING fts5(x)")'
  edited 5 '(.database.schema[] | select(.name == "w")).sql += " nonsense"'
  edited 5 '(.database.schema[] | select(.name == "w")).sql = "CREATE VIRTUAL TABLE w USING fts5(x); DROP TABLE t"'
  edited 5 '.database.schema += [.database.schema[] | select(.name == "w")]'
}

@test "rebuild: export.json with unknown words, counters without a table, or tables without definitions is exit 5" {
  export_of 'CREATE TABLE t(a); INSERT INTO t VALUES (1)'
  edited 5 '.compression = "bogus"'
  edited 5 '.file_format = "bogus"'
  edited 5 '.tables[0].kind = "bogus"'
  edited 5 '.database.sequences = [{"table": "t", "last": 5}]'
  edited 5 '.database.schema = []'
  edited 5 '.tables += [.tables[0]]'
}

@test "rebuild: a file that unpacks to more than export.json says is not unpacked further" {
  sql t.db 'CREATE TABLE t(a)' 'INSERT INTO t VALUES (1)'
  for compression in gzip zstd; do
    rm -rf out bad
    holdfast export -q --db t.db --format csv --compress "$compression" --out out
    file=$(jq -r '.tables[0].file' out/export.json)
    assert_equal "$(jq '.tables[0].plain_bytes' out/export.json)" 6
    cp -r out bad
    {
      printf 'a\r\n"'
      head -c 300M /dev/zero
      printf '"\r\n'
    } | if [[ $compression == gzip ]]; then gzip -1; else zstd -q; fi >bad/"$file"
    jq --arg sum "$(sha256sum "bad/$file" | cut -d' ' -f1)" --argjson size "$(stat -c %s "bad/$file")" \
      '.tables[0] |= (.sha256 = $sum | .bytes = $size)' out/export.json >bad/export.json
    run -5 --separate-stderr restore --from-export bad --target new.db
    assert_regex "${stderr_lines[0]}" 'unpacks to more than the 6 B that export.json says'
    assert_not_exist new.db
  done
}

@test "rebuild: a link in the folder is not followed, a pipe is not waited for" {
  export_of 'CREATE TABLE t(a); INSERT INTO t VALUES (1)'
  file=$(jq -r '.tables[0].file' out/export.json)
  mv "out/$file" elsewhere.csv
  ln -s ../elsewhere.csv "out/$file"
  run -10 --separate-stderr restore --from-export out --target new.db
  assert_regex "${stderr_lines[0]}" 'is a symbolic link'
  ln -s elsewhere.csv t.csv # given by its own name it is
  run -0 --separate-stderr restore --from-export t.csv --target given.db
  rm out/*
  mkfifo out/export.json
  run -8 --separate-stderr timeout 10 restore --from-export out --target new.db
  rm out/export.json
  mkfifo out/t.csv
  run -8 --separate-stderr timeout 10 restore --from-export out --target new.db
  assert_not_exist new.db
}

@test "rebuild: tables that need a function or collation of the application are left out and named, exit 4" {
  python3 - <<'PY'
import sqlite3
db = sqlite3.connect("t.db")
db.create_function("f", 1, lambda x: 1, deterministic=True)
db.create_collation("app", lambda a, b: (a > b) - (a < b))
db.execute("CREATE TABLE checked(a CHECK(f(a)))")
db.execute("CREATE TABLE sorted(a TEXT COLLATE app UNIQUE)")
db.execute("CREATE TABLE plain(a INTEGER PRIMARY KEY AUTOINCREMENT)")
db.execute("CREATE INDEX i ON checked(a)")
for table in ("checked", "sorted", "plain"):
    db.execute(f"INSERT INTO {table} VALUES (1)")
db.commit()
PY
  run -0 --separate-stderr holdfast export --db t.db --out out
  run -4 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(grep -c "warning: table '\(checked\|sorted\)' is left out, its rows are in the export only: .*no such \(function: f\|collation sequence: app\)" <<<"$stderr")" 2
  assert_equal "$(sql new.db "SELECT group_concat(name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'")" plain
  assert_equal "$(sql new.db 'SELECT * FROM plain')" 1
  edited 5 '(.database.schema[] | select(.name == "plain")).sql = "CREATE TABLE plain(a nonsense nonsense,)"'
}

@test "rebuild: a full-text table over rowids that are given anew is named, exit 4" {
  sql t.db 'CREATE TABLE keyed(id INTEGER PRIMARY KEY, x); CREATE TABLE loose(x)' \
    "CREATE VIRTUAL TABLE a USING fts5(x, content='keyed', content_rowid='id'); CREATE VIRTUAL TABLE b USING fts5(x, content=\"loose\")" \
    "CREATE VIRTUAL TABLE c USING fts5(x, content=''); INSERT INTO loose VALUES ('one'), ('two'); DELETE FROM loose WHERE x = 'one'" \
    "INSERT INTO b(b) VALUES ('rebuild')"
  holdfast export -q --db t.db --out out
  run -4 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(grep -c warning <<<"$stderr")" 1
  assert_regex "$stderr" "full-text table 'b' finds texts by rowids"
}

@test "rebuild: a signal ends it as a signal, and leaves nothing" {
  export_of 'CREATE TABLE t(a, b); INSERT INTO t SELECT value, value FROM generate_series(1, 1500000)'
  for signal in TERM HUP; do
    "$HOLDFAST_BIN/restore" -q --from-export out --target new.db 2>err &
    rebuild=$!
    for ((i = 0; i < 1500; i++)); do # until rows are on their way
      size=$(stat -c %s .holdfast*/0 2>/dev/null) && ((size > 0)) && break
      sleep 0.02
    done
    kill -"$signal" "$rebuild"
    code=0
    wait "$rebuild" || code=$?
    assert_equal "$code" "$((128 + $(kill -l "$signal")))"
    assert_regex "$(<err)" "stopped by SIG$signal"
    assert_equal "$(find . -maxdepth 1 -name 'new.db*' -o -maxdepth 1 -name '.holdfast*')" ''
  done
}
