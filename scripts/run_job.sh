#!/usr/bin/env bash
# run_job.sh [OPTION...] JOB - what crontab lines and systemd units call: one scheduled job; --help has the jobs.
set -Eeuo pipefail
shopt -s inherit_errexit
PATH=${PATH:-/usr/bin:/bin}:/usr/bin:/bin # a crontab may set it to anything, and dirname is needed at once
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
# shellcheck source=lib/child.sh
source "$lib_dir/child.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/notify.sh
source "$lib_dir/notify.sh"

usage='usage: run_job.sh [OPTION]... JOB
Runs one job of a schedule: without a terminal, in whatever environment the scheduler has. What happened is in
the log folder of the configuration (backup.log_dir), errors are on standard error as well. Without systemd,
a job that fails is also told to syslog, since mail of cron is easily lost. The channels of [alerts] are told of
failures, and of the first good run after one.

JOBS
  full          backup.sh of everything
  hourly        backup.sh of the databases: the classes cache, config, logs and data are left out
  verify        verify --budget: a part of every snapshot, in turn
  prune         prune, by the [retention] section of the configuration
  offsite       offsite.sh push, then verify there for a sixth of --budget
  drill         dr_drill.sh
  cleanup-logs  cleanup_logs.sh
  health        health_monitor.sh once; that something is not healthy is no failure, for the monitor tells it

  --config FILE    the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --at EXPRESSION  do nothing unless a run of this cron expression is due; for crontab lines of another zone
  --zone ZONE      the zone of --at; without --at, a warning if this host has another by now
  --budget TIME    how long verify may take (30m)
  --quiet          only errors and warnings on standard error

ENVIRONMENT
  BACKUP_LOCK_WAIT  how long a backup waits for another one to end (20m); DRY_RUN and BACKUP_TYPE do not count

EXIT STATUS
  that of the job: see backup.sh, verify, prune, dr_drill.sh and cleanup_logs.sh; of health 3, nobody could look or be told
  2 wrong usage

EXAMPLES
  run_job.sh --config /etc/holdfast/holdfast.toml full
  run_job.sh --quiet --at "15 9-15 * * 1-5" --zone Asia/Kolkata hourly'

job='' at='' zone='' budget=30m
flags=() # for every tool: HOLDFAST_CONFIG says it all
quiet=() # --quiet, for scripts with a log of their own

parse_arguments() {
  while (($#)); do
    case $1 in
      --config | --at | --zone | --budget)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see run_job.sh --help"
        case $1 in
          --config) export HOLDFAST_CONFIG=$2 ;; # which every tool and script obeys
          --at) at=$2 ;;
          --zone) zone=$2 ;;
          --budget) budget=$2 ;;
        esac
        shift
        ;;
      --quiet) is_quiet=true quiet=(--quiet) ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      full | hourly | verify | prune | offsite | drill | cleanup-logs | health)
        [[ -z $job ]] || die 2 "one job at a time: '$job' or '$1'" "see run_job.sh --help"
        job=$1
        ;;
      *) die 2 "unknown option or job '$1'" "see run_job.sh --help" ;;
    esac
    shift
  done
  [[ -n $job ]] || die 2 "no job named" "see run_job.sh --help"
}

# For on_exit. systemd has its own way to tell (OnFailure=); another run at work (7) is no reason to wake anyone.
# shellcheck disable=SC2317 # reached by on_exit
tell_syslog() {
  local priority=user.crit
  if ((exit_status == 0)) || [[ -n ${INVOCATION_ID:-} ]]; then return; fi
  if ((exit_status == 7)); then priority=user.warning; fi
  logger --tag holdfast --priority "$priority" -- \
    "job $job failed with exit $exit_status${log_file:+; its log is $log_file}" 2>/dev/null
}

# For on_exit. backup.sh and offsite.sh tell by themselves.
# shellcheck disable=SC2317 # reached by on_exit
tell_channels() {
  if [[ $job == full || $job == hourly || $job == offsite || -z $config_json ]]; then return; fi
  if [[ $job == health ]]; then is_success_news=false; fi # every five minutes
  notify_outcome "job-$job" "the job $job"
}

# A script with its own log and time limit; to stop in order, it has all the time that it needs.
run_script() { # <command> [arg...]
  "$@" </dev/null >/dev/null &
  child_pid=$!
  wait "$child_pid" || child_code=$?
  child_pid=
}

run_offsite() {
  local sent
  if [[ -z $(config_get '.remote[0].name') ]]; then return; fi # nothing is asked for
  seconds --budget "$budget"
  run_script "$scripts/offsite.sh" push --wait 20m "${quiet[@]}"
  sent=$child_code child_code=0
  run_script "$scripts/offsite.sh" verify --wait 20m --budget "$((REPLY / 6 + 1))s" "${quiet[@]}"
  if ((sent != 0)); then child_code=$sent; fi
}

run_logged() { # <command> [arg...]: in a log of its own, what it prints as well
  local line
  open_log "$(config_get .backup.log_dir)" "$job"
  on_exit record_outcome
  log "job $job: $* (process $$)"
  run_limited "$(config_get .backup.time_limit_s)" "$@"
  while IFS= read -r line; do
    if [[ -n $line ]]; then log "$line"; fi
  done < <(pour "$child_output")
  if ((child_code == 124 || child_code == 137)); then
    say ERROR "$job was stopped: it took longer than backup.time_limit"
    child_code=8
  fi
}

# Times of a crontab are those of the host, so they move when it is set to another zone.
check_zone() {
  local now
  if [[ -n $at || -z $zone ]]; then return; fi
  now=$(schedule cron '* * * * *' --zone "$zone") || now=unknown # a backup is worth more than its hour
  if [[ $now != exact* ]]; then
    say WARN "this schedule was made for $zone, but the host has another zone by now: run schedule_backups.sh again"
  fi
}

main() {
  local scripts=${lib_dir%/lib} answer backup
  parse_arguments "$@"
  unset DRY_RUN BACKUP_TYPE # a schedule says itself what it does
  on_exit tell_syslog
  if [[ -n $at ]]; then
    answer=$(schedule due "$at" --zone "${zone:-UTC}")
    [[ $answer == yes ]] || exit 0
  fi
  on_exit tell_channels
  on_exit stop_child
  check_zone
  backup=("$scripts/backup.sh" "${quiet[@]}" --wait "${BACKUP_LOCK_WAIT:-20m}")
  case $job in
    full) run_script "${backup[@]}" --type full ;;
    hourly)
      export BACKUP_CACHE=false BACKUP_REDIS=false BACKUP_CONFIG=false BACKUP_LOGS=false BACKUP_DATA=false
      run_script "${backup[@]}" --type hourly
      ;;
    *)
      need jq timeout
      load_config ${HOLDFAST_CONFIG:+--config "$HOLDFAST_CONFIG"}
      case $job in
        health) run_script "$scripts/health_monitor.sh" "${quiet[@]}" --told once ;;
        offsite) run_offsite ;;
        drill) run_script "$scripts/dr_drill.sh" "${quiet[@]}" ;; # it has a log of its own, as backup.sh has
        verify) run_logged verify --budget "$budget" ;;
        prune) run_logged prune ;;
        cleanup-logs) run_logged "$scripts/cleanup_logs.sh" ;;
      esac
      ;;
  esac
  exit "$child_code"
}

main "$@"
