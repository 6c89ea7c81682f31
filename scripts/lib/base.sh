# shellcheck shell=bash
# lib/base.sh - what every script stands on: a known environment, cleanup, checks, and the tools in PATH.
#
# Sourced after `set -Eeuo pipefail; shopt -s inherit_errexit`. Works from cron's empty environment.
# Exit codes are those of the tools: 2 usage, 3 configuration, 7 busy, 8 disk, 10 refused and so on.

PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# As the caller has them, for services, which outlive us. The tools are not in this PATH: some have names of other programs.
callers_umask=$(umask)
callers_environment=(-u ALERT_WEBHOOK_SECRET -u ALERT_WEBHOOK_URL -u LC_ALL -u TZ ${LC_ALL+"LC_ALL=$LC_ALL"} ${TZ+"TZ=$TZ"} "PATH=$PATH")
umask 077
export LC_ALL=C TZ=UTC
# A closed descriptor 0 or 2 would be taken by the next file. Standard output stays closed: writing must fail.
[[ -e /proc/self/fd/0 ]] || exec </dev/null
[[ -e /proc/self/fd/2 ]] || exec 2>/dev/null

script_name=${0##*/}
lib_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=events.sh
source "$lib_dir/events.sh"

die() { # <code> <message> [hint]
  say ERROR "$2"
  if [[ -n ${3:-} ]]; then say HINT "$3"; fi
  exit "$1"
}

need() { # <program>...
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || die 3 "'$program' is not installed" "install the package that has it"
  done
}

# Standard input of a program: < <(pour "$text"). A here-string of more than 64 KiB is a temporary file, and their disk may be full.
pour() { # <text>
  printf '%s\n' "$1"
}

is_true() { # <name of a variable> <default>
  local value=${!1:-$2}
  case ${value,,} in
    true | yes | on | 1) return 0 ;;
    false | no | off | 0) return 1 ;;
    *) die 2 "$1 must be true or false, not '$value'" ;;
  esac
}

seconds() { # <whose> <90s | 15m | 2h | 1d>: as seconds, in $REPLY
  local -A unit=([s]=1 [m]=60 [h]=3600 [d]=86400)
  [[ $2 =~ ^([0-9]{1,6})([smhd])$ ]] || die 2 "$1 must be a time with its unit, not '$2'" "write 90s, 15m, 2h or 7d"
  REPLY=$((10#${BASH_REMATCH[1]} * ${unit[${BASH_REMATCH[2]}]}))
}

# --- Cleanup: steps run last in, first out, see $exit_status, and cannot change it --------------------------

exit_steps=()
exit_status=0

on_exit() { # <command> [arg...]
  local step
  printf -v step '%q ' "$@"
  exit_steps+=("$step")
}

run_exit_steps() {
  exit_status=$?
  trap '' INT TERM HUP
  trap - ERR
  set +e
  local i
  for ((i = ${#exit_steps[@]} - 1; i >= 0; i--)); do
    eval "${exit_steps[i]}" # words quoted by on_exit
  done
  exit "$exit_status"
}

trap run_exit_steps EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap : PIPE # a reader that went away is a failed write, which is checked; children get the default back
trap 'say ERROR "line $LINENO: exit $? from: $BASH_COMMAND"' ERR

# --- The tools: named by HOLDFAST_BIN, of this build tree, or installed beside the scripts ------------------

find_tools() {
  local dir
  for dir in "${HOLDFAST_BIN:-}" "$lib_dir/../../build/bin" "$lib_dir/../.."; do
    # `snap` alone proves nothing: it may be snapd's.
    if [[ -n $dir && -x $dir/snap && -x $dir/catalog ]]; then
      dir=$(cd -- "$dir" && pwd -P)
      export PATH="$dir:$PATH"
      return
    fi
  done
  die 3 "the tools of holdfast were not found" "build them (make build), or set HOLDFAST_BIN to their folder"
}
find_tools
