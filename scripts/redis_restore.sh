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
  10 refused: the server still runs'

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
  plan=$(redis_places) || exit
  stamp
  mark=$REPLY
}

install() {
  if redis_answers; then
    die 10 "the server still runs: nothing was changed" "it must be one of the services of [services], so that it is stopped meanwhile"
  fi
  install_dump "$dump" || { take_back "$(jq -r .dir <<<"$plan")" "$mark" && die 8 "the dump could not be put in place; the old files are back" "is the disk full?"; }
}

stop_all() {
  stop_services
  if [[ -n $service_failure ]]; then
    start_stopped
    die 8 "$service_failure; the data was not touched" "stop it by hand and run this again"
  fi
}

go_back() { # <folder> <mark>
  stop_all
  if redis_answers; then die 10 "the server still runs: nothing was changed" "it must be one of the services"; fi
  take_back "$1" "$2" || die 8 "the old files could not all be put back" "look in $1 for names with .before_$2"
  start_services
  [[ -z $service_failure ]] || die 8 "the old files are back, but $service_failure"
}

main() {
  local code=0 dir
  parse_arguments "$@"
  need jq redis-cli timeout
  load_config --trusted "${flags[@]}"
  load_services
  choose_source redis "$source"
  source=$(source_get .name)
  redis_use_source
  if [[ $verb != restore ]]; then
    dir=$(redis_places | jq -r .dir) || exit
    if [[ $verb == undo ]]; then newest_mark "$dir" before; else newest_mark "$dir" before undone; fi
    [[ -n $REPLY ]] || die 6 "nothing is set aside in '$dir'" "there is no restore to $verb"
    if "$is_dry"; then log "would $verb what was set aside at $REPLY in '$dir'" && exit 0; fi
    if [[ $verb == undo ]]; then go_back "$dir" "$REPLY"; else find "$dir" -maxdepth 1 \( -name '*.before_[0-9]*_[0-9]*' -o -name '*.undone_[0-9]*_[0-9]*' \) -exec rm -rf -- {} +; fi
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
    install) install ;;
    take-back) take_back "$(jq -r .dir <<<"$plan")" "$mark" || die 8 "the old files could not all be put back" ;;
    assert) check_counts || exit ;;
    '')
      on_exit start_stopped
      stop_all
      install
      start_services
      if [[ -n $service_failure ]]; then code=8; else check_counts || code=$?; fi
      if ((code != 0)); then
        say ERROR "ROLLING BACK: ${service_failure:-the restored data is not complete}"
        go_back "$(jq -r .dir <<<"$plan")" "$mark"
        exit "$code"
      fi
      log "restored from snapshot $id; what was there is kept as *.before_$mark: --undo, --accept"
      ;;
  esac
}

main "$@"
