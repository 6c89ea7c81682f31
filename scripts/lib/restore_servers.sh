# shellcheck shell=bash
# lib/restore_servers.sh - what restore.sh does with sources that live in a server: prepared and proven while everything runs,
# exchanged while the services are stopped, checked when they are up, taken back if the health is bad.

chosen_servers=() # "kind name" of sources; result of choose_components
servers_dir=''    # private, one folder per source
installed=()      # what is to be taken back after a failure: exchanged, or about to be
is_rolling_back=false

plan_servers() { # adds to $plan_text
  local server
  for server in "${chosen_servers[@]}"; do
    case $server in
      postgres*) plan_text+=$'\n'"${server#* }: its databases are made anew in their server, then exchanged by name" ;;
      redis*) plan_text+=$'\n'"${server#* }: its dump replaces the files of its server, which has to be one of the services" ;;
    esac
  done
}

server_script() { # <kind> <name> <argument>...: its code in $child_code
  run_limited 0 "$BASH" "$lib_dir/../${1/postgres/pg}_restore.sh" --source "$2" ${repo:+--path "$repo"} ${config:+--config "$config"} "${@:3}"
}

# A base backup alone is no answer to --at: with the WAL behind it, it is.
go_to_moment() { # before anything is chosen
  local mode
  if ((${#sources[@]} != 1)) || [[ -z $at ]]; then return 0; fi
  mode=$(jq -r --arg name "${sources[0]}" '.source[] | select(.name == $name and .kind == "postgres") | .mode' < <(pour "$config_json"))
  if [[ $mode != physical ]]; then return 0; fi
  [[ -n $target ]] || die 2 "source '${sources[0]}' is a whole cluster, which is laid out beside the live one" "say where: --target DIR"
  if "$is_dry"; then set -- --dry-run; else set --; fi
  exec "$BASH" "$lib_dir/../pg_pitr.sh" "$@" --source "${sources[0]}" --at "$at" --target "$target" ${repo:+--path "$repo"} ${config:+--config "$config"}
}

# Nothing live is touched here; a failure ends the script.
prepare_servers() {
  local server
  if ((${#chosen_servers[@]} == 0)); then return 0; fi
  servers_dir=$(mktemp -d -- "${TMPDIR:-/tmp}/holdfast-servers.XXXXXX") || die 8 "cannot make a folder in '${TMPDIR:-/tmp}'" "set TMPDIR"
  for server in "${chosen_servers[@]}"; do
    begin_step "prepare ${server#* }"
    mkdir "$servers_dir/${server#* }"
    server_script "${server%% *}" "${server#* }" --prepare "$servers_dir/${server#* }" "$id"
    ((child_code == 0)) || die "$child_code" "source '${server#* }' cannot be restored (exit $child_code); nothing was changed" "why is said above"
    end_step
  done
}

remove_servers_dir() {
  local server
  if [[ -z $servers_dir ]]; then return; fi
  for server in "${chosen_servers[@]}"; do
    if [[ $server == postgres* && -f $servers_dir/${server#* }/prepared && " ${installed[*]} " != *" $server "* ]]; then
      server_script postgres "${server#* }" --discard "$servers_dir/${server#* }"
    fi
  done
  rm -rf -- "${servers_dir:?}"
}

# While the services are down; a failure takes back what was done here, and ends the script.
install_servers() {
  local server args
  for server in "${chosen_servers[@]}"; do
    begin_step "exchange ${server#* }"
    args=(--install "$servers_dir/${server#* }")
    if "$is_forced" && [[ $server == postgres* ]]; then args+=(--force); fi
    installed+=("$server") # a signal may come at any time
    server_script "${server%% *}" "${server#* }" "${args[@]}"
    if ((child_code != 0)); then
      end_step "exit $child_code"
      local code=$child_code
      undo_servers # this one too: it may have been killed in the middle
      die "$code" "source '${server#* }' was not restored (exit $code); what was there before is live" "why is said above"
    fi
    end_step
  done
}

# After the start; sets $service_failure.
assert_servers() {
  local server
  for server in "${installed[@]}"; do
    if [[ $server != redis* ]]; then continue; fi
    begin_step "check ${server#* }"
    server_script redis "${server#* }" --assert "$servers_dir/${server#* }"
    if ((child_code != 0)); then service_failure="source '${server#* }' does not have the keys of the dump"; fi
    end_step "${service_failure:-done}"
  done
}

# The services are down.
undo_servers() {
  local server args
  for server in "${installed[@]}"; do
    begin_step "take back ${server#* }"
    args=(--take-back "$servers_dir/${server#* }")
    if "$is_forced" && [[ $server == postgres* ]]; then args+=(--force); fi
    server_script "${server%% *}" "${server#* }" "${args[@]}"
    end_step "exit $child_code"
    ((child_code == 0)) || die 1 "source '${server#* }' could not be taken back: a person is needed" "${server%% *}: what is set aside is named *before*"
  done
  installed=()
}

# For leave_sane: a run that ended between an exchange and the start of the services. Fails if they have to stay down.
settle_servers() {
  if ((${#installed[@]} == 0)) || { [[ $outcome != failed ]] && ! "$is_rolling_back"; }; then return 0; fi
  say WARN "taking back what was exchanged: ${installed[*]#* }"
  if ! (undo_servers); then
    outcome=torn summary='what was exchanged in servers could not all be taken back, and the services are down'
  elif "$is_rolling_back" && ((${#data_command[@]} > 0)); then
    outcome=torn summary='the rollback was interrupted: the servers have their old data, the files do not, and the services are down'
  else
    if "$is_rolling_back"; then outcome='rolled back' summary='the state before the restore is back'; fi
    installed=()
    return 0
  fi
  say ERROR "$summary"
  say HINT "what is in the way is said above${restore_id:+; then restore.sh --undo $restore_id takes the files back and starts the services}"
  return 1
}

servers_hints() { # for the record: one line each
  local server
  for server in "${installed[@]}"; do
    local script=${server%% *}_restore.sh
    printf '`%s --undo --source %s` brings back what was there before; `--accept` instead of it gives that up\n' "${script/postgres/pg}" "${server#* }"
  done
}
