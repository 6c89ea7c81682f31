#!/usr/bin/env bats
# newest_row.bats - how far the data of a snapshot reaches: verify --deep and drill find out, catalog tells.

load support
load repository

setup() {
  fresh_repository
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir conf
  echo a >conf/a
  sqlite3 t.db "CREATE TABLE t(at); INSERT INTO t VALUES('2026-03-01T10:00:00'), ('2026-03-02T11:30:00')"
  cat >holdfast.toml <<'END'
[[source]]
name = "trades"
kind = "sqlite"
path = "t.db"
[[source.check]]
name = "age"
sql = "SELECT max(at) FROM t"
max_age = "forever"
[[source]]
name = "conf"
kind = "tree"
path = "conf"
END
  chmod go-w . holdfast.toml
  export HOLDFAST_CONFIG=$PWD/holdfast.toml
  take
}

newest() { # of the newest snapshot, as catalog --json has it
  catalog --json | jq -c '.[0] | [.newest_row_utc, .newest_row_utc_of]'
}

@test "catalog: the newest row is not known until a deep verification has seen it, then it is in every view" {
  assert_equal "$(newest)" '[null,{}]'
  assert_equal "$(catalog show --json latest)" "$(<"$repo/snapshots/$id/manifest.json")"
  verify latest
  assert_equal "$(newest)" '[null,{}]'
  run -0 --separate-stderr verify --deep --json latest
  assert_equal "$(jq -c .newest_rows <<<"$output")" '[{"snapshot":"'"$id"'","component":"trades","time_utc":"2026-03-02T11:30:00Z"}]'
  assert_equal "$(newest)" '["2026-03-02T11:30:00Z",{"trades":"2026-03-02T11:30:00Z"}]'
  assert_equal "$(catalog show --json latest | jq -c '.newest_row_utc, .id')" '{"trades":"2026-03-02T11:30:00Z"}'$'\n"'"$id"'"'
  run -0 catalog show latest
  assert_line 'Newest row: trades 2026-03-02T11:30:00Z'
  run -0 catalog
  assert_regex "${lines[0]}" 'SOURCES +NEWEST ROW$'
  assert_regex "${lines[1]}" 'conf,trades +2026-03-02T11:30:00Z$'
  assert_equal "$(catalog --format tsv | cut -f 9)" 2026-03-02T11:30:00Z
}

@test "catalog --source: the newest row is that of the source" {
  verify --deep latest
  assert_equal "$(catalog --source conf --json | jq -c '.[0].newest_row_utc')" null
  assert_equal "$(catalog --source trades --json | jq -r '.[0].newest_row_utc')" 2026-03-02T11:30:00Z
}

@test "verify --deep: a query that cannot be answered is said, and changes no exit code" {
  sed -i 's/max(at)/max(gone)/' holdfast.toml
  run -0 --separate-stderr verify --deep latest
  assert_regex "$stderr" "verify: note: the newest row of 'trades' is not known: age: .*gone"
  assert_equal "$(newest)" '[null,{}]'
  run -0 --separate-stderr verify --deep --quiet latest
  assert_equal "$stderr" ''
}

@test "verify --deep: a configured query cannot change or reach anything, and its time is limited" {
  local sql
  for sql in "INSERT INTO t VALUES(1)" "ATTACH '/tmp/x' AS x" "SELECT load_extension('x')" "SELECT 1; DELETE FROM t"; do
    sed -i "s|^sql = .*|sql = \"$sql\"|" holdfast.toml
    run -0 verify --deep latest
    assert_output --partial 'is not known'
  done
  sed -i 's|^sql = .*|sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"\ntimeout = "1s"|' holdfast.toml
  SECONDS=0
  run -0 verify --deep latest
  assert_output --partial 'it ran longer than 1 s'
  assert [ "$SECONDS" -lt 10 ]
  assert_whole --deep latest
}

@test "snap asks no query, so a slow one costs a capture nothing" {
  sed -i 's|^sql = .*|sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"|' holdfast.toml
  SECONDS=0
  take
  assert [ "$SECONDS" -lt 20 ] # the query would take its minute
}

@test "a drill finds the newest row too, also where it is older than a check allows" {
  sed -i 's/"forever"/"1h"/' holdfast.toml
  run -5 drill --report-dir "$BATS_TEST_TMPDIR/reports"
  assert_equal "$(newest)" '["2026-03-02T11:30:00Z",{"trades":"2026-03-02T11:30:00Z"}]'
}

@test "a damaged database is not asked, and what was known of it before stays" {
  verify --deep latest
  flip_bit "$(find "$repo/objects" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)"
  run -5 --separate-stderr verify --deep --json latest
  assert_equal "$(jq -c .newest_rows <<<"$output")" '[]'
  assert_equal "$(newest)" '["2026-03-02T11:30:00Z",{"trades":"2026-03-02T11:30:00Z"}]'
}
