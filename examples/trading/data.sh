# shellcheck shell=bash
# data.sh - functions that make up the data of a small trading system, for scripts/demo.sh.

trades_schema() {
  cat <<'END'
PRAGMA journal_mode = WAL;
CREATE TABLE trades(timestamp TEXT NOT NULL, stock_code TEXT NOT NULL, action TEXT NOT NULL,
  quantity INTEGER NOT NULL, price REAL NOT NULL, confidence REAL, rationale TEXT, pnl REAL);
CREATE INDEX trades_by_stock ON trades(stock_code, timestamp);
END
}

trades_sql() { # <count> <first number>: SQL that inserts so many trades
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

# One commit of a Delta table: data files, then the log that names them with their sizes.
commit_to_table() { # <folder of the table> <version> <files>
  local log i part bytes
  printf -v log '%s/_delta_log/%020d.json' "$1" "$2"
  mkdir -p "$1/_delta_log"
  {
    if (($2 == 0)); then
      printf '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}\n'
      printf '{"metaData":{"id":"%s","format":{"provider":"parquet","options":{}},' "${1##*/}"
      printf '"schemaString":"{}","partitionColumns":["date"],"configuration":{}}}\n'
    fi
    for ((i = 0; i < $3; i++)); do
      bytes=$((60000 + RANDOM * 4))
      printf -v part 'date=2026-11-%02d/part-%05d-%08x.snappy.parquet' \
        "$((16 + i % 5))" "$2" "$((i * 7919 + $2))"
      mkdir -p "$1/${part%/*}"
      head -c "$bytes" /dev/urandom >"$1/$part"
      printf '{"add":{"path":"%s","size":%d,"partitionValues":{"date":"2026-11-%02d"},' \
        "$part" "$bytes" "$((16 + i % 5))"
      printf '"modificationTime":1795000000000,"dataChange":true}}\n'
    done
  } >"$log"
}

make_lake() { # <folder>
  local table
  for table in position_updates option_snapshots option_legs strategy_executions; do
    commit_to_table "$1/$table" 0 8
  done
}

make_settings_and_logs() { # <folder>
  local i
  mkdir -p "$1/config" "$1/logs"
  printf 'broker:\n  venue: XNAS\n  max_position: 500\nstrategies: [mean_reversion, covered_call]\n' \
    >"$1/config/production.yaml"
  printf 'BROKER_API_KEY=made-up-for-the-demo\n' >"$1/.env"
  for ((i = 0; i < 2000; i++)); do
    printf '2026-11-20T%02d:%02d:00Z INFO order %d filled\n' "$((i / 60 % 24))" "$((i % 60))" "$i"
  done >"$1/logs/trading.log"
}
