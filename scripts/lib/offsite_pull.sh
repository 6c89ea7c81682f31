# shellcheck shell=bash
# lib/offsite_pull.sh - a whole repository again, from a remote: on a fresh host, or beside the one that is doubted.
#
# format.json comes last, as when a repository is made: until then the folder is none, and pull goes on where it was cut.

pull_remote() {
  local began=$SECONDS into=${into:-$repo} count
  [[ -n $into ]] || die 2 "pull needs --into DIR"
  if [[ -e $into/format.json ]]; then die 10 "'$into' is a repository already; nothing was changed" "offsite.sh verify --local mends one; --into another folder"; fi
  if [[ -d $into && -n $(ls -A -- "$into") && ! -e $into/.pulled ]]; then die 10 "'$into' is not empty; nothing was changed"; fi
  if ! make_folders "$into" || ! printf '%s\n' "$url $prefix" >"$into/.pulled"; then die 8 "cannot write '$into'"; fi
  if ! probe_remote || ! bring_top "$into" || ! list_ids || ! bring_snapshots "$work/ids_of" "$into"; then
    fail_remote "nothing was pulled" && return
  fi
  objects_named "$into/snapshots" >"$work/paths"
  if ! bring_objects "$work/paths" "$into"; then fail_remote "not everything was pulled" && return; fi
  mend_history "$into"
  mv -f -- "$work/top.there/format.json" "$into/format.json" && sync -f -- "$into" && rm -f -- "$into/.pulled"
  count=$(find "$into/snapshots" -mindepth 1 -maxdepth 1 -type d | wc -l)
  log "$remote: $count snapshots with $(wc -l <"$work/paths") objects in $((SECONDS - began)) s are in $into"
  if [[ -s $work/lost || -s $work/unproven ]]; then
    say ERROR "$remote: $(wc -l <"$work/lost") objects and $(wc -l <"$work/unproven") snapshots are missing or damaged there"
    say HINT "verify --all --repo $into says what that costs; another remote may have them: offsite.sh verify OTHER --path $into"
    results+=(5)
    return
  fi
  results+=(0)
  printf '%s\n' "$into"
}

add_line() { # <ledger> <event> <snapshot> [reason]
  local previous
  previous=$(tail -n 1 -- "$1" | tr -d '\n' | sha256sum)
  jq -nc --arg now "$(now_utc)" --arg event "$2" --arg id "$3" --arg why "${4:-}" --arg previous "${previous%% *}" \
    '{time_utc: $now, event: $event, snapshot: $id} + (if $why == "" then {} else {reason: $why} end) + {previous: $previous}' >>"$1"
}

# A remote keeps other snapshots than the repository did. Its history says so, or every check would call them vanished.
mend_history() { # <repository>
  local ledger=$1/ledger.jsonl id
  if [[ ! -s $ledger ]]; then return 0; fi
  jq -Rr 'fromjson? | select(.snapshot and (.event | IN("snapshot", "pruned", "undeleted"))) | "\(.snapshot) \(.event)"' "$ledger" |
    awk '{last[$1] = $2} END {for (id in last) print id, last[id]}' | sort >"$work/last"
  while read -r id state; do
    if [[ -d $1/snapshots/$id ]]; then
      if [[ $state == pruned ]]; then add_line "$ledger" undeleted "$id"; fi
    elif [[ $state != pruned ]]; then
      say WARN "$remote: the history names snapshot $id, which is not there"
      add_line "$ledger" pruned "$id" "not at the remote $remote when the repository was pulled from it"
    fi
  done <"$work/last"
}
