#!/usr/bin/env bash
# pg_restore.sh [OPTION]... [SNAPSHOT] - bring a PostgreSQL database back from a logical dump; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/base.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/server_source.sh
source "$lib_dir/server_source.sh"
# shellcheck source=lib/pg.sh
source "$lib_dir/pg.sh"
# shellcheck source=lib/pg_dump.sh
source "$lib_dir/pg_dump.sh"
# shellcheck source=lib/pg_private.sh
source "$lib_dir/pg_private.sh"
# shellcheck source=lib/pg_checks.sh
source "$lib_dir/pg_checks.sh"
# shellcheck source=lib/pg_swap.sh
source "$lib_dir/pg_swap.sh"
# shellcheck source=lib/pg_undo.sh
source "$lib_dir/pg_undo.sh"
# shellcheck source=lib/pg_tables.sh
source "$lib_dir/pg_tables.sh"

usage='usage: pg_restore.sh [OPTION]... [SNAPSHOT]     (default latest)
       pg_restore.sh --undo | --accept [OPTION]...
Restores the databases of a source of kind "postgres". Each is made under another name first, from the dump, with its roles and
extensions known to be there; tables, rows and the checks of the configuration are proven in it; then the names are exchanged
in one transaction. The database that was there stays, as NAME_before_<time>, until --accept.

  --source NAME    the source, if there are several
  --database NAME  only this database of it
  --clean          the database exists already: exchange it (without this, that is an error)
  --into NAME      restore the one database as NAME, beside the live one
  --table NAME     only this table with its partitions, into the database that is there; with --clean instead of the one that is
                   there; with its schema if there are several of that name; repeatable
  --to-file FILE   write the database (or the tables) as SQL to FILE; no server is asked
  --scratch        restore into a private server that is made for it, prove it there, and remove it: for drills. Without SNAPSHOT
                   and inside of a check, HOLDFAST_RESTORED names the dump
  --globals        make missing roles and tablespaces from globals.sql; those that are there stay as they are
  --no-owner       restore without owners and grants
  --force          end connections to the database that is exchanged
  --jobs N         how many tables at once (default 2)
  --staging DIR    where the dump is put meanwhile (default TMPDIR, else /tmp)
  --undo           exchange the names back: the database of before the last restore
  --accept         drop what --undo would need, and what a restore that was killed left
  --dry-run        say what is missing or in the way; changes nothing
  --path DIR       the repository       --config FILE    the configuration       --quiet    only errors and warnings

EXIT STATUS
  0 restored   3 roles, extensions or programs are missing   5 the dump or a check failed   6 not found   8 the server or a disk
  10 refused: it exists, or is in use. In all but 0 the live database is as it was.

EXAMPLES
  pg_restore.sh --clean                          the newest snapshot, in the place of the live database
  pg_restore.sh --into look 20261120T020000Z     an older one, beside it
  pg_restore.sh --table trades --to-file trades.sql'

snapshot='' source='' database='' into='' to_file='' staging='' verb=restore jobs=2 id=''
cleans=false is_scratch=false makes_roles=false without_owners=false is_forced=false is_dry=false
tables=() flags=() dumps=() databases=()
phase='' work='' keeps_prepared=false
dump='' globals_file='' as_of='now()'

parse_option() { # <option> <value>
  case $1 in
    --source) source=$2 ;;
    --database) database=$2 ;;
    --into) into=$2 ;;
    --table) tables+=("$2") ;;
    --to-file) to_file=$2 ;;
    --jobs) jobs=$2 ;;
    --staging) staging=$2 ;;
    --path) flags+=(--repo "$2") ;;
    --config) flags+=(--config "$2") ;;
    --prepare | --install | --discard | --take-back) phase=${1#--} work=$2 cleans=true ;; # of restore.sh, which stops the services between them
  esac
}

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  while (($#)); do
    case $1 in
      --source | --database | --into | --table | --to-file | --jobs | --staging | --path | --config | --prepare | --install | --discard | --take-back)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see pg_restore.sh --help"
        parse_option "$1" "$2"
        shift
        ;;
      --clean) cleans=true ;;
      --scratch) is_scratch=true ;;
      --globals) makes_roles=true ;;
      --no-owner) without_owners=true ;;
      --force) is_forced=true ;;
      --dry-run) is_dry=true ;;
      --undo | --accept) verb=${1#--} ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      -*) die 2 "unknown option '$1'" "see pg_restore.sh --help" ;;
      *)
        [[ -z $snapshot ]] || die 2 "one snapshot can be restored, not '$snapshot' and '$1'" "see pg_restore.sh --help"
        snapshot=$1
        ;;
    esac
    shift
  done
  [[ $jobs =~ ^[1-9][0-9]?$ ]] || die 2 "--jobs must be a number, not '$jobs'"
  if [[ -n $into ]] && ((${#tables[@]} > 0)); then die 2 "--into restores a database, --table goes into the one that is there" "leave one out"; fi
}

main() {
  parse_arguments "$@"
  need jq psql pg_restore
  load_config --trusted "${flags[@]}"
  choose_source postgres "$source" logical
  source=$(source_get .name)
  pg_use_source
  if [[ $verb != restore ]]; then
    databases_of_source
    "${verb}_databases"
    exit 0
  fi
  case $phase in
    install)
      keeps_prepared=true # a failure leaves it to --discard
      install_prepared
      exit 0
      ;;
    discard)
      discard_prepared
      exit 0
      ;;
    take-back)
      take_back_prepared
      exit 0
      ;;
  esac
  fetch_dumps
  for dump in "${dumps[@]}"; do
    pg_restore --list "$dump" >/dev/null || die 5 "'${dump##*/}' is no dump that this pg_restore can read" "is a newer PostgreSQL client installed?"
  done
  if [[ -n $to_file ]]; then
    if ((${#tables[@]} > 0)); then list_tables "${dumps[0]}"; else pg_restore --list -- "${dumps[0]}" >"$work/list"; fi
    dump_sql "${dumps[0]}" --use-list="$work/list" >"$to_file" || die 8 "cannot write '$to_file'" "what is wrong is said above"
    exit 0
  fi
  if "$is_scratch"; then prepare_scratch; fi
  for dump in "${dumps[@]}"; do
    database=$(basename -- "$dump" .dump)
    if ((${#tables[@]} > 0)); then restore_tables "$database"; else prepare_database "$database" "${into:-$database}"; fi
  done
  if [[ $phase == prepare ]]; then
    keeps_prepared=true
  elif [[ -f $work/prepared ]]; then
    install_prepared
  fi
}

main "$@"
