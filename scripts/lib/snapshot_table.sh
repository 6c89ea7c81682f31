# shellcheck shell=bash
# lib/snapshot_table.sh - the snapshots to choose from, as a table that fits the terminal it is shown on.

# Those that hold one of the sources, or all; their newest row is that of these sources.
choices_of() { # [source]...
  jq --argjson names "$(as_json "$@")" 'if $names == [] then . else map(select(any(.sources[]; IN($names[])))
    | .newest_row_utc = ([.newest_row_utc_of[$names[]]] | max)) end' < <(pour "$catalog_json")
}

# One line each if they fit, else two. A terminal shows no more at a time than it has lines; a file or a pipe gets all.
show_choices() { # <choices> <1: standard output, all of them; 2: standard error, the newest of them>
  local size rows=0 columns=0 shown=1000000 lines=1 count table
  if [[ -t $2 ]]; then
    size=$(stty size <&"$2" 2>/dev/null) || size='24 80'
    read -r rows columns <<<"$size"
    if ((columns == 0)); then rows=24 columns=80; fi
  fi
  if (($2 == 2)); then shown=15; fi
  count=$(jq length < <(pour "$1"))
  table=$(choice_lines "$1" "$shown" 0)
  if ((columns > 0 && $(wc -L <<<"$table") > columns)); then
    lines=2
    if (($2 == 2 && shown * lines > rows - 4)); then shown=$((rows > 13 ? (rows - 4) / lines : 5)); fi
    table=$(choice_lines "$1" "$shown" "$columns")
  fi
  printf '%s\n' "$table" || return
  if ((count > shown)); then printf '      ... and %d older: restore.sh list\n' "$((count - shown))"; fi
}

# Newest first, each column as wide as it must be. With a width each snapshot has a second line, which is cut there.
choice_lines() { # <choices> <how many> <width, 0: one line each>
  jq -r --argjson most "$2" --argjson width "$3" '
    def blanks($n): ("                    " * 10)[:$n];
    def size: [., 0] | until(.[0] < 1024 or .[1] == 5; [.[0] / 1024, .[1] + 1]) | (.[0] * 10 | round) as $tenths
      | "\($tenths / 10 | floor).\($tenths % 10)" + ["B", "KiB", "MiB", "GiB", "TiB", "PiB"][.[1]];
    def cut: if length > $width then .[:$width - 3] + "..." else . end;
    def below: [(select(.state != "complete") | .state), "newest row " + (.newest_row_utc // "not known"), (.sources | join(", "))] | join("; ");
    . as $choices | ["#", "SNAPSHOT", "AGE", "TYPE"] + (if $width == 0 then ["STATE", "TRUST", "SIZE", "NEWEST ROW", "SOURCES"] else ["TRUST", "SIZE"] end)
    | . as $titles | $choices[:$most] | [to_entries[] | (.key + 1) as $n | .value | {below: below, cells: [
        {"#": "\($n)", SNAPSHOT: .id, AGE: .age, TYPE: .type, STATE: .state, TRUST: .trust, SIZE: (.bytes | size),
        "NEWEST ROW": (.newest_row_utc // "-"), SOURCES: (.sources | join(","))}[$titles[]]]}]
    | . as $rows | [range($titles | length) as $i | [$titles[$i], $rows[].cells[$i]] | map(length) | max] as $widths
    | ({cells: $titles}, $rows[])
    | (.cells as $cells | [range($cells | length) as $i | $cells[$i] | blanks($widths[$i] - length) as $rest
        | if ($titles[$i] | IN("#", "AGE", "SIZE")) then $rest + . else . + $rest end] | join("  ") | sub(" +$"; "")),
      (select($width > 0) | .below // empty | blanks($widths[0] + 2) + . | cut)' < <(pour "$1")
}
