# shellcheck shell=bash
# lib/offsite_restore.sh - restores from a remote that fetch what they need and no more.
#
# What is fetched lies in a repository of its own in this host's cache, with some of the snapshots and objects. The next
# restore goes on from there. Tools that work in it have a state folder of their own, or this host would take its
# repository for one that was rolled back.

fetched= # the repository in the cache

set_fetched() {
  local cache=/var/cache
  if ((EUID != 0)); then cache=$HOME/.cache; fi
  if [[ ${XDG_CACHE_HOME:-} == /* ]]; then cache=$XDG_CACHE_HOME; fi
  cache=$cache/holdfast/remotes/$remote/$prefix
  fetched=$cache/repository
  fetched_environment=("XDG_STATE_HOME=$cache/state" "XDG_CACHE_HOME=$cache/cache")
}

# Those that the name may mean: one by its beginning, the newest few for latest, else all.
ids_for() { # <name>
  if [[ $1 == latest ]]; then
    sort "$work/ids_of" | tail -n 50
  elif [[ $1 =~ ^[0-9]{8}T[0-9A-Za-z-]*$ ]]; then
    grep "^$1" "$work/ids_of" || true
  else
    cat "$work/ids_of"
  fi
}

list_ids() {
  remote_run 300 "$work/out" lsf --dirs-only --max-depth 1 "$base/snapshots" || return 1
  grep -oxE '[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}/' "$work/out" | tr -d / >"$work/ids_of" || true
}

fetch_papers() { # <snapshot>
  set_fetched
  make_folders "$fetched" || { failure_code=8 failure="cannot write $fetched" && return 1; }
  probe_remote && bring_top "$fetched" && list_ids && ids_for "$1" >"$work/chosen" && bring_snapshots "$work/chosen" "$fetched" || return 1
  mv -f -- "$work/top.there/format.json" "$fetched/format.json"
}

catalog_fetched() { # <argument>...
  env "${fetched_environment[@]}" catalog "$@" --repo "$fetched" "${flags[@]}" ${key_file:+--key-file "$key_file"}
}

objects_of() { # <id> [option]...: paths
  local parts=() one
  for one in "${components[@]}"; do parts+=(--component "$one"); done
  for one in "${globs[@]}"; do parts+=(--path "$one"); done
  if ((${#sources[@]} == 0)); then
    catalog_fetched objects "$1" --format id "${parts[@]}" "${@:2}"
  fi
  for one in "${sources[@]}"; do
    catalog_fetched objects "$1" --format id --source "$one" "${parts[@]}" "${@:2}" || return
  done | sort -u
}

# The recipes first, as only they say which objects the data is in.
fetch_objects() { # <id>
  local id=$1 step code=0
  for step in --recipes ''; do
    objects_of "$id" ${step:+"$step"} >"$work/names" || code=$?
    ((code == 0)) || exit "$code"
    sed 's#^\(..\).*#objects/\1/&#' "$work/names" >"$work/paths"
    bring_objects "$work/paths" "$fetched" || return 1
    if [[ -s $work/lost ]]; then
      failure_code=5 failure="$(wc -l <"$work/lost") objects that it needs are missing or damaged there, the first is $(head -n 1 "$work/lost")"
      return 1
    fi
  done
  log "$remote: snapshot $id: $(wc -l <"$work/paths") objects, $(human "$(cd -- "$fetched" && xargs -r -d '\n' stat -c %s -- <"$work/paths" | awk '{n += $1} END {printf "%d", n}')")"
}

fetch_snapshot() { # sets $id
  local code=0
  if ! fetch_papers "$snapshot"; then return 1; fi
  id=$(catalog_fetched show "$snapshot" --json | jq -r .id) || code=$?
  if ((code != 0)) && [[ $snapshot == latest ]]; then # the newest ones may all be emergency snapshots
    cp "$work/ids_of" "$work/chosen" && bring_snapshots "$work/chosen" "$fetched" || return 1
    code=0 id=$(catalog_fetched show "$snapshot" --json | jq -r .id) || code=$?
  fi
  ((code == 0)) || exit "$code"
}

# For restore.sh: prints where the fetched repository is, and what its tools need in their environment.
fetch_remote() {
  local id
  if "$is_known"; then
    set_fetched
  elif ((${#sources[@]} + ${#components[@]} == 0)); then
    if ! fetch_papers "$snapshot"; then fail_remote "nothing was fetched" && return; fi
  elif ! fetch_snapshot || ! fetch_objects "$id"; then
    fail_remote "snapshot $snapshot was not fetched" && return
  fi
  results+=(0)
  printf '%s\n' "$fetched" "${fetched_environment[@]}"
}

restore_remote() {
  local id args=() one
  [[ -n $target ]] || die 2 "restore needs --target DIR" "in place, services and all: restore.sh --remote $remote"
  if ! fetch_snapshot || ! fetch_objects "$id"; then fail_remote "nothing was restored" && return; fi
  for one in "${sources[@]}"; do args+=(--source "$one"); done
  for one in "${components[@]}"; do args+=(--component "$one"); done
  for one in "${globs[@]}"; do args+=(--path "$one"); done
  one=0
  env "${fetched_environment[@]}" restore "$id" --repo "$fetched" --target "$target" "${flags[@]}" "${args[@]}" \
    ${key_file:+--key-file "$key_file"} || one=$?
  results+=("$one")
}
