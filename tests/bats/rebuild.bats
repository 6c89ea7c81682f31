#!/usr/bin/env bats
# rebuild.bats - restore --from-export: databases out of exports and out of other programs' files.

load support
load repository
load exports

setup() {
  fresh_repository
  cd -- "$BATS_TEST_TMPDIR" || return
}

@test "rebuild: every value, type and definition comes back, from every format and compression" {
  make_odd_database odd.db
  canonical odd.db >wanted
  for way in 'csv' 'json --compress gzip' 'ndjson --compress zstd' 'csv --compress zstd' 'parquet' 'parquet --compress gzip'; do
    rm -rf out new.db
    # shellcheck disable=SC2086  # words on purpose
    run -0 --separate-stderr holdfast export --db odd.db --format $way --out out
    run -0 --separate-stderr restore --from-export out --target new.db
    canonical new.db | diff wanted -
    assert_sound new.db
    assert_equal "$(sql new.db "SELECT body FROM words WHERE words MATCH 'hello'")" 'hello world'
  done
}

@test "rebuild: a database of UTF-16 comes back as one" {
  python3 - <<'PY'
import sqlite3
db = sqlite3.connect("t.db")
db.execute("PRAGMA encoding='UTF-16le'")
db.execute("CREATE TABLE t(x TEXT, y BLOB)")
db.execute("INSERT INTO t VALUES ('ü€😀', x'00ff'), ('', NULL)")
db.commit()
PY
  canonical t.db >wanted
  for format in csv json ndjson parquet; do
    holdfast export -q --db t.db --format "$format" --out "$format"
    run -0 --separate-stderr restore --from-export "$format" --target "$format.db"
    canonical "$format.db" | diff wanted -
  done
}

@test "rebuild: times that went out as Parquet timestamps come back as the texts they were" {
  sql t.db "CREATE TABLE t(d DATE, at DATETIME, odd TIMESTAMP, n DATETIME)" \
    "INSERT INTO t VALUES ('2024-02-29', '1969-12-31T23:59:59.250Z', '2024-01-15', 5), (NULL, '2024-01-15T10:00:00.000Z', 'soon', '2024-01-15')"
  canonical t.db >wanted
  holdfast export -q --db t.db --format parquet --timestamps --out out
  assert_equal "$(jq -r '[.tables[0].columns[] | .type] | join(" ")' out/export.json)" 'timestamp timestamp text text'
  run -0 --separate-stderr restore --from-export out --target new.db
  canonical new.db | diff wanted -
  run -2 --separate-stderr holdfast export --db t.db --timestamps --out -
}

@test "rebuild: when only exports are left, the exported snapshot is the database that comes back" {
  make_database t.db
  take --sqlite t.db
  run -0 --separate-stderr holdfast export latest --format csv --compress gzip --out exports
  canonical t.db >wanted
  rm -rf "$repo" t.db
  run -0 --separate-stderr restore --from-export exports --target restored/t.db
  canonical restored/t.db | diff wanted -
  assert_equal "$(find restored -mindepth 1 -printf '%P\n')" t.db
}

@test "rebuild: a file that is not the one that export.json names is exit 5, and there is no database" {
  make_database t.db
  holdfast export -q --db t.db --format csv --out out
  cp -r out good
  flip_bit out/trade_*.csv
  run -5 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(grep -c "is not the file that export.json names" <<<"$stderr")" 1
  cp good/* out
  truncate -s -40 out/trade_*.csv
  run -5 --separate-stderr restore --from-export out --target new.db
  cp good/* out
  sed -i '2{h;d};$G' out/book_*.csv # the same bytes in another order
  run -5 --separate-stderr restore --from-export out --target new.db
  rm out/book_*.csv
  run -8 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(find . -maxdepth 1 -name '*new.db*' -o -maxdepth 1 -name '.holdfast*')" ''
}

@test "rebuild: an edited export.json is refused: another count, a path out of the folder, SQL that is no definition" {
  make_database t.db
  holdfast export -q --db t.db --format json --out out
  edit() {
    jq "$1" out/export.json >edited.json
    rm -rf bad
    cp -r out bad
    cp edited.json bad/export.json
    run -5 --separate-stderr restore --from-export bad --target new.db
    assert_not_exist new.db
  }
  edit '.tables[0].rows += 1'
  edit '.tables[0].file = "../out/x"'
  edit '.database.schema[0].sql = "ATTACH '\''owned.db'\'' AS x"'
  edit '.database.schema[0].sql = "CREATE TABLE a(x); DROP TABLE a"'
  edit '.database.schema[0].sql = "CREATE TABLE book AS SELECT 1 AS id, 2 AS name"'
  edit '.database.schema[0].sql = "PRAGMA user_version = 3"'
  edit '.database.page_bytes = 1000'
  assert_not_exist owned.db
}

@test "rebuild: an existing database is refused without --overwrite, and one in use with it" {
  make_database t.db
  holdfast export -q --db t.db --out out
  make_database new.db
  sql new.db 'DELETE FROM trade'
  run -10 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(sql new.db 'SELECT count(*) FROM trade')" 0
  timeout 60 sqlite3 new.db 'BEGIN; SELECT count(*) FROM trade' '.shell touch held; while [ ! -e enough ]; do sleep 0.05; done' >/dev/null 3>&- &
  holder=$!
  until [[ -e held ]]; do sleep 0.05; done
  run -7 --separate-stderr restore --from-export out --target new.db --overwrite
  touch enough
  wait "$holder"
  assert_equal "$(sql new.db 'SELECT count(*) FROM trade')" 0
  assert_equal "$(find . -maxdepth 1 -name '.holdfast*')" ''
  run -0 --separate-stderr restore --from-export out --target new.db --overwrite
  assert_equal "$(sql new.db 'SELECT count(*) FROM trade')" 1500
}

@test "rebuild: a partial export makes a partial database and says so with 4" {
  make_database t.db
  holdfast export -q --db t.db --table trade --where 'id <= 10' --out out
  run -4 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(sql new.db 'SELECT (SELECT count(*) FROM trade), (SELECT count(*) FROM book)')" '10|0'
  assert_equal "$(grep -c warning <<<"$stderr")" 2
}

@test "rebuild: CSV and JSON of other programs become tables with types that fit every value" {
  mkdir foreign
  python3 - <<'PY'
import csv, json
with open("foreign/people.csv", "w", newline="") as f:
    out = csv.writer(f, quoting=csv.QUOTE_ALL)
    out.writerow(["id", "zip", "height", "name", "big"])
    out.writerow([1, "007", 1.75, 'A "quoted", name', 9223372036854775807])
    out.writerow([2, "10115", 2, "line\nbreak \\b:AA==", ""])
with open("foreign/orders_20251104.json", "w") as f:
    json.dump({"export_timestamp": "2025-11-04T10:00:00Z", "record_count": 2,
               "orders": [{"id": 1, "ok": True, "price": 1.5}, {"id": 2, "price": 2, "note": "é"}]}, f)
with open("foreign/events.ndjson", "w") as f:
    f.write('{"at":"2025-11-04","n":1}\n{"at":"2025-11-05","n":null}\n')
PY
  run -0 --separate-stderr restore --from-export foreign --target new.db
  assert_equal "$(sql new.db "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)")" \
    'CREATE TABLE "events"("at" TEXT, "n" INTEGER);CREATE TABLE "orders"("id" INTEGER, "ok" INTEGER, "price" REAL, "note" TEXT);CREATE TABLE "people"("id" INTEGER, "zip" TEXT, "height" REAL, "name" TEXT, "big" INTEGER)'
  assert_equal "$(sql new.db 'SELECT quote(id), quote(zip), quote(height), quote(name), quote(big) FROM people')" \
    "1|'007'|1.75|'A \"quoted\", name'|9223372036854775807
2|'10115'|2.0|'line
break \\b:AA=='|NULL"
  assert_equal "$(sql new.db 'SELECT quote(id), quote(ok), quote(price), quote(note) FROM orders')" "1|1|1.5|NULL
2|NULL|2.0|'é'"
}

@test "rebuild: a schema that is given decides types, keys and indexes of other programs' files" {
  mkdir foreign
  printf 'id,code,price\n1,007,3\n2,8,\n' >foreign/trades.csv
  cat >schema.sql <<'SQL'
CREATE TABLE trades(id INTEGER PRIMARY KEY, code TEXT NOT NULL, price REAL, note TEXT DEFAULT 'none');
-- what the application looks up by
CREATE INDEX by_code ON trades(code);
SQL
  run -0 --separate-stderr restore --from-export foreign --schema schema.sql --target new.db
  assert_equal "$(sql new.db 'SELECT quote(id), quote(code), quote(price), note FROM trades ORDER BY code')" "1|'007'|3.0|none
2|'8'|NULL|none"
  assert_sound new.db
  echo 'DROP TABLE trades' >schema.sql
  run -2 --separate-stderr restore --from-export foreign --schema schema.sql --target other.db
  assert_not_exist other.db
}

@test "rebuild: malformed files are told with line and column, exit 5" {
  mkdir foreign
  printf 'a,b\n1,2\n3\n' >foreign/t.csv
  run -5 --separate-stderr restore --from-export foreign --target new.db
  assert_equal "${stderr_lines[0]}" "restore: error: 't.csv', line 3, column 1: 1 cells where the header has 2"
  printf 'a,b\n1,"2\n' >foreign/t.csv
  run -5 --separate-stderr restore --from-export foreign --target new.db
  assert_equal "${stderr_lines[0]}" "restore: error: 't.csv', line 2, column 1: the text ends inside quotes that are opened in this record"
  rm foreign/t.csv
  printf '[{"a":1},\n {"a":2,}]' >foreign/t.json
  run -5 --separate-stderr restore --from-export foreign --target new.db
  assert_equal "$(cut -d: -f1-3 <<<"${stderr_lines[0]}")" "restore: error: 't.json', line 2, column 9"
  assert_not_exist new.db
}

@test "rebuild: an index that needs a collation of the application is left out and named, exit 4" {
  python3 - <<'PY'
import sqlite3
db = sqlite3.connect("t.db")
db.create_collation("app", lambda a, b: (a > b) - (a < b))
db.execute("CREATE TABLE t(x TEXT)")
db.execute("INSERT INTO t VALUES ('b'), ('a')")
db.execute("CREATE INDEX by_app ON t(x COLLATE app)")
db.commit()
PY
  holdfast export -q --db t.db --out out
  run -4 --separate-stderr restore --from-export out --target new.db
  assert_equal "$(grep -c "by_app" <<<"$stderr")" 1
  assert_equal "$(sql new.db 'SELECT group_concat(x) FROM t')" 'b,a'
}

@test "rebuild: a full disk leaves nothing, exit 8" {
  make_database t.db
  holdfast export -q --db t.db --out out
  mkdir small # a file beyond the limit of the shell is a disk that is full; a disk of our own needs root
  run -8 --separate-stderr bash -c 'ulimit -f 32; exec restore --from-export out --target small/new.db'
  assert_equal "$(find small -mindepth 1)" ''
  mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || return 0
  run -8 --separate-stderr restore --from-export out --target small/new.db
  left=$(find small -mindepth 1)
  umount small
  assert_equal "$left" ''
}
