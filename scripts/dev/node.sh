#!/usr/bin/env bash
# node.sh - install what the tests ask of npm (tests/node/package-lock.json), when it is missing or out of date.
set -Eeuo pipefail
shopt -s inherit_errexit

here=$(dirname -- "${BASH_SOURCE[0]}")
folder=$here/../../tests/node

main() {
  # Some hosts have a node of their own, which Debian's packages would push out: what is there is used.
  if ! command -v npm >/dev/null; then
    "$here/deps.sh" node
  fi
  [[ $folder/package-lock.json -nt $folder/node_modules/.package-lock.json ]] || return 0
  printf 'node: installing into tests/node\n' >&2
  # Not "npm ci": it refuses a lock without the packages for other systems, which not every registry has.
  npm install --no-save --prefix "$folder" --no-audit --no-fund --loglevel=error >&2
  touch -- "$folder/node_modules/.package-lock.json"
}

main
