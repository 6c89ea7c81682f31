# shellcheck shell=bash
# lib/offsite_report.sh - what was done at each remote, as it is told: lines for people, TSV or JSON on standard output.

results=() # codes, one per remote
report=()  # JSON, one per remote

human() { # <bytes>
  numfmt --to=iec-i --suffix=B --format=%.1f "$1"
}

# One remote is done. What is added to the record goes to the report as well.
tell_remote() { # <code> <JSON>: more of it
  local state=complete
  case $1 in
    0) ;;
    4) state=partial ;;
    *) state=failed ;;
  esac
  results+=("$1")
  report+=("$(jq -c --arg remote "$remote" --arg state "$state" --argjson code "$1" --arg why "${failure:-}" \
    '{remote: $remote, state: $state, code: $code} + . + (if $why == "" then {} else {why: $why} end)' <<<"$2")")
}

fail_remote() { # <what was tried>
  say ERROR "$remote: $1: $failure"
  case $failure_code in
    3) say HINT "check remote.credentials, rclone_config or key_file of $remote; rclone lsd with the same shows more" ;;
    8) say HINT "what is there is as it was; the next run goes on where this one ended" ;;
  esac
  tell_remote "$failure_code" '{}'
}

print_report() {
  if "$is_json"; then
    printf '%s\n' "${report[@]}" | jq -s .
  else
    printf '%s\n' "${report[@]}" | jq -r 'select(.remote) | [.remote, .state, (to_entries[] | select(.key | IN("remote", "state") | not) |
      "\(.key)=\(.value | if type == "array" then length else . end)")] | @tsv'
  fi || exit 8
}

# Damage anywhere is 5. Some did, some did not: partial. None did: the worst of their codes.
overall_code() { # in $REPLY
  local code did_any=false
  REPLY=0
  for code in "${results[@]}"; do
    if ((code == 5)); then REPLY=5 && return; fi
    if ((code == 0 || code == 4)); then did_any=true; fi
    if ((code > REPLY)); then REPLY=$code; fi
  done
  if "$did_any" && ((REPLY != 0)); then REPLY=4; fi
}
