# shellcheck shell=bash
# measure.sh - what every benchmark here stands on: times, medians, rows of a table, and the database. Sourced.
# They set work (a folder), rounds and db_mib first.
: "${work:?}" "${rounds:?}" "${db_mib:?}"

log() { printf 'bench: %s\n' "$*" >&2; }

# elapsed_ms COMMAND... - wall time of one run; its output is thrown away, its failure is ours.
elapsed_ms() {
  local begin end
  begin=$(date +%s%N)
  "$@" >/dev/null
  end=$(date +%s%N)
  printf '%s\n' $(((end - begin) / 1000000))
}

median() { sort -n | sed -n "$((($1 + 1) / 2))p"; }

# times BEFORE COMMAND - the median of its runs, BEFORE ahead of each.
times() {
  local before=$1 command=$2 i
  : >"$work/a.ms"
  for ((i = 0; i < rounds; i++)); do
    "$before"
    elapsed_ms "$command" >>"$work/a.ms"
  done
  median "$rounds" <"$work/a.ms"
}

# pair BEFORE A B - runs A and B in turn, BEFORE ahead of each; prints the medians "A_ms B_ms".
pair() {
  local before=$1 a=$2 b=$3 i
  : >"$work/a.ms"
  : >"$work/b.ms"
  for ((i = 0; i < rounds; i++)); do
    "$before"
    elapsed_ms "$a" >>"$work/a.ms"
    "$before"
    elapsed_ms "$b" >>"$work/b.ms"
  done
  printf '%s %s\n' "$(median "$rounds" <"$work/a.ms")" "$(median "$rounds" <"$work/b.ms")"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
row() { printf '%-46s %12s %12s %9s  %s\n' "$@"; }
report() { # LABEL A_MS B_MS TARGET
  row "$1" "$2 ms" "$3 ms" "$(ratio "$2" "$3")" "$4"
}

rows_per_mib=2450

make_database() { # rows of about 400 bytes, a third of it random
  local rows=$((db_mib * rows_per_mib))
  sqlite3 "$work/trades.db" >/dev/null <<SQL
PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
CREATE TABLE trades(id INTEGER PRIMARY KEY, at TEXT, code TEXT, action TEXT, quantity INT, price REAL, rationale TEXT, pnl REAL);
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < $rows)
INSERT INTO trades SELECT x, datetime(1700000000 + x, 'unixepoch'), 'S' || (x % 500), iif(x % 2, 'BUY', 'SELL'),
  abs(random()) % 1000, abs(random()) % 100000 / 100.0, hex(randomblob(70)) || substr('momentum above the band, volume confirms, stop below the low; target at the last swing high; size by volatility, not by conviction; out before the close unless the spread widens; watch the index future for the turn', 1, 150 + x % 40), random() % 1000 / 10.0 FROM n;
PRAGMA wal_checkpoint(TRUNCATE);
SQL
}
