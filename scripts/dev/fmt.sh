#!/usr/bin/env bash
# fmt.sh - format C++ with clang-format and shell with shfmt, in place.
set -Eeuo pipefail
shopt -s inherit_errexit

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
find include tools tests bench -name node_modules -prune -o -type f \( -name '*.hpp' -o -name '*.cpp' \) -exec clang-format -i {} +
find scripts .ci bench examples tests -name node_modules -prune -o -type f \( -name '*.sh' -o -name '*.bash' -o -path './.ci/*' \) \
  -exec shfmt -i 2 -ci -w {} +
find tests -name node_modules -prune -o -name '*.bats' -exec shfmt -i 2 -ci -ln bats -w {} +
