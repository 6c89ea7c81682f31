# shellcheck shell=bash
# lib/restore_remote.sh - restore.sh --remote: offsite.sh fetches into a repository in this host's cache, and that is restored.
#
# The emergency snapshot goes into it as well, so --undo, --resume and --accept need the same --remote.

remote_flags=()  # of offsite.sh
before_remote=() # the caller's folders, for it

use_remote() {
  local name_there=${name:-all} text line
  if [[ -z $remote ]]; then return 0; fi
  [[ -z $repo ]] || die 2 "--remote and --path both say which repository" "give one of them"
  if [[ -n $config ]]; then remote_flags+=(--config "$config"); fi
  if "$is_quiet"; then remote_flags+=(--quiet); fi
  if [[ $verb == list ]]; then name_there=all; fi
  if [[ $verb == undo || $verb == resume || $verb == accept ]]; then remote_flags+=(--no-fetch); fi
  before_remote=(${XDG_STATE_HOME+"XDG_STATE_HOME=$XDG_STATE_HOME"} ${XDG_CACHE_HOME+"XDG_CACHE_HOME=$XDG_CACHE_HOME"})
  text=$("$lib_dir/../offsite.sh" fetch "$remote" "$name_there" "${remote_flags[@]}") || exit
  {
    read -r repo
    while read -r line; do export "${line?}"; done # where its tools keep state and cache
  } < <(pour "$text")
  flags+=(--repo "$repo")
}

# The objects that the chosen components need; the rest stays where it is.
fetch_chosen() {
  local component
  if [[ -z $remote ]]; then return 0; fi
  for component in "${chosen[@]}"; do remote_flags+=(--component "$component"); done
  env -u XDG_STATE_HOME -u XDG_CACHE_HOME "${before_remote[@]}" "$lib_dir/../offsite.sh" fetch "$remote" "$id" "${remote_flags[@]}" >/dev/null || exit
}
