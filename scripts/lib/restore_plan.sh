# shellcheck shell=bash
# lib/restore_plan.sh - what a restore, or taking one back, would replace; nothing is changed here.

places=()                       # what is replaced
touches_live=true               # services use what is replaced
confirm_word='' confirm_what='' # what the person types, and what for
plan_text=''
data_command=()   # what will be done
only_starts=false # of plan_start
past_snapshot=''  # of --undo and --resume: what that restore brought

plan_restore() {
  local args=(--in-place) component plan code=0 look=()
  confirm_word=$(jq -r --argjson names "$(as_json "${chosen[@]}")" --argjson servers "$(as_json "${chosen_servers[@]#* }")" \
    '[.components[] | select(.name | IN($names[])) | .source] + $servers | unique | if length == 1 then .[0] else "replace" end' < <(pour "$manifest_json"))
  confirm_what="replace the data above by that of snapshot $id"
  if ((${#chosen[@]} == 0)); then # all of it lives in servers
    plan_servers
    describe_snapshot
    return
  fi
  for component in "${chosen[@]}"; do args+=(--component "$component"); done
  if [[ -n $to ]]; then args+=(--to "$to"); fi
  if "$is_online"; then args+=(--online); fi
  if "$is_forced"; then args+=(--force); fi
  if ! "$takes_emergency"; then args+=(--no-emergency); fi
  # Services have it open now, and will not then. What else is in the way is better known before they stop.
  if ((${#services[@]} > 0)) && ! "$is_online"; then look=(--force); fi
  plan=$(restore "$id" "${args[@]}" "${look[@]}" --dry-run --json "${flags[@]}") || code=$?
  ((code == 0)) || exit "$code"
  plan_text=$(restore "$id" "${args[@]}" "${look[@]}" --dry-run --quiet "${flags[@]}" 2>/dev/null)
  words_of places '.components[].to' < <(pour "$plan")
  if ! is_own_place "$id"; then touches_live=false; fi
  if "$is_online"; then touches_live=false; fi # they stay connected
  data_command=(restore "$id" "${args[@]}")
  plan_servers
  describe_snapshot
}

describe_snapshot() {
  local row trouble
  row=$(jq --arg id "$id" 'map(select(.id == $id))[0] | {id, type, state, trust, started_utc, age_s, age, newest_row_utc}' < <(pour "$catalog_json"))
  note_incident '.snapshot = $row' --argjson row "$row"
  plan_text="snapshot $id: $(jq -r '"\(.type), \(.state), \(.trust)\(if .newest_row_utc then "; newest row \(.newest_row_utc)" else "" end); what was written in the \(.age) since then is lost"' <<<"$row")"$'\n'"$plan_text"
  if [[ $(jq -r .type <<<"$row") == emergency ]]; then
    say WARN "snapshot $id is an emergency snapshot: it holds what was there right before a restore, with its faults"
  fi
  trouble=$(jq -r 'if .trust == "damaged" then "damaged" elif .state == "suspect" then "suspect" else empty end' <<<"$row")
  if [[ -z $trouble ]]; then return 0; fi
  say WARN "snapshot $id is $trouble: catalog show $id says why; an older one may be the right one"
  if "$is_sure" && ! "$is_forced" && ! "$is_dry" && [[ $name == latest* || $name == @* ]]; then
    die 10 "the snapshot that '$name' means is $trouble; nothing was changed" "name the one that is meant by its id: restore.sh list"
  fi
}

# Is any of the places where that snapshot's data is from, or the configuration has data now? Yes, if that is not known.
is_own_place() { # <snapshot>
  local own now place one
  words_of own '.components[].path | select(. != "")' < <(catalog show "$1" --json "${flags[@]}" 2>/dev/null || echo damaged) 2>/dev/null || return 0
  words_of now '.source[].path[]?' < <(pour "$config_json")
  own+=("${now[@]}")
  ((${#own[@]} > 0)) || return 0
  mapfile -d '' -t own < <(realpath -zm -- "${own[@]}")
  wait "$!" || return 0
  for place in "${places[@]}"; do
    for one in "${own[@]}"; do
      if [[ $place == "$one" ]]; then return 0; fi
    done
  done
  return 1
}

# --accept as a dry run: what is kept, of the named restore or of all. Ends the script.
show_pending() {
  local text code=0
  text=$(restore --pending "${flags[@]}") || code=$?
  if [[ -n $name ]]; then
    text=$(awk -v id="$name" 'NR == 1 || index($1, id) == 1' < <(pour "$text"))
    [[ $text == *$'\n'* ]] || die 6 "there is no restore '$name' to accept" "restore --pending lists what there is"
  fi
  [[ -z $text ]] || printf '%s\n' "$text" || exit 8
  exit "$code"
}

# --undo and --resume: of the named restore, else of the newest.
plan_past() {
  local pending row states='["staging", "swapping", "undoing"]' code=0
  if [[ $verb == undo ]]; then states='["staging", "swapping", "restored", "undoing"]'; fi
  pending=$(restore --pending --json "${flags[@]}") || code=$?
  ((code == 0 || code == 5)) || exit "$code" # 5: one of them is damaged, which is said, and not the others
  # Without a name --undo is about the last one only: said twice it must not go back to an older state.
  restore_id=$(jq -r --argjson states "$states" --arg id "$name" --arg verb "$verb" \
    '[.[] | select(.restore | startswith($id))] | if $id == "" and $verb == "undo" then .[-1:] else . end
    | reduce (.[] | select(.state | IN($states[])) | .restore) as $r ([]; . - [$r] + [$r]) | join("\n")' < <(pour "$pending"))
  [[ -z $name || $restore_id != *$'\n'* ]] || die 2 "'$name' is the beginning of several restores" "restore --pending lists them"
  restore_id=${restore_id##*$'\n'}
  if [[ -z $restore_id && $verb == resume ]] &&
    jq -e --arg id "$name" '$id == "" or any(.[]; .restore | startswith($id))' < <(pour "$pending") >/dev/null && plan_start; then
    return 0
  fi
  [[ -n $restore_id ]] || die 6 "there is no restore ${name:+'$name' }to $verb" \
    "restore --pending lists what there is; an older one is taken back by its id$(server_undo_hint)"
  row=$(jq --arg id "$restore_id" 'map(select(.restore == $id))' < <(pour "$pending"))
  words_of places '.[].path' < <(pour "$row")
  plan_text=$(jq -r '.[0] | "restore \(.restore) of snapshot \(.snapshot), which is \(.state)"' <<<"$row")$'\n'$(printf '%s\n' "${places[@]}")
  touches_live=$(jq -r 'any(.kept != "")' <<<"$row") # online: they stay connected
  past_snapshot=$(jq -r '.[0].snapshot' <<<"$row")
  if ! is_own_place "$past_snapshot"; then touches_live=false; fi
  confirm_word=$verb confirm_what="$verb that restore"
  data_command=(restore "--$verb" "$restore_id")
  if "$is_forced"; then data_command+=(--force); fi
  if ! "$takes_emergency"; then data_command+=(--no-emergency); fi
}

# A run that was killed between the exchange and the start leaves nothing to resume but services that are down. Fails if none is.
plan_start() {
  local name down=()
  for name in "${services[@]}"; do
    ask_status "$name"
    if [[ $REPLY == down ]]; then down+=("$name"); fi
  done
  ((${#down[@]} > 0)) || return 1
  services=("${down[@]}") only_starts=true
  plan_text='no restore is to be resumed; services are down, and are started'
  confirm_word=start confirm_what='start them'
}

server_undo_hint() { # what lives in servers is kept there
  jq -r '[.source[].kind] | map({postgres: "; pg_restore.sh --undo", redis: "; redis_restore.sh --undo"}[.] // empty) | unique | add // ""' < <(pour "$config_json")
}

show_plan() {
  if [[ $touches_live == false ]]; then services=(); fi
  if ! "$is_dry" && "$is_quiet" && "$is_sure"; then return 0; fi
  printf '%s\n' "$plan_text" >&2
  if "$only_starts"; then
    printf 'To be started: %s\n' "${services[*]:-the application}" >&2
    return 0
  fi
  if ((${#services[@]} == 0)); then
    printf 'No service is stopped.\n' >&2
  else
    local names="${services[*]}"
    printf 'Stopped meanwhile: %s\n' "${names:-the application}" >&2
  fi
}
