#!/usr/bin/env bash
# health_monitor.sh [OPTION...] once | status | health-only | sse-only | watch - healthcheck, and an alert for each change; --help.
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
# shellcheck source=lib/health_changes.sh
source "$lib_dir/health_changes.sh"

usage='usage: health_monitor.sh [OPTION]... once | status | health-only | sse-only | watch
Runs healthcheck, remembers the result in <backup.log_dir>/health.json, and sends an alert for what became worse or
well since the last time, not for every run; a reminder of what is still bad comes after health.remind_after (24 h). The file for Prometheus (health.metrics) and the status
page (health.page) are written as well.

  once         every check, for cron and timers
  health-only  every check but event streams
  sse-only     event streams only
  watch        once, again and again; for containers without cron
  status       print the last result; nothing is looked at

  --interval TIME  of watch (5m)
  --config FILE    the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --quiet          only what is not healthy
  --told           of once, health-only and sse-only: exit 0 whatever was found, if the channels of [alerts] know it; for schedules

EXIT STATUS, as of healthcheck
  0 healthy   1 degraded   2 unhealthy   3 unknown; also: wrong usage or configuration, no result for 15 minutes
With --told
  0 looked, and told   3 nobody could look, or could be told   7 another one is at work'

mode='' config='' interval=300
is_told_enough=false # --told
is_told=true         # result of look_once
flags=()             # for every tool

# 1 and 2 are answers; a script that broke has none.
trap 'say ERROR "line $LINENO: exit $? from: $BASH_COMMAND"; exit 3' ERR

# Results are handed on in memory: the disk of temporary files may be the one that is full.
answer='' # of look
merged='' # of look_once

parse_arguments() {
  while (($#)); do
    case $1 in
      --config | --interval)
        [[ -n ${2:-} ]] || die 3 "$1 needs a value" "see health_monitor.sh --help"
        if [[ $1 == --config ]]; then config=$2; else interval=$2; fi
        shift
        ;;
      --quiet) is_quiet=true ;;
      --told) is_told_enough=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 3
        exit 0
        ;;
      once | status | health-only | sse-only | watch)
        [[ -z $mode ]] || die 3 "one thing at a time: '$mode' or '$1'" "see health_monitor.sh --help"
        mode=$1
        ;;
      *) die 3 "unknown argument '$1'" "see health_monitor.sh --help" ;;
    esac
    shift
  done
  [[ -n $mode ]] || die 3 "what is to be done?" "once, status, health-only, sse-only or watch"
  ! "$is_told_enough" || [[ $mode != status && $mode != watch ]] || die 3 "--told is for once, health-only and sse-only"
  if [[ $interval != 300 ]]; then
    [[ $interval =~ ^[1-9][0-9]{0,5}[smh]$ ]] || die 3 "--interval must be a time such as 5m, not '$interval'"
    seconds --interval "$interval"
    interval=$REPLY
  fi
  if [[ -n $config ]]; then flags=(--config "$config"); fi
}

# What healthcheck says, as JSON in $answer; a tool that fails is a finding itself.
look() { # [option of healthcheck]...
  local metrics page
  metrics=$(config_get .health.metrics)
  page=$(config_get .health.page)
  # Only a whole look may write the files: half of one would hide what the other half found.
  if [[ $mode != *-only ]]; then set -- "$@" ${metrics:+--prometheus "$metrics"} ${page:+--html "$page"}; fi
  run_limited 600 healthcheck --json "${flags[@]}" "$@"
  answer=$child_output
  if ! is_result "$answer"; then
    answer=$(jq -n --arg code "$child_code" '{status: "unknown", checks: [{check: "healthcheck", subject: "", status: "unknown",
      message: "healthcheck itself failed with exit \($code)", next: "run healthcheck by hand"}]}')
  fi
}

tell_changes() { # <old> <new>: fails if no channel keeps or took an alert
  local lines line code severity key title text is_kept=0
  lines=$(jq -r --slurpfile olds <(printf '%s' "$1") '$olds[0] as $old | '"$changes" <(printf '%s' "$2"))
  while IFS= read -r line; do
    if [[ -z $line ]]; then continue; fi
    severity=$(jq -r '.[0]' <<<"$line") key=$(jq -r '.[1]' <<<"$line")
    title=$(jq -r '.[2]' <<<"$line") text=$(jq -r '.[3]' <<<"$line")
    say INFO "$title: ${text//$'\n'/; }"
    has_channels || continue
    run_limited 120 alert send "${flags[@]}" --quiet --json --severity "$severity" --key "$key" --text "$text" -- "$title"
    code=$child_code
    if ((code == 8)) && jq -e '.kept > 0' <<<"$child_output" >/dev/null 2>&1; then code=4; fi # another channel has it
    ((code == 0 || code == 4)) || is_kept=1                                                   # 4: kept, and delivered later
  done < <(printf '%s\n' "$lines")
  return "$is_kept"
}

look_once() {
  local log_dir state old='{}' saved args=()
  log_dir=$(config_get .backup.log_dir) state=$log_dir/health.json
  case $mode in
    health-only) args=(--skip stream) ;;
    sse-only) args=(--check stream) ;;
  esac
  # What waits for a receiver that was away goes before anything new, and not only when there is something new.
  if has_channels; then run_limited 120 alert flush "${flags[@]}" --quiet; fi
  if saved=$(cat -- "$state" 2>/dev/null) && is_result "$saved"; then old=$saved; fi
  look "${args[@]}"
  merged=$(jq -n --arg mode "$mode" --argjson remind "$(config_get .health.remind_after_s)" \
    --slurpfile olds <(printf '%s' "$old") --slurpfile news <(printf '%s' "$answer") '$olds[0] as $old | $news[0] as $new | '"$merge")
  if tell_changes "$old" "$merged"; then
    # After the alerts: a crash in between tells twice, never not at all.
    if ! { printf '%s\n' "$merged" >"$state.new" && mv -f -- "$state.new" "$state"; }; then
      say WARN "cannot write $state: the next look tells the same again"
    fi
  else
    is_told=false
    say ERROR "an alert could not be kept: the next look tells the same again"
  fi
  result=$(printf '%s' "$merged" | jq -r .status)
  print_state "$merged"
}

leave() { # <status>
  if "$is_told_enough"; then
    # Without channels the journal and syslog are told, by our exit, when nobody could look.
    if "$is_told" && { [[ $1 != unknown ]] || has_channels; }; then exit 0; fi
    exit 3
  fi
  case $1 in
    healthy) exit 0 ;;
    degraded) exit 1 ;;
    unhealthy) exit 2 ;;
    *) exit 3 ;;
  esac
}

main() {
  local state saved result=unknown patience=0 busy=3
  parse_arguments "$@"
  need jq flock timeout
  load_config "${flags[@]}"
  state=$(config_get .backup.log_dir)/health.json
  if [[ $mode == status ]]; then
    { saved=$(cat -- "$state" 2>/dev/null) && is_result "$saved"; } || die 3 "there is no result yet" "health_monitor.sh once"
    print_state "$saved"
    is_fresh "$saved" || die 3 "the last result is not of the last 15 minutes" "is health_monitor.sh scheduled? is the clock right?"
    leave "$(printf '%s' "$saved" | jq -r .status)"
  fi
  mkdir -p -- "${state%/*}" || die 3 "cannot make the folder '${state%/*}'" "check backup.log_dir"
  on_exit stop_child
  if [[ $mode == *-only ]]; then patience=60; fi # these two may be scheduled for the same minute
  if "$is_told_enough"; then busy=7; fi
  take_lock "${state%/*}/health.lock" "$patience" || die "$busy" "another health_monitor.sh is at work" "let it end"
  look_once
  while [[ $mode == watch ]]; do
    close_lock_sleep "$interval"
    look_once
  done
  leave "$result"
}

main "$@"
