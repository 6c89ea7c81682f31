#!/usr/bin/env bash
# lint.sh [ROOT] - shellcheck and shfmt over every script, bats suite and shell library of the tree.
set -Eeuo pipefail
shopt -s inherit_errexit

root=${1:-$(dirname -- "${BASH_SOURCE[0]}")/../..}

shell_files() { # scripts, libraries and suites by name; what has no extension by its folder
  find . \( -name .git -o -name node_modules -o -name 'build' -o -name 'build-*' \) -prune -o -type f \
    \( -name '*.sh' -o -name '*.bats' -o -name '*.bash' -o -path './scripts/*' ! -name '*.*' -o -path './.ci/*' \) -print
}

# What is no mistake in a library: variables that only the scripts that source it set or read; programs for jq.
library_excludes=SC2016,SC2034,SC2154
# What is no mistake in a bats suite: a script in single quotes (bash -c), tests that are subshells,
# and $stderr, which `run --separate-stderr` sets.
suite_excludes=SC2016,SC2030,SC2031,SC2154

check() { # <excluded warnings> <dialect> <file>...
  local status=0
  (($# > 2)) || return 0
  shellcheck --exclude="$1" "${@:3}" || status=1
  shfmt -i 2 -ci -ln "$2" -d "${@:3}" || status=1
  return "$status"
}

main() {
  local file text scripts=() libraries=() suites=() status=0
  cd -- "$root"
  text=$(shell_files | sort)
  while read -r file; do
    case $file in
      *.bats) suites+=("$file") ;;
      */lib/*.sh | *.bash) libraries+=("$file") ;;
      *) scripts+=("$file") ;;
    esac
  done <<<"$text"
  check '' bash "${scripts[@]}" || status=1
  check "$library_excludes" bash "${libraries[@]}" || status=1
  check "$suite_excludes" bats "${suites[@]}" || status=1
  return "$status"
}

main
