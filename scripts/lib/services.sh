# shellcheck shell=bash
# lib/services.sh - what uses the data: stopped in order and proven down, started in reverse; reconcile and health.
#
# What runs is [services] of a configuration that was loaded with --trusted. A step that fails says so and sets
# $service_failure. What this run stopped is in ${stopped[@]} until it was started again.

services=()        # names; one empty name: commands without names
stopped=()         # in the order they were stopped
were_down=()       # before the run
service_failure='' # result of stop_services, start_services, reconcile, check_health
settle_s=2         # a service that dies of its data does so soon after the start

# shellcheck source=service_run.sh
source "$lib_dir/service_run.sh"

load_services() {
  local text
  text=$(config_get 'if .services.names != [] then .services.names[] elif .services.stop != [] then "-" else empty end')
  if [[ $text == - ]]; then
    services=('')
  elif [[ -n $text ]]; then
    mapfile -t services <<<"$text"
  fi
  service_timeout=$(config_get .services.timeout_s)
}

has_command() { # <verb>
  [[ $(config_get ".services.$1 | length") != 0 ]]
}

# running, down or unknown, in $REPLY; unknown as well if no command can say it. systemctl has 3 for what is on its way too.
ask_status() { # <name>
  REPLY=unknown
  has_command status || return 0
  run_service "$service_timeout" status "$1"
  case $service_code:$service_output in
    3:activating* | 3:deactivating* | 3:reloading*) REPLY=running ;;
    1:*[Ff]'ailed to connect'*) ;; # systemctl without systemd
    0:*) REPLY=running ;;
    1:* | 3:*) REPLY=down ;;
  esac
}

wait_for_status() { # <name> <running|down>: what it is in the end is in $REPLY
  local begin=$SECONDS
  while ask_status "$1" && [[ $REPLY != "$2" ]] && ((SECONDS - begin < service_timeout)); do
    pause 0.5
  done
}

stop_services() {
  local name
  service_failure=''
  for name in "${services[@]}"; do
    ask_status "$name"
    if [[ $REPLY == down ]]; then
      log "${name:-the application} is down already"
      were_down+=("${name:-the application}")
      continue
    fi
    stopped+=("$name")
    log "stopping ${name:-the application}"
    run_service "$service_timeout" stop "$name"
    if ((service_code != 0)); then
      why_not "$service_timeout"
      service_failure="${name:-the application} could not be stopped ($REPLY)"
      return 0
    fi
    has_command status || continue
    wait_for_status "$name" down
    if [[ $REPLY != down ]]; then
      service_failure="${name:-the application} was told to stop, but is not known to be down (status: $REPLY, exit $service_code)"
      return 0
    fi
  done
}

start_one() { # <name>
  log "starting ${1:-the application}"
  run_service "$service_timeout" start "$1"
  if ((service_code == 0)); then return; fi
  why_not "$service_timeout"
  service_failure="${1:-the application} could not be started ($REPLY)"
}

# All of them, those that were down before as well; all are tried although one fails.
start_services() {
  local i name failure=''
  service_failure=''
  for ((i = ${#services[@]} - 1; i >= 0; i--)); do
    start_one "${services[i]}"
    failure=${failure:-$service_failure}
  done
  stopped=() were_down=()
  service_failure=$failure
  if [[ -n $failure ]] || ((${#services[@]} == 0)) || ! has_command status; then return 0; fi
  for name in "${services[@]}"; do wait_for_status "$name" running; done
  pause "$settle_s"
  for name in "${services[@]}"; do
    ask_status "$name"
    if [[ $REPLY != running ]]; then service_failure="${name:-the application} did not stay up (status: $REPLY)"; fi
  done
}

# For on_exit: whatever ended the run, what it stopped comes up again.
start_stopped() {
  local i
  for ((i = ${#stopped[@]} - 1; i >= 0; i--)); do
    service_failure=''
    start_one "${stopped[i]}"
    if [[ -n $service_failure ]]; then say ERROR "$service_failure: start it by hand"; fi
  done
  stopped=()
}

reconcile() {
  local wait_s
  service_failure=''
  has_command reconcile || return 0
  wait_s=$(config_get .services.reconcile_wait_s)
  log "waiting $wait_s s, then reconciling"
  pause "$wait_s"
  run_service "$service_timeout" reconcile
  if ((service_code == 0)); then return; fi
  why_not "$service_timeout"
  service_failure="reconciling failed ($REPLY)"
}

check_health() {
  local limit begin=$SECONDS
  service_failure=''
  has_command health || return 0
  limit=$(config_get .services.health_timeout_s)
  log "checking the health, for up to $limit s"
  while :; do
    run_service "$((limit - (SECONDS - begin) > 0 ? limit - (SECONDS - begin) : 1))" health
    if ((service_code == 0)); then return; fi
    if ((SECONDS - begin >= limit)); then break; fi
    pause 1
  done
  why_not "$limit"
  service_failure="the health check did not pass within $limit s ($REPLY)"
}
