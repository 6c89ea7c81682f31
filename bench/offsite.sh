#!/usr/bin/env bash
# offsite.sh [OBJECTS] - measures offsite.sh push into a real S3 store (Ceph on loopback) beside rclone sync and restic.
# The first copy, and one of what did not change; seconds and requests. It judges nothing. Packages: scripts/dev/deps.sh store
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C TZ=UTC
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here
objects=${1:-2000}
bin=${HOLDFAST_BIN:-$here/../build/bin}
work=${BENCH_DIR:-$here/../build/bench-offsite}
store=$here/../tests/support/object_store.sh

# 4 KB to 4 MB of noise each, with the names that objects have, in a snapshot that needs them.
make_repository() {
  local i size name id
  init --repo "$work/repo" >/dev/null
  id=$(printf 'something' | snap -q --repo "$work/repo" --stdin note)
  mkdir "$work/new"
  for ((i = 0; i < objects; i++)); do
    size=$((4096 + (i * 7919 % 1000) ** 2 * 4 * (i % 5 == 0 ? 1 : i % 7) / 16))
    head -c "$size" /dev/urandom >"$work/new/o"
    name=$(sha256sum <"$work/new/o" | cut -c 1-64)
    mv "$work/new/o" "$work/repo/objects/${name:0:2}/$name"
    printf '%s  ../../objects/%s/%s\n' "$name" "${name:0:2}" "$name"
  done >>"$work/new/sums"
  cat "$work/repo/snapshots/$id/SHA256SUMS" >>"$work/new/sums"
  { grep -F ../ "$work/new/sums" | sort -u && grep -vF ../ "$work/new/sums"; } >"$work/repo/snapshots/$id/SHA256SUMS"
}

requests() {
  grep -cE '"(GET|PUT|HEAD|POST|DELETE) /' "$STORE_DIR/log/client.rgw.a.log" || true
}

measure() { # LABEL COMMAND...
  local before from label=$1
  shift
  before=$(requests) from=$EPOCHREALTIME
  env -u AWS_CA_BUNDLE "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2 && exit 1; }
  awk -v label="$label" -v from="$from" -v to="$EPOCHREALTIME" -v requests="$(($(requests) - before))" \
    'BEGIN {printf "%-52s %8.1f s %7d requests\n", label, to - from, requests}'
}

write_settings() {
  "$store" env >"$work/store.env"
  chmod 600 "$work/store.env"
  printf '[repository]\npath = "repo"\n[[remote]]\nname = "s3"\nurl = "store:ours/x"\ncredentials = "store.env"\n' >"$work/holdfast.toml"
  # shellcheck disable=SC1091 # written above
  source "$work/store.env"
  export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_R_TYPE=s3 RCLONE_CONFIG_R_PROVIDER=Ceph RCLONE_CONFIG_R_ENDPOINT=$S3_ENDPOINT \
    RCLONE_CONFIG_R_ACCESS_KEY_ID=$S3_ACCESS_KEY_ID RCLONE_CONFIG_R_SECRET_ACCESS_KEY=$S3_SECRET_ACCESS_KEY
  export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$S3_SECRET_ACCESS_KEY RESTIC_PASSWORD=bench \
    RESTIC_REPOSITORY=s3:$S3_ENDPOINT/restic RESTIC_CACHE_DIR=$work/restic-cache
}

main() {
  local push=("$here/../scripts/offsite.sh" push --quiet)
  export PATH=$bin:$PATH HOLDFAST_BIN=$bin XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
  export STORE_DIR=$work/store STORE_PORT=${STORE_PORT:-17480}
  rm -rf -- "${work:?}"
  mkdir -p "$work"
  cd -- "$work"
  make_repository
  trap '"$store" stop' EXIT
  timeout 180 "$store" start
  write_settings
  env -u AWS_CA_BUNDLE rclone copy holdfast.toml R:warm # the store makes its pools with the first object
  printf '%s objects, %s bytes\n' "$objects" "$(du -sb repo/objects | cut -f 1)"
  measure 'offsite.sh push, first' "${push[@]}"
  measure 'offsite.sh push, nothing changed' "${push[@]}"
  measure 'rclone sync --transfers 8, first' rclone sync --transfers 8 repo R:sync/x
  measure 'rclone sync --transfers 8, nothing changed' rclone sync --transfers 8 repo R:sync/x
  measure 'rclone sync --checksum --fast-list, nothing changed' rclone sync --transfers 8 --checksum --fast-list repo R:sync/x
  if command -v restic >/dev/null; then
    restic init -q
    measure 'restic backup of the same files, first' restic backup -q repo
    measure 'restic backup of the same files, nothing changed' restic backup -q repo
  else
    printf 'restic is not installed: not compared with\n'
  fi
}

main "$@"
