# shellcheck shell=bash
# lib/incident.sh - how long each step took, and the record of it: <log>.md for people, <log>.json for programs.

steps='[]'     # JSON: name, seconds, outcome
step_name=''   # the one that is under way
step_begin=0   # ms
incident='{}'  # JSON: what the script knows; note_incident adds to it
record_begin=0 # ms, of the whole
record_file='' # result of write_record

now_ms() { # in $REPLY
  REPLY=$((${EPOCHREALTIME/./} / 1000))
}

begin_step() { # <name>
  now_ms
  step_name=$1 step_begin=$REPLY
  if ((record_begin == 0)); then record_begin=$REPLY; fi
}

end_step() { # [outcome]
  local more
  if [[ -z $step_name ]]; then return 0; fi
  now_ms
  if more=$(jq --arg name "$step_name" --arg outcome "${1:-done}" --argjson ms "$((REPLY - step_begin))" \
    '. + [{name: $name, seconds: ($ms / 1000), outcome: $outcome}]' <<<"$steps"); then steps=$more; fi # Ctrl-C ends jq, too
  step_name=''
}

note_incident() { # <jq filter> [argument of jq...]
  local more
  if more=$(jq "$1" "${@:2}" < <(pour "$incident")); then incident=$more; fi
}

# A folder that cannot be written, or that is itself replaced, must not stop a restore: then the log lies elsewhere.
open_incident_log() { # <folder> [reason not to use it]
  local dir=$1 why=${2:-}
  if [[ -z $why ]] && ! { mkdir -p -- "$dir" && [[ -d $dir && -w $dir ]] && (: >>"$dir/backup.lock"); } 2>/dev/null; then
    why='it cannot be written'
  fi
  if [[ -n $why ]]; then
    dir=$(mktemp -d -- "${TMPDIR:-/tmp}/holdfast-incident.XXXXXX" 2>/dev/null) || dir=
    say WARN "the log folder '$1' is not used: $why; log and record go to ${dir:-no file at all}"
    [[ -n $dir ]] || return 0
  fi
  open_log "$dir" incident
  record_file=${log_file%.log}.md
  if [[ -z $why ]]; then lock_file=$dir/backup.lock; fi
}

markdown='
def took: "\(. * 10 | round / 10) s";
def cell: tostring | gsub("[\\x00-\\x1f]"; " ") | gsub("\\|"; "\\|");
def row: "| " + (map(cell) | join(" | ")) + " |";
"# Incident of \(.started_utc)", "", "**\(.state)** (exit \(.code)): \(.summary)", "",
"| | |", "| --- | --- |",
(["who", "\(.user) on \(.host)"] | row),
(["command", .command] | row),
(select(.snapshot) | ["snapshot", "\(.snapshot.id), \(.snapshot.type), \(.snapshot.state), \(.snapshot.trust)"] | row),
(select(.snapshot) | ["data of", "\(.snapshot.started_utc): what was written in the \(.snapshot.age) since then is not in it"] | row),
(select(.snapshot.newest_row_utc) | ["newest row", .snapshot.newest_row_utc] | row),
(select(.restore.restore) | ["restore", .restore.restore] | row),
(select(.restore.emergency) | ["emergency snapshot of what was there", .restore.emergency] | row),
(select(.services != []) | ["services", (.services | join(", "))] | row),
(["time", (.total_s | took) + (if .target_s then " of \(.target_s) s allowed: " + (if .total_s <= .target_s then "met" else "**missed**" end) else "" end)] | row),
(["log", .log // "none"] | row),
"", "## Steps", "", "| step | took | outcome |", "| --- | ---: | --- |",
(.steps[] | [.name, (.seconds | took), .outcome] | row),
(select(.restore.components) | "", "## What was replaced", "", (.restore.components[] | "- \(.name): `\(.path)`\(if .bytes then ", \(.bytes) bytes" else "" end)")),
(select(.restore.checks and .restore.checks != []) | "", "## Checks of the restored data", "", "| component | check | state | detail |", "| --- | --- | --- | --- |",
  (.restore.checks[] | [.component, .name, .state, .detail] | row)),
(select((.restore.warnings // []) != []) | "", "## Warnings", "", (.restore.warnings[] | "- " + cell)),
(select((.restore.notes // []) != []) | "", "## Notes", "", (.restore.notes[] | "- " + cell)),
(select(.next != []) | "", "## What to do next", "", (.next[] | "- " + .))'

# What restore.sh found out, and what is to be done next.
finish_record() {
  note_incident '. + {state: $state, summary: $summary, restore: $report[0]}' --arg state "$outcome" --arg summary "$summary" \
    --slurpfile report <(pour "$report") # no argument: many warnings are longer than one may be
  case $outcome in
    restored*)
      while IFS= read -r REPLY; do note_incident '.next += $ARGS.positional' --args "$REPLY"; done < <(servers_hints)
      [[ -z $restore_id ]] || note_incident '.next += $ARGS.positional' --args "\`restore.sh --undo $restore_id\` brings back what was there before" \
        "\`restore.sh --accept $restore_id\` when all is well: removes the old state that is kept beside the data"
      ;;
    undone,*)
      note_incident '.next += $ARGS.positional' --args "what was there before the restore is live; what it had brought is kept until \`restore.sh --accept $restore_id\`" \
        "\`restore.sh $past_snapshot\` brings it again"
      ;;
    'rolled back')
      note_incident '.next += $ARGS.positional' --args "the old state is live; the restored one is kept until \`restore.sh --accept $restore_id\`" \
        "\`restore.sh list\`: try another snapshot, or \`--no-rollback\` if the old state is worse"
      ;;
    torn) note_incident '.next += $ARGS.positional' --args "\`restore.sh --resume\` finishes it, \`restore.sh --undo\` takes it back" ;;
  esac
  write_record
}

# For on_exit: the record of the run, whatever its end was; last of all but the terminal state.
write_record() {
  local all base
  end_step interrupted
  if [[ -z $record_file ]]; then return; fi
  now_ms
  all=$(jq --argjson steps "${steps:-[]}" --argjson ms "$((REPLY - record_begin))" --argjson code "$exit_status" --arg log "$log_file" \
    '. + {format: 1, code: $code, total_s: ($ms / 1000), log: (if $log == "" then null else $log end)}
    | .steps = [$steps[] as $s | $s, (select($s.name == "restore") | .restore.phases // [] | .[] | {name: "restore: \(.name)", seconds, outcome: "done"})]' \
    < <(pour "$incident")) || return
  base=${record_file%.md}
  if ! { printf '%s\n' "$all" >"$base.json" && jq -r "$markdown" < <(pour "$all") >"$base.md"; } 2>/dev/null; then
    say WARN "the record could not be written to $base.md; here it is"
    jq -r "$markdown" < <(pour "$all") >&2
    return
  fi
  say INFO "record: $base.md"
}
