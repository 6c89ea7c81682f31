# shellcheck shell=bash
# lib/pg_undo.sh - what a restore kept beside the live database: exchanged back, or dropped; and single tables.

newest_before() { # <database> <what>: in $REPLY
  sql_text "${1:0:36}_${2}_"
  REPLY=$(ask postgres "SELECT datname FROM pg_database WHERE starts_with(datname, $REPLY) ORDER BY datname DESC LIMIT 1")
}

undo_database() { # <database>
  local before old=false
  newest_before "$1" before
  before=$REPLY
  [[ -n $before ]] || die 6 "there is no restore of '$1' to undo" "databases named ${1}_before_<time> are what --undo needs"
  if database_exists "$1"; then old=true; fi
  if "$is_dry"; then
    log "would exchange '$1' with '$before'"
    return
  fi
  local text='' name target
  stamp
  name=${1:0:36}_undone_$REPLY
  if "$old"; then
    check_free "$1"
    sql_name "$name" && text=$REPLY
  fi
  sql_name "$1" && target=$REPLY
  if "$old"; then text="ALTER DATABASE $target RENAME TO $text; "; fi
  sql_name "$before"
  rename_all "${text}ALTER DATABASE $REPLY RENAME TO $target;"
  log "database '$1' is what it was before; the restored one is kept: --accept"
}

accept_database() { # <database>
  local what
  for what in before undone; do
    while newest_before "$1" "$what" && [[ -n $REPLY ]]; do
      log "dropping '$REPLY'"
      if "$is_dry"; then break; fi
      sql_name "$REPLY"
      ask postgres "DROP DATABASE $REPLY" >/dev/null || die 10 "it could not be dropped" "is somebody connected to it?"
    done
  done
}

# Tables into the database that is there: all of them or none, in one transaction.
restore_tables() { # <database>
  local args=() table there
  database_exists "$1" || die 6 "there is no database '$1' to restore a table into; nothing was changed" "restore it whole, or say --to-file"
  list_tables "$dump" >"$work/list"
  for table in "${tables[@]}"; do
    sql_text "$table"
    there=$(ask "$1" "SELECT string_agg(c.oid::regclass::text, ', ') FROM pg_class c WHERE c.relname = $REPLY AND c.relkind IN ('r', 'p')")
    if [[ -n $there ]] && ! "$cleans"; then
      die 10 "database '$1' has a table '$there' already; nothing was changed" "--clean replaces it; or restore the database with --into NAME and copy rows"
    fi
  done
  if "$is_dry"; then
    log "would restore ${tables[*]} into '$1'"
    return
  fi
  if "$cleans"; then args+=(--clean --if-exists); fi
  if "$without_owners"; then args+=(--no-owner --no-privileges); fi
  dump_sql "$dump" --use-list="$work/list" "${args[@]}" | psql_in "$1" --single-transaction >/dev/null ||
    die 8 "the tables could not be restored, and the database is as it was" "what failed is above; what refers to a table keeps it from being replaced"
  check_rows_of "$1" "$dump" --use-list="$work/list"
}
