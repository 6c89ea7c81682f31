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
  if "$makes_roles"; then make_globals; fi
  if "$without_owners"; then return 0; fi
  roles=$(missing_roles "$1" | paste -sd ' ')
  [[ -z $roles ]] || die 3 "the server lacks roles that the dump speaks of: $roles; nothing was changed" \
    "--globals makes them from globals.sql of the snapshot, or --no-owner restores without owners and grants"
}

# The statements of globals.sql that make what is missing: roles that the dump needs, those that they are members of, and
# tablespaces. What is there stays as it is: its password, rights and settings may be newer.
globals_text() { # <globals.sql>; $work has roles.missing, roles.there and tablespaces.there
  sql_statements <"$1" | awk -v missing="$work/roles.missing" -v there="$work/roles.there" -v spaces="$work/tablespaces.there" '
    function name_at(head,   s) {
      s = substr($0, length(head) + 1)
      if (match(s, /^"([^"]|"")*"/)) { s = substr(s, 2, RLENGTH - 2); gsub(/""/, "\"", s); return s }
      match(s, /^[^ ;]+/)
      return substr(s, 1, RLENGTH)
    }
    BEGIN {
      while ((getline name <missing) > 0) wanted[name] = 1
      while ((getline name <there) > 0) has[name] = 1
      while ((getline name <spaces) > 0) has_space[name] = 1
    }
    match($0, /^(CREATE ROLE|ALTER ROLE|COMMENT ON ROLE|SECURITY LABEL FOR [^ ]+ ON ROLE) /) { role[NR] = name_at(substr($0, 1, RLENGTH)) }
    match($0, /^GRANT ("([^"]|"")*"|[^ "]+) TO /) { role[NR] = name_at(substr($0, 1, RLENGTH)); group[NR] = name_at("GRANT ") }
    match($0, /^(CREATE|ALTER|COMMENT ON) TABLESPACE /) { space[NR] = name_at(substr($0, 1, RLENGTH)) }
    match($0, /^(GRANT|REVOKE) [A-Z]+ ON TABLESPACE /) { space[NR] = name_at(substr($0, 1, RLENGTH)) }
    { text[NR] = $0 }
    END {
      do {
        more = 0
        for (i in group) if (role[i] in wanted && !(group[i] in wanted) && !(group[i] in has)) more = wanted[group[i]] = 1
      } while (more)
      for (i = 1; i <= NR; i++) if ((i in role && role[i] in wanted) || (i in space && !(space[i] in has_space))) print text[i] ";"
    }' | tr '\037' '\n'
}

make_globals() {
  local line
  [[ -f $globals_file ]] || die 6 "snapshot $id has no globals.sql for this source" "--no-owner restores without owners and grants"
  missing_roles "$dump" >"$work/roles.missing"
  roles_there >"$work/roles.there"
  ask postgres 'SELECT spcname FROM pg_tablespace' >"$work/tablespaces.there"
  globals_text "$globals_file" >"$work/globals"
  psql_in postgres --set ON_ERROR_STOP=0 <"$work/globals" >/dev/null 2>"$work/globals.log" || true
  while IFS= read -r line; do say WARN "globals: $line"; done < <(grep -a ERROR "$work/globals.log")
  if [[ -s $work/roles.missing ]]; then log "roles made: $(paste -sd ' ' "$work/roles.missing")"; fi
}

# Tables and rows are those of the dump.
check_rows_of() { # <database> <dump>
  local rows tables
  dump_rows "$2" >"$work/rows.dump"
  database_rows "$1" <"$work/rows.dump" >"$work/rows.database" || die 8 "the tables of '$1' cannot all be read" "what is wrong is said above"
  if ! cmp -s "$work/rows.dump" "$work/rows.database"; then
    diff "$work/rows.dump" "$work/rows.database" | sed -n '/^[<>]/p' | sed -n '1,5p' >&2 || true # diff ends with 1
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
