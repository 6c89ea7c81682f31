# shellcheck shell=bash
# lib/restore_end.sh - how restore.sh leaves the host, whatever ended it: services up if the data is whole, and it is said which data.

# However the run ended: what it stopped is started, unless the data is neither old nor new.
leave_sane() {
  if [[ $data_state == changing ]]; then learn_state || return 0; fi
  settle_servers || return 0
  if ((${#stopped[@]} > 0)); then say WARN "starting again what was stopped"; fi
  start_stopped
  if [[ $outcome != restored ]] && ((${#were_down[@]} > 0)); then say WARN "down before this run, so not started: ${were_down[*]}"; fi
  if [[ $outcome == failed && $summary == nothing* ]]; then say INFO "$summary"; fi
  tell_end
}

# A tool that changed the data was ended, or nobody heard its answer: the journal has it. Fails if the data is neither old nor new.
learn_state() {
  local pending state of_run=''
  pending=$({ restore --pending --json "${flags[@]}" 2>/dev/null || true; } | # those that are of this run
    jq -cn --argjson known "$known_restores" --arg id "$restore_id" '[inputs[] | select((.restore | IN($known[]) | not) or .restore == $id)]')
  if jq -e 'any(.[]; .state == "swapping" or .state == "undoing")' < <(pour "$pending") >/dev/null; then
    outcome=torn summary='the data is between the old and the new state, and the services are down'
    say ERROR "$summary"
    say HINT "restore.sh --resume finishes it, restore.sh --undo takes it back; both start the services"
    return 1
  fi
  IFS=$'\t' read -r of_run state < <(jq -r '[.[] | select(.state == "restored" or .state == "undone")] | last // empty | [.restore, .state] | @tsv' < <(pour "$pending"))
  if [[ $verb == restore || -n $of_run ]]; then restore_id=$of_run; fi
  case $outcome:$state in
    'restored, not healthy:undone') outcome='rolled back' summary+='; the state before the restore is back' ;;
    failed:undone) outcome='undone, not checked' summary='taken back, but the run ended before it was checked' ;;
    failed:restored) # --undo found it so
      if [[ $verb != undo ]]; then outcome='restored, not checked' summary='restored, but the run ended before it was checked'; fi
      ;;
  esac
}

# What a signal left, in the last words: what else ends a run has told it before.
tell_end() {
  case $outcome in
    'restored, not checked')
      say WARN "$outcome: $summary"
      say HINT "look at it, then restore.sh --accept $restore_id, or restore.sh --undo $restore_id"
      ;;
    'undone, not checked')
      say WARN "$outcome: $summary"
      say HINT "look at it, then restore.sh --accept $restore_id; restore.sh $past_snapshot brings again what was restored"
      ;;
    'restored, not healthy')
      ((exit_status > 128)) || return 0
      say WARN "the rollback did not take place: the restored data is in place and not healthy ($summary)"
      say HINT "${restore_id:+restore.sh --undo $restore_id brings back what was there before; }the record says what to do next"
      ;;
    'rolled back') ((exit_status <= 128)) || say WARN "$outcome: $summary" ;;
  esac
}
