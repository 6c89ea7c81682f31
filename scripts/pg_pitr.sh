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
# shellcheck source=lib/pg_layout.sh
source "$lib_dir/pg_layout.sh"

usage='usage: pg_pitr.sh --at TIME --target DIR [OPTION]...
Takes the newest base backup (a source of kind "postgres", mode "physical") that was complete at TIME and the WAL behind it (the
tree source NAME-wal, see pg_wal.sh), and makes DIR/data, a data folder that recovers to TIME when a server of the same major
version is started on it. For PostgreSQL 12 and later.

  --at TIME        as PostgreSQL writes it: "2026-11-20 14:00:00+00"; without a zone it is UTC; end: as far as there is WAL
  --target DIR     a new or empty folder (with --remove it need not be said: one below TMPDIR, else /var/tmp)
  --source NAME    the physical source, if there are several
  --wal NAME       the source that has its WAL (default: the name with -wal behind it)
  --base ID        this snapshot for the base backup
  --start          start it on a private socket, prove that it stops at TIME, and say what the last transaction before it was
  --query SQL      with --start: print the answer of the database; repeatable
  --database NAME  for --query (default postgres)
  --user NAME      for --start: a role that is in the cluster (default: the one of the source, else postgres)
  --remove         with --start: remove DIR afterwards, for drills. Inside of a check, the base backup is the one of the drill
  --dry-run        say which snapshots would be used
  --path DIR       the repository      --config FILE    the configuration      --quiet    only errors and warnings

EXIT STATUS
  0 laid out, and with --start TIME is reached   5 the backup is damaged   6 no base backup is old enough
  8 it did not reach TIME (the WAL ends before), or did not start'

at='' target='' source='' wal='' base='' database=postgres user='' starts=false removes=false is_dry=false id=''
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
      --dry-run) is_dry=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      *) die 2 "unknown argument '$1'" "see pg_pitr.sh --help" ;;
    esac
    shift
  done
  if "$removes" && [[ -z $target ]]; then
    target=$(mktemp -d "${TMPDIR:-/var/tmp}/hf-pitr.XXXXXX") || die 8 "cannot make a folder in '${TMPDIR:-/var/tmp}'" "set TMPDIR"
    chmod 711 "$target"
  fi
  if "$removes" && [[ -n ${HOLDFAST_RESTORED:-} ]]; then
    if [[ $HOLDFAST_RESTORED != *.tar ]]; then exit 0; fi
    base=${base:-${HOLDFAST_SNAPSHOT:-}}
  fi
  [[ -n $at && -n $target ]] || die 2 "--at and --target are required" "see pg_pitr.sh --help"
  if "$removes" && ! "$starts"; then die 2 "--remove goes with --start" "see pg_pitr.sh --help"; fi
  if [[ $at == end ]]; then
    at_utc=9999-12-31T00:00:00Z
  else
    [[ $at =~ (Z|[+-][0-9:]+)$ && $at == *:* ]] || at+='+00'
    at_utc=$(date -u -d "${at/T/ }" +%FT%TZ 2>/dev/null) || die 2 "--at '$at' is no time" "write 2026-11-20 14:00:00+00"
  fi
  target=$(realpath -m -- "$target")
  [[ $target != *[\'\"\\%$'\n']* ]] || die 2 "--target may hold no quotes, backslashes or percent signs" "choose another folder"
  [[ -z $(ls -A -- "$target" 2>/dev/null) ]] || die 10 "'$target' is not empty; nothing was changed" "choose a new folder"
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
  if "$is_dry"; then
    log "would lay out '$target/data' of base backup $base and the WAL of ${#wal_snapshots[@]} snapshots until ${wal_snapshots[0]}, to recover to $at"
    exit 0
  fi
  lay_out
  if "$starts"; then prove; fi
}

main "$@"
