#!/usr/bin/env bash
# redis_restore.sh [OPTION]... [SNAPSHOT] - bring the data of a Redis server back from its dump; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/base.sh"
# shellcheck source=lib/child.sh
source "$lib_dir/child.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/services.sh
source "$lib_dir/services.sh"
# shellcheck source=lib/server_source.sh
source "$lib_dir/server_source.sh"
# shellcheck source=lib/redis.sh
source "$lib_dir/redis.sh"
# shellcheck source=lib/redis_files.sh
source "$lib_dir/redis_files.sh"
# shellcheck source=lib/redis_exchange.sh
source "$lib_dir/redis_exchange.sh"

usage='usage: redis_restore.sh [OPTION]... [SNAPSHOT]     (default latest)
       redis_restore.sh --undo | --accept [OPTION]...
Loads the dump in a private server first, which proves it and counts its keys. Then the services of the configuration stop, of which
the Redis server has to be one; its dump and its append-only files are set aside as <name>.before_<time>; the dump takes their
place, with appendonly on as the base of a new append-only file; the services start; every database must have its keys. If not,
the old files come back.

  --source NAME    the source, if there are several
  --scratch        only load the dump in a private server and say what it holds: for drills. Without SNAPSHOT and inside of a
                   check, HOLDFAST_RESTORED names the dump
  --undo           set the restored files aside and bring the old ones back
  --accept         remove what was set aside
  --staging DIR    where the dump is put meanwhile (default TMPDIR, else /tmp)
  --dry-run        say what would be replaced and stopped; changes nothing
  --path DIR       the repository       --config FILE    the configuration       --quiet    only errors and warnings

EXIT STATUS
  0 restored   3 wrong configuration   5 the dump does not load, or keys are missing   6 not found   8 a service or a disk
  10 refused: the server still runs, or is a replica'

name='' source='' staging='' phase='' state_dir='' verb=restore id='' is_scratch=false is_dry=false
flags=() plan='' mark='' work=''

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  while (($#)); do
    case $1 in
      --source | --staging | --path | --config | --prepare | --install | --assert | --take-back)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see redis_restore.sh --help"
        case $1 in
          --source) source=$2 ;;
          --staging) staging=$2 ;;
          --path) flags+=(--repo "$2") ;;
          --config) flags+=(--config "$2") ;;
          *) phase=${1#--} state_dir=$2 ;; # of restore.sh, which stops the services itself
        esac
        shift
        ;;
      --scratch) is_scratch=true ;;
      --undo | --accept) verb=${1#--} ;;
      --dry-run) is_dry=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      -*) die 2 "unknown option '$1'" "see redis_restore.sh --help" ;;
      *)
        [[ -z $name ]] || die 2 "one snapshot can be restored, not '$name' and '$1'" "see redis_restore.sh --help"
        name=$1
        ;;
    esac
    shift
  done
}

dump='' # result of prepare

prepare() { # the dump, proven, and where it goes
  if "$is_scratch" && [[ -z $name && -n ${HOLDFAST_RESTORED:-} ]]; then
    id=${HOLDFAST_SNAPSHOT:-given}
    if [[ $HOLDFAST_RESTORED != *.rdb ]]; then exit 0; fi
    cp -- "$HOLDFAST_RESTORED" "$work/dump.rdb" && dump=$work/dump.rdb
  else
    fetch_source "${name:-latest:$source}" "$source"
    dump=$work/$source/dump.rdb
  fi
  [[ -f $dump ]] || die 6 "snapshot $id holds no dump of source '$source'" "catalog show $id"
  prove_dump "$dump"
  log "the dump of snapshot $id holds $(awk '{ n += $2 } END { print n + 0 }' "$work/counts") keys in $(wc -l <"$work/counts") databases"
  if "$is_scratch"; then exit 0; fi
  refuse_replica
  plan=$(redis_places) || exit
  stamp
  mark=$REPLY
}

main() {
  local dir
  on_exit stop_child
  parse_arguments "$@"
  need jq redis-cli timeout
  load_config --trusted "${flags[@]}"
  load_services
  choose_source redis "$source"
  source=$(source_get .name)
  redis_use_source
  if [[ $verb != restore ]]; then
    dir=$(redis_places | jq -r .dir) || exit
    newest_mark "$dir" "$verb"
    [[ -n $REPLY ]] || die 6 "nothing is set aside in '$dir'" "there is no restore to $verb"
    if "$is_dry"; then log "would $verb what was set aside at $REPLY in '$dir'" && exit 0; fi
    if [[ $verb == accept ]]; then
      accept_all "$dir" || die 8 "not all of it could be removed" "what is in the way is said above"
    else
      on_exit start_stopped
      go_back "$dir" "$REPLY"
    fi
    exit 0
  fi
  if [[ -z $phase ]]; then make_work "$staging"; else work=$state_dir; fi
  case $phase in
    '' | prepare) need redis-server && prepare ;;
    *) plan=$(<"$work/plan") dump=$(<"$work/dump") mark=$(<"$work/mark") ;;
  esac
  if "$is_dry"; then log "would put it into '$(jq -r .dir <<<"$plan")' (appendonly $(jq -r .aof <<<"$plan")) while these are stopped: ${services[*]:-nothing}" && exit 0; fi
  case $phase in
    prepare) printf '%s' "$plan" >"$work/plan" && printf '%s' "$dump" >"$work/dump" && printf '%s' "$mark" >"$work/mark" ;;
    install)
      install
      exchange=
      ;;
    take-back)
      dir=$(jq -r .dir <<<"$plan")
      if [[ -e $dir/.holdfast-redis_$mark ]]; then check_down; fi
      take_back "$dir" "$mark" || die 8 "the old files could not all be put back" "look in '$dir' for names with .before_$mark"
      ;;
    assert)
      check_counts || exit
      drop_unused_aof
      ;;
    '') run_alone ;;
  esac
}

main "$@"
