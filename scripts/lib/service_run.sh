# shellcheck shell=bash
# lib/service_run.sh - one command of [services]: run with a limit, as the caller would run it, and what it said.

service_code=0 service_output='' service_verb='' service_argv=()
service_dir='' # private; one file for each command, for what the one before left running may still write into its own
service_runs=0

remove_service_dir() {
  if [[ -n $service_dir ]]; then rm -rf -- "${service_dir:?}"; fi
}
on_exit remove_service_dir # the last step of all: others start services

pause() { # <seconds>: a signal ends it at once
  sleep "$1" &
  child_pid=$!
  wait "$child_pid" || true
  child_pid=
}

# Once for a command that is tried again and again: bash 5.2 may lose an INT that comes while it begins a substitution.
load_argv() { # <verb>: in ${service_argv[@]}
  if [[ $service_verb == "$1" ]]; then return; fi
  mapfile -d '' -t service_argv < <(jq -j --arg verb "$1" '.services[$verb][] | ., "\u0000"' < <(pour "$config_json"))
  wait "$!" && service_verb=$1
}

# What a command leaves running keeps our output open, so that goes to a file and is read afterwards.
run_service() { # <seconds> <verb> [name]: $service_code and, in one line, $service_output
  local argv file=/dev/null
  if [[ -z $service_dir ]]; then # memory first: on a full disk a check that prints fails
    service_dir=$(mktemp -d /dev/shm/holdfast-service.XXXXXX 2>/dev/null || mktemp -d 2>/dev/null) || service_dir=
  fi
  service_runs=$((service_runs + 1))
  if [[ -n $service_dir ]] && { : >"$service_dir/$service_runs"; } 2>/dev/null; then file=$service_dir/$service_runs; fi
  load_argv "$2"
  argv=("${service_argv[@]}" ${3:+"$3"})
  service_code=0
  (close_lock && trap - INT TERM HUP && cd / && umask "$callers_umask" &&
    exec timeout --kill-after=4 "$1" env "${callers_environment[@]}" "${argv[@]}") \
    </dev/null >"$file" 2>&1 &
  child_pid=$!
  wait "$child_pid" || service_code=$?
  child_pid=
  service_output=$(tr '\n\0' '  ' <"$file" | cut -c 1-1000)
  service_output=${service_output%"${service_output##*[![:space:]]}"}
  if [[ $2 != status && -n $service_output ]]; then record INFO "$2${3:+ $3}: $service_output"; fi
  if [[ $file != /dev/null ]]; then rm -f -- "$file"; fi
}

why_not() { # <limit in seconds>: the last command's failure in words, in $REPLY
  REPLY="exit $service_code"
  if ((service_code == 124 || service_code == 137)); then REPLY="no answer within $1 s"; fi
  if [[ -n $service_output ]]; then REPLY+=": $service_output"; fi
}
