# shellcheck shell=bash
# lib/redis_exchange.sh - the services stop, the files are exchanged, the services start; and the way back.

check_down() { # who was just stopped needs a moment to be gone
  local begin=$SECONDS
  redis_state
  while [[ $REPLY != down ]] && ((SECONDS - begin < 3)); do
    sleep 0.2
    redis_state
  done
  [[ $REPLY == down ]] ||
    die 10 "the server still runs: its files were not touched (to PING it says: $REPLY)" "it must be one of the services of [services], so that it is stopped meanwhile"
}

install() {
  check_down
  on_exit take_back_unless_done
  install_dump "$dump" || die 8 "the dump could not be put in place" "is the disk full?"
}

stop_all() {
  stop_services
  if [[ -n $service_failure ]]; then
    start_stopped
    die 8 "$service_failure; the data was not touched" "stop it by hand and run this again"
  fi
}

go_back() { # <folder> <mark>
  stop_services
  if [[ -n $service_failure ]]; then
    redis_state # a server that never came up cannot be stopped either
    [[ $REPLY == down ]] || die 8 "$service_failure; the files stay as they are now" "stop it by hand, then: redis_restore.sh --undo"
    say WARN "$service_failure"
  fi
  check_down
  exchange=$1 mark=$2 # whatever ends us in the middle: the rest follows at our end
  on_exit take_back_unless_done
  take_back "$1" "$2" || die 8 "the old files could not all be put back" "look in $1 for names with .before_$2"
  exchange=
  start_services
  [[ -z $service_failure ]] || die 8 "the old files are back, but $service_failure"
}

run_alone() { # without restore.sh around it
  local code=0
  on_exit start_stopped
  stop_all
  install
  exchange= # from here on the server may have the new files open
  start_services
  if [[ -n $service_failure ]]; then code=8; else check_counts || code=$?; fi
  if ((code != 0)); then
    say ERROR "ROLLING BACK: ${service_failure:-the restored data is not complete}"
    go_back "$(jq -r .dir <<<"$plan")" "$mark"
    exit "$code"
  fi
  drop_unused_aof
  log "restored from snapshot $id; what was there is kept as *.before_$mark: --undo, --accept"
}
