# shellcheck shell=bash
# lib/notify.sh - people and the dead man's switch hear how a run began and ended. Nothing here changes how it ends.

notify_limit=90 # seconds for all channels; what is not delivered by then is delivered by the next call
ping_rid=
is_success_news=true # an info for a good run, where alerts.on_success asks for one

notify() { # <alert's argument>...: says so if it could not be delivered
  local code=0 why
  # shellcheck disable=SC2154 # the script's flags for every tool
  why=$(timeout --foreground --kill-after=4 "$notify_limit" alert --quiet "${flags[@]}" "$@" 2>&1 >/dev/null) || code=$?
  case $code in
    0) ;;
    4) record WARN "alert: not every channel could be reached; the rest waits: alert buffer-status" ;;
    *) say WARN "alert: '$1' ended with $code${why:+: ${why//$'\n'/ | }}; see alert buffer-status" ;;
  esac
}

has_channels() {
  [[ -n ${ALERT_WEBHOOK_URL:-} || $(config_get '.alerts.channels | length') -gt 0 ]]
}

notify_start() { # joins the start and the end of this run for the dead man's switch
  if [[ $(config_get .alerts.pings) != true ]]; then return; fi
  read -r ping_rid </proc/sys/kernel/random/uuid
  notify ping start --rid "$ping_rid"
}

# For on_exit, after record_outcome: what is worse than before is told at once, the same again is held back, and the
# first good run after a bad one is told too.
notify_outcome() { # <key> <what, for people>
  # shellcheck disable=SC2154 # events.sh sets last_error
  local last=${last_error:-no log}
  # shellcheck disable=SC2154 # base.sh sets exit_status
  if [[ -n $ping_rid ]]; then notify ping "$((exit_status < 256 ? exit_status : 255))" --rid "$ping_rid"; fi
  if ! has_channels; then return; fi
  if [[ -n $log_file ]]; then last=$(tail -n 40 -- "$log_file"); fi
  case $exit_status in
    0)
      notify send "$2 works again" --key "$1" --severity ok --text - <<<"$last"
      if "$is_success_news" && [[ $(config_get .alerts.on_success) == true ]]; then
        notify send "$2 complete" --key "$1-complete" --severity info --text - <<<"$last"
      fi
      ;;
    4) notify send "$2 is partial" --key "$1" --severity warning --text - <<<"$last" ;;
    7) ;; # another run is at work, and tells its own outcome
    *) notify send "$2 failed with $exit_status" --key "$1" --severity critical --text - <<<"$last" ;;
  esac
}
