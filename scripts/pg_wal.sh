#!/usr/bin/env bash
# pg_wal.sh run|check|clean DIR [OPTION]... - keep the WAL of a PostgreSQL server as it is written; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/base.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/child.sh
source "$lib_dir/child.sh"
# shellcheck source=lib/server_source.sh
source "$lib_dir/server_source.sh"
# shellcheck source=lib/pg.sh
source "$lib_dir/pg.sh"

usage='usage: pg_wal.sh run DIR [OPTION]...      receive WAL into DIR until told to stop (holdfast-wal.service)
       pg_wal.sh check DIR [OPTION]...    is it complete and fresh?
       pg_wal.sh clean DIR [--older-than TIME]    remove segments that the newest snapshot holds and no base backup needs
A replication slot makes the server keep what has not arrived yet: if this does not run, its disk fills. DIR is a source of
kind "tree", named after the physical source with -wal behind it; with both, pg_pitr.sh goes back to any moment.

  --source NAME    the physical source that says how the server is reached
  --slot NAME      the replication slot (default holdfast), which is made if it is not there
  --drop-slot      with run: drop the slot and end; the server keeps nothing for us any more
  --max-age TIME   with check: how old the newest WAL may be (default 10m)
  --older-than T   with clean: and only those that are older than this (90s, 15m, 7d)
  --config FILE    the configuration      --path DIR    the repository      --quiet    only errors and warnings

EXIT STATUS
  0 fine   4 the newest WAL is too old   5 segments are missing   6 there is no WAL   8 the server ended the connection'

verb='' dir='' source='' slot=holdfast max_age=10m older_than='' drops=false
flags=()

parse_arguments() {
  while (($#)); do
    case $1 in
      --source | --slot | --max-age | --older-than | --config | --path)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see pg_wal.sh --help"
        case $1 in
          --source) source=$2 ;;
          --slot) slot=$2 ;;
          --max-age) max_age=$2 ;;
          --older-than) older_than=$2 ;;
          --config) flags+=(--config "$2") ;;
          --path) flags+=(--repo "$2") ;;
        esac
        shift
        ;;
      --drop-slot) drops=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      -*) die 2 "unknown option '$1'" "see pg_wal.sh --help" ;;
      *)
        if [[ -z $verb ]]; then verb=$1; else dir=$1; fi
        ;;
    esac
    shift
  done
  [[ $verb == run || $verb == check || $verb == clean ]] || die 2 "expected run, check or clean, not '$verb'" "see pg_wal.sh --help"
  [[ -n $dir ]] || die 2 "expected the folder of the WAL" "see pg_wal.sh --help"
  [[ $slot =~ ^[a-z0-9_]{1,63}$ ]] || die 2 "--slot '$slot' is no name of a slot" "letters a to z, digits and _"
}

run() {
  local code=0
  need pg_receivewal
  load_config --trusted "${flags[@]}"
  choose_source postgres "$source" physical
  pg_use_source
  ((${#via[@]} == 0)) || die 3 "WAL is received into a folder of this host, so 'via' cannot be used" "reach the server by host and port"
  if "$drops"; then exec pg_receivewal --drop-slot --slot="$slot" --no-password --dbname="$pg_link"; fi
  mkdir -p -- "$dir" || die 8 "cannot make '$dir'" "check the owner of its folder"
  pg_receivewal --create-slot --if-not-exists --slot="$slot" --no-password --dbname="$pg_link" ||
    die 8 "the slot '$slot' cannot be made" "may this user replicate (ALTER ROLE … REPLICATION, pg_hba.conf)? what the server says is above"
  log "receiving WAL into '$dir' by slot '$slot'"
  on_exit stop_child
  # On disk at once: what is acknowledged here, the server may forget.
  pg_receivewal --directory="$dir" --slot="$slot" --synchronous --no-loop --no-password --dbname="$pg_link" &
  child_pid=$!
  wait "$child_pid" || code=$?
  child_pid=
  die 8 "no WAL is received any more (pg_receivewal ended with $code)" \
    "what the server says is above. If it was restored, its WAL is another line: move '$dir' away, begin with an empty folder, and take a base backup (docs/runbook.md)"
}

# Names of segments are timeline, high and low number; how many low numbers there are follows from the size of a segment.
missing_segments() {
  local bytes=$1
  awk -v per_high="$((4294967296 / bytes))" '
    function number(hex,  i, n) { for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1; return n }
    { at = number(substr($1, 9, 8)) * per_high + number(substr($1, 17, 8)) }
    NR > 1 && at > last + 1 { print at - last - 1, "after", name }
    { last = at; name = $1 }'
}

check() {
  local bytes gaps newest age list
  list=$(find "$dir" -maxdepth 1 -type f -regextype posix-extended -regex '.*/[0-9A-F]{24}(\.partial)?' -printf '%f %s %T@\n' | sort)
  [[ -n $list ]] || die 6 "there is no WAL in '$dir'" "does pg_wal.sh run (systemctl status holdfast-wal)?"
  bytes=$(awk '$2 > max { max = $2 } END { print max }' <<<"$list")
  gaps=$(missing_segments "$bytes" <<<"$list")
  if [[ -n $gaps ]]; then
    die 5 "WAL is missing: ${gaps//$'\n'/; }" "moments behind a gap need a base backup taken after it: snap ${source:-the physical source} now"
  fi
  newest=$(awk '{ t = int($3) } t > max { max = t } END { print max }' <<<"$list")
  age=$((EPOCHSECONDS - newest))
  seconds --max-age "$max_age"
  if ((age > REPLY)); then die 4 "the newest WAL is $age s old" "does pg_wal.sh run? A quiet server writes some at each checkpoint"; fi
  log "$(wc -l <<<"$list") segments without a gap, the newest $age s old"
}

# The source whose folder this is.
wal_source() {
  local place name path
  place=$(realpath -- "$dir") || die 6 "there is no folder '$dir'" "is it the one that pg_wal.sh run writes?"
  while IFS=$'\t' read -r name path; do
    if [[ $(realpath -m -- "$path") == "$place" ]]; then
      printf '%s\n' "$name"
      return
    fi
  done < <(jq -r '.source[] | select(.kind == "tree") | .name as $n | .path[] | [$n, .] | @tsv' < <(pour "$config_json"))
  die 3 "no source of kind \"tree\" has the path '$dir', so no snapshot holds its WAL; nothing was removed" "snap --print-config shows the sources"
}

# Never what a snapshot might still need: a segment goes if the newest snapshot holds it, and the oldest base backup began after it.
clean() {
  local physical wal list snapshot oldest name limit=$EPOCHSECONDS
  need jq
  if [[ -n $older_than ]]; then
    seconds --older-than "$older_than"
    limit=$((EPOCHSECONDS - REPLY))
  fi
  load_config "${flags[@]}"
  choose_source postgres "$source" physical
  physical=$(source_get .name)
  wal=$(wal_source)
  list=$(catalog list --json "${flags[@]}") || exit
  snapshot=$(jq -r --arg s "$wal" 'map(select(.sources | index($s)))[0].id // empty' <<<"$list")
  oldest=$(jq -r --arg s "$physical" 'map(select(.sources | index($s))) | last | .started_utc // empty | fromdate' <<<"$list")
  [[ -n $snapshot && -n $oldest ]] || die 6 "no snapshot holds WAL (source '$wal') or a base backup (source '$physical'); nothing was removed" "snap $physical $wal"
  if ((oldest < limit)); then limit=$oldest; fi
  catalog files "$snapshot" "$wal" --json "${flags[@]}" | jq -r '.. | .path? // empty' | { grep -oE '[0-9A-F]{24}$' || true; } | while IFS= read -r name; do
    if [[ -f $dir/$name ]] && (($(stat -c %Y -- "$dir/$name") < limit)); then
      rm -f -- "$dir/$name" && printf '%s\n' "$name"
    fi
  done
}

parse_arguments "$@"
"$verb"
