#!/usr/bin/env bash
# backup.sh [OPTION...] [SOURCE...] - take one snapshot, verify it, log the outcome; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
# shellcheck source=lib/child.sh
source "$lib_dir/child.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/notify.sh
source "$lib_dir/notify.sh"
# shellcheck source=lib/verify_step.sh
source "$lib_dir/verify_step.sh"
# shellcheck source=lib/backup_status.sh
source "$lib_dir/backup_status.sh"

usage='usage: backup.sh [nightly|hourly|snapshot|pre-deployment|emergency-pre-restore] [OPTION]... [--] [SOURCE]...
       backup.sh status
Takes one snapshot of every source of the configuration (or of the named ones), verifies exactly that
snapshot, and prints its id. What happened is in <log_dir>/backup_<time>.log, whose last line has the
one terminal state of the run: state=complete, state=partial or state=failed. The first word may be a type:
nightly is full, snapshot is manual, emergency-pre-restore is emergency. A source of that name: backup.sh -- hourly.
status tells the last outcome, the newest snapshot and what is running; its exit status is that of the last run,
6 if there is no snapshot, 1 if the last run was killed.

  --dry-run        say what would be done; writes nothing
  --path DIR       the repository (else BACKUP_ROOT, else the configuration)
  --config FILE    the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --type T         full, hourly, pre-deployment, manual or emergency (default full)
  --accept-losses  what shrank or is gone is meant to be: the next runs are measured by this one
  --wait TIME      wait so long (90s, 15m, 2h) for another run of backup.sh to end (default 0s)
  --quiet          only errors and warnings on standard error

ENVIRONMENT
  BACKUP_DATABASE BACKUP_CACHE BACKUP_REDIS BACKUP_CONFIG BACKUP_LOGS BACKUP_DATA   false leaves out that class
  BACKUP_TYPE BACKUP_ROOT BACKUP_LOCK_WAIT DRY_RUN HOLDFAST_CONFIG                   as the options above

EXIT STATUS
  0 complete   4 partial: something is missing, the snapshot is kept   5 damaged   7 already running
  2 wrong usage   3 wrong configuration   8 disk, or out of time   others as of snap and verify

EXAMPLES
  backup.sh                                       everything, from cron
  BACKUP_TYPE=pre-deployment backup.sh trades     one source, before a deployment'

repo='' config='' type=${BACKUP_TYPE:-full} lock_wait=${BACKUP_LOCK_WAIT:-0s} is_dry=false
sources=() # empty: all
flags=()   # for every tool
snap_flags=()
id='' snap_code=0 verify_code=0 is_second=false word='' # the first argument, if it is a type or status
declare -A type_of=([nightly]=full [hourly]=hourly [snapshot]=manual ['pre-deployment']=pre-deployment
  ['emergency-pre-restore']=emergency)

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  if [[ -n ${type_of[${1:--}]:-} || ${1:-} == status ]]; then
    word=$1 type=${type_of[$1]:-$type}
    shift
  fi
  while (($#)); do
    case $1 in
      --path | --config | --type | --wait)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see backup.sh --help"
        case $1 in
          --path) repo=$2 ;;
          --config) config=$2 ;;
          --type) type=$2 ;;
          --wait) lock_wait=$2 ;;
        esac
        shift
        ;;
      --accept-losses) snap_flags+=(--accept-losses) ;;
      --dry-run) is_dry=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      --)
        sources+=("${@:2}")
        break
        ;;
      -*) die 2 "unknown option '$1'" "see backup.sh --help" ;;
      *) sources+=("$1") ;;
    esac
    shift
  done
  seconds "--wait" "$lock_wait"
  lock_wait=$REPLY
  if [[ -n $repo ]]; then flags+=(--repo "$repo"); fi
  if [[ -n $config ]]; then flags+=(--config "$config"); fi
}

# Without names, every source whose class is not switched off; named ones are taken as named.
choose_sources() {
  local off=() pair names
  for pair in BACKUP_DATABASE:database BACKUP_CACHE:cache BACKUP_REDIS:cache BACKUP_CONFIG:config \
    BACKUP_LOGS:logs BACKUP_DATA:data; do
    if ! is_true "${pair%:*}" true; then off+=("${pair#*:}"); fi
  done
  if ((${#sources[@]} > 0 || ${#off[@]} == 0)); then return; fi
  names=$(config_sources_without "${off[@]}")
  [[ -n $names ]] || die 3 "no source is left: the environment switches off ${off[*]}" "see backup.sh --help"
  mapfile -t sources <<<"$names"
}

run_tool() { # <what> <tool> [arg...]: as run_limited, with what is left of the time; out of time is 8
  local what=$1 left=$((time_limit - SECONDS))
  run_limited "$((left > 0 ? left : 1))" "${@:2}"
  if ((child_code == 124 || (child_code == 137 && SECONDS >= time_limit))); then
    say ERROR "the $what was stopped: the run took longer than $time_limit s (backup.time_limit)"
    child_code=8
  fi
}

take_snapshot() {
  run_tool snapshot snap --verbose --type "$type" "${snap_flags[@]}" "${flags[@]}" -- "${sources[@]}"
  id=${child_output%%$'\n'*} snap_code=$child_code
  if [[ -n $id ]] && ((snap_code == 0 || snap_code == 4)); then
    log "snapshot $id written"
    return
  fi
  die "$((snap_code == 0 ? 1 : snap_code))" "no snapshot was taken" "older snapshots are untouched"
}

# For begin, and on_exit: whatever happened, what Prometheus reads is not the last success.
tell_metrics() { # begin | record
  local args=() said
  if "$is_second"; then return; fi # the one at work tells its own end, and has not failed
  if [[ $1 == record ]]; then
    args=(--type "$type" --code "$exit_status" --seconds "$SECONDS")
    if [[ -n $id ]]; then args+=(--snapshot "$id"); fi
  fi
  # A tool that was told to stop, too, must not stop this one.
  said=$(close_lock && timeout --kill-after=4 60 metrics "$1" "${args[@]}" "${flags[@]}" 2>&1 </dev/null) ||
    say WARN "metrics $1: ${said//$'\n'/; }"
}

main() {
  parse_arguments "$@"
  need jq flock timeout
  load_config "${flags[@]}"
  [[ -n $(config_get .file) ]] ||
    die 3 "there is no configuration" "give --config FILE, or set HOLDFAST_CONFIG"
  if [[ $word == status ]]; then report_status; fi
  if [[ -n $word ]] && config_sources_without | grep -qx -- "$word"; then
    say WARN "'$word' is the type of this backup; the source of that name: backup.sh -- $word"
  fi
  choose_sources
  if "$is_dry"; then exec snap --dry-run --type "$type" "${flags[@]}" -- "${sources[@]}"; fi

  local log_dir
  log_dir=$(config_get .backup.log_dir)
  time_limit=$(config_get .backup.time_limit_s)
  on_exit notify_outcome "backup-$type" "the $type backup" # also that there can be no log
  on_exit record_outcome id
  on_exit tell_metrics record
  on_exit stop_child
  open_log "$log_dir" backup
  log "backup of type $type: ${sources[*]:-every source} (process $$, log $log_file)"
  if ! take_lock "$log_dir/backup.lock" "$lock_wait"; then
    is_second=true
    die 7 "already running: process $(<"$log_dir/backup.lock")" "let it end, or wait for it with --wait 30m"
  fi
  notify_start
  SECONDS=0 # the time limit is for the work, not for the wait
  tell_metrics begin
  take_snapshot
  verify_snapshot
  printf '%s\n' "$id" || die 8 "cannot print the id of snapshot $id" "standard output is closed or full"
  ((verify_code == 0)) || exit "$verify_code"
  exit "$snap_code"
}

main "$@"
