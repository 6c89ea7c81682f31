# shellcheck shell=bash
# lib/pg_checks.sh - what stands in the way of a restore, said before anything is made; and the proofs of a restored database.

# Roles and extensions that the dump needs and the server lacks; ends the script if there are any.
check_needs() { # <dump>
  local roles extensions
  extensions=$(missing_extensions "$1" | paste -sd ' ')
  if [[ -n $extensions ]]; then
    die 3 "the server lacks extensions that the dump needs: $extensions; nothing was changed" \
      "install the packages that have them (Debian: postgresql-contrib, postgresql-NN-NAME) and run it again"
  fi
  roles=$(missing_roles "$1" | paste -sd ' ')
  if [[ -z $roles ]] || "$without_owners"; then return 0; fi
  if "$makes_roles"; then
    make_roles "$roles"
  else
    die 3 "the server lacks roles that the dump speaks of: $roles; nothing was changed" \
      "--globals makes them from globals.sql of the snapshot, or --no-owner restores without owners and grants"
  fi
}

# globals.sql makes what is missing; what is there already stays as it is.
make_roles() { # <roles in one line>
  local left
  [[ -f $globals_file ]] || die 6 "snapshot $id has no globals.sql for this source" "--no-owner restores without owners and grants"
  psql_in postgres --set ON_ERROR_STOP=0 <"$globals_file" >/dev/null 2>"$work/globals.log" || true
  left=$(missing_roles "$dump" | paste -sd ' ')
  [[ -z $left ]] || die 3 "roles that are missing could not be made: $left; no database was changed" "$(tail -n 1 "$work/globals.log")"
  log "roles made: $1"
}

# Tables and rows are those of the dump.
check_rows_of() { # <database> <dump> [argument for pg_restore]...
  local rows tables
  dump_rows "$2" "${@:3}" >"$work/rows.dump"
  database_rows "$1" <"$work/rows.dump" >"$work/rows.database" || die 8 "the tables of '$1' cannot all be read" "what is wrong is said above"
  if ! cmp -s "$work/rows.dump" "$work/rows.database"; then
    diff "$work/rows.dump" "$work/rows.database" | sed -n 's/^[<>]/&/p' | head -n 5 >&2
    die 5 "the restored database does not have the rows of the dump (< dump, > database)" "the live database was not touched"
  fi
  tables=$(wc -l <"$work/rows.dump")
  rows=$(awk '{ n += $1 } END { print n + 0 }' "$work/rows.dump")
  log "rows as in the dump: $rows in $tables tables"
}

# The [[source.check]] tables with sql: the first column of the first row, or how old it is.
check_queries() { # <database>
  local check name query expect max_age answer failed=0
  while IFS= read -r check; do
    name=$(jq -r .name <<<"$check")
    query=$(jq -r .sql <<<"$check")
    expect=$(jq -r '.expect // empty' <<<"$check")
    max_age=$(jq -r '.max_age_s // empty' <<<"$check")
    if [[ -n $max_age ]]; then # the server knows its own times best
      query=${query%;}
      query="SELECT CASE WHEN extract(epoch FROM timestamptz $as_of - t) <= $max_age THEN 'ok' ELSE 'newest is ' || t END FROM ($query) AS q(t)"
      expect=ok
    fi
    # Only the first row counts; what a query changes is taken back.
    answer=$(printf 'SET TIME ZONE UTC; SET statement_timeout = %s; BEGIN READ ONLY;\n%s;\n' "$(jq '.timeout_s * 1000' <<<"$check")" "${query%;}" |
      psql_in "$1" 2>&1 | head -n 1) || true
    answer=${answer%%|*}
    if [[ $answer == "$expect" ]]; then
      log "check passed: $name"
    else
      say ERROR "check failed: $name: the answer is '${answer:0:200}', expected '$expect'"
      failed=1
    fi
  done < <(jq -c '.check // [] | .[] | select(.sql)' <<<"$source_json")
  return "$failed"
}
