#!/usr/bin/env bats
# export_edges.bats - exports of what is odd: virtual tables, damaged indexes, definitions that need the application,
# queries that change, readers that stop, values that are long.

load support
load repository
load exports

setup() {
  fresh_repository
  cd -- "$BATS_TEST_TMPDIR" || return
}

@test "export: virtual tables by name and table-valued functions give their rows, in every format" {
  sql t.db "CREATE VIRTUAL TABLE w5 USING fts5(body); INSERT INTO w5 VALUES ('hello world'), ('foo')" \
    "CREATE VIRTUAL TABLE w4 USING fts4(body); INSERT INTO w4 VALUES ('old text')" \
    'CREATE VIRTUAL TABLE box USING rtree(id, low, high); INSERT INTO box VALUES (1, 2, 3)'
  take --sqlite t.db
  for from in '--db t.db' latest; do
    # shellcheck disable=SC2086  # words on purpose
    {
      run -0 --separate-stderr holdfast export $from --table w5 --out -
      assert_output "$(printf 'body\r\nhello world\r\nfoo\r')"
      run -0 --separate-stderr holdfast export $from --table w4 --format json --out -
      assert_equal "$(jq -c .w4 <<<"$output")" '[{"body":"old text"}]'
      run -0 --separate-stderr holdfast export $from --table box --format ndjson --out -
      assert_output '{"id":1,"low":2.0,"high":3.0}'
      run -0 --separate-stderr holdfast export $from --query "SELECT body FROM w5 WHERE w5 MATCH 'foo'" --format ndjson --out -
      assert_output '{"body":"foo"}'
      run -0 --separate-stderr holdfast export $from --query "SELECT value FROM json_each('[1,2]')" --format ndjson --out -
      assert_output "$(printf '{"value":1}\n{"value":2}')"
    }
  done
  run -0 --separate-stderr holdfast export --db t.db --table w5 --format parquet --out out
  assert_equal "$(jq '.tables[0].rows' out/export.json)" 2
}

@test "export: what is no reading stays refused, also by the names that virtual tables use" {
  sql t.db "CREATE TABLE a_node(x); CREATE TABLE t(x); INSERT INTO t VALUES (1)"
  sha256sum t.db >before
  for query in 'INSERT INTO a_node VALUES (1)' 'WITH x AS (SELECT 1) DELETE FROM a_node' 'PRAGMA page_size' 'PRAGMA main.page_count' \
    "UPDATE sqlite_schema SET sql = ''" 'SELECT * FROM pragma_page_size' 'SELECT * FROM pragma_table_info(1)'; do
    run --separate-stderr holdfast export --db t.db --query "$query" --out -
    assert_clean_failure
  done
  sha256sum --quiet -c before
}

@test "export: a column that --columns names twice is refused, and a partial export is never called whole" {
  sql t.db 'CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)'
  for columns in a,a a,A; do
    run -2 --separate-stderr holdfast export --db t.db --columns "$columns" --out out
    assert_not_exist out
  done
  run -0 --separate-stderr holdfast export --db t.db --columns b,a --out out
  run -0 --separate-stderr restore --from-export out --target whole.db
  assert_equal "$(sql whole.db 'SELECT a, b FROM t')" '1|2'
  run -0 --separate-stderr holdfast export --db t.db --columns a --out part
  run -4 --separate-stderr restore --from-export part --target part.db
}

@test "export: a damaged index is not looked at: every format has every row" {
  sql t.db 'CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t SELECT value, value, hex(zeroblob(100)) FROM generate_series(1, 2000)' 'CREATE INDEX i ON t(b)'
  root=$(sql t.db "SELECT rootpage FROM sqlite_schema WHERE name = 'i'")
  dd if=/dev/zero of=t.db bs=4096 seek=$((root - 1)) count=1 conv=notrunc status=none
  run ! sql t.db 'SELECT count(*) FROM t'
  for format in csv json ndjson parquet; do
    run -0 --separate-stderr holdfast export --db t.db --format "$format" --out "$format"
    assert_equal "$(jq '.tables[0].rows' "$format/export.json")" 2000
  done
  assert_equal "$(jq .record_count json/t_*.json)" 2000
  run -0 --separate-stderr restore --from-export json --target new.db
  assert_equal "$(sql new.db 'SELECT count(*), sum(b) FROM t INDEXED BY i WHERE b > 0')" '2000|2001000'
}

@test "export: damaged counters of AUTOINCREMENT are left out by --salvage, the tables are not" {
  sql t.db 'CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1), (7)'
  root=$(sql t.db "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_sequence'")
  dd if=/dev/zero of=t.db bs=4096 seek=$((root - 1)) count=1 conv=notrunc status=none
  run -5 --separate-stderr holdfast export --db t.db --out out
  assert_not_exist out/export.json
  run -4 --separate-stderr holdfast export --db t.db --out out --salvage
  assert_equal "$(jq -r '[.tables[].table, .left_out[].table] | @tsv' out/export.json)" 't	sqlite_sequence'
  run -4 --separate-stderr restore --from-export out --target new.db
  assert_regex "$stderr" 'counters of AUTOINCREMENT'
  sql new.db 'INSERT INTO t DEFAULT VALUES'
  assert_equal "$(sql new.db 'SELECT group_concat(a) FROM t')" 1,7,8
}

@test "export: what needs the application is named; --salvage leaves it out and exports the others" {
  python3 - <<'PY'
import sqlite3
db = sqlite3.connect("t.db")
db.create_function("f", 1, lambda x: 1, deterministic=True)
db.create_collation("app", lambda a, b: (a > b) - (a < b))
db.execute("CREATE TABLE made(a, b AS (f(a)))")
db.execute("CREATE TABLE keyed(a TEXT COLLATE app PRIMARY KEY) WITHOUT ROWID")
db.execute("CREATE TABLE plain(a)")
db.execute("CREATE TABLE gone(a)")
db.execute("CREATE VIEW broken AS SELECT a FROM gone")
for table in ("made(a)", "keyed(a)", "plain(a)"):
    db.execute(f"INSERT INTO {table} VALUES (1)")
db.execute("DROP TABLE gone")
db.commit()
PY
  run -8 --separate-stderr holdfast export --db t.db --out out
  assert_regex "${stderr_lines[0]}" "table '(made|keyed)': .*(unknown function|no such collation)"
  assert_regex "${stderr_lines[1]}" 'hint: --salvage leaves it out'
  assert_not_exist out/export.json
  run -4 --separate-stderr holdfast export --db t.db --views --salvage --out out
  assert_equal "$(jq -r '[([.tables[].table] | contains(["plain"])), ([.left_out[].table] | contains(["made", "broken"]))] | @tsv' out/export.json)" 'true	true'
  run --separate-stderr holdfast export --db t.db --salvage --where 'nonsense nonsense' --out where
  assert_clean_failure
  assert_not_exist where/export.json
}

@test "export: SQL that does not give the same rows twice is told as that" {
  sql t.db 'CREATE TABLE t(a); INSERT INTO t SELECT value FROM generate_series(1, 3000)'
  query='SELECT a FROM t WHERE random() > 0'
  run -10 --separate-stderr holdfast export --db t.db --query "$query" --format json --out out
  assert_regex "$stderr" 'does not give the same rows twice'
  run ! grep -q damaged <<<"$stderr"
  run -10 --separate-stderr holdfast export --db t.db --where 'random() > 0' --format json --out out
  assert_regex "$stderr" 'does not give the same rows twice'
  changing="SELECT CASE WHEN a = abs(random() % 3000) + 1 THEN 'x' ELSE a END AS v FROM t"
  for out in out -; do # the types that were looked at are not those that come, nearly always
    for i in 1 2 3 4 5 6 7 8; do
      run --separate-stderr holdfast export --db t.db --query "$changing" --format parquet --out "$out"
      if [[ $status -eq 0 ]]; then rm -rf out; else break; fi
    done
    if [[ $status -ne 0 ]]; then
      assert_equal "$status" 10
      assert_regex "$stderr" 'are of other types each time'
    fi
  done
}

@test "export: a database without tables is a warning and 4, not an export that looks whole" {
  : >empty.db
  run -4 --separate-stderr holdfast export --db empty.db --out out
  assert_regex "$stderr" 'the database has no tables'
}

@test "export: --limit takes any number of 64 bits" {
  sql t.db 'CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)'
  for limit in 1 9223372036854775807 18446744073709551615; do
    run -0 --separate-stderr holdfast export --db t.db --limit "$limit" --format ndjson --out -
    assert_equal "${lines[0]}" '{"a":1}'
  done
  assert_equal "${#lines[@]}" 2
}

@test "export: a reader that has seen enough ends it as SIGPIPE, in silence" {
  sql t.db 'CREATE TABLE t(a); INSERT INTO t SELECT value FROM generate_series(1, 300000)'
  for format in csv ndjson; do
    run -0 --separate-stderr bash -c '"$1/export" --db t.db --format "$2" --out - | head -n 2; echo "${PIPESTATUS[0]}" >&2' - "$HOLDFAST_BIN" "$format"
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" 141
  done
}

@test "export: a signal ends it as a signal, and leaves nothing" {
  sql t.db 'CREATE TABLE t(a, b); INSERT INTO t SELECT value, randomblob(200) FROM generate_series(1, 400000)'
  "$HOLDFAST_BIN/export" -q --db t.db --out out --format json --compress gzip 2>err &
  export=$!
  for ((i = 0; i < 1500; i++)); do
    compgen -G 'out/.holdfast-export.*/t_*' >/dev/null && break
    sleep 0.02
  done
  kill -TERM "$export"
  code=0
  wait "$export" || code=$?
  assert_equal "$code" 143
  assert_equal "$(find out -mindepth 1)" ''
}

@test "export: one that was killed leaves a folder that is no export, and the next one is whole" {
  sql t.db 'CREATE TABLE t(a, b); INSERT INTO t SELECT value, randomblob(200) FROM generate_series(1, 200000)'
  "$HOLDFAST_BIN/export" -q --db t.db --out out --compress gzip &
  export=$!
  for ((i = 0; i < 1500; i++)); do
    compgen -G 'out/.holdfast-export.*/t_*' >/dev/null && break
    sleep 0.02
  done
  kill -KILL "$export"
  wait "$export" || true
  assert_not_exist out/export.json
  run --separate-stderr restore --from-export out --target new.db
  assert_clean_failure
  run -0 --separate-stderr holdfast export -q --db t.db --out out
  run -0 --separate-stderr restore -q --from-export out --target new.db
  assert_equal "$(sql new.db 'SELECT count(*) FROM t')" 200000
}

peak_memory() { # <command>… in MiB
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"
}

@test "export: memory does not grow with the number of rows or of long values" {
  sql t.db 'CREATE TABLE t(a TEXT)' "INSERT INTO t SELECT replace(hex(zeroblob(10000000)), '00', 'ab') FROM generate_series(1, 12)"
  for way in csv json 'csv --compress gzip'; do
    rm -rf out
    # shellcheck disable=SC2086  # words on purpose
    mib=$(peak_memory "$HOLDFAST_BIN/export" -q --db t.db --out out --format $way)
    assert [ "$mib" -lt 120 ]
  done
  rm -rf out
  mib=$(peak_memory "$HOLDFAST_BIN/export" -q --db t.db --out out --format parquet)
  assert [ "$mib" -lt 260 ]
}
