# shellcheck shell=bash
# lib/child.sh - one run at a time, and tools that end in time: at a limit, or when we are told to stop.

lock_fd= # of take_lock; closed for children
child_pid=
logger_pid=
logger_fd=
child_code=0    # result of run_limited
child_output='' # result of run_limited

# Holds the lock until this script ends. Fails if another process has it longer than that. The kernel
# drops it with the last descriptor, so nothing goes stale; the process id in the file is for messages.
take_lock() { # <file> <seconds>
  # Opened for appending, so that a loser leaves the winner's process id in it.
  { exec {lock_fd}>>"$1"; } 2>/dev/null ||
    die 8 "cannot open the lock '$1'" "check the owner and mode of its folder"
  flock --wait "$2" "$lock_fd" &
  wait "$!" || return 1
  printf '%s\n' "$$" 2>/dev/null >"$1" || true
}

close_lock() {
  if [[ -n $lock_fd ]]; then exec {lock_fd}>&-; fi
}

close_lock_sleep() { # <seconds>: a signal ends it at once
  (close_lock && exec sleep "$1") &
  child_pid=$!
  wait "$child_pid" || true
  child_pid=
}

# Runs a tool for at most that long: TERM, four seconds later KILL (then $child_code is 124 or 137). What
# it says becomes events, what it prints is in $child_output. A signal to us is obeyed at once meanwhile.
# Only the tool gets the signal (--foreground): it stops its own children in order.
run_limited() { # <seconds> <command> [arg...]
  local out line limit=$1
  shift
  child_output='' child_code=0
  exec {logger_fd}> >(close_lock && cd / && record_lines) # nobody may be found in a folder that is to be replaced
  logger_pid=$!
  child_pid=starting                                 # a signal may come before its number is known
  exec {out}< <(close_lock && trap - INT TERM HUP && # ignored at our exit, and what is started then must hear them
    exec timeout --foreground --kill-after=4 "$limit" "$@" </dev/null 2>&"$logger_fd" {logger_fd}>&-)
  child_pid=$!
  exec {logger_fd}>&-
  logger_fd=
  while IFS= read -r -u "$out" line || [[ -n $line ]]; do
    child_output+=$line$'\n'
  done
  wait "$child_pid" || child_code=$?
  child_pid=
  exec {out}<&-
  wait "$logger_pid" || true
  logger_pid=
}

stop_child() { # what run_limited left behind when a signal came
  if [[ $child_pid == starting ]]; then child_pid=$!; fi
  if [[ $child_pid == "$logger_pid" ]]; then child_pid=; fi
  if [[ -n $child_pid ]]; then
    kill -TERM "$child_pid" 2>/dev/null
    wait "$child_pid" 2>/dev/null
  fi
  if [[ -n $logger_fd ]]; then exec {logger_fd}>&-; fi # it reads until nobody can write any more
  if [[ -n $logger_pid ]]; then wait "$logger_pid" 2>/dev/null; fi
}
