#!/usr/bin/env bash
# all.sh [full|small] - every measurement that there is; small: only the comparison with other tools, at a tenth of the size.
set -Eeuo pipefail
shopt -s inherit_errexit
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
scale=${1:-full}
build=$here/../build

if [[ $scale == full ]]; then
  for name in run sealed exports servers recovery offsite; do "$here/$name.sh"; done
elif [[ $scale != small ]]; then
  printf 'all.sh: error: the scale is full or small, not %s\n' "$scale" >&2
  exit 2
fi
PATH=$build/bin:$PATH "$here/peers/compare.py" --scale "$scale" --work "$build/bench-peers" --json "$build/benchmarks-$scale.json"
python3 "$here/peers/report.py" "$build/benchmarks-$scale.json" "$build/benchmarks-$scale.md" "$build/benchmarks-$scale.svg"
cat "$build/benchmarks-$scale.md"
