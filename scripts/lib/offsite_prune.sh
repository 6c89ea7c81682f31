# shellcheck shell=bash
# lib/offsite_prune.sh - retention of one remote: the rules are those of prune, on a copy of the remote's lists.
#
# The copy has the snapshots' own files, and for each object an empty file of its size. prune works in it as it does in a
# repository, floors, trash and time of grace included; what it did there is done at the remote then, in an order in which
# a cut at any moment leaves no snapshot without its objects: snapshots go to trash/ first, objects after the grace.

shadow=
has_moved=false # finish_moves had something to do

# Objects that no snapshot names may belong to a push that is at work on another host: they stay so long after the first look.
orphan_age=172800

prune_remote() {
  local code=0 args=(--remote "$remote") before_gone
  read_record
  if ! probe_remote || ! list_remote "$work/there" || ! claim_is_ours; then fail_remote "nothing was pruned" && return; fi
  listed_snapshots "$work/there" >"$work/listed"
  before_gone=$(jq -r '[.seen[]?] - [.pruned[]?] | .[]' <<<"$record" | sort | comm -23 - "$work/listed")
  if [[ -n $before_gone ]]; then
    failure_code=10 failure="snapshots that were there have vanished, so nothing was removed: $(head -n 1 <<<"$before_gone")"
    fail_remote "prune" && return
  fi
  if ! finish_moves || ! make_shadow; then fail_remote "nothing was pruned" && return; fi
  if ! prove_shadow; then
    failure_code=5
    say HINT "offsite.sh verify $remote mends it from here"
    fail_remote "nothing was removed" && return
  fi
  if [[ -n $apply ]]; then args+=(--apply "$apply"); fi
  if "$is_plan"; then
    args+=(--plan)
  elif "$is_dry"; then
    args+=(--dry-run)
  fi
  list_shadow >"$work/before"
  objects_named "$shadow/snapshots" "$shadow/trash" >"$work/named"
  env XDG_STATE_HOME="$work/state" prune "${args[@]}" --repo "$shadow" "${flags[@]}" >"$work/said" || code=$?
  if "$is_plan" || "$is_dry" || ((code != 0)); then
    cat -- "$work/said"
    results+=("$code")
    return
  fi
  list_shadow >"$work/after"
  if ! carry_out; then fail_remote "not everything was removed; the next prune goes on" && return; fi
  results+=(0)
}

list_shadow() { # paths
  (cd -- "$shadow" && find objects snapshots trash -type f) | sort
}

# A prune that was cut may have left a snapshot in two places: the rest follows.
finish_moves() {
  local id
  while read -r id; do
    remote_run 600 "$work/out" move "$base/snapshots/$id" "$base/trash/$id" || return 1
    has_moved=true
  done < <(comm -12 <(awk -F / '$1 == "snapshots" {print $2}' "$work/there" | sort -u) <(awk -F / '$1 == "trash" {print $2}' "$work/there" | sort -u))
  list_remote "$work/there"
}

make_shadow() {
  local id path size
  shadow=$work/shadow
  make_folders "$shadow" && bring_top "$shadow" || return 1
  mv -- "$work/top.there/format.json" "$shadow/format.json"
  listed_snapshots "$work/there" >"$work/listed"
  listed_snapshots "$work/there" trash >"$work/trashed"
  grep -E '^(snapshots|trash)/' "$work/there" | cut -f 1 >"$work/papers"
  grep -Ff <(sed 's#.*#/&/#' "$work/listed" "$work/trashed") "$work/papers" >"$work/papers.whole" || true
  bring "$work/papers.whole" "$shadow" || return 1
  if [[ -s $work/absent ]]; then
    failure_code=8 failure="files that were listed there did not come: $(head -n 1 "$work/absent")"
    return 1
  fi
  while read -r id; do touch -d "$(cat "$shadow/trash/$id/pruned" 2>/dev/null || now_utc)" -- "$shadow/trash/$id"; done <"$work/trashed"
  while IFS=$'\t' read -r path size; do truncate -s "$size" -- "$shadow/$path" || return 1; done < <(grep '^objects/' "$work/there")
  shorten_history
}

# The floors count snapshots, so each must be one: its own files whole, its objects there, in the size that they have here.
prove_shadow() {
  local id
  while read -r id; do
    if ! prove_snapshot "$shadow/snapshots/$id"; then
      failure="the files of snapshot $id there are not what its SHA256SUMS says"
      return 1
    fi
  done <"$work/listed"
  objects_named "$shadow/snapshots" >"$work/needed_there"
  list_local
  find_lacking
  if [[ ! -s $work/bad_there ]]; then return 0; fi
  failure="$(wc -l <"$work/bad_there") objects that snapshots there need are missing or damaged there, the first is $(head -n 1 "$work/bad_there")"
  return 1
}

# The history of what is there: how it was verified, drilled and pinned. Chained anew, as lines are left out.
shorten_history() {
  local line previous='' all=$shadow/ledger.jsonl
  if [[ ! -s $all ]]; then
    failure_code=5 failure="there is no ledger.jsonl there, so it is not known what was verified: offsite.sh push $remote"
    return 1
  fi
  # shellcheck disable=SC2016 # for jq
  jq -Rc --slurpfile ids <(jq -R . "$work/listed") 'fromjson? | select(.event == "created" or
    ((.snapshot // "") as $id | ($ids | index($id)) and (.event | IN("snapshot", "verified", "sampled", "drilled", "pinned", "unpinned")))) | del(.previous)' "$all" |
    jq -sc 'to_entries | group_by([.value.snapshot, (.value.event | if . == "unpinned" then "pinned" else . end)]) | map(.[-1]) | sort_by(.key) | .[].value' >"$work/history"
  : >"$all"
  while IFS= read -r line; do
    line=$(jq -c --arg previous "$previous" '. + {previous: $previous}' <<<"$line")
    printf '%s\n' "$line" >>"$all"
    previous=$(printf '%s' "$line" | sha256sum)
    previous=${previous%% *}
  done <"$work/history"
}

# What prune did to the copy, at the remote.
carry_out() {
  local id
  awk -F / '$1 == "trash" {print $2}' "$work/after" | sort -u | comm -23 - "$work/trashed" >"$work/to_trash"
  awk -F / '$1 == "trash" {print $2}' "$work/after" | sort -u | comm -13 - "$work/trashed" >"$work/to_remove"
  awk -F / '$1 == "snapshots" {print $2}' "$work/after" | sort -u | comm -23 "$work/listed" - | comm -23 - "$work/to_trash" >>"$work/to_remove"
  comm -23 "$work/before" "$work/after" | grep '^objects/' >"$work/to_delete" || true
  keep_young_orphans || return 1
  cat "$work/to_trash" "$work/to_remove" | jq -Rn '[inputs]' >"$work/ids.json"
  # shellcheck disable=SC2016 # for jq
  write_record '.pruned = ((.pruned // []) + $ids[0] | unique) | .seen = ([.seen[]?] - $ids[0])' --slurpfile ids "$work/ids.json"
  now_utc >"$work/pruned"
  while read -r id; do
    remote_run 600 "$work/out" copyto "$work/pruned" "$base/trash/$id/pruned" &&
      remote_run 600 "$work/out" move "$base/snapshots/$id" "$base/trash/$id" || return 1
    log "$remote: snapshot $id is in the trash there"
  done <"$work/to_trash"
  # Without its manifest nobody takes it for a snapshot; then its objects go.
  while read -r id; do printf '%s\n' "snapshots/$id/manifest.json" "trash/$id/manifest.json"; done <"$work/to_remove" >"$work/heads"
  delete_list "$work/heads" && delete_list "$work/to_delete" || return 1
  while read -r id; do
    for top in snapshots trash; do printf "$top/$id/%s\n" SHA256SUMS SHA256SUMS.asc summary.txt pruned; done
  done <"$work/to_remove" >"$work/tails"
  delete_list "$work/tails" || return 1
  remove_folders
  log "$remote: $(wc -l <"$work/to_trash") snapshots went to the trash there, $(wc -l <"$work/to_remove") left it, with $(wc -l <"$work/to_delete") objects, $(human "$(join -t $'\t' "$work/to_delete" "$work/there" | awk -F '\t' '{n += $2} END {printf "%d", n}')")"
}

# Where folders are not only parts of names. Nothing depends on it.
remove_folders() {
  local top
  if ! "$is_staged" || { ! "$has_moved" && [[ ! -s $work/to_trash && ! -s $work/to_remove ]]; }; then return 0; fi
  for top in snapshots trash; do remote_run 600 "$work/out" --retries 1 rmdirs --leave-root "$base/$top" || true; done
  failure=''
}

delete_list() { # <list of paths>
  if [[ ! -s $1 ]]; then return 0; fi
  remote_run '' "$work/out" delete --no-traverse --files-from-raw "$1" "$base"
}

# Times of files there say nothing: rclone gives a copy the time of what it was copied from. So the record has when each
# orphan was first seen as one.
keep_young_orphans() {
  comm -23 "$work/to_delete" "$work/named" >"$work/orphans"
  jq -Rn '[inputs]' "$work/orphans" >"$work/orphans.json"
  # shellcheck disable=SC2016 # for jq
  write_record '.orphans as $known | .orphans = ([$list[0][] | {key: ., value: ($known[.]? // $now)}] | from_entries)' \
    --slurpfile list "$work/orphans.json" --argjson now "$EPOCHSECONDS"
  jq -r --argjson limit "$((EPOCHSECONDS - orphan_age))" '.orphans | to_entries[] | select(.value > $limit) | .key' < <(pour "$record") |
    sort | comm -23 "$work/to_delete" - >"$work/keep" && mv -- "$work/keep" "$work/to_delete"
}
