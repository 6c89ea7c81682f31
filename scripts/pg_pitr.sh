#!/usr/bin/env bash
# pg_pitr.sh --at TIME --target DIR [OPTION]... - lay out a PostgreSQL cluster as it was at that moment; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/base.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/server_source.sh
source "$lib_dir/server_source.sh"
# shellcheck source=lib/pg_private.sh
source "$lib_dir/pg_private.sh"

usage='usage: pg_pitr.sh --at TIME --target DIR [OPTION]...
Takes the newest base backup (a source of kind "postgres", mode "physical") that was complete at TIME and the WAL behind it (the
tree source NAME-wal, see pg_wal.sh), and makes DIR/data, a data folder that recovers to TIME when a server of the same major
version is started on it. For PostgreSQL 12 and later.

  --at TIME        as PostgreSQL writes it: "2026-11-20 14:00:00+00"; without a zone it is UTC
  --target DIR     a new or empty folder
  --source NAME    the physical source, if there are several
  --wal NAME       the source that has its WAL (default: the name with -wal behind it)
  --base ID        this snapshot for the base backup
  --start          start it on a private socket, prove that it stops at TIME, and say what the last transaction before it was
  --query SQL      with --start: print the answer of the database; repeatable
  --database NAME  for --query (default postgres)
  --user NAME      for --start: a role that is in the cluster (default: the one of the source, else postgres)
  --remove         with --start: remove DIR afterwards, for drills
  --path DIR       the repository      --config FILE    the configuration      --quiet    only errors and warnings

EXIT STATUS
  0 laid out, and with --start TIME is reached   5 the backup is damaged   6 no base backup is old enough
  8 it did not reach TIME (the WAL ends before), or did not start'

at='' target='' source='' wal='' base='' database=postgres user='' starts=false removes=false id=''
queries=() flags=()

parse_arguments() {
  while (($#)); do
    case $1 in
      --at | --target | --source | --wal | --base | --query | --database | --user | --path | --config)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see pg_pitr.sh --help"
        case $1 in
          --at) at=$2 ;;
          --target) target=$2 ;;
          --source) source=$2 ;;
          --wal) wal=$2 ;;
          --base) base=$2 ;;
          --query) queries+=("$2") ;;
          --database) database=$2 ;;
          --user) user=$2 ;;
          --path) flags+=(--repo "$2") ;;
          --config) flags+=(--config "$2") ;;
        esac
        shift
        ;;
      --start) starts=true ;;
      --remove) removes=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      *) die 2 "unknown argument '$1'" "see pg_pitr.sh --help" ;;
    esac
    shift
  done
  [[ -n $at && -n $target ]] || die 2 "--at and --target are required" "see pg_pitr.sh --help"
  [[ $at =~ (Z|[+-][0-9:]+)$ && $at == *:* ]] || at+='+00'
  at_utc=$(date -u -d "${at/T/ }" +%FT%TZ 2>/dev/null) || die 2 "--at '$at' is no time" "write 2026-11-20 14:00:00+00"
  target=$(realpath -m -- "$target")
  [[ $target != *[\'\"\\%$'\n']* ]] || die 2 "--target may hold no quotes, backslashes or percent signs" "choose another folder"
  [[ -z $(ls -A -- "$target" 2>/dev/null) ]] || die 10 "'$target' is not empty; nothing was changed" "choose a new folder"
}

# The newest snapshot with the base backup that was complete at the time, and the one that has WAL until then.
choose_snapshots() {
  local list candidate finished
  list=$(catalog list --json "${flags[@]}") || exit
  while IFS= read -r candidate; do
    finished=$(catalog show "$candidate" --json "${flags[@]}" | jq -r .finished_utc)
    if [[ -z $base && ! $finished > $at_utc ]]; then base=$candidate; fi
  done < <(jq -r --arg s "$source" --arg at "$at_utc" '.[] | select((.sources | index($s)) and .started_utc <= $at) | .id' <<<"$list")
  [[ -n $base ]] || die 6 "no base backup of source '$source' was complete at $at_utc" "catalog list: later moments, or an older repository"
  wal_snapshot=$(jq -r --arg s "$wal" --arg at "$at_utc" \
    '[.[] | select(.sources | index($s))] | ([.[] | select(.started_utc > $at)] | last) // .[0] | .id // empty' <<<"$list")
  [[ -n $wal_snapshot ]] || die 6 "no snapshot holds WAL (source '$wal')" "say --wal NAME; see pg_wal.sh --help"
}

lay_out() {
  local file folder
  mkdir -p -- "$target" && chmod 700 "$target"
  make_work "$target"
  fetch_source "$base" "$source"
  mkdir -m 700 "$target/data"
  tar --extract --file "$work/$source/base.tar" --directory "$target/data" || die 5 "the base backup of snapshot $base cannot be unpacked" "try an older one: --base ID"
  rm -f -- "$work/$source/base.tar"
  find_pg_bin "$(<"$target/data/PG_VERSION")"
  "$pg_bin/pg_verifybackup" --quiet --no-parse-wal "$target/data" || die 5 "the base backup of snapshot $base is not what its manifest says" "try an older one: --base ID"
  mkdir "$target/wal"
  for folder in "$base" "$wal_snapshot"; do
    if [[ -n $folder ]] && catalog show "$folder" --json "${flags[@]}" | jq -e --arg s "$wal" 'any(.components[]; .source == $s)' >/dev/null; then
      rm -rf -- "${work:?}/$wal"
      fetch_source "$folder" "$wal"
      find "$work/$wal" -type f -exec mv -f -t "$target/wal" -- {} +
    fi
  done
  for file in "$target"/wal/*.partial; do # the segment that was being written: as good as whole, up to its end
    if [[ -f $file && ! -f ${file%.partial} ]]; then mv -- "$file" "${file%.partial}"; fi
  done
  rm -rf -- "${work:?}"
}

configure() {
  local key value
  if [[ ! -f $target/data/postgresql.conf ]]; then # Debian has it in /etc; recovery wants no smaller values than there
    while IFS=: read -r key value; do
      printf '%s = %s\n' "${key% setting}" "${value//[[:space:]]/}"
    done < <("$pg_bin/pg_controldata" "$target/data" | grep -E '^max_[a-z_]+ setting:') >"$target/data/postgresql.conf"
  fi
  if [[ ! -f $target/data/pg_ident.conf ]]; then : >"$target/data/pg_ident.conf"; fi
  rm -f -- "$target/data/standby.signal" "$target/data/postmaster.pid"
  {
    printf "restore_command = 'cp \"%s/wal/%%f\" \"%%p\"'\n" "$target"
    printf "recovery_target_time = '%s'\nrecovery_target_timeline = 'latest'\nrecovery_target_action = 'promote'\n" "$at"
  } >>"$target/data/postgresql.auto.conf"
  : >"$target/data/recovery.signal"
  log "laid out: '$target/data' (base backup of $base, WAL of $wal_snapshot) recovers to $at"
}

# The server itself refuses to end a recovery that did not come to its target; what it says is the proof.
prove() {
  local stopped last query
  make_pg_home /tmp
  allow_private
  if ((EUID == 0)); then
    chown -R --reference="$pg_home" -- "$target"
    "${as_server[@]}" test -w "$target/data" ||
      die 8 "user $(stat -c %U -- "$pg_home"), which the server runs as, cannot enter the folders above '$target'" "choose a --target whose folders others may enter (chmod o+x)"
  fi
  : >"$pg_home.log"
  start_private "$target/data"
  wait_private "$user" 600 "the server did not come to $at"
  until [[ $(psql "host=$pg_home port=5432 user=$user dbname=postgres" -XqAtc 'SELECT pg_is_in_recovery()' 2>/dev/null) == f ]]; do
    kill -0 "$private_pid" 2>/dev/null || die_of_log "the server did not come to $at"
    sleep 0.2
  done
  stopped=$(grep -oE 'recovery stopping (before|after) .*' "$pg_home.log" | tail -n 1) || die_of_log "the server came up without stopping at $at"
  last=$(grep -oE 'last completed transaction was at log time .*' "$pg_home.log" | tail -n 1) || last='no transaction was replayed'
  log "reached $at: $last; $stopped"
  for query in "${queries[@]}"; do
    psql "host=$pg_home port=5432 user=$user dbname=$database" -XqAt -v ON_ERROR_STOP=1 -c "$query" || die 8 "the query failed: $query"
  done
  stop_private
  if "$removes"; then rm -rf -- "${target:?}/data" "${target:?}/wal"; fi
}

main() {
  parse_arguments "$@"
  need jq tar
  load_config --trusted "${flags[@]}"
  choose_source postgres "$source" physical
  source=$(source_get .name)
  wal=${wal:-$source-wal}
  if [[ -z $user ]]; then user=$(source_get .user) && user=${user:-postgres}; fi
  choose_snapshots
  lay_out
  configure
  if "$starts"; then prove; fi
}

main "$@"
