# shellcheck shell=bash
# injection.bash - for suites that make system calls and libraries fail (`load injection` after `load repository`).

# 127 is what the loader says if its own call fails; bats takes it for a missing command.
without_127() { # <command>...
  local code=0
  "$@" || code=$?
  return $((code == 127 ? 126 : code))
}

# Runs a command under strace's injection and sets `injected` to whether it happened.
under() { # <injection> <command>...
  local log=$BATS_TEST_TMPDIR/strace
  run --separate-stderr without_127 strace -f -qq -y -o "$log" -e trace="${1%%:*}" -e inject="$1" "${@:2}"
  injected=no
  if grep -qE 'INJECTED|killed by SIGKILL' "$log"; then injected=yes; fi
}

# Compiles C from standard input into $BATS_TEST_TMPDIR/<name>.so, for LD_PRELOAD.
preload() { # <name>
  gcc -shared -fPIC -x c -o "$BATS_TEST_TMPDIR/$1.so" - -ldl
}
