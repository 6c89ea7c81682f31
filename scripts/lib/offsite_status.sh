# shellcheck shell=bash
# lib/offsite_status.sh - what each remote holds: of this host, snapshot by snapshot, or of every host that keeps backups there.

status_remote() {
  local age=-1 newest
  read_record
  if ! probe_remote; then fail_remote "it cannot be reached" && return; fi
  if ! list_remote "$work/there"; then fail_remote "it cannot be listed" && return; fi
  newest=$(listed_snapshots "$work/there" | tail -n 1)
  if [[ -n $newest ]]; then age=$(id_age "$newest"); fi
  tell_remote 0 "$(jq -n --arg host "$prefix" --arg newest "$newest" --argjson age "$age" --argjson n "$(listed_snapshots "$work/there" | wc -l)" \
    --argjson o "$(grep -c '^objects/' "$work/there" || true)" --argjson b "$(sum_of "$work/there")" \
    --argjson trash "$(listed_snapshots "$work/there" trash | wc -l)" --arg looked "$(jq -r '.looked_utc // ""' <<<"$record")" \
    '{host: $host, newest: $newest, age_s: $age, snapshots: $n, objects: $o, bytes: $b, in_trash: $trash, last_push_utc: $looked}')"
}

id_age() { # <id>: seconds since it was begun
  local at=$1
  printf '%d\n' "$((EPOCHSECONDS - $(date -u -d "${at:0:8} ${at:9:2}:${at:11:2}:${at:13:2}" +%s)))"
}

# One line per snapshot: id, and whether the objects that its SHA256SUMS needs are there is for verify to say.
status_snapshots() {
  read_record
  if ! probe_remote || ! list_remote "$work/there"; then fail_remote "it cannot be listed" && return; fi
  while read -r id; do
    report+=("$(jq -nc --arg remote "$remote" --arg host "$prefix" --arg id "$id" --argjson age "$(id_age "$id")" \
      '{remote: $remote, state: "there", host: $host, id: $id, age_s: $age}')")
  done < <(listed_snapshots "$work/there" | sort -r)
  results+=(0)
}

# Every folder there that may be a host's: the newest snapshot that its names tell.
status_hosts() {
  local host id age count
  if ! remote_run 60 "$work/hosts" --retries 1 --low-level-retries 2 lsf --dirs-only --max-depth 1 "$root"; then
    fail_remote "it cannot be listed" && return
  fi
  results+=(0)
  while read -r host; do
    host=${host%/}
    if [[ ! $host =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]]; then continue; fi
    if ! remote_run 120 "$work/ids_of" lsf --dirs-only --max-depth 1 "$(below "$root" "$host")/snapshots"; then
      if ((failure_code == 6)); then continue; fi
      results[-1]=4
      report+=("$(jq -nc --arg remote "$remote" --arg host "$host" --arg why "$failure" '{remote: $remote, state: "unknown", host: $host, why: $why}')")
      continue
    fi
    id=$(grep -xE '[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}/' "$work/ids_of" | sort | tail -n 1) || true
    id=${id%/} age=-1 count=$(wc -l <"$work/ids_of")
    if [[ -n $id ]]; then age=$(id_age "$id"); fi
    report+=("$(jq -nc --arg remote "$remote" --arg host "$host" --arg id "$id" --argjson age "$age" --argjson n "$count" \
      --argjson limit "$(remote_get .max_age_s)" '{remote: $remote, state: (if $age >= 0 and $age <= $limit then "fresh" else "late" end),
      host: $host, newest: $id, age_s: $age, snapshots: $n}')")
  done <"$work/hosts"
}
