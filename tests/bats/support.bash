# shellcheck shell=bash
# support.bash - loaded by every suite (`load support`): the assertion libraries, the built tools first
# in PATH, and a private home, so that no test meets the caches, state or settings of the person who
# runs it. A suite that defines its own setup() calls `private_home` in it first.
#
# For the tests: HOLDFAST_SOURCE is the tree, HOLDFAST_BIN the folder of the tools (ctest sets it).

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file

forget_settings() {
  local name
  for name in "${!HOLDFAST_@}" "${!BACKUP_@}" "${!RESTORE_@}" "${!XDG_@}"; do
    [[ $name == HOLDFAST_BIN ]] || unset "$name"
  done
  unset DRY_RUN DB_PATH NO_COLOR GNUPGHOME
}

private_home() {
  export HOME=$BATS_TEST_TMPDIR/home TMPDIR=$BATS_TEST_TMPDIR/tmp
  export XDG_CACHE_HOME=$HOME/.cache XDG_STATE_HOME=$HOME/.local/state XDG_CONFIG_HOME=$HOME/.config
  mkdir -p "$HOME" "$TMPDIR"
}

setup() {
  private_home
}

forget_settings
HOLDFAST_SOURCE=$(cd -- "$BATS_TEST_DIRNAME/../.." && pwd -P)
export HOLDFAST_BIN=${HOLDFAST_BIN:-$HOLDFAST_SOURCE/build/bin}
export PATH="$HOLDFAST_BIN:$PATH" LC_ALL=C TZ=UTC
