# shellcheck shell=bash
# lib/pg_dump.sh - the dumps of a snapshot, and what they say: entries of their table of contents, owners, extensions, rows.

# The dumps as files, the wanted ones in $dumps: those of the configuration, or the one of --database.
fetch_dumps() {
  local name file wanted=() lost=()
  if [[ -z $work ]]; then make_work "$staging"; fi
  on_exit discard_prepared
  if "$is_scratch" && [[ -z $snapshot && -n ${HOLDFAST_RESTORED:-} ]]; then # of a drill, which has them already
    id=${HOLDFAST_SNAPSHOT:-given}
    if [[ $HOLDFAST_RESTORED != *.dump ]]; then exit 0; fi # globals.sql is used with the dumps beside it
    dumps=("$HOLDFAST_RESTORED") globals_file=${HOLDFAST_RESTORED%/*}/globals.sql
  else
    fetch_source "${snapshot:-latest:$source}" "$source"
    globals_file=$work/$source/globals.sql
    databases_of_source
    for name in "${databases[@]}"; do
      wanted+=("$name.dump")
      if [[ -f $work/$source/$name.dump ]]; then dumps+=("$work/$source/$name.dump"); else lost+=("$name"); fi
    done
    ((${#lost[@]} == 0)) || die 6 "snapshot $id has no dump of database '${lost[*]}' in source '$source'; nothing was changed" \
      "catalog show $id lists what it has; --database NAME restores one of them"
    while [[ -z $database ]] && IFS= read -r file; do
      if [[ " ${wanted[*]} " != *" $file "* ]]; then say WARN "snapshot $id has a '$file' too, which the configuration does not name: it is left out"; fi
    done < <(find "$work/$source" -maxdepth 1 -name '*.dump' -printf '%f\n')
  fi
  if [[ -n $into || -n $to_file ]] || ((${#tables[@]} > 0)); then
    ((${#dumps[@]} == 1)) || die 2 "snapshot $id has ${#dumps[@]} databases of this source" "say which: --database NAME"
  fi
  as_of=$(catalog show "$id" --json "${flags[@]}" 2>/dev/null | jq -r '"\u0027" + .started_utc + "\u0027"') || as_of="'now'"
}

databases_of_source() { # in $databases
  databases=("$database")
  if [[ -z $database ]]; then mapfile -t databases < <(source_get '.database[]'); fi
}

# pg_restore that writes SQL of a dump to standard output: needs no server.
dump_sql() { # <dump> [argument]...
  pg_restore --file=- "${@:2}" -- "$1"
}

# Who the dump speaks of: owners and those who are granted something, one per line.
dump_roles() { # <dump>
  local name='("([^"]|"")+"|[^ ;"]+)'
  dump_sql "$1" --create --schema-only | sql_statements | sed -nE "
    /^CREATE POLICY /{
      s/ (USING|WITH CHECK) \(.*//
      / TO /!d
      s/.* TO //
      s/, /\n/g
      p
      d
    }
    h
    s/^ALTER .* OWNER TO $name\$/\1/p
    g
    s/^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) .* (TO|FROM) $name( WITH GRANT OPTION)?\$/\3/p
    g
    s/^ALTER DEFAULT PRIVILEGES FOR ROLE $name .*/\1/p
    s/^SET SESSION AUTHORIZATION $name\$/\1/p
    s/^ALTER ROLE $name IN DATABASE .*/\1/p
    s/^CREATE USER MAPPING FOR $name .*/\1/p" |
    sed -E '/^(PUBLIC|CURRENT_USER|SESSION_USER)$/d; s/^"(.*)"$/\1/; s/""/"/g' | sort -u
}

dump_extensions() { # <dump>: its entries of catalog pg_extension
  pg_restore --list -- "$1" | sed -nE 's/^[0-9]+; 3079 [0-9]+ EXTENSION - (.*) $/\1/p' | sort -u
}

# What the dump says of the database itself: owner, settings, comment and grants. Chosen by entry: texts of others are not looked at.
database_text() { # <dump>: statements as of sql_statements
  local args=(--create)
  if "$without_owners"; then args+=(--no-owner --no-privileges); fi
  pg_restore --create --list -- "$1" | sed -nE '/^[0-9]+; 0 0 (ACL|COMMENT|SECURITY LABEL) - DATABASE /p' >"$work/database.list"
  dump_sql "$1" "${args[@]}" --use-list="$work/database.list" | sql_statements
}

# Tables and how many rows of each the dump has: "rows<tab>table", the name as SQL. Only entries with rows are written out.
dump_rows() { # <dump> [file that lists the entries]
  if [[ -n ${2:-} ]]; then cat -- "$2"; else pg_restore --list -- "$1"; fi | sed -nE '/^[0-9]+; 0 [0-9]+ TABLE DATA /p' >"$work/rows.list"
  dump_sql "$1" --data-only --use-list="$work/rows.list" | awk '
    inside && $0 == "\\." { print n "\t" name; inside = 0; next }
    inside { n++; next }
    match($0, /^COPY ("([^"]|"")*"|[a-z0-9_]+)\.("([^"]|"")*"|[a-z0-9_]+) /) { name = substr($0, 6, RLENGTH - 6); n = 0; inside = 1 }' | sort -k 2
}

# The same of a database, for the tables that are asked for on standard input.
database_rows() { # <database>
  local rows table text='SET search_path = pg_catalog;'
  while IFS=$'\t' read -r rows table; do
    sql_text "$table"
    text+=" SELECT (SELECT count(*) FROM ONLY $table) || E'\\t' || $REPLY;"
  done
  ask "$1" "$text" | sort -k 2
}

roles_there() {
  ask postgres 'SELECT rolname FROM pg_roles' | sort
}

missing_roles() { # <dump>: those that the server lacks
  comm -23 <(dump_roles "$1") <(roles_there)
}

missing_extensions() { # <dump>
  comm -23 <(dump_extensions "$1") <(ask postgres 'SELECT name FROM pg_available_extensions' | sort)
}
