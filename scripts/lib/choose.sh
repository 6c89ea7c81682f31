# shellcheck shell=bash
# lib/choose.sh - which snapshot, which parts of it, and does the person mean it: on a plain terminal, or by arguments.

catalog_json='[]'
manifest_json='' # result of find_snapshot
chosen=()        # components; result of choose_components

load_catalog() {
  local code=0
  catalog_json=$(catalog list --json "${flags[@]}") || code=$?
  if ((code == 5)); then
    say WARN "some snapshots cannot be read and are not in the list"
  elif ((code != 0)); then
    exit "$code"
  fi
}

# A name that the tools know: its manifest is in $manifest_json. Exits with the code of catalog.
find_snapshot() { # <name>
  local code=0
  manifest_json=$(catalog show --json "${flags[@]}" "$1") || code=$?
  return "$code"
}

# Until a snapshot is named; ends the script at q and at the end of input.
pick_snapshot() {
  local answer count choices
  choices=$(choices_of "${sources[@]}")
  count=$(jq length < <(pour "$choices"))
  ((count > 0)) || die 6 "there is no snapshot yet${sources[*]:+ that holds ${sources[*]}}" "backup.sh takes one"
  show_choices "$choices" 2 >&2
  while :; do
    printf 'Restore which one? Number or id, q to quit: ' >&2
    if ! IFS= read -r answer || [[ ${answer,,} == q || ${answer,,} == quit ]]; then
      printf '\nNothing was changed.\n' >&2
      exit 0
    fi
    answer=${answer//[[:space:]]/}
    if [[ -z $answer || $answer == -* ]]; then continue; fi
    if [[ $answer =~ ^[0-9]{1,5}$ ]]; then
      if ((10#$answer < 1 || 10#$answer > count)); then
        printf 'There is no number %s; 1 is the newest.\n' "$answer" >&2
        continue
      fi
      answer=$(jq -r ".[$((10#$answer - 1))].id" < <(pour "$choices"))
    fi
    if find_snapshot "$answer"; then return; fi
  done
}

# Named sources as named; else all whose class is not switched off and that have a place of their own.
choose_components() { # [source]...
  local off=() pair name placeless missing
  for name in "$@"; do
    jq -e --arg name "$name" 'any(.components[]; .source == $name)' < <(pour "$manifest_json") >/dev/null ||
      die 6 "snapshot $id holds no source '$name'$(newest_that_holds "$name")" "it holds: $(jq -r '[.components[].source] | unique | join(" ")' < <(pour "$manifest_json"))"
  done
  for pair in RESTORE_DATABASE:database RESTORE_CACHE:cache RESTORE_REDIS:cache RESTORE_CONFIG:config RESTORE_DATA:data; do
    if ! is_true "${pair%:*}" true; then off+=("${pair#*:}"); fi
  done
  if ! is_true RESTORE_LOGS false; then off+=(logs); fi # logs of an incident are evidence
  local choice='[.components[] | select(if $names == [] then (.class | IN($off[]) | not) else .source | IN($names[]) end)]'
  local args=(--argjson names "$(as_json "$@")" --argjson off "$(as_json "${off[@]}")")
  local servers
  servers=$(jq -c '[.source[] | select(.kind == "redis" or (.kind == "postgres" and .mode == "logical")) | .name]' < <(pour "$config_json"))
  if [[ -n $target || -n $to ]] || "$is_online"; then servers='[]'; fi # those are files then, like all others
  args+=(--argjson servers "$servers")
  words_of chosen_servers "${args[@]}" --argjson kinds "$(jq -c '[.source[] | {key: .name, value: .kind}] | from_entries' < <(pour "$config_json"))" \
    "$choice"' | [.[].source | select(IN($servers[]))] | unique[] | "\($kinds[.]) \(.)"' < <(pour "$manifest_json")
  placeless=$(jq -r "${args[@]}" "$choice"' | if $names == [] then [.[] | select(.path == "" and (.source | IN($servers[]) | not)) | .name] | join(", ") else "" end' < <(pour "$manifest_json"))
  if [[ -n $placeless && -z $target ]]; then
    say WARN "left out, what a command printed has no place of its own: $placeless (restore --target DIR, then load it)"
  fi
  missing=$(jq -r --argjson have "$(jq '[.components[].source]' < <(pour "$manifest_json"))" --argjson off "$(as_json "${off[@]}")" \
    '[.source[] | select((.class | IN($off[]) | not) and (.kind | IN("command", "postgres", "redis") | not)) | .name] - $have | join(", ")' < <(pour "$config_json"))
  if (($# == 0)) && [[ -n $missing ]]; then say WARN "snapshot $id does not hold, so it stays as it is: $missing"; fi
  words_of chosen "${args[@]}" --arg target "$target" --arg to "$to" "$choice"' | .[]
    | select(.source | IN($servers[]) | not) | select($names != [] or .path != "" or $target != "") | select($to == "" or .kind == "sqlite") | .name' < <(pour "$manifest_json")
  ((${#chosen[@]} + ${#chosen_servers[@]} > 0)) || die 6 "snapshot $id holds nothing of what is to be restored" "catalog show $id; classes left out: ${off[*]}"
}

newest_that_holds() { # <source>: for a message; the newest snapshot may be one of some sources only
  jq -r --arg name "$1" 'map(select(.type != "emergency" and any(.sources[]; . == $name)))[0] | select(.) | "; the newest that does is \(.id)"' \
    < <(pour "$catalog_json")
}

# What jq answers, one word of the array each: a path may have a line end in it, and no NUL.
words_of() { # <name of the array> <argument of jq>...; the last is the filter
  mapfile -d '' -t "$1" < <(jq -j "${@:2:$#-2}" "${!#} | ., \"\\u0000\"")
  wait "$!"
}

as_json() { # [word]...: as a JSON list
  jq -cn '$ARGS.positional' --args "$@"
}

# The word is typed, or --yes was given; without a terminal nobody can be asked.
confirm() { # <word> <what for>
  local answer i
  if "$is_sure"; then return; fi
  [[ -t 0 ]] || die 10 "nobody can be asked, as standard input is no terminal; nothing was changed" "add --yes if it is meant"
  for ((i = 0; i < 3; i++)); do
    printf "Type '%s' to %s, q to quit: " "$1" "$2" >&2
    IFS= read -r answer || break
    if [[ $answer == "$1" ]]; then return; fi
    if [[ ${answer,,} == q || ${answer,,} == quit ]]; then break; fi
  done
  printf '\n' >&2
  die 10 "not confirmed; nothing was changed" "run it again, or see restore.sh --help"
}
