# shellcheck shell=bash
# lib/replace.sh - replaces the live data, by a restore or by taking one back, and knows the way back if that fails.

lock_file='' # of open_incident_log; empty: the log folder cannot be used
report=null  # JSON: what the tool said
data_state=untouched
known_restores='[]'                          # JSON: those that were pending before this run
outcome=failed summary='nothing was changed' # for the record
fail_code=8                                  # of a service that does not stop

begin_run() { # <arguments of the script>
  local log_dir place why='' host
  log_dir=$(config_get .backup.log_dir)
  log_dir=$(realpath -m -- "$log_dir")
  for place in "${places[@]}"; do
    if [[ $log_dir/ == "$place"/* ]]; then why="it lies in '$place', which is replaced"; fi
  done
  open_incident_log "$log_dir" "$why"
  host=$(uname -n)
  note_incident '. + {started_utc: $at, host: $host, user: $user, command: $command, target_s: $target, services: $services, next: []}' \
    --arg at "$(date -u +%FT%TZ)" --arg host "$host" --arg user "${SUDO_USER:-$(id -un)}" --arg command "$script_name $1" \
    --argjson target "$(jq '.drill.target.total_s // null' < <(pour "$config_json"))" --argjson services "$(as_json "${services[@]}" | jq -c 'map(if . == "" then "the application" else . end)')"
  on_exit record_outcome id restore_id
  on_exit finish_record
  on_exit remove_servers_dir # needed until nothing is taken back any more
  on_exit leave_sane
  on_exit stop_child
  log "$verb ${id:-${restore_id:-of services}}: ${places[*]} (process $$, log ${log_file:-none})"
  if [[ -n $lock_file ]] && ! take_lock "$lock_file" "$lock_wait"; then
    die 7 "a backup or a restore is running: process $(<"$lock_file"); nothing was changed" "let it end, wait for it with --wait 15m, or stop it: kill $(<"$lock_file")"
  fi
}

# Stops what uses the data, or ends the script.
stop_all() {
  begin_step stop
  stop_services
  if [[ -n $service_failure ]]; then
    end_step "$service_failure"
    ((fail_code != 1)) || die 1 "$service_failure: nothing is rolled back" "stop it by hand, then: restore.sh --undo $restore_id"
    die "$fail_code" "$service_failure; the data was not touched" "stop it by hand and run this again"
  fi
  end_step
}

change_data() { # <name of the step> <command>...: the tool's answer in $report; its code in $child_code
  local emergency line
  begin_step "$1"
  known_restores=$({ restore --pending --json --quiet "${flags[@]}" || true; } | jq -cn '[inputs[].restore]') # a damaged journal is not ours
  data_state=changing
  run_limited 0 "${@:2}" --json --quiet "${flags[@]}"
  if ((child_code == 0 || child_code == 4)); then
    report=$child_output
    restore_id=$(jq -r .restore < <(pour "$report"))
    emergency=$(jq -r '.emergency // empty' < <(pour "$report"))
    if [[ -n $emergency ]]; then log "emergency snapshot of what was there: $emergency"; fi
    while IFS= read -r line; do log "$line"; done < <(jq -r '.notes // [] | .[]' < <(pour "$report"))
    end_step
    data_state=changed
  else
    end_step "exit $child_code"
  fi
}

# Starts, reconciles and asks for the health; $service_failure says what went wrong.
bring_up() {
  local step
  for step in start_services reconcile check_health; do
    case $step in
      start_services) ((${#services[@]} > 0)) || continue ;;
      *) if [[ $touches_live == false && $is_online == false ]] || ! has_command "${step#check_}"; then continue; fi ;;
    esac
    begin_step "${step%_services}"
    "$step"
    if [[ -n $service_failure ]]; then
      end_step "$service_failure"
      return 0
    fi
    end_step
  done
}

roll_back() { # <why>
  local first=$report force=()
  say ERROR "$1"
  outcome=${outcome/checked/healthy} summary=$1
  if [[ $outcome == undone* ]]; then
    say HINT "what was there before the restore is live; what it had brought is kept until restore.sh --accept $restore_id; restore.sh $past_snapshot brings it again"
    exit 8
  fi
  if ! "$rolls_back" || [[ $(jq -r .state < <(pour "$report")) != restored ]]; then
    say HINT "the data stays as it is now; restore.sh --undo${restore_id:+ $restore_id} brings back what was there before"
    exit 8
  fi
  say ERROR "ROLLING BACK to the state before this restore"
  fail_code=1
  stop_all
  is_rolling_back=true
  undo_servers
  child_code=0
  if "$is_forced"; then force=(--force); fi # whoever had it open then has it open now
  if ((${#data_command[@]} > 0)); then change_data rollback restore --undo "$restore_id" "${force[@]}"; fi
  report=$first is_rolling_back=false
  if ((child_code != 0 && child_code != 4)); then
    die 1 "the rollback failed (exit $child_code): the restored data is in place and not healthy" "what is in the way is said above; then: restore.sh --undo $restore_id"
  fi
  outcome='rolled back' summary="$1; the state before the restore is back"
  begin_step 'start again'
  start_services
  end_step "${service_failure:-done}"
  if [[ -n $service_failure ]]; then die 1 "rolled back, but $service_failure" "the data is as it was before the restore; look at the service"; fi
  say ERROR "ROLLED BACK: the data is as it was before; snapshot $id did not bring a healthy system"
  exit 8
}

start_down() { # <arguments of the script>: for plan_start
  begin_run "$1"
  bring_up
  if [[ -n $service_failure ]]; then
    summary=$service_failure
    die 8 "$service_failure; the data was not touched" "look at the service; restore --pending lists what can be taken back"
  fi
  outcome=started summary='no restore was to be resumed; the services that were down are up'
  log "$summary"
  exit 0
}

replace_data() { # <arguments of the script>
  local code
  begin_run "$1"
  prepare_servers
  if ((${#services[@]} > 0)); then stop_all; fi
  install_servers
  log "${verb/undo/undo of} ${restore_id:-$id}: this takes as long as reading and writing the data"
  if ((${#data_command[@]} > 0)); then
    change_data "$verb" "${data_command[@]}"
  else # all of it lives in servers
    report='{"state": "restored", "components": []}' child_code=0
  fi
  code=$child_code
  if ((code != 0 && code != 4)); then undo_servers; fi
  ((code == 0 || code == 4)) || die "$code" "the $verb did not take place (exit $code)" "what is in the way is said above"
  outcome='restored, not checked' summary='the run ended before the services were checked'
  if [[ $(jq -r .state < <(pour "$report")) == undone ]]; then outcome=${outcome/restored/undone}; fi
  bring_up
  if [[ -z $service_failure ]]; then assert_servers; fi
  if [[ -n $service_failure ]]; then roll_back "$service_failure"; fi
  outcome=${outcome%,*} summary="snapshot ${id:-$past_snapshot} is in place"
  if [[ $outcome == undone ]]; then summary="what restore $restore_id replaced is back"; fi
  if ((${#services[@]} > 0)); then summary+=' and the services are up'; fi
  now_ms
  log "$outcome in $(((REPLY - record_begin) / 1000)) s: $summary"
  if [[ $outcome == restored ]]; then servers_hints | while IFS= read -r REPLY; do log "$REPLY"; done; fi
  if [[ $outcome == restored && -n $restore_id ]]; then log "if it is not right: restore.sh --undo $restore_id; when all is well: restore.sh --accept $restore_id"; fi
  exit "$code"
}
