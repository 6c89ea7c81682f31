# shellcheck shell=bash
# lib/offsite_prove.sh - what proves a file before it may replace another: objects their names, the files of a snapshot their
# SHA256SUMS, and SHA256SUMS its own form and the manifest.

# Objects that are not what their name says are taken out of the list, and named in $work/bad.
prove_objects() { # <list of path TAB size>: prints those to send
  # shellcheck disable=SC2016 # for that shell
  run_limited "$((deadline - SECONDS > 0 ? deadline - SECONDS : 1))" bash -c 'cd -- "$1" && grep "^objects/" "$2" | cut -f 1 |
    xargs -r -d "\n" -P 2 -n 100 sha256sum 2>/dev/null |
    awk "{n = split(\$2, part, \"/\"); if (part[n] == \$1) print \$2}" | sort >"$3"' - "$repo" "$1" "$work/proven"
  grep '^objects/' "$1" | cut -f 1 | comm -13 "$work/proven" - >>"$work/bad" || true
  join -t $'\t' "$work/proven" "$1"
}

# Every line of SHA256SUMS names an object by the digest before it, or one of the snapshot's two other files, which must be
# what it says; and it names as many objects as the manifest counts. So no line can be changed or lost without a trace.
prove_snapshot() { # <folder of the snapshot>
  local wanted named
  named=$(awk '
    /^[0-9a-f]+  \.\.\/\.\.\/objects\/[0-9a-f]+\/[0-9a-f]+$/ && length($1) == 64 && $2 == "../../objects/" substr($1, 1, 2) "/" $1 {
      objects++; if ((last "") >= ($1 "")) exit 1; last = $1; next}
    /^[0-9a-f]+  (manifest\.json|summary\.txt)$/ && length($1) == 64 && !seen[$2]++ {papers++; next}
    {exit 1}
    END {if (papers == 2) print objects + 0}' "$1/SHA256SUMS" 2>/dev/null) || return 1
  [[ -n $named ]] && (cd -- "$1" && grep -vF '../' SHA256SUMS | sha256sum --check --status 2>/dev/null) || return 1
  wanted=$(jq -r '.totals.objects // empty' "$1/manifest.json" 2>/dev/null) || return 1
  [[ -z $wanted || $wanted == "$named" ]]
}

# Files of snapshots that are there in another size than here: sent only if those there prove nothing.
keep_whole_papers() { # <list of path TAB size> <listing>: ids whose own files there are whole, but others than here
  local id
  join -t $'\t' -o 0 "$1" "$2" | sed -nE 's#^snapshots/([^/]*)/(manifest\.json|summary\.txt|SHA256SUMS)$#\1#p' | sort -u >"$work/differing"
  while read -r id; do printf "snapshots/$id/%s\n" SHA256SUMS manifest.json summary.txt; done <"$work/differing" >"$work/differing_papers"
  rm -rf -- "$work/theirs"
  bring "$work/differing_papers" "$work/theirs" || return 1
  while read -r id; do
    if prove_snapshot "$work/theirs/snapshots/$id"; then printf '%s\n' "$id"; fi
  done <"$work/differing" >"$work/contested"
}

# Keys and signatures that are there already: nothing here proves that ours are better. Out of $work/missing they go, into
# $work/kept_files, but for a key that the newest rekeyed line of the history names, or those that --replace-keys means.
keep_keys() { # <listing>
  local path newest
  newest=$(jq -Rr 'fromjson? | select(.event == "rekeyed") | .wrapped_sha256 // empty' "$repo/ledger.jsonl" 2>/dev/null | tail -n 1) || true
  if "$replaces_keys"; then { grep '^keys/' "$work/want" || true; } | sort -u - "$work/missing" >"$work/all" && mv -- "$work/all" "$work/missing"; fi
  join -t $'\t' -o 0 "$work/missing" "$1" | { grep -E '^keys/|\.asc$' || true; } | while IFS= read -r path; do
    if "$replaces_keys" && is_whole_key "$repo/$path"; then continue; fi
    if [[ -n $newest && $(sha256sum <"$repo/$path") == "$newest  -" ]]; then continue; fi
    printf '%s\n' "$path"
  done >"$work/kept_files"
  join -t $'\t' -v 1 "$work/missing" "$work/kept_files" >"$work/all" && mv -- "$work/all" "$work/missing"
}

is_whole_key() { # <file>: in armour, from its first to its last line
  [[ $(head -n 1 -- "$1") == '-----BEGIN '*-----* && $(tail -n 1 -- "$1") == '-----END '*-----* ]]
}
