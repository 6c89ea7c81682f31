#!/usr/bin/env bash
# exports.sh [DB_MIB [ROUNDS]] - measures export and rebuild beside the sqlite3 shell and DuckDB on a generated database.
# Everything runs in one go on warm caches; figures are medians of ROUNDS. It judges nothing: targets are printed beside.
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C TZ=UTC HOLDFAST_CONFIG=/dev/null
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here
db_mib=${1:-1024} rounds=${2:-3}
bin=${HOLDFAST_BIN:-$here/../build/bin}
work=${BENCH_DIR:-$here/../build/bench-exports}
# shellcheck source=measure.sh
source "$here/measure.sh"

our() { # FORMAT - the table to a pipe, as the shell does it
  "$bin/export" -q --db "$work/trades.db" --table trades --format "$1" --out -
}
our_csv() { our csv; }
our_json() { our json; }
our_parquet() { our parquet; }
shell_csv() { sqlite3 -csv -header "$work/trades.db" 'SELECT * FROM trades'; }
shell_json() { sqlite3 -json "$work/trades.db" 'SELECT * FROM trades'; }
# What is kept is synced: otherwise one would be timed with the disk and the other without.
our_csv_file() { "$bin/export" -q --db "$work/trades.db" --format csv --out "$work/out/csv"; }
shell_csv_file() { shell_csv >"$work/out/shell.csv" && sync "$work/out/shell.csv"; }
our_snapshot_csv() { "$bin/export" -q --repo "$work/repo" latest --table trades --format csv --out -; }
our_parquet_file() { "$bin/export" -q --db "$work/trades.db" --format parquet --out "$work/out/parquet"; }
duckdb_parquet() { node "$here/../tests/node/write_parquet.mjs" "$work/plain.csv" "$work/out/duckdb.parquet"; }
our_rebuild() { restore -q --from-export "$work/csv" --target "$work/out/ours.db"; }
shell_rebuild() {
  sqlite3 "$work/out/shell.db" "$(sqlite3 "$work/trades.db" .schema)" &&
    sqlite3 "$work/out/shell.db" -cmd '.mode csv' ".import --skip 1 $work/plain.csv trades" && sync "$work/out/shell.db"
}
clear_out() { rm -rf -- "${work:?}/out" && mkdir "$work/out" && sync -f "$work"; }
nothing() { :; }
peak() { # LABEL COMMAND... - its peak memory
  row "peak memory, $1" "$(/usr/bin/time -f %M "${@:2}" 2>&1 >/dev/null | tail -n 1) KiB" "-" "-" "<= 204800 KiB"
}

main() {
  export PATH=$bin:$PATH XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
  rm -rf -- "${work:?}"
  mkdir -p "$work"
  log "making a database of about $db_mib MiB in $work"
  make_database
  init --repo "$work/repo" >/dev/null
  snap -q --repo "$work/repo" --sqlite "$work/trades.db" >/dev/null
  shell_csv >"$work/plain.csv"
  "$bin/export" -q --db "$work/trades.db" --format csv --out "$work/csv"
  cat "$work/trades.db" >/dev/null

  local a b
  row "what (medians of $rounds)" holdfast beside ratio target
  read -r a b < <(pair nothing our_csv shell_csv)
  report "CSV / sqlite3 .mode csv" "$a" "$b" "<= 0.33"
  read -r a b < <(pair nothing our_json shell_json)
  report "JSON / sqlite3 .mode json" "$a" "$b" "<= 0.33"
  read -r a b < <(pair clear_out our_csv_file shell_csv_file)
  report "CSV to a file, synced / the same of sqlite3" "$a" "$b" "-"
  read -r a b < <(pair nothing our_snapshot_csv shell_csv)
  report "CSV out of a snapshot / sqlite3 .mode csv" "$a" "$b" "-"
  read -r a b < <(pair clear_out our_rebuild shell_rebuild)
  report "rebuild from CSV / sqlite3 .import, synced" "$a" "$b" "<= 1"
  if node -e 'import("@duckdb/node-api")' 2>/dev/null || [[ -d $here/../tests/node/node_modules ]]; then
    read -r a b < <(pair clear_out our_parquet_file duckdb_parquet)
    report "Parquet from the database / DuckDB from CSV" "$a" "$b" "<= 1"
    clear_out
    our_parquet_file
    duckdb_parquet
    a=$(stat -c %s "$work"/out/parquet/trades_*.parquet)
    b=$(stat -c %s "$work/out/duckdb.parquet")
    row "Parquet: size / DuckDB's, both zstd" "$a B" "$b B" "$(ratio "$a" "$b")" "<= 1.15"
  fi
  clear_out
  peak "export to CSV" "$bin/export" -q --db "$work/trades.db" --format csv --out "$work/out/a"
  peak "export to Parquet" "$bin/export" -q --db "$work/trades.db" --format parquet --out "$work/out/b"
  peak "export of a snapshot to JSON" "$bin/export" -q --repo "$work/repo" latest --format json --compress zstd --out "$work/out/c"
  peak "rebuild from CSV" restore -q --from-export "$work/csv" --target "$work/out/new.db"
  rm -rf -- "${work:?}"
}

main "$@"
