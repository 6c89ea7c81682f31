# shellcheck shell=bash
# lib/offsite_send.sh - what is here, and the way of a file to a remote: under its final name only when it is complete.

run_id=
cleared= # incoming folder of this run

# The objects that the SHA256SUMS below these folders name, as paths; each once.
objects_named() { # <folder>...
  find "$@" -name SHA256SUMS -type f -exec sed -n 's#^[0-9a-f]\{64\}  \.\./\.\./##p' {} + | sort -u
}

# Here: what every snapshot (but those that were pruned there) needs, as path TAB size, and the snapshots.
list_local() { # writes $work/ids, $work/want, $work/gone (needed, but not here)
  local id
  : >"$work/ids"
  for id in "$repo"/snapshots/*/; do
    id=${id%/} id=${id##*/}
    if [[ $id =~ ^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$ && -f $repo/snapshots/$id/manifest.json ]]; then printf '%s\n' "$id"; fi
  done | grep -vxFf <(jq -r '.pruned[]?' <<<"$record") >"$work/ids" || true
  find "$repo" \( -name tmp -o -name trash -o -name quarantine \) -prune -o -type f -printf '%P\t%s\n' | sort >"$work/here"
  {
    while read -r id; do
      sed -n 's#^[0-9a-f]\{64\}  \.\./\.\./##p' "$repo/snapshots/$id/SHA256SUMS"
      printf "snapshots/$id/%s\n" manifest.json summary.txt SHA256SUMS
      if [[ -f $repo/snapshots/$id/SHA256SUMS.asc ]]; then printf '%s\n' "snapshots/$id/SHA256SUMS.asc"; fi
    done <"$work/ids"
    grep -o '^keys/[^'$'\t'']*' "$work/here" || true
  } | sort -u >"$work/needed"
  join -t $'\t' "$work/needed" "$work/here" >"$work/want"
  join -t $'\t' -v 1 "$work/needed" "$work/here" >"$work/gone"
}

# Ids of which something is in the list of paths.
snapshots_touched() { # <list of paths> <ids>
  local id
  if [[ ! -s $1 ]]; then return 0; fi
  sed 's#^objects/../##' "$1" >"$work/names"
  while read -r id; do
    if grep -q "^snapshots/$id/" "$1" || grep -qFf "$work/names" "$repo/snapshots/$id/SHA256SUMS"; then printf '%s\n' "$id"; fi
  done <"$2"
}

send() { # <list of path TAB size>: sends these files of the repository
  local batch
  if [[ ! -s $1 ]]; then return 0; fi
  if ! "$is_staged"; then
    cut -f 1 "$1" >"$work/batch"
    remote_run '' "$work/out" copy --no-traverse --no-check-dest --files-from-raw "$work/batch" "$repo" "$base"
    return
  fi
  rm -f -- "$work"/batch.*
  clear_incoming
  # Batches, so that a cut costs little.
  awk -F '\t' -v to="$work/batch." '{bytes += $2; if (NR == 1 || bytes > 268435456 || ++files > 1000) {n++; bytes = $2; files = 1}
    printf "%s\n", $1 >sprintf("%s%06d", to, n)}' "$1"
  for batch in "$work"/batch.*; do
    remote_run '' "$work/out" copy --no-traverse --no-check-dest --files-from-raw "$batch" "$repo" "$incoming/$run_id" || return 1
    if [[ $kind == directory ]]; then sync -f -- "$root" || return 1; fi
    remote_run '' "$work/out" move --no-traverse --ignore-times --files-from-raw "$batch" "$incoming/$run_id" "$base" || return 1
  done
  if [[ $kind == directory ]]; then sync -f -- "$base"; fi
}

# What runs that were cut left there. Nobody else is at work: the lock of this repository is held.
clear_incoming() {
  if [[ $cleared != "$incoming" ]]; then remote_run 600 "$work/out" --retries 1 --low-level-retries 2 purge "$incoming" || true; fi
  cleared=$incoming failure=''
}
