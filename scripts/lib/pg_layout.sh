# shellcheck shell=bash
# lib/pg_layout.sh - a base backup and the WAL behind it become a data folder that recovers to a moment; and the proof that it does.

wal_snapshots=() # newest first: those that may have WAL behind the base backup

# The newest base backup that was complete at the time, and every snapshot since then that has WAL: what pg_wal.sh cleaned away, or
# had not received yet, is in another one.
choose_snapshots() {
  local list candidate finished text
  list=$(catalog list --json "${flags[@]}") || exit
  if [[ -z $base ]]; then
    text=$(jq -r --arg s "$source" --arg at "$at_utc" '.[] | select((.sources | index($s)) and .started_utc <= $at) | .id' <<<"$list")
    for candidate in $text; do
      finished=$(catalog show "$candidate" --json "${flags[@]}" | jq -r .finished_utc)
      if [[ ! $finished > $at_utc ]]; then
        base=$candidate
        break
      fi
    done
  fi
  [[ -n $base ]] || die 6 "no base backup of source '$source' was complete at $at_utc" "catalog list: later moments, or an older repository"
  base=$(catalog show "$base" --json "${flags[@]}" | jq -r .id) || exit
  text=$(jq -r --arg s "$wal" --arg base "$base" '(map(.id) | index($base)) as $n | .[:if $n then $n + 1 else length end][] | select(.sources | index($s)) | .id' <<<"$list")
  [[ -n $text ]] || die 6 "no snapshot since base backup $base holds WAL (source '$wal')" "say --wal NAME; see pg_wal.sh --help"
  mapfile -t wal_snapshots <<<"$text"
}

# A segment that is whole never changes, so each is fetched once, from the newest snapshot that has it.
fetch_wal() {
  local snapshot name text paths file
  mkdir -- "$target/wal"
  for snapshot in "${wal_snapshots[@]}"; do
    text=$(catalog files "$snapshot" "$wal" --json "${flags[@]}" | jq -r '.. | .path? // empty' | grep -oE '[0-9A-F]{8}(\.history|[0-9A-F]{16}(\.partial)?)$' || true)
    paths=()
    for name in $text; do
      if [[ ! -e $target/wal/${name%.partial} && ! -e $target/wal/$name ]]; then paths+=(--path "$name"); fi
    done
    if ((${#paths[@]} == 0)); then continue; fi
    rm -rf -- "${work:?}/$wal"
    fetch_source "$snapshot" "$wal" "${paths[@]}"
    find "$work/$wal" -type f -exec mv -f -t "$target/wal" -- {} +
  done
  for file in "$target"/wal/*.partial; do # the segment that was being written: as good as whole, up to its end
    if [[ -f $file && ! -f ${file%.partial} ]]; then mv -- "$file" "${file%.partial}"; fi
  done
}

remove_unfinished() {
  if [[ -e $target/data.new ]] || "$removes"; then rm -rf -- "${target:?}/data.new" "${target:?}/data" "${target:?}/wal"; fi
  if "$removes"; then rmdir -- "$target" 2>/dev/null || true; fi
}

lay_out() { # as data.new, which nobody starts by mistake
  mkdir -p -- "$target" && chmod 700 "$target"
  on_exit remove_unfinished
  make_work "$target"
  fetch_source "$base" "$source"
  mkdir -m 700 "$target/data.new"
  tar --extract --file "$work/$source/base.tar" --directory "$target/data.new" || die 5 "the base backup of snapshot $base cannot be unpacked" "try an older one: --base ID"
  rm -f -- "$work/$source/base.tar"
  find_pg_bin "$(<"$target/data.new/PG_VERSION")"
  "$pg_bin/pg_verifybackup" --quiet --no-parse-wal "$target/data.new" || die 5 "the base backup of snapshot $base is not what its manifest says" "try an older one: --base ID"
  fetch_wal
  rm -rf -- "${work:?}"
  configure "$target/data.new"
  mv -T -- "$target/data.new" "$target/data"
  log "laid out: '$target/data' (base backup of $base, WAL of ${#wal_snapshots[@]} snapshots until ${wal_snapshots[0]}) recovers to $at"
}

configure() { # <data folder>
  local key value
  if [[ ! -f $1/postgresql.conf ]]; then # Debian has it in /etc; recovery wants no smaller values than there
    while IFS=: read -r key value; do
      printf '%s = %s\n' "${key% setting}" "${value//[[:space:]]/}"
    done < <("$pg_bin/pg_controldata" "$1" | grep -E '^max_[a-z_]+ setting:') >"$1/postgresql.conf"
  fi
  # It would be started on the live folder instead of this one.
  sed -i -E 's/^[[:space:]]*(data_directory|external_pid_file)\b/# was: &/' "$1/postgresql.conf"
  if [[ ! -f $1/pg_ident.conf ]]; then : >"$1/pg_ident.conf"; fi
  rm -f -- "$1/standby.signal" "$1/postmaster.pid"
  { # what the original had of its own would clean our WAL, run its commands, or be a second target
    printf "%s = ''\n" archive_cleanup_command recovery_end_command recovery_target recovery_target_name recovery_target_xid recovery_target_lsn
    printf "restore_command = 'cp \"%s/wal/%%f\" \"%%p\"'\n" "$target"
    if [[ $at != end ]]; then printf "recovery_target_time = '%s'\n" "$at"; else printf "recovery_target_time = ''\n"; fi
    printf "recovery_target_timeline = 'latest'\nrecovery_target_action = 'promote'\n"
  } >>"$1/postgresql.auto.conf"
  : >"$1/recovery.signal"
}

# The server itself refuses to end a recovery that did not come to its target; what it says is the proof.
prove() {
  local stopped='all WAL was replayed' last query
  make_pg_home /tmp
  allow_private
  if ((EUID == 0)); then
    chown -R --reference="$pg_home" -- "$target"
    "${as_server[@]}" test -w "$target/data" ||
      die 8 "user $(stat -c %U -- "$pg_home"), which the server runs as, cannot enter the folders above '$target'" "choose a --target whose folders others may enter (chmod o+x)"
  fi
  : >"$pg_home.log"
  start_private "$target/data" -c data_directory="$target/data" -c archive_cleanup_command= -c recovery_end_command=
  wait_private "$user" 600 "the server did not come to $at"
  until [[ $(psql "host=$pg_home port=5432 user=$user dbname=postgres" -XqAtc 'SELECT pg_is_in_recovery()' 2>/dev/null) == f ]]; do
    kill -0 "$private_pid" 2>/dev/null || die_of_log "the server did not come to $at"
    sleep 0.2
  done
  if [[ $at != end ]]; then
    stopped=$(grep -oE 'recovery stopping (before|after) .*' "$pg_home.log" | tail -n 1) || die_of_log "the server came up without stopping at $at"
  fi
  last=$(grep -oE 'last completed transaction was at log time .*' "$pg_home.log" | tail -n 1) || last='no transaction was replayed'
  log "reached $at: $last; $stopped"
  for query in "${queries[@]}"; do
    psql "host=$pg_home port=5432 user=$user dbname=$database" -XqAt -v ON_ERROR_STOP=1 -c "$query" || die 8 "the query failed: $query"
  done
  stop_private
  if "$removes"; then return; fi
  sed -i -E '/^(restore_command|recovery_target[a-z_]*|archive_cleanup_command|recovery_end_command) = /d' "$target/data/postgresql.auto.conf" # it is a cluster of its own now
  rm -rf -- "${target:?}/wal"
  # The private server did not wait for the disk, and this one may become the live one.
  "${as_server[@]}" "$pg_bin/initdb" --sync-only --pgdata="$target/data" >/dev/null || die 8 "'$target/data' could not be brought to the disk" "is the disk full?"
}
