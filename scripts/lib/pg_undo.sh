# shellcheck shell=bash
# lib/pg_undo.sh - what a restore keeps beside the live database: how it is named and marked, exchanged back, or dropped.
#
# Names are NAME_before_<time>, NAME_undone_<time>, NAME_restoring_<time>. A name alone proves nothing: others may name databases
# like that, and long names are cut. The last line of the database's comment says whose it is.

short_name() { # <database>: at most 36 bytes of it, whole characters; in $REPLY
  local end=36
  while [[ ${1:end:1} == [$'\x80'-$'\xbf'] ]]; do end=$((end - 1)); done
  REPLY=${1:0:end}
}

fresh_name() { # <database> <restoring | undone>: one that nobody has yet, in $REPLY
  local begin fresh=''
  short_name "$1"
  begin=${REPLY}_$2_
  until [[ -n $fresh && " ${given_names[*]} " != *" $fresh "* ]] && ! database_exists "$fresh"; do
    if [[ -n $fresh ]]; then sleep 0.3; fi
    stamp
    fresh=$begin$REPLY
  done
  given_names+=("$fresh")
  REPLY=$fresh
}
given_names=() # of this run

mark_of() { # <database>: as SQL text, in $REPLY
  sql_text "holdfast keeps this for '$1'"
}

mark_text() { # <database that is kept> <database that it is kept for>: the statement that marks it, below its own comment; in $REPLY
  local name
  sql_text "$1" && name=$REPLY
  mark_of "$2"
  REPLY="DO \$holdfast\$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', $name::text, (SELECT
    coalesce(shobj_description(oid, 'pg_database') || E'\\n', '') || $REPLY FROM pg_database WHERE datname = $name)); END \$holdfast\$;"
}

unmark_text() { # <database> <database that it was kept for>: in $REPLY
  local name
  sql_text "$1" && name=$REPLY
  mark_of "$2"
  REPLY="DO \$holdfast\$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', $name::text, (SELECT
    nullif(left(shobj_description(oid, 'pg_database'), -length($REPLY) - 1), '') FROM pg_database WHERE datname = $name)); END \$holdfast\$;"
}

exchange_text() { # <name> <new name> [database that it is kept for, else it goes live]: statements on standard output
  local old new
  sql_name "$1" && old=$REPLY
  sql_name "$2" && new=$REPLY
  printf 'ALTER DATABASE %s RENAME TO %s;\n' "$old" "$new"
  if [[ -n ${3:-} ]]; then mark_text "$2" "$3"; else unmark_text "$2" "$2"; fi
  printf '%s\n' "$REPLY"
}

# Those that bear the mark, newest first; with `false`: those that are only named so.
kept_of() { # <database> <before | undone | restoring> [true | false]
  local begin mark
  short_name "$1"
  sql_text "${REPLY}_$2_" && begin=$REPLY
  mark_of "$1" && mark=$REPLY
  ask postgres "SELECT datname FROM pg_database WHERE starts_with(datname, $begin) AND substr(datname, length($begin) + 1) ~ '^[0-9]{8}_[0-9]{6}\$'
    AND (right(E'\n' || coalesce(shobj_description(oid, 'pg_database'), ''), length($mark) + 1) = E'\n' || $mark) = ${3:-true} ORDER BY datname DESC"
}

warn_of_leftovers() { # <database>
  local left
  left=$(kept_of "$1" restoring | paste -sd ' ')
  if [[ -n $left ]]; then say WARN "$left: left by a restore of '$1' that was killed, or that goes on; --accept drops it"; fi
}

# All databases of the source in one transaction. Said twice it must not go back to an older state.
undo_databases() {
  local name before undone
  if [[ -z $work ]]; then make_work "$staging"; fi
  for name in "${databases[@]}"; do
    before=$(kept_of "$name" before | sed -n 1p)
    [[ -n $before ]] || die 6 "there is no restore of '$name' to undo; nothing was changed" "what --undo needs is named ${name}_before_<time> and says in its comment whose it is"
    undone=$(kept_of "$name" undone | sed -n 1p)
    [[ ${undone##*_undone_} < ${before##*_before_} ]] || die 6 "the last restore of '$name' was undone already; nothing was changed" \
      "of an older one there is '$before': --accept drops it"
    log "$("$is_dry" && printf 'would exchange' || printf 'exchanging') '$name' with '$before'"
    take_back "$name" "$before" >>"$work/undo"
  done
  if "$is_dry"; then return; fi
  rename_all "$work/undo" 'the exchange of the names'
  log "${databases[*]}: as before; what was restored is kept: --accept"
}

take_back() { # <database> <what it was before, or nothing>: statements on standard output
  if database_exists "$1"; then
    check_free "$1" "${phase:+10}"
    fresh_name "$1" undone
    exchange_text "$1" "$REPLY" "$1"
  fi
  if [[ -n $2 ]]; then exchange_text "$2" "$1"; fi
}

# Exactly what install_prepared did with this $work, if it did: names tell, for it is one transaction.
take_back_prepared() {
  local fresh name old before rest
  : >"$work/undo"
  while IFS=$'\t' read -r fresh name old before rest; do
    if database_exists "$fresh" || { "$old" && ! database_exists "$before"; }; then continue; fi # not exchanged, or taken back already
    if "$old"; then take_back "$name" "$before"; else take_back "$name" ''; fi
    log "database '$name' is $("$old" && printf 'what it was before' || printf 'gone again'); what was restored is kept: --accept"
  done <"$work/prepared" >>"$work/undo"
  if [[ -s $work/undo ]]; then rename_all "$work/undo" 'the exchange of the names'; fi
  discard_prepared
}

accept_databases() {
  local name what kept
  for name in "${databases[@]}"; do
    for what in before undone restoring; do
      while IFS= read -r kept; do
        log "$("$is_dry" && printf 'would drop' || printf 'dropping') '$kept'"
        if "$is_dry"; then continue; fi
        sql_name "$kept"
        ask postgres "DROP DATABASE $REPLY" >/dev/null </dev/null || die 10 "it could not be dropped" "is somebody connected to it?"
      done < <(kept_of "$name" "$what")
      while IFS= read -r kept; do
        say WARN "'$kept' is not dropped: its comment does not say that it was kept for '$name'"
      done < <(kept_of "$name" "$what" false)
    done
  done
}
