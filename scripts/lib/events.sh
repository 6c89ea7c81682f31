# shellcheck shell=bash
# lib/events.sh - what happened: lines on standard error for people, one line per event in a log file.
#
# A log line is "2026-11-20T02:00:00Z INFO  text". The last one has the terminal state of the run.
# A log that cannot be written is said once and never stops the work.

is_quiet=false # true: no INFO lines on standard error
log_file=      # set by open_log
last_error=    # said last, for whoever has no log to quote

say() { # <INFO|WARN|ERROR|HINT> <message>
  if [[ $1 == ERROR ]]; then last_error=$2; fi
  if [[ $1 != INFO ]]; then
    printf '%s: %s: %s\n' "$script_name" "${1,,}" "$2" >&2 || true
  elif ! "$is_quiet"; then
    printf '%s: %s\n' "$script_name" "$2" >&2 || true
  fi
  record "$1" "$2"
}

log() { say INFO "$1"; }

record() { # <level> <message>: into the log file only
  [[ -n $log_file ]] || return 0
  if ! printf '%(%Y-%m-%dT%H:%M:%SZ)T %-5s %s\n' -1 "$1" "$2" 2>/dev/null >>"$log_file"; then
    printf '%s: warn: cannot write %s\n' "$script_name" "$log_file" >&2 || true
    log_file=
  fi
}

# Standard input is what a tool says, "tool: error: …"; each line becomes an event.
record_lines() {
  local line level
  trap '' INT TERM HUP # the last words of a stopped tool count
  while IFS= read -r line || [[ -n $line ]]; do
    case $line in
      *': error: '*) level=ERROR ;;
      *': hint: '*) level=HINT ;;
      *': warn'*) level=WARN ;;
      *) level=INFO ;;
    esac
    if [[ $level != INFO ]] || ! "$is_quiet"; then printf '%s\n' "$line" >&2 || true; fi
    record "$level" "$line"
  done
}

open_log() { # <folder> <name>: <folder>/<name>_<YYYYMMDD_HHMMSS>.log
  local started
  mkdir -p -- "$1" || die 8 "cannot make the log folder '$1'" "check log_dir and the owner of its folder"
  printf -v started '%(%Y%m%d_%H%M%S)T' -1
  log_file=$1/${2}_$started.log
  if ! (set -o noclobber && : >"$log_file") 2>/dev/null; then
    log_file=$1/${2}_${started}_$$.log # another run began in this very second
  fi
}

# For on_exit: the last line of every log, whatever happened. Partial is never success.
record_outcome() { # <name of a variable>...: their values are added as name=value
  local state=failed name text=''
  case $exit_status in
    0) state=complete ;;
    4) state=partial ;;
  esac
  for name in "$@"; do text+=" $name=${!name:-none}"; done
  say INFO "state=$state code=$exit_status$text"
}
