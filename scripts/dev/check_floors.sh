#!/usr/bin/env bash
# check_floors.sh [ROOT] - fail when a header includes a higher floor, or a foreign library where it may not.
set -Eeuo pipefail
shopt -s inherit_errexit

root=${1:-$(dirname -- "${BASH_SOURCE[0]}")/../..}
floors=(base wrap store source policy export ops cli tools)

# Which files may include a header: a pattern of the header, a pattern of the files.
owners=(
  'holdfast/base/@(disk|clock|fd|lock|process).hpp  !(policy/*)' # policy is arithmetic: no I/O
  'sqlite3*.h      wrap/sqlite*.hpp'
  'zstd*.h         wrap/zstd*.hpp'
  'snappy*.h       wrap/snappy.hpp'
  'zlib.h          wrap/gzip*.hpp'
  'archive*.h      wrap/@(tar|posix_acl)*.hpp'
  'openssl/*       wrap/@(digest|hmac|fingerprint|seal_key|cms)*.hpp'
  'nlohmann/*      wrap/json*.hpp'
  'toml++/*        @(wrap/toml|policy/config)*.hpp'
  'curl/*          wrap/http*.hpp'
  'gpgme.h         wrap/gpg*.hpp'
  'qrencode.h      wrap/qr.hpp'
  'CLI/*           @(cli|tools)/*'
  '../*            none' # a way around the floors
)

rank() { # <floor>: its place, counted from the bottom
  local i
  for i in "${!floors[@]}"; do
    if [[ ${floors[i]} == "$1" ]]; then
      printf '%s\n' "$i"
      return
    fi
  done
  printf -- '-1\n'
}

check_include() { # <file, relative to include/holdfast> <included name>: prints what is wrong with it
  local file=$1 name=$2 own other owner header files
  if [[ $name == holdfast/* ]]; then
    own=$(rank "${file%%/*}")
    name=${name#holdfast/}
    other=$(rank "${name%%/*}")
    if ((own < 0 || other < 0)); then
      printf '%s: includes %s: not on a floor (%s)\n' "$file" "$name" "${floors[*]}"
    elif ((other > own)); then
      printf '%s: includes %s: %s is above %s\n' "$file" "$name" "${name%%/*}" "${file%%/*}"
    fi
    name=holdfast/$name
  fi
  for owner in "${owners[@]}"; do
    read -r header files <<<"$owner"
    # shellcheck disable=SC2053 # both right-hand sides are patterns on purpose
    if [[ $name == $header && $file != $files ]]; then
      printf '%s: includes %s: only %s may\n' "$file" "$name" "$files"
    fi
  done
}

main() {
  local found file name wrong=''
  shopt -s nullglob globstar extglob
  cd -- "$root"
  found=$(grep -EHo '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+' /dev/null \
    include/holdfast/**/*.hpp tools/*.cpp) || (($? == 1))
  while IFS=: read -r file name; do
    [[ -n $file ]] || continue
    wrong+=$(check_include "${file#include/holdfast/}" "${name##*[<\"]}")
    wrong=${wrong:+${wrong%$'\n'}$'\n'}
  done <<<"$found"
  [[ -n $wrong ]] || return 0
  printf '%s' "$wrong" >&2
  return 1
}

main
