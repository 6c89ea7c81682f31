# shellcheck shell=bash
# lib/offsite_verify.sh - a remote held against SHA256SUMS and against what is here; what is wrong on one side is mended
# from the other, if it is whole there.
#
# Each time: names and sizes of all objects, every byte of the snapshots' own files. With a budget, objects are read there
# and hashed, in turn: the record has the name of the last one, so that in the end all had theirs.

verify_remote() {
  local code=0 vanished mended=0 local_code=0
  : >"$work/bad_there"
  if "$is_local"; then verify_here || local_code=$?; fi
  read_record
  if ! probe_remote || ! list_remote "$work/there" || ! claim_is_ours; then fail_remote "it cannot be verified" && return; fi
  listed_snapshots "$work/there" >"$work/listed"
  vanished=$(list_vanished "$work/there" | wc -l)
  if ((vanished > 0)); then
    say ERROR "$remote: $vanished snapshots that were there have vanished"
    code=5
  fi
  if ! read_papers; then fail_remote "its snapshots cannot be read" && return; fi
  list_local
  find_lacking
  if ! read_objects; then fail_remote "its objects cannot be read" && return; fi
  if ! mend_there; then fail_remote "not everything was mended" && return; fi
  if ! mend_here; then fail_remote "what is missing here was not fetched" && return; fi
  mended=$(($(wc -l <"$work/mended") + $(wc -l <"$work/fetched")))
  if ((code == 0 && mended > 0)); then code=4; fi
  if [[ -s $work/unmended || -s $work/lost || -s $work/wrong_papers || -s $work/wrong_here ]]; then code=5; fi
  if ((local_code != 0 && code == 0)); then code=$local_code; fi
  if ! "$is_dry"; then note_verify; fi
  log "$remote: $(wc -l <"$work/needed_there") objects of $(wc -l <"$work/listed") snapshots by size, $read_count of them by their bytes ($(human "$read_bytes")); \
$(wc -l <"$work/mended") mended there, $(wc -l <"$work/fetched") here, $(wc -l <"$work/unmended") cannot be"
  if [[ -s $work/unmended ]]; then say ERROR "$remote: missing or damaged there, and not whole here: $(head -n 3 "$work/unmended" | tr '\n' ' ')"; fi
  # shellcheck disable=SC2016 # for jq
  tell_remote "$code" "$(jq -n --argjson o "$(wc -l <"$work/needed_there")" --argjson r "$read_count" --argjson b "$read_bytes" --argjson m "$(wc -l <"$work/mended")" \
    --argjson f "$(wc -l <"$work/fetched")" --argjson u "$(($(wc -l <"$work/unmended") + $(wc -l <"$work/wrong_papers")))" --argjson v "$vanished" \
    '{objects: $o, read: $r, read_bytes: $b, mended_there: $m, mended_here: $f, damaged: $u, vanished: $v}')"
}

claim_is_ours() {
  remote_run 120 "$work/format.json" cat "$base/format.json" || return 1
  if [[ $(jq -r '.id // empty' "$work/format.json" 2>/dev/null) == "$repository_id" ]]; then return 0; fi
  failure_code=10 failure="$base does not hold this repository"
  return 1
}

# --local: what is damaged here goes to quarantine, and is missing then.
verify_here() {
  local move=(--quarantine)
  if "$is_dry"; then move=(); fi
  run_limited "$(config_get .backup.time_limit_s)" verify --all "${move[@]}" --repo "$repo" "${flags[@]}"
  ((child_code == 5)) || return "$child_code" # damage is what this is for
}

# The snapshots' own files: all of them, every time. Those that are wrong are sent again, if they are right here.
read_papers() {
  local id meta=$work/meta
  rm -rf -- "$meta"
  while read -r id; do printf "snapshots/$id/%s\n" SHA256SUMS manifest.json summary.txt; done <"$work/listed" >"$work/papers"
  bring "$work/papers" "$meta" || return 1
  : >"$work/wrong_papers"
  : >"$work/wrong_here"
  : >"$work/resend"
  while read -r id; do
    if prove_snapshot "$meta/snapshots/$id"; then
      # Whole there: it is never replaced, whatever is here.
      if [[ ! -d $repo/snapshots/$id ]] || cmp -s "$repo/snapshots/$id/SHA256SUMS" "$meta/snapshots/$id/SHA256SUMS"; then continue; fi
      say ERROR "$remote: SHA256SUMS of snapshot $id is whole there, and another one here; it was kept"
      say HINT "verify $id says which is damaged; its folder can be copied from $base/snapshots/$id"
      printf '%s\n' "$id" >>"$work/wrong_here"
    elif [[ -d $repo/snapshots/$id ]] && prove_snapshot "$repo/snapshots/$id"; then
      printf "snapshots/$id/%s\n" SHA256SUMS summary.txt manifest.json >>"$work/resend"
      mkdir -p -- "$meta/snapshots/$id" && cp -- "$repo/snapshots/$id/SHA256SUMS" "$meta/snapshots/$id/SHA256SUMS"
    else
      say ERROR "$remote: the files of snapshot $id are not what its SHA256SUMS says"
      printf '%s\n' "$id" >>"$work/wrong_papers"
    fi
  done <"$work/listed"
  mkdir -p -- "$meta"
  objects_named "$meta" >"$work/needed_there"
}

# Not there, empty, or of another size than here.
find_lacking() {
  join -t $'\t' -a 1 -e 0 -o 0,2.2 "$work/needed_there" "$work/there" >"$work/sized"
  join -t $'\t' -a 1 -e - -o 0,1.2,2.2 "$work/sized" "$work/here" |
    awk -F '\t' '$2 == 0 || ($3 != "-" && $2 != $3) {print $1}' >"$work/bad_there"
}

# Reads objects there, from where the last run ended, for as long as the budget lasts.
read_objects() {
  local until=$SECONDS cursor batch
  read_count=0 read_bytes=0
  comm -23 "$work/needed_there" <(sort -u "$work/bad_there") >"$work/readable"
  reread_broken || return 1
  if ! "$reads_all" && [[ -z $budget ]]; then return 0; fi
  if [[ -n $budget ]]; then seconds --budget "$budget" && until=$((SECONDS + REPLY)); else until=$deadline; fi
  cursor=$(jq -r '.cursor // ""' <<<"$record")
  if "$reads_all"; then cursor=''; fi
  { awk -v from="$cursor" '$0 > from' "$work/readable" && awk -v from="$cursor" '$0 <= from' "$work/readable"; } >"$work/turn"
  rm -f -- "$work"/turn.*
  if [[ -s $work/turn ]]; then split -l 32 -a 6 -d -- "$work/turn" "$work/turn."; fi
  for batch in "$work"/turn.*; do
    if [[ ! -e $batch ]] || ((SECONDS >= until)); then break; fi
    read_batch "$batch" || return 1
    read_count=$((read_count + $(wc -l <"$batch")))
    read_bytes=$((read_bytes + $(join -t $'\t' <(sort "$batch") "$work/there" | awk -F '\t' '{n += $2} END {printf "%d", n}')))
    cursor=$(tail -n 1 "$batch")
  done
  new_cursor=$cursor
}

read_batch() { # <list of paths>
  remote_run '' "$work/sums" hashsum SHA-256 --download --no-traverse --files-from-raw "$1" "$base" || is_about_files || return 1
  awk '{n = split($2, part, "/"); if (part[n] == $1) print $2}' "$work/sums" | sort >"$work/right"
  sort "$1" | comm -23 - "$work/right" >>"$work/bad_there"
}

# What was found damaged before, and could not be mended, is read each time: only its bytes make it whole again.
reread_broken() {
  jq -r '.broken[]?' < <(pour "$record") | sort -u | comm -12 - "$work/readable" >"$work/reread"
  if [[ ! -s $work/reread ]]; then return 0; fi
  read_batch "$work/reread"
}

# From here, if it is whole here.
mend_there() {
  sort -u "$work/bad_there" >"$work/broken"
  : >"$work/bad"
  join -t $'\t' "$work/broken" "$work/here" >"$work/can"
  prove_objects "$work/can" >"$work/mended"
  sed 's/$/\t0/' "$work/resend" >>"$work/mended"
  if ! "$is_dry"; then send "$work/mended" || return 1; fi
  cut -f 1 "$work/mended" | sort | comm -23 "$work/broken" - >"$work/unmended"
}

# What is needed here and is not here comes back, each object proven by its name.
mend_here() {
  : >"$work/lost"
  : >"$work/fetched"
  grep '^objects/' "$work/gone" >"$work/wanted" || return 0
  if "$is_dry"; then return 0; fi
  bring_objects "$work/wanted" "$repo" || return 1
  sort "$work/wanted" | comm -23 - <(sort "$work/lost") >"$work/fetched"
  log "$remote: $(wc -l <"$work/fetched") objects that were missing here were brought back"
}

note_verify() {
  sed 's#^#snapshots/#' "$work/wrong_papers" | sort -u - "$work/unmended" | jq -Rn '[inputs]' >"$work/broken.json"
  # A turn ends where it began: then every byte was read since the time that was noted at its beginning.
  # shellcheck disable=SC2016 # for jq
  write_record '.looked_utc = $now | .broken = $broken[0] | .damaged = $vanished + (.broken | length) | .cursor = $cursor
    | .turn = ((.turn // {since: $now, left: $all}) | .left -= $read)
    | if .turn.left <= 0 then .hashed_utc = .turn.since | .turn = null else . end' \
    --arg now "$(now_utc)" --argjson vanished "$vanished" --slurpfile broken "$work/broken.json" --arg cursor "${new_cursor:-$(jq -r '.cursor // ""' <<<"$record")}" \
    --argjson all "$(wc -l <"$work/needed_there")" --argjson read "$read_count"
}
