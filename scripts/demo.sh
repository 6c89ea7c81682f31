#!/usr/bin/env bash
# demo.sh [DIR] - back up, verify and restore a small made-up trading system in DIR (default ./demo).
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/base.sh"

scripts=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
demo=${1:-demo}
marker=.made-by-holdfast-demo # only a folder with this file is ever wiped

section() { # <title>
  local on='' off=''
  if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then on=$'\e[1m' off=$'\e[0m'; fi
  printf '\n%s== %s%s\n\n' "$on" "$1" "$off"
}

show() { # <command> [arg...]: says what it runs
  printf '$ %s\n' "$*"
  "$@"
}

fresh_folder() {
  if [[ -L $demo || (-e $demo && ! -d $demo) ]]; then
    die 10 "'$demo' is not a folder" "name another one: demo.sh DIR"
  fi
  if [[ -d $demo && ! -f $demo/$marker && -n $(ls -A -- "$demo") ]]; then
    die 10 "'$demo' was not made by this demo, and is not empty" "name another folder: demo.sh DIR"
  fi
  rm -rf -- "${demo:?}"
  mkdir -p -- "$demo"
  demo=$(cd -- "$demo" && pwd -P)
  touch -- "$demo/$marker"
}

# Nothing outside the folder is used or left: no settings, state or cache of the person who runs it.
private_environment() {
  local name
  for name in "${!HOLDFAST_@}" "${!BACKUP_@}" DRY_RUN; do
    [[ $name == HOLDFAST_BIN ]] || unset "$name"
  done
  export XDG_STATE_HOME=$demo/.state XDG_CACHE_HOME=$demo/.cache
}

# --- The trading system ------------------------------------------------------------------------------------

make_trades_sql() { # <count> <first number>
  cat <<END
WITH RECURSIVE n(i) AS (VALUES($2) UNION ALL SELECT i + 1 FROM n WHERE i < $2 + $1 - 1)
INSERT INTO trades
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1795000000 + i * 37, 'unixepoch'),
       substr('AAPLMSFTNVDAAMZNGOOGMETATSLANFLX', abs(random()) % 8 * 4 + 1, 4),
       iif(random() % 2, 'BUY', 'SELL'), abs(random()) % 500 + 1,
       round(20 + abs(random()) % 48000 / 100.0, 2), round(abs(random()) % 1000 / 1000.0, 3),
       'signal ' || hex(randomblob(24)), round(random() % 100000 / 100.0, 2)
FROM n;
END
}

# The application keeps its database open, so that the newest trades are in the -wal file only.
start_application() {
  mkdir -p "$demo/data/db"
  coproc application { exec sqlite3 "$demo/data/db/trades.db"; }
  application_pid=$!
  exec {application_in}>&"${application[1]}" {application_out}<&"${application[0]}"
  on_exit stop_application
  tell_application "PRAGMA journal_mode = WAL;
CREATE TABLE trades(timestamp TEXT NOT NULL, stock_code TEXT NOT NULL, action TEXT NOT NULL,
  quantity INTEGER NOT NULL, price REAL NOT NULL, confidence REAL, rationale TEXT, pnl REAL);
CREATE INDEX trades_by_stock ON trades(stock_code, timestamp);"
}

tell_application() { # <sql>
  local line
  printf '%s\n.print done\n' "$1" >&"$application_in"
  while IFS= read -r -u "$application_out" line; do
    if [[ $line == done ]]; then return; fi
  done
  die 1 "the demo's application has died"
}

stop_application() {
  exec {application_in}>&- {application_out}<&-
  wait "$application_pid" || true
}

random_file() { # <file> <bytes>
  mkdir -p -- "${1%/*}"
  head -c "$2" /dev/urandom >"$1"
}

# One commit of a Delta table: data files, then the log that names them with their sizes.
commit_to_table() { # <table> <version> <files>
  local table=$demo/data/lake/$1 log i part bytes
  printf -v log '%s/_delta_log/%020d.json' "$table" "$2"
  mkdir -p "$table/_delta_log"
  {
    if (($2 == 0)); then
      printf '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}\n'
      printf '{"metaData":{"id":"%s","format":{"provider":"parquet","options":{}},"partitionColumns":["date"]}}\n' "$1"
    fi
    for ((i = 0; i < $3; i++)); do
      bytes=$((60000 + RANDOM * 4))
      printf -v part 'date=2026-11-%02d/part-%05d-%08x.snappy.parquet' "$((16 + i % 5))" "$2" "$((i * 7919 + $2))"
      random_file "$table/$part" "$bytes"
      printf '{"add":{"path":"%s","size":%d,"partitionValues":{"date":"2026-11-%02d"},"dataChange":true}}\n' \
        "$part" "$bytes" "$((16 + i % 5))"
    done
  } >"$log"
}

make_trading_system() {
  local table i
  start_application
  tell_application "$(make_trades_sql 20000 1)"
  for table in position_updates option_snapshots option_legs strategy_executions; do
    commit_to_table "$table" 0 8
  done
  mkdir -p "$demo/config"
  printf 'broker:\n  venue: XNAS\n  max_position: 500\nstrategies: [mean_reversion, covered_call]\n' \
    >"$demo/config/production.yaml"
  printf 'BROKER_API_KEY=made-up-for-the-demo\n' >"$demo/.env"
  mkdir -p "$demo/logs"
  for ((i = 0; i < 2000; i++)); do
    printf '2026-11-20T%02d:%02d:00Z INFO order %d filled\n' "$((i / 60 % 24))" "$((i % 60))" "$i"
  done >"$demo/logs/trading.log"
  cp -- "$scripts/../examples/trading/holdfast.toml" "$demo/holdfast.toml"
}

another_hour_of_trading() {
  tell_application "$(make_trades_sql 300 20001)"
  tell_application "UPDATE trades SET pnl = pnl + 1 WHERE rowid % 2000 = 0;"
  commit_to_table option_legs 1 2
}

# --- Proof ------------------------------------------------------------------------------------------------

compare() { # <restored folder>
  local live restored
  live=$(sqlite3 -readonly "$demo/data/db/trades.db" .dump | sha256sum)
  restored=$(sqlite3 -readonly "$1/trades" .dump | sha256sum)
  [[ $live == "$restored" ]] || die 5 "the restored trades.db differs"
  [[ $(sqlite3 -readonly "$1/trades" 'PRAGMA integrity_check') == ok ]] || die 5 "integrity_check failed"
  printf 'trades      every row and index, integrity_check ok, %s trades\n' \
    "$(sqlite3 -readonly "$1/trades" 'SELECT count(*) FROM trades')"
  diff -r -- "$demo/data/lake" "$1/lake"
  printf 'lake        %s files identical\n' "$(find "$1/lake" -type f -printf . | wc -c)"
  diff -- "$demo/config/production.yaml" "$1/settings/production.yaml"
  diff -- "$demo/.env" "$1/settings/.env"
  diff -r --exclude=backups -- "$demo/logs" "$1/logs"
  printf 'settings    identical\nlogs        identical\n'
}

main() {
  (($# <= 1)) || die 2 "expected at most one DIR" "demo.sh [DIR]"
  local first second
  need sqlite3 jq sha256sum diff
  fresh_folder
  private_environment

  section "A small trading system in $demo"
  make_trading_system
  (cd -- "$demo" && du -sh --apparent-size -- data/db/* data/lake config .env logs)

  section "A repository, and a first backup while the application has its database open"
  export HOLDFAST_CONFIG=$demo/holdfast.toml
  show init
  first=$(show "$scripts/backup.sh" | tail -n 1)

  section "Another hour of trading, and a second backup: only what changed is stored"
  another_hour_of_trading
  second=$(show "$scripts/backup.sh" --type hourly | tail -n 1)

  section "The catalog"
  show catalog list
  show catalog diff "$first" "$second"

  section "Every byte and every database of the second snapshot is checked again"
  show verify --deep "$second"

  section "Restored beside the live data, never over it"
  show restore "$second" --target "$demo/restored"

  section "Compared with the live data"
  compare "$demo/restored"
  printf '\nrestored data is identical\n'
  printf 'look around: cd %s && PATH=%s:$PATH && catalog show latest\n' "$demo" "${PATH%%:*}"
}

main "$@"
