#!/usr/bin/env bash
# demo.sh [DIR] - back up, verify and restore a small made-up trading system in DIR (default ./demo).
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
scripts=$(cd -- "$lib_dir/.." && pwd -P)
example=$(cd -- "$lib_dir/../../examples/trading" && pwd -P)
# shellcheck source=../examples/trading/data.sh
source "$example/data.sh"

demo=${1:-demo}
marker=.made-by-holdfast-demo # only a folder with this file is ever wiped

section() { # <title>
  local on='' off=''
  if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then on=$'\e[1m' off=$'\e[0m'; fi
  printf '\n%s== %s%s\n\n' "$on" "$1" "$off"
}

show() { # <command> [arg...]: says what it runs, also where its output is captured
  local words=("${1##*/}" "${@:2}")
  printf '$ %s\n' "${words[*]}" >&3
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

# --- The application keeps its database open: its newest trades are in the -wal file only ---

start_application() {
  mkdir -p "$demo/data/db"
  coproc application { exec sqlite3 "$demo/data/db/trades.db"; }
  application_pid=$!
  exec {application_in}>&"${application[1]}" {application_out}<&"${application[0]}"
  on_exit stop_application
}

tell_application() { # <sql>: returns when it is done
  local line
  printf '%s\n.print finished\n' "$1" >&"$application_in"
  while IFS= read -r -u "$application_out" line; do
    if [[ $line == finished ]]; then return; fi
  done
  die 1 "the demo's application has died"
}

stop_application() {
  printf '.quit\n' >&"$application_in"
  wait "$application_pid"
}

make_trading_system() {
  start_application
  tell_application "$(trades_schema)"
  tell_application "$(trades_sql 20000 1)"
  make_lake "$demo/data/lake"
  make_settings_and_logs "$demo"
  cp -- "$example/holdfast.toml" "$demo/holdfast.toml"
}

another_hour_of_trading() {
  tell_application "$(trades_sql 300 20001)"
  tell_application "UPDATE trades SET pnl = pnl + 1 WHERE rowid % 2000 = 0;"
  commit_to_table "$demo/data/lake/option_legs" 1 2
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
  exec 3>&1
  fresh_folder
  private_environment

  section "A small trading system in $demo"
  make_trading_system
  (cd -- "$demo" && du -sh --apparent-size -- data/db/* data/lake config .env logs)

  section "A repository, and a first backup while the application has its database open"
  export HOLDFAST_CONFIG=$demo/holdfast.toml
  show init
  first=$(show "$scripts/backup.sh")
  printf '%s\n' "$first"

  section "Another hour of trading, and a second backup: only what changed is stored"
  another_hour_of_trading
  second=$(show "$scripts/backup.sh" --type hourly)
  printf '%s\n' "$second"

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
  printf 'look around: cd %s; %s/catalog show latest\n' "$demo" "${PATH%%:*}"
}

main "$@"
