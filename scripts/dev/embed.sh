#!/usr/bin/env bash
# embed.sh [--check] - write include/holdfast/ops/recovery_kit.hpp from assets/, or fail if it is not in step.
set -Eeuo pipefail
shopt -s inherit_errexit

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
header=$root/include/holdfast/ops/recovery_kit.hpp

literal() { # <name of the constant> <file>
  local text
  text=$(<"$2")
  if [[ $text == *')holdfast"'* ]] || ((${#text} > 60000)); then
    printf 'embed.sh: error: %s cannot be a string literal: it is too long or ends one\n' "$2" >&2
    exit 1
  fi
  printf 'inline constexpr const char* %s = R"holdfast(%s\n)holdfast";\n' "$1" "$text"
}

generate() {
  cat <<'END'
// ops/recovery_kit.hpp - the files that init puts into a repository for whoever has nothing else.
//
// Written by scripts/dev/embed.sh from assets/RECOVER.md and assets/recover.sh: change those and run it again.
// A header-only library must carry them itself.
#pragma once

namespace holdfast::ops {

END
  literal kRecoverMd "$root/assets/RECOVER.md"
  printf '\n'
  literal kRecoverSh "$root/assets/recover.sh"
  printf '\n}  // namespace holdfast::ops\n'
}

main() {
  local text
  text=$(generate)
  case ${1:-} in
    '') printf '%s\n' "$text" >"$header" ;;
    --check)
      if ! diff --unified=0 "$header" - <<<"$text" >&2; then
        printf 'embed.sh: error: %s is not in step with assets/\nembed.sh: hint: run scripts/dev/embed.sh\n' "${header#"$root"/}" >&2
        exit 1
      fi
      ;;
    *)
      printf 'usage: embed.sh [--check]\n' >&2
      exit 2
      ;;
  esac
}

main "$@"
