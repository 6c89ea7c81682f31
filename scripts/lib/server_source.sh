# shellcheck shell=bash
# lib/server_source.sh - a source of kind postgres or redis: its configuration, its snapshot, its files in a private folder.

source_json='' # of choose_source
via=()         # words before each client
work=''        # a private folder: of make_work, which removes it at the end, or the caller's

# The named source, or the only one of that kind (and mode).
choose_source() { # <kind> <name or empty> [mode]
  local found text
  found=$(jq -c --arg kind "$1" --arg name "$2" --arg mode "${3:-}" \
    '[.source[] | select(.kind == $kind and ($name == "" or .name == $name) and ($mode == "" or .mode == $mode))]' < <(pour "$config_json"))
  case $(jq length <<<"$found") in
    1) source_json=$(jq -c '.[0]' <<<"$found") ;;
    0) die 3 "the configuration has no source of kind $1${3:+ and mode $3}${2:+ named '$2'}" "snap --print-config shows what it has" ;;
    *) die 2 "the configuration has several sources of kind $1" "say which: --source $(jq -r 'map(.name) | join(" or ")' <<<"$found")" ;;
  esac
  text=$(source_get '.via // [] | .[]')
  if [[ -n $text ]]; then mapfile -t via <<<"$text"; fi
}

source_get() { # <jq filter>: nothing for null
  jq -r "$1 // empty" <<<"$source_json"
}

make_work() { # [folder below which it is made]
  work=$(mktemp -d -- "${1:-${TMPDIR:-/tmp}}/holdfast-server.XXXXXX") ||
    die 8 "cannot make a folder in '${1:-${TMPDIR:-/tmp}}'" "say --staging DIR"
  on_exit rm -rf -- "${work:?}"
}

# The components of a source as files below $work, or parts of it; $id is the snapshot's id.
fetch_source() { # <snapshot> <source> [--path PATH]...
  local code=0
  id=$(catalog show "$1" --json "${flags[@]}" | jq -r .id) || exit
  restore "$id" --source "$2" "${@:3}" --target "$work" --quiet "${flags[@]}" >/dev/null || code=$?
  if ((code == 4)); then return; fi # every byte is right; an owner or a time is not, or a file was written to when it was captured
  ((code == 0)) || die "$code" "snapshot $id could not be brought back; nothing was changed" "what is wrong is said above"
}

# A name that sorts by time and is allowed in names of databases and files.
stamp() { # in $REPLY
  printf -v REPLY '%(%Y%m%d_%H%M%S)T' -1
}
