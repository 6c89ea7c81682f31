#!/usr/bin/env bash
# deps.sh [GROUP...] - install the packages of packages.txt that are missing; default: build run test.
set -Eeuo pipefail
shopt -s inherit_errexit

list=$(dirname -- "${BASH_SOURCE[0]}")/../../packages.txt

wanted() { # <group>...: names of the packages of these groups
  local name group why
  while read -r name group why; do
    if [[ -n $name && $name != '#'* && -n $why && " $* " == *" $group "* ]]; then
      printf '%s\n' "$name"
    fi
  done <"$list"
}

missing() { # <package>...: those that are not installed
  local name installed
  # dpkg-query fails when it does not know a name; what it prints is right all the same.
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
  for name in "$@"; do
    if [[ $'\n'$installed$'\n' != *$'\n'"installed $name"$'\n'* ]]; then
      printf '%s\n' "$name"
    fi
  done
}

as_root() { # <command>...
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    printf 'deps: error: not root, and there is no sudo\ndeps: hint: as root run: %s\n' "$*" >&2
    return 8
  fi
}

main() {
  local text packages
  (($# > 0)) || set -- build run test
  text=$(wanted "$@")
  mapfile -t packages <<<"$text"
  if ! command -v dpkg-query >/dev/null; then
    printf 'deps: not a Debian system; these are needed: %s\n' "${packages[*]}" >&2
    return 0
  fi
  text=$(missing "${packages[@]}")
  [[ -n $text ]] || return 0
  mapfile -t packages <<<"$text"
  printf 'deps: installing %s\n' "${packages[*]}" >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "${packages[@]}" >&2
}

main "$@"
