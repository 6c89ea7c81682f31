#!/usr/bin/env bash
# run.sh [DB_MIB [TREE_MIB [ROUNDS]]] - measures holdfast beside zstd, find and openssl on generated data, prints ratios.
# Everything runs in one go on warm caches; figures are medians of ROUNDS. It judges nothing: targets are printed beside.
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C TZ=UTC
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here
db_mib=${1:-1024} tree_mib=${2:-2048} rounds=${3:-3} level=${BENCH_LEVEL:-3}
bin=${HOLDFAST_BIN:-$here/../build/bin}
work=${BENCH_DIR:-$here/../build/bench}

# shellcheck source=measure.sh
source "$here/measure.sh"

change_one_percent() {
  sqlite3 "$work/trades.db" "UPDATE trades SET pnl = pnl + 1 WHERE id IN (SELECT 1 + abs(random()) % $((db_mib * rows_per_mib))
    FROM (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < $((db_mib * rows_per_mib / 100))) SELECT x FROM n));
    PRAGMA wal_checkpoint(TRUNCATE);" >/dev/null
}

make_tree() { # an eighth in 10 KiB files, half in 4 MiB files, the rest in 128 MiB files
  local tree=$work/tree part
  mkdir -p "$tree/big"
  openssl rand -base64 $((tree_mib * 1024 * 1024 * 3 / 8 / 4)) >"$work/blob"
  for part in 0 1 2 3; do
    mkdir -p "$tree/small/$part" "$tree/middle/$part"
    head -c $((tree_mib * 1024 * 1024 / 32)) "$work/blob" | tr 'A-Y' "$(printf '%s' {B..Z} | tail -c +$((part + 1)))A" |
      split -a 5 -b 10K - "$tree/small/$part/f"
    head -c $((tree_mib * 1024 * 1024 / 8)) "$work/blob" | tr 'a-y' "$(printf '%s' {b..z} | tail -c +$((part + 1)))a" |
      split -a 5 -b 4M - "$tree/middle/$part/f"
  done
  head -c $((tree_mib * 1024 * 1024 * 3 / 8)) "$work/blob" | tr '0-8' '1-9' | split -a 3 -b 128M - "$tree/big/f"
  rm -f "$work/blob"
}

new_repository() {
  rm -rf -- "${work:?}/repo" "$work/cache" "$work/state"
  init --repo "$work/repo" >/dev/null
  sync -f "$work"
}
change_and_warm() {
  change_one_percent
  cat "$work/trades.db" >/dev/null
}
snap_db() { snap -q --repo "$work/repo" --level "$level" --sqlite "$work/trades.db"; }
snap_tree() { snap -q --repo "$work/repo" --level "$level" --tree "$work/tree"; }
zstd_db() { zstd -q -f -T2 "-$level" "$work/trades.db" -o "$work/trades.db.zst"; }
list_tree() { find "$work/tree" -ls; }
clear_out() { rm -rf -- "${work:?}/out" && mkdir "$work/out" && sync -f "$work"; }
restore_db() { restore -q --repo "$work/repo" latest:trades.db --target "$work/out"; }
unzstd_db() { zstd -q -d -f "$work/trades.db.zst" -o "$work/out/t.db" && openssl sha256 "$work/out/t.db"; }
unzstd_sync_db() { zstd -q -d -f "$work/trades.db.zst" -o "$work/out/t.db" && sync "$work/out/t.db" && openssl sha256 "$work/out/t.db"; }
verify_plain() { verify -q --repo "$work/repo" latest:trades.db; }
nothing() { :; }
plan_prune() { prune --repo "$work/many" --config "$work/keep1.toml" --plan; }
make_many() { # a repository to prune, and as many files of the same sizes for rm
  rm -rf -- "${work:?}/many" "$work/files"
  init --repo "$work/many" >/dev/null
  "$here/../build/bench_many_snapshots" "$work/many" 1000 6000
  cp -r "$work/many/objects" "$work/files"
  sync -f "$work"
}
sweep() { prune -q --repo "$work/many" --config "$work/keep1.toml" --empty-trash; }
remove_files() { rm -rf -- "${work:?}/files"; }

main() {
  export PATH=$bin:$PATH XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
  rm -rf -- "${work:?}"
  mkdir -p "$work"
  log "making a database of about $db_mib MiB and a tree of about $tree_mib MiB in $work"
  make_database
  make_tree
  cat "$work/trades.db" >/dev/null
  local a b bytes
  bytes=$(stat -c %s "$work/trades.db")

  row "what (level $level, medians of $rounds)" holdfast beside ratio target
  read -r a b < <(pair new_repository snap_db zstd_db)
  report "first snapshot / zstd -T2 -$level" "$a" "$b" "<= 1.6"

  new_repository
  snap_db >/dev/null
  cp "$work/trades.db" "$work/before.db"
  change_one_percent
  local stored pages report_json
  report_json=$(snap -q --json --repo "$work/repo" --level "$level" --sqlite "$work/trades.db")
  stored=$(jq .stored_bytes <<<"$report_json")
  pages=$("$here/../build/bench_changed_pages" "$work/before.db" "$work/trades.db" | zstd -q -T2 "-$level" -c | wc -c)
  row "1 % of rows changed: stored / zstd of pages" "$stored B" "$pages B" "$(ratio "$stored" "$pages")" "<= 1.3"
  a=$(times change_and_warm snap_db)
  row "1 % of rows changed: read at" "$a ms" "-" "$(ratio $((bytes / 1000000)) "$a") GB/s" ">= 1 GB/s"

  read -r a b < <(pair clear_out restore_db unzstd_db)
  report "restore / zstd -d, write, openssl sha256" "$a" "$b" "<= 1.5"
  read -r a b < <(pair clear_out restore_db unzstd_sync_db)
  report "restore / the same and sync, as restore does" "$a" "$b" "-"

  local verified speed
  verified=$(verify -q --json --repo "$work/repo" latest:trades.db | jq .stored_bytes)
  a=$(times nothing verify_plain)
  speed=$(openssl speed -mr -seconds 1 -bytes 16384 sha256 2>/dev/null | awk -F: '/^\+F/ { print int($NF / 1e6) }')
  row "plain verify / openssl speed sha256 x $(nproc)" "$((verified / 1000 / a)) MB/s" "$((speed * $(nproc))) MB/s" \
    "$(ratio $((verified / 1000 / a)) $((speed * $(nproc))))" ">= 0.8"

  snap_tree >/dev/null
  sleep 3 # stat times of the last two seconds prove nothing, so nothing is taken over before
  snap_tree >/dev/null
  list_tree >/dev/null
  read -r a b < <(pair nothing snap_tree list_tree)
  report "unchanged tree again / find -ls ($(find "$work/tree" | wc -l) entries)" "$a" "$b" "<= 2"

  printf '[retention]\nkeep_last = 1\nmin_keep = 1\n' >"$work/keep1.toml"
  make_many
  row "prune: plan for 1000 snapshots x 6000 objects" "$(times nothing plan_prune) ms" "-" "-" "<= 1000 ms"
  read -r a b < <(pair make_many sweep remove_files)
  report "prune: remove 999 of them / rm -r of all objects" "$a" "$b" "-"
  make_many
  row "peak memory, prune of 1000 snapshots x 6000 objects" "$(/usr/bin/time -f %M prune -q --repo "$work/many" --config "$work/keep1.toml" --empty-trash 2>&1 >/dev/null) KiB" "-" "-" "-"

  new_repository
  row "peak memory, first snapshot of the database" "$(/usr/bin/time -f %M snap -q --repo "$work/repo" --level "$level" --sqlite "$work/trades.db" 2>&1 >/dev/null) KiB" "-" "-" "<= 204800 KiB"
  row "peak memory, first snapshot of the tree" "$(/usr/bin/time -f %M snap -q --repo "$work/repo" --level "$level" --tree "$work/tree" 2>&1 >/dev/null) KiB" "-" "-" "<= 204800 KiB"
  clear_out
  row "peak memory, restore of the database" "$(/usr/bin/time -f %M restore -q --repo "$work/repo" latest:trades.db --target "$work/out" 2>&1 >/dev/null) KiB" "-" "-" "<= 102400 KiB"
  rm -rf -- "${work:?}"
}

main "$@"
