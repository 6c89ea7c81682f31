# shellcheck shell=bash
# lib/offsite_record.sh - what this host knows of a remote: found there by looking, kept outside of the repository.
#
# healthcheck reads it (ops/gather_remotes.hpp). `pruned` are snapshots that were removed there on purpose, and are not sent
# again; `seen` were there when somebody last looked, so that one that vanishes is noticed; `broken` was found damaged there, and nobody has read or sent it whole since.

repository_id() { # <folder of a repository>: nothing if it is none
  jq -r 'select(.format == "holdfast-repository") | .id | select(test("^[0-9a-f-]{1,64}$"))' "$1/format.json" 2>/dev/null
}

state_folder() { # of this host, as the tools have it
  if [[ ${XDG_STATE_HOME:-} == /* ]]; then
    printf '%s/holdfast\n' "$XDG_STATE_HOME"
  elif ((EUID == 0)); then
    printf '/var/lib/holdfast\n'
  else
    printf '%s/.local/state/holdfast\n' "$HOME"
  fi
}

record_path() {
  printf '%s/remotes/%s/%s.json\n' "$(state_folder)" "$repository_id" "$remote"
}

read_record() { # into $record; {} if there is none of this address and host
  record=$(jq --arg url "$url" --arg host "$prefix" 'select(.url == $url and .host == $host)' "$(record_path)" 2>/dev/null) || record=
  record=${record:-'{}'}
}

write_record() { # <jq filter on the old record> [argument of jq]...
  local path filter=$1
  shift
  path=$(record_path)
  mkdir -p -- "${path%/*}" || return 1
  record=$(jq "$@" --arg name "$remote" --arg url "$url" --arg host "$prefix" --arg id "$repository_id" \
    "{remote: \$name, url: \$url, host: \$host, repository: \$id} + . | $filter" < <(pour "$record")) || return 1
  if ! { printf '%s\n' "$record" >"$path.new" && sync -- "$path.new" && mv -f -- "$path.new" "$path"; }; then
    say WARN "what was found at $remote cannot be noted in $path: healthcheck does not know of it"
  fi
}

# What was there when somebody last looked and is there no more, though nobody pruned it.
list_vanished() { # <listing>
  jq -r '[.seen[]?] - [.pruned[]?] | .[]' < <(pour "$record") | sort |
    comm -23 - <({ listed_snapshots "$1" && listed_snapshots "$1" trash; } | sort -u)
}

now_utc() {
  printf '%(%Y-%m-%dT%H:%M:%SZ)T\n' -1
}
