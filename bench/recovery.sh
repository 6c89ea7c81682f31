#!/usr/bin/env bash
# recovery.sh [DB_MIB [TREE_FILES]] - how long an incident takes, by the records of the real restore.sh and dr_drill.sh, beside the targets.
# A database with a service that has it open and a folder of settings are lost in each way that docs/runbook.md has a
# section for, and brought back. It fails if something does not come back, or not in the minute that is the target.
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C TZ=UTC
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here
db_mib=${1:-1024} tree_files=${2:-200} rounds=1
bin=${HOLDFAST_BIN:-$here/../build/bin}
work=${BENCH_DIR:-$here/../build/bench-recovery}
target_s=60
# shellcheck source=measure.sh
source "$here/measure.sh"
scripts=$here/../scripts late=0

# A service that has the database open and asks it something once a second.
make_service() {
  cat >"$work/service" <<'END'
#!/usr/bin/env bash
cd -- "$(dirname -- "$0")" || exit 1
is_up() { [[ -s pid && $(ps -o stat= -p "$(<pid)") == [!Z]* ]]; }
case $1 in
  start) is_up || { setsid bash -c 'exec sqlite3 trades.db < <(while sleep 1; do echo "SELECT max(id) FROM trades;"; done)' </dev/null >/dev/null 2>&1 & echo "$!" >pid; } ;;
  stop) if is_up; then kill -- "-$(<pid)"; fi; while is_up; do sleep 0.05; done ;;
  status) is_up || exit 3 ;;
  health) sqlite3 -readonly trades.db 'SELECT quantity FROM trades WHERE id = 4711' | grep -q . ;;
esac
END
  chmod +x "$work/service"
}

make_config() {
  local verb
  {
    printf '[repository]\npath = "repository"\n[services]\n'
    for verb in start stop status health; do printf '%s = ["%s", "%s"]\n' "$verb" "$work/service" "$verb"; done
    printf '[[source]]\nname = "trades"\nkind = "sqlite"\npath = "trades.db"\n'
    printf '[[source]]\nname = "settings"\nkind = "tree"\nclass = "config"\npath = "settings"\n'
  } >"$work/holdfast.toml"
  chmod 600 "$work/holdfast.toml"
}

facts() { # what must come back
  sqlite3 -readonly "$1" 'SELECT count(*), sum(quantity), max(at) FROM trades'
}

damage_database() {
  "$work/service" stop
  dd if=/dev/urandom of="$work/trades.db" bs=1M count=8 seek=$((db_mib / 2)) conv=notrunc status=none
  dd if=/dev/urandom of="$work/trades.db" bs=1 count=100 conv=notrunc status=none
  sync "$work/trades.db"
  "$work/service" start
}

spoil_settings() {
  local file
  for file in "$work"/settings/*; do echo 'limit: wrong' >"$file"; done
}

newest() { # <pattern>: the newest record
  find "$work/logs/backups" -name "$1" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2
}

result() { # LABEL SECONDS
  row "$1" "$2 s" - "$(ratio "$2" "$target_s")" "<= $target_s s"
  if awk -v took="$2" -v most="$target_s" 'BEGIN { exit took <= most }'; then late=1; fi
}

# By the record of the run, whose steps are printed below.
by_record() { # LABEL ARGUMENT...: of restore.sh
  local record
  "$scripts/restore.sh" --yes --quiet "${@:2}"
  record=$(newest 'incident_*.json')
  result "$1" "$(jq .total_s "$record")"
  jq -r '.steps[] | select(.seconds >= 0.05) | "    \(.name): \(.seconds) s"' "$record"
}

drill_it() {
  local record seconds
  record=$("$scripts/dr_drill.sh" --quiet)
  seconds=$(jq '[.seconds[]] | add * 1000 | round / 1000' "${record%.md}.json")
  result 'drill of all sources, from record' "$seconds"
  jq -r '.seconds | to_entries[] | "    \(.key): \(.value * 1000 | round / 1000) s"' "${record%.md}.json"
}

# No repository is left, but an export is: as the runbook says it.
from_exports() {
  restore -q --from-export "$work/exports" --target "$work/new.db"
  sqlite3 -readonly "$work/new.db" 'PRAGMA quick_check' | grep -qx ok
  "$work/service" stop
  rm -f -- "$work"/trades.db*
  mv -- "$work/new.db" "$work/trades.db"
  "$work/service" start
  "$work/service" health
}

main() {
  local wanted wrong
  export PATH=$bin:$PATH HOLDFAST_BIN=$bin HOLDFAST_CONFIG=$work/holdfast.toml XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
  if [[ -x $work/service ]]; then "$work/service" stop; fi # of a run that was killed
  rm -rf -- "${work:?}"
  mkdir -p "$work/settings"
  work=$(cd -- "$work" && pwd)
  HOLDFAST_CONFIG=$work/holdfast.toml
  log "making a database of about $db_mib MiB in $work"
  make_database
  for ((wrong = 0; wrong < tree_files; wrong++)); do printf 'limit: %s\n' "$wrong" >"$work/settings/$wrong.yaml"; done
  make_service
  make_config
  trap '"$work/service" stop' EXIT
  cd "$work"
  init >/dev/null
  "$scripts/backup.sh" --quiet >/dev/null
  "$bin/export" -q --db "$work/trades.db" --format parquet --out "$work/exports"
  wanted=$(facts "$work/trades.db")
  "$work/service" start

  row "what ($db_mib MiB, $(nproc) processors)" took - 'of target' target
  damage_database
  by_record 'damaged database to healthy service' latest --source trades
  [[ $(facts "$work/trades.db") == "$wanted" ]]
  restore -q --accept >/dev/null
  spoil_settings
  by_record 'wrong configuration to healthy service' latest --source settings
  grep -qx 'limit: 7' "$work/settings/7.yaml"
  by_record 'wrong configuration restored: --undo' --undo
  grep -qx 'limit: wrong' "$work/settings/7.yaml"
  drill_it
  rm -rf -- "${work:?}/repository" "${work:?}/trades.db"
  result 'all backups lost: from a Parquet export' "$(ratio "$(elapsed_ms from_exports)" 1000)"
  [[ $(facts "$work/trades.db") == "$wanted" ]]
  "$work/service" stop
  trap - EXIT
  cd /
  rm -rf -- "${work:?}"
  return "$late"
}

main "$@"
