# shellcheck shell=bash
# lib/restore_arguments.sh - what restore.sh is asked to do; what has no meaning there is refused, never ignored.

repo='' config='' verb=restore name='' at='' to=${DB_PATH:-} target='' lock_wait=0s remote='' restore_id='' id=''
is_dry=false is_sure=false is_online=false is_forced=false rolls_back=true takes_emergency=true
sources=() flags=() # flags: of every tool
given=()            # the options, for check_meaning

parse_option() { # <option> <value>: those that have one
  case $1 in
    --path) repo=$2 ;;
    --config) config=$2 ;;
    --remote) remote=$2 ;;
    --at) at=$2 ;;
    --source) sources+=("$2") ;;
    --to) to=$2 ;;
    --target) target=$2 ;;
    --wait) lock_wait=$2 ;;
  esac
}

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  while (($#)); do
    if [[ $1 == -* ]]; then given+=("$1"); fi
    case $1 in
      --path | --config | --remote | --at | --source | --to | --target | --wait)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see restore.sh --help"
        parse_option "$1" "$2"
        shift
        ;;
      --yes) is_sure=true ;;
      --dry-run) is_dry=true ;;
      --online) is_online=true ;;
      --force) is_forced=true ;;
      --no-rollback) rolls_back=false ;;
      --no-emergency) takes_emergency=false ;;
      --undo | --resume | --accept)
        [[ $verb == restore ]] || die 2 "$1 and --$verb exclude each other" "see restore.sh --help"
        verb=${1#--}
        ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      -*) die 2 "unknown option '$1'" "see restore.sh --help" ;;
      *)
        [[ -z $name ]] || die 2 "one snapshot can be restored, not '$name' and '$1'" "a source is named with --source $1"
        name=$1
        ;;
    esac
    shift
  done
  seconds --wait "$lock_wait"
  lock_wait=$REPLY
  check_arguments
}

# Settings are often those of a whole host, so they are no reason to refuse; but who set them may expect them to count.
warn_of_settings() {
  local setting
  if [[ -n ${DB_PATH:-} ]]; then say WARN "DB_PATH means nothing with --$verb, which is about a restore as it was made"; fi
  for setting in RESTORE_DATABASE RESTORE_CACHE RESTORE_REDIS RESTORE_CONFIG RESTORE_DATA; do
    is_true "$setting" true || say WARN "$setting=${!setting} leaves out nothing: --$verb is about all that was restored"
  done
}

# What is ignored looks as if it were done: --undo --source trades would take back all sources.
check_meaning() {
  local option way=--$verb meant='--path --config --remote --quiet --yes --dry-run'
  case $verb in
    list) way=list meant+=' --source' ;;
    accept) meant+=' --accept' ;;
    undo) meant+=' --undo --force --wait' ;;
    resume) meant+=' --resume --force --wait --no-rollback --no-emergency' ;;
    *)
      if [[ -z $target ]]; then return 0; fi
      way=--target meant+=' --target --at --source --to' # --to has its own words
      ;;
  esac
  for option in "${given[@]}"; do
    [[ " $meant " == *" $option "* ]] ||
      die 2 "$option means nothing with $way; nothing was done" "leave it out; $way takes: ${meant//"$way "/}"
  done
  case $verb in undo | resume | accept) warn_of_settings ;; esac
}

check_arguments() {
  if [[ -n $at ]]; then
    [[ -z $name ]] || die 2 "--at and '$name' both say which snapshot" "give one of them"
    name=@$at
  fi
  if [[ $verb == restore && $name == list ]]; then verb=list; fi
  check_meaning
  if [[ -n $target && -n $to ]]; then
    die 2 "--target restores beside, so it excludes --to and DB_PATH" "say only where it goes"
  fi
  if [[ $verb == restore && -f $name/manifest.json ]]; then # the folder of a snapshot: it says which repository, too
    name=$(cd -- "$name" && pwd -P)
    repo=${name%/snapshots/*} name=${name##*/}
  fi
  if [[ -n $repo ]]; then flags+=(--repo "$repo"); fi
  if [[ -n $config ]]; then flags+=(--config "$config"); fi
}
