# shellcheck shell=bash
# lib/simulate.sh - the loss of everything, on a copy: captured, backed up, deleted, restored and compared. The live data is
# only read, as by any backup; nothing else of it is ever named to a program here.

simulated=() # result of choose_simulated

# The configuration of the copy in TOML. Standard input: {config: of the original, shown: `catalog show --json`}.
simulated_toml() {
  jq -r '
    def t: @json | gsub("\u007f"; "\\u007f");                  # JSON text is TOML text, but for DEL
    def command(argv; shell): if shell then argv[0] | t else argv | map(t) | "[\(join(", "))]" end;
    def pattern: gsub("(?<c>[\\\\*?\\[])"; "\\\(.c)") | "live/" + . | t;
    .shown.components as $components | .config.drill as $drill |
    "[repository]\npath = \"repository\"\n[backup]\nlog_dir = \"logs\"",
    "[drill]\nstart_timeout = \"\($drill.start_timeout_s)s\"\nmax_data_loss = \"\($drill.max_data_loss_s)s\"",
    (if $drill.start == [] then empty else "start = \(command($drill.start; $drill.shell))" end),
    "[drill.target]",
    ($drill.target | to_entries[] | "\(.key | rtrimstr("_s")) = \"\(.value)s\""),
    (.config.source[] | . as $source | [$components[] | select(.source == $source.name) | .name] as $names |
      select($names != []) |
      "[[source]]\nname = \(.name | t)\nkind = \(.kind | t)\nclass = \(.class | t)\nallow_empty = true",
      # A path that is named twice is one component, called source/name as in the original.
      "path = [\(($names + (if $names[0] == $source.name then [] else [$names[0]] end)) | map(pattern) | join(", "))]",
      (.check[] | "[[source.check]]\nname = \(.name | t)\ntimeout = \"\(.timeout_s)s\"",
        (if .sql then "sql = \(.sql | t)" else "command = \(command(.command; .shell))" end),
        (if .expect then "expect = \(.expect | t)" else empty end),
        (if .max_age_s then "max_age = \"\(.max_age_s)s\"" else empty end)))'
}

step() { # <what> <command>...: as run_limited; a failure ends the script with its code
  run_limited "$time_limit" "${@:2}"
  if ((child_code == 4)); then
    say WARN "$1 was partial: what that means for the copy is said above"
    return
  fi
  ((child_code == 0)) || die "$((child_code == 1 ? 8 : child_code))" "the simulation ended: $1 failed (exit $child_code)" "the live data was only read"
}

# Those whose loss is simulated: of the named sources, or of all, what is a database file or a tree.
choose_simulated() { # [source...]: in ${simulated[@]}
  mapfile -t simulated < <(jq -r '.source[] | select(.kind | IN("sqlite", "tree")) | .name |
    select($ARGS.positional == [] or IN($ARGS.positional[]))' --args "$@" < <(pour "$config_json"))
  ((${#simulated[@]} > 0)) || die 3 "there is no database or tree whose loss could be simulated" "name another --source"
}

# --dry-run
plan_simulation() { # <parent folder> [source...]
  local name
  choose_simulated "${@:2}"
  for name in "${simulated[@]}"; do
    printf '%s: a copy of the live data would be backed up, deleted, restored and compared\n' "$name" || exit 8
  done
  printf 'below %s, which needs free space for four times the data; removed afterwards\n' "$1" || exit 8
}

# Makes $work/holdfast.toml and a backup of a copy whose original is gone; $work/original is what it was.
simulate_loss() { # <new folder> [source...]: sets work
  work=$1
  local shown
  shift
  export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
  choose_simulated "$@"
  log "simulated loss of ${simulated[*]}: taking a copy below $work"
  step "making a repository" init --repo "$work/first"
  step "capturing a copy" snap --quiet --config "$(config_get .file)" --repo "$work/first" -- "${simulated[@]}"
  step "making the copy" restore latest --quiet --config /dev/null --repo "$work/first" --target "$work/live"
  step "copying the copy" cp -a -- "$work/live" "$work/original"
  shown=$(catalog show latest --json --config /dev/null --repo "$work/first")
  jq -n --argjson config "$config_json" --argjson shown "$shown" '$ARGS.named' | simulated_toml >"$work/holdfast.toml"
  step "making a repository" init --repo "$work/repository"
  step "backing up the copy" "$BASH" "$lib_dir/../backup.sh" --config "$work/holdfast.toml" --quiet
  rm -rf -- "${work:?}/live"
  log "the copy is backed up as ${child_output%%$'\n'*} and deleted; restoring it"
}

remove_simulation() { # <folder>
  chmod --recursive u+rwx -- "$1" 2>/dev/null
  rm -rf -- "${1:?}"
}
