#!/usr/bin/env bats
# export.bats - export from the outside: the files it makes, read by other programs and compared with the database.

load support
load repository
load exports

setup() {
  fresh_repository
  cd -- "$BATS_TEST_TMPDIR" || return
  make_odd_database odd.db
}

@test "export: CSV of every table is what the database holds, value by value, for Python's csv module" {
  run -0 --separate-stderr holdfast export --db odd.db --format csv --out out
  python3 "$BATS_TEST_DIRNAME/exported_values.py" csv odd.db out
}

@test "export: JSON and NDJSON are strict, exact, and equal to the database for Python's json module" {
  run -0 --separate-stderr holdfast export --db odd.db --format json --out json
  python3 "$BATS_TEST_DIRNAME/exported_values.py" json odd.db json
  run -0 --separate-stderr holdfast export --db odd.db --format ndjson --compress gzip --out ndjson
  python3 "$BATS_TEST_DIRNAME/exported_values.py" ndjson odd.db ndjson
}

@test "export: Parquet is what the database holds for DuckDB and for hyparquet, value by value" {
  [[ -d $HOLDFAST_SOURCE/tests/node/node_modules ]] || skip 'scripts/dev/node.sh installs the readers'
  sql t.db 'CREATE TABLE t(i INT, r REAL, n DECIMAL(10,2), s TEXT, b BLOB, x)' \
    "INSERT INTO t VALUES (9223372036854775807, 0.1, 5, 'a,\"é', x'00ff', 1), (NULL, NULL, 5.25, '', x'', 'one'), (-1, -1e300, NULL, NULL, NULL, x'ff')" \
    "INSERT INTO t SELECT value, value / 7.0, value, 'row ' || value, randomblob(20), value FROM generate_series(1, 3000)"
  holdfast export -q --db t.db --format parquet --out out
  python3 - >wanted <<'PY'
import json, sqlite3, struct
cell = lambda x: x if not isinstance(x, bytes) else "\\b:/w=="
for i, r, n, s, b, x in sqlite3.connect("t.db").execute("SELECT * FROM t"):
    real = lambda v: None if v is None else {"real": struct.pack(">d", v).hex()}
    print(json.dumps([i, real(r), real(n), s, None if b is None else {"blob": b.hex()}, str(cell(x))], ensure_ascii=False, separators=(",", ":")))
PY
  for reader in duckdb hyparquet; do
    node "$HOLDFAST_SOURCE/tests/node/read_parquet.mjs" "$reader" out/t_*.parquet >got
    diff wanted <(tail -n +2 got) # the first line is the columns
  done
}

@test "export: a JSON file is one document with time, count and the rows under the table's name" {
  sql t.db "CREATE TABLE trades(id INTEGER PRIMARY KEY, code TEXT); INSERT INTO trades VALUES (1, 'A'), (2, 'B')"
  holdfast export --db t.db --format json --table trades --out - >trades.json
  run -0 jq -c '[keys_unsorted, .record_count, .trades, (.export_timestamp | fromdate > 0)]' trades.json
  assert_output '[["export_timestamp","record_count","trades"],2,[{"id":1,"code":"A"},{"id":2,"code":"B"}],true]'
}

@test "export: export.json proves every file, and nothing else lies in the folder" {
  run -0 --separate-stderr holdfast export --db odd.db --format csv --compress zstd --out out
  jq -r '.tables[] | .sha256 + "  " + .file' out/export.json >sums
  (cd out && sha256sum --quiet -c ../sums)
  assert_equal "$(find out -mindepth 1 | wc -l)" "$(($(wc -l <sums) + 1))"
  zstd -q -d -c out/trade_*.csv.zst | sql -csv -cmd '.mode list' :memory: '.import --csv /dev/stdin t' 'SELECT count(*) FROM t' >count
  assert_equal "$(<count)" "$(sql odd.db 'SELECT count(*) FROM trade')"
  assert_equal "$(stat -c %a out out/export.json | paste -sd ' ')" '700 600'
}

@test "export: a snapshot is exported without being restored, the same as the database it was taken of" {
  make_database t.db
  take --sqlite t.db
  sql t.db "UPDATE trade SET note = 'later' WHERE id % 3 = 0"
  take --sqlite t.db
  run -0 --separate-stderr holdfast export latest --component t.db --format csv --out from-snapshot
  run -0 --separate-stderr holdfast export --db t.db --format csv --out from-file
  for table in book trade; do cmp from-snapshot/"$table"_* from-file/"$table"_*; done
  assert_equal "$(jq -r .source.snapshot from-snapshot/export.json)" "$id"
  run -0 jq -r 'select(.event == "exported") | [.snapshot, .component, .tables, .rows] | @tsv' "$repo/ledger.jsonl"
  assert_output "$id	t.db	2	1520"
  run -0 --separate-stderr catalog show "$id"
  assert_equal "$(grep -c "^Exported: t.db as csv, 1520 rows of 2 tables, to $PWD/from-snapshot 2" <<<"$output")" 1
  assert_equal "$(catalog show "$id" --json | jq -c '[.id, .exports[0].rows]')" "[\"$id\",1520]"
}

@test "export: a repository on a medium that cannot be written is exported all the same" {
  make_database t.db
  take --sqlite t.db
  chmod -R a-w "$repo"
  run -0 --separate-stderr runuser -u nobody -- true || skip 'no other user to be'
  cp -r "$repo" /tmp/ro.$$ && chmod -R a+rX,a-w /tmp/ro.$$
  run --separate-stderr runuser -u nobody -- env HOME=/nonexistent XDG_CACHE_HOME=/nonexistent XDG_STATE_HOME=/nonexistent "$HOLDFAST_BIN/export" --repo /tmp/ro.$$ latest --table book --out -
  chmod -R u+w /tmp/ro.$$ "$repo"
  rm -rf /tmp/ro.$$
  assert_equal "$status" 0
  assert_equal "$(wc -l <<<"$output")" 21
  assert_equal "$(grep -c 'ledger cannot be written' <<<"$stderr")" 1
}

@test "export: --table, --columns, --where, --limit and --query choose; what they may do is reading" {
  make_database t.db
  run -0 holdfast export --db t.db --table TRADE --columns id,book --where 'book = 3' --limit 2 --out -
  assert_output "$(printf 'id,book\r\n2,3\r\n22,3\r')"
  run -0 holdfast export --db t.db --query 'SELECT count(*) AS n, max(id) AS n FROM trade' --format ndjson --out -
  assert_output '{"n":1500,"n_2":1500}'
  for query in 'DELETE FROM trade' "ATTACH 'x.db' AS x" 'PRAGMA user_version=5' 'SELECT 1; SELECT 2' "SELECT load_extension('x')" \
    'SELECT * FROM pragma_user_version' 'WITH x AS (SELECT 1) DELETE FROM trade'; do
    run --separate-stderr holdfast export --db t.db --query "$query" --out -
    assert_clean_failure
  done
  run --separate-stderr holdfast export --db t.db --table trade --where '1) UNION SELECT 1, 2, 3; --' --out -
  assert_clean_failure
  assert_equal "$(sql t.db 'SELECT count(*) FROM trade')" 1500
  run -6 --separate-stderr holdfast export --db t.db --table trades --out -
  assert_equal "${stderr_lines[1]}" "export: hint: did you mean 'trade'?"
}

@test "export: a query without end is ended by --time-limit, and nothing is left" {
  make_database t.db
  run -10 --separate-stderr timeout 30 holdfast export --db t.db --time-limit 1s --out out \
    --query 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n'
  assert_equal "$(find out -mindepth 1)" ''
}

@test "export: an existing file is refused without --force, before anything is written" {
  make_database t.db
  holdfast export --db t.db --out out >/dev/null
  sha256sum out/* >before
  run -10 --separate-stderr holdfast export --db t.db --out out
  sha256sum --quiet -c before
  sql t.db 'DELETE FROM trade'
  run -0 --separate-stderr holdfast export --db t.db --out out --force
  assert_equal "$(jq '.tables[] | select(.table == "trade").rows' out/export.json)" 0
}

@test "export: a full disk leaves nothing, exit 8" {
  make_database t.db
  run -8 --separate-stderr bash -c '"$1"/export --db t.db --table trade --out - >/dev/full' - "$HOLDFAST_BIN"
  mkdir small # a file beyond the limit of the shell is a disk that is full; a disk of our own needs root
  run -8 --separate-stderr bash -c 'ulimit -f 32; exec "$1"/export --db t.db --out small/out' - "$HOLDFAST_BIN"
  assert_equal "$(find small/out -mindepth 1)" ''
  mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || return 0
  run -8 --separate-stderr holdfast export --db t.db --out small/out
  left=$(find small/out -mindepth 1)
  umount small
  assert_equal "$left" ''
}

@test "export: a damaged table is exit 5; --salvage exports the others and says so with 4" {
  make_database t.db
  root=$(sql t.db "SELECT rootpage FROM sqlite_schema WHERE name = 'trade'")
  dd if=/dev/zero of=t.db bs=4096 seek=$((root - 1)) count=1 conv=notrunc status=none
  run -5 --separate-stderr holdfast export --db t.db --out out
  assert_clean_failure
  assert_equal "$(find out -mindepth 1)" ''
  run -4 --separate-stderr holdfast export --db t.db --out out --salvage
  assert_equal "$(jq -r '[.tables[].table, .left_out[].table] | @tsv' out/export.json)" 'book	trade'
  assert_equal "$(find out -name 'trade*')" ''
}

@test "export: a damaged object of a snapshot is named, exit 5, and never exported" {
  make_database t.db
  take --sqlite t.db
  for object in "$repo"/objects/*/*; do
    if [[ $(stat -c %s "$object") -gt 10000 ]]; then flip_bit "$object"; fi
  done
  run -5 --separate-stderr holdfast export latest --out out
  assert_equal "$(grep -c 'object [0-9a-f]* is damaged' <<<"$stderr")" 1
  assert_equal "$(find out -mindepth 1 2>/dev/null)" ''
}

@test "export: a live database with a busy writer is one moment, and no sidecar is left behind" {
  sql live.db 'PRAGMA journal_mode=WAL; CREATE TABLE a(x); CREATE TABLE b(x); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0)' >/dev/null
  (while [[ ! -e stop ]]; do echo "BEGIN; UPDATE a SET x = x + 1; UPDATE b SET x = x + 1; INSERT INTO a SELECT x FROM a LIMIT 20; INSERT INTO b SELECT x FROM b LIMIT 20; COMMIT;" && sleep 0.005; done | sql live.db) 3>&- &
  writer=$!
  for i in 1 2 3 4 5 6; do
    holdfast export -q --db live.db --out "out$i"
    cmp <(tr -d '\r' <out"$i"/a_*.csv) <(tr -d '\r' <out"$i"/b_*.csv)
    sleep 0.2
  done
  touch stop
  wait "$writer"
  assert_equal "$(sort -u <(for i in 1 2 3 4 5 6; do sha256sum <out"$i/$(cd "out$i" && echo a_*.csv)"; done) | wc -l)" 6 # it did write all the while
  cp live.db quiet.db
  sql quiet.db 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
  find . -maxdepth 1 -name 'quiet.db*' | sort >before
  holdfast export -q --db quiet.db --out quiet
  find . -maxdepth 1 -name 'quiet.db*' | sort | diff before -
}

@test "export: views come on request, generated columns and WITHOUT ROWID tables always, rows in their own order" {
  sql t.db 'CREATE TABLE g(a INT, b INT AS (a * 2), c TEXT AS (a || 1) STORED); INSERT INTO g(a) VALUES (2), (1)' \
    'CREATE INDEX cover ON g(a, b, c)' 'CREATE VIEW v AS SELECT a + 1 AS n FROM g' \
    "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO w VALUES ('b', 1), ('a', 2)"
  run -0 holdfast export --db t.db --table g --out -
  assert_output "$(printf 'a,b,c\r\n2,4,21\r\n1,2,11\r')"
  run -0 holdfast export --db t.db --table w --out -
  assert_output "$(printf 'k,v\r\na,2\r\nb,1\r')"
  holdfast export -q --db t.db --out plain
  assert_equal "$(find plain -name 'v_*')" ''
  holdfast export -q --db t.db --views --out views
  assert_equal "$(tr -d '\r' <views/v_*.csv | paste -sd ' ')" 'n 3 2'
}

@test "export: a hostile schema runs nothing" {
  cat >evil.c <<'C'
#include <fcntl.h>
int sqlite3_extension_init(void *db, char **error, const void *api) {
  (void)db, (void)error, (void)api;
  return open("owned", O_CREAT | O_WRONLY, 0600) < 0;
}
C
  "${CC:-cc}" -shared -fPIC -o evil.so evil.c
  sql t.db "CREATE TABLE t(x); INSERT INTO t VALUES (1); CREATE VIEW evil AS SELECT load_extension('$PWD/evil.so') AS w, x FROM t" \
    "CREATE VIEW loop AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT x FROM n"
  sqlite3 t.db "SELECT load_extension('$PWD/evil.so')" >/dev/null
  assert_exist owned # hostile it is: a shell, which allows extensions, was taken in
  rm owned
  run -0 --separate-stderr holdfast export --db t.db --out out
  refused() { # <argument>…
    run --separate-stderr holdfast export --db t.db --time-limit 5s --out evil "$@"
    assert_clean_failure
    assert_not_exist evil/export.json
  }
  refused --table evil
  refused --views
  refused --query "SELECT load_extension('$PWD/evil.so')"
  refused --table t --where "load_extension('$PWD/evil.so')"
  assert_not_exist owned
  run -10 --separate-stderr holdfast export --db t.db --table loop --time-limit 1s --out loop
}
