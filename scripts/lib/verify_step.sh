# shellcheck shell=bash
# verify_step.sh - what backup.sh does with the snapshot that it took: sets verify_code, and says what was found.

verify_snapshot() {
  local mode line args=()
  mode=$(config_get .backup.verify_after)
  if [[ $mode == none ]]; then
    log "snapshot $id not verified (backup.verify_after = none)"
    return
  fi
  if [[ $mode == deep ]]; then args=(--deep); fi
  run_tool verification verify "${args[@]}" "${flags[@]}" -- "$id"
  if [[ $mode == deep ]] && ((child_code == 9)); then
    log "the repository is sealed and no key is here: the bytes are verified, not what they mean"
    mode=plain args=()
    run_tool verification verify "${flags[@]}" -- "$id"
  fi
  verify_code=$child_code
  while IFS= read -r line; do
    if [[ -n $line ]]; then say WARN "verify: ${line//$'\t'/ }"; fi
  done < <(pour "$child_output")
  if ((verify_code == 0)); then
    log "snapshot $id verified ($mode)"
  elif ((verify_code == 4 || verify_code == 5)); then
    say ERROR "snapshot $id did not pass verification (exit $verify_code)"
  else
    say ERROR "snapshot $id was written, but could not be verified (exit $verify_code)"
    say HINT "verify that one again: verify ${args[*]} $id (--staging DIR if the repository's disk is full)"
  fi
}
