# shellcheck shell=bash
# lib/offsite_push.sh - what a remote lacks is sent: objects, then snapshots, then the ledger. Nothing is deleted there.
#
# A snapshot shows there when its manifest does, which comes last. What is damaged here is not sent: every object is held
# against its name first, so a file there can only be replaced by what it should have been.

# What is there under this host's name must be of this repository. A new remote gets the files that say whose it is.
claim() { # <listing>
  local theirs='' top=(format.json RECOVER.md recover.sh) name
  is_other_format=false
  if grep -q $'^format\.json\t' "$1"; then
    remote_run 120 "$work/format.json" cat "$base/format.json" || return 1
    theirs=$(jq -r '.id // empty' "$work/format.json" 2>/dev/null) || true
    if [[ $theirs != "$repository_id" ]]; then
      failure_code=10 failure="$base holds the repository ${theirs:-of somebody else}, not this one ($repository_id): set remote.host"
      return 1
    fi
    if cmp -s "$work/format.json" "$repo/format.json"; then return 0; fi
    if ! "$replaces_keys"; then is_other_format=true && return 0; fi
  elif [[ $(jq '.seen // [] | length' <<<"$record") != 0 ]] && ! "$is_new"; then
    failure_code=10 failure="the copy that was there has vanished: is the disk mounted, is it the right bucket? --new begins again"
    return 1
  elif grep -qE $'^(objects|snapshots)/' "$1"; then
    failure_code=10 failure="$base holds objects, but no format.json: nothing was sent"
    return 1
  fi
  if "$is_dry"; then return 0; fi
  for name in "${top[@]}"; do
    if [[ -f $repo/$name ]]; then printf '%s\t%s\n' "$name" "$(stat -c %s -- "$repo/$name")"; fi
  done >"$work/top"
  send "$work/top" || return 1
  remote_run 120 "$work/format.json" cat "$base/format.json" || return 1
  if ! cmp -s "$work/format.json" "$repo/format.json"; then
    failure_code=10 failure="another host wrote $base/format.json at the same moment: set remote.host"
    return 1
  fi
}

# The history there must be the beginning of ours; longer or another one is kept.
send_ledger() { # <listing>
  local there here
  mkdir -p "$work/ledger"
  head -c "$(stat -c %s -- "$repo/ledger.jsonl")" "$repo/ledger.jsonl" | sed -n '/}$/p' >"$work/ledger/ledger.jsonl"
  here=$(stat -c %s "$work/ledger/ledger.jsonl")
  there=$(awk -F '\t' '$1 == "ledger.jsonl" {print $2}' "$1")
  if [[ $there == "$here" ]]; then return 0; fi
  if [[ -n $there ]]; then
    remote_run 600 "$work/ledger.there" cat "$base/ledger.jsonl" || return 1
    if ((there > here)) || ! cmp -s -n "$there" "$work/ledger.there" "$work/ledger/ledger.jsonl"; then
      failure_code=5 failure="the history there has lines that the one here lacks, so it was kept: was this repository rolled back? verify --all"
      return 1
    fi
  fi
  printf 'ledger.jsonl\t%s\n' "$here" >"$work/top"
  local repo=$work/ledger
  send "$work/top"
}

# After sending: what is there now, held against what is here. Sets ids_there, and $work/lacking.
compare_lists() { # <listing>
  comm -23 <(sort "$work/want") "$1" | cut -f 1 | sort - "$work/gone" >"$work/lacking"
  snapshots_touched "$work/lacking" "$work/ids" | sort >"$work/not_whole"
  sort "$work/ids" | comm -23 - "$work/not_whole" >"$work/whole"
}

note_push() { # <listing>: for healthcheck
  local newest finished=''
  newest=$(while read -r id; do
    jq -r 'select(.type != "emergency") | "\(.number) \(.id)"' "$repo/snapshots/$id/manifest.json"
  done < <(tail -n 30 "$work/whole") | sort -n | tail -n 1 | cut -d ' ' -f 2)
  if [[ -n $newest ]]; then finished=$(jq -r .finished_utc "$repo/snapshots/$newest/manifest.json"); fi
  listed_snapshots "$1" >"$work/listed"
  # Those stay in the record, so that every run says it, until --new says that somebody knows.
  if "$is_new"; then : >"$work/vanished"; else list_vanished "$1" >"$work/vanished"; fi
  sort -u "$work/listed" "$work/vanished" >"$work/seen"
  jq -Rn '[inputs]' "$work/seen" >"$work/seen.json"
  find "$repo/snapshots" -mindepth 1 -maxdepth 1 -printf '%f\n' | jq -Rn '[inputs]' >"$work/here.json"
  cut -f 1 "$work/objects" | jq -Rn '[inputs]' >"$work/mended.json"
  # shellcheck disable=SC2016 # for jq
  write_record '.broken = (.broken // []) - $mended[0] | .looked_utc = $now | .newest = $newest | .newest_utc = $finished | .seen = $seen[0] | .snapshots = $snapshots
    | .bytes = $bytes | .damaged = $damaged + (.broken | length) | .hashed_utc //= null | .pruned = [.pruned[]? | select(IN($here[0][]))]' \
    --arg now "$(now_utc)" --arg newest "$newest" --arg finished "$finished" --argjson bytes "$(awk -F '\t' '{n += $2} END {printf "%d", n}' "$1")" \
    --slurpfile mended "$work/mended.json" --argjson damaged "$(comm -12 "$work/not_whole" "$work/listed" | cat - "$work/vanished" | wc -l)" --argjson snapshots "$(wc -l <"$work/listed")" --slurpfile seen "$work/seen.json" \
    --slurpfile here "$work/here.json"
}

sum_of() { # <list of path TAB size>
  awk -F '\t' '{n += $2} END {printf "%d", n}' "$1"
}

# What is to be sent, in the order in which it may show: $work/objects, then $work/papers, then $work/manifests.
plan_push() {
  list_local
  : >"$work/bad"
  comm -23 "$work/want" "$work/there" >"$work/missing"
  keep_keys "$work/there"
  prove_objects "$work/missing" >"$work/objects"
  { cat "$work/bad" "$work/gone"; } | sort -u >"$work/unsound"
  snapshots_touched "$work/unsound" "$work/ids" >"$work/held"
  : >"$work/bad_papers"
  while read -r id; do
    if ! grep -qxF "$id" "$work/held" && ! prove_snapshot "$repo/snapshots/$id"; then printf '%s\n' "$id" >>"$work/bad_papers"; fi
  done < <(sed -n 's#^snapshots/\([^/]*\)/.*#\1#p' "$work/missing" | sort -u)
  keep_whole_papers "$work/missing" "$work/there" || return 1
  cat "$work/bad_papers" "$work/contested" >>"$work/held"
  grep '^snapshots/' "$work/missing" | grep -vFf <(sed 's#.*#snapshots/&/#' "$work/held") >"$work/papers.all" || true
  grep -v '/manifest\.json' "$work/papers.all" >"$work/papers" || true
  grep '^keys/' "$work/missing" >>"$work/papers" || true
  grep '/manifest\.json' "$work/papers.all" >"$work/manifests" || true
}

push_remote() {
  local began=$SECONDS count bytes snapshots rate code=0 replaced
  read_record
  if ! probe_remote || ! list_remote "$work/there"; then fail_remote "it cannot be listed" && return; fi
  if ! claim "$work/there"; then fail_remote "nothing was sent" && return; fi
  if ! plan_push; then fail_remote "nothing was sent" && return; fi
  replaced=$(join -t $'\t' "$work/objects" "$work/there" | wc -l)
  count=$(wc -l <"$work/objects") bytes=$(cat "$work/objects" "$work/papers.all" >"$work/all" && sum_of "$work/all")
  snapshots=$(wc -l <"$work/manifests")
  if "$is_dry"; then
    log "$remote: would send $count objects and $snapshots snapshots, $(human "$bytes")"
    tell_remote 0 "$(jq -n --argjson o "$count" --argjson s "$snapshots" --argjson b "$bytes" '{objects: $o, snapshots: $s, bytes: $b}')"
    return
  fi
  if ! send "$work/objects" || ! send "$work/papers" || ! send "$work/manifests"; then fail_remote "not everything was sent" && return; fi
  if ! send_ledger "$work/there"; then code=$failure_code; fi
  # What rclone says it sent is one thing; what is there is another.
  if [[ -s $work/all || ! -s $work/there ]] && ! list_remote "$work/there"; then fail_remote "it cannot be listed again" && return; fi
  compare_lists "$work/there"
  note_push "$work/there"
  if [[ -s $work/lacking ]] && ((code == 0)); then code=4; fi
  if ((replaced > 0)); then
    say WARN "$remote: $replaced objects had another size there than here, and were replaced"
    if ((code == 0)); then code=4; fi
  fi
  if [[ -s $work/bad ]]; then code=5 failure="$(wc -l <"$work/bad") objects are damaged here; they were not sent: verify --all"; fi
  sort -u "$work/bad_papers" "$work/contested" >"$work/kept"
  if [[ -s $work/kept ]]; then
    code=5 failure="SHA256SUMS of snapshot $(head -n 1 "$work/kept") here is damaged or not the one there: what is there was kept: verify --all"
  fi
  if [[ -s $work/vanished ]]; then
    code=5 failure="$(wc -l <"$work/vanished") snapshots that were there have vanished, the first is $(head -n 1 "$work/vanished")"
    say HINT "another remote may have them; once that is understood: offsite.sh push $remote --new"
  fi
  if "$is_other_format"; then printf 'format.json\n' >>"$work/kept_files"; fi
  if [[ -s $work/kept_files ]]; then
    code=5 failure="$(head -n 1 "$work/kept_files") is another file there than here, and was kept"
    say HINT "if the one here is right, as after init --rekey or --rotate: offsite.sh push $remote --replace-keys"
  fi
  if ((code != 0)) && [[ -s $work/lacking ]]; then
    say WARN "$remote: $(wc -l <"$work/not_whole") snapshots are not whole there, $(wc -l <"$work/lacking") files are missing or wrong: $(head -n 1 "$work/lacking")"
  fi
  if [[ -n $failure ]] && ((code != 0)); then say ERROR "$remote: $failure"; fi
  rate=$((bytes / (SECONDS - began > 0 ? SECONDS - began : 1)))
  log "$remote: $count objects and $snapshots snapshots sent, $(human "$bytes") in $((SECONDS - began)) s ($(human "$rate")/s); newest $(jq -r '.newest // "none"' <<<"$record")"
  tell_remote "$code" "$(jq -n --argjson o "$count" --argjson s "$snapshots" --argjson b "$bytes" --argjson t "$((SECONDS - began))" \
    --arg newest "$(jq -r '.newest // ""' <<<"$record")" '{objects: $o, snapshots: $s, bytes: $b, seconds: $t, newest: $newest}')"
}
