# shellcheck shell=bash
# lib/pg_tables.sh - single tables out of a dump: all that makes them, into the database that is there, all of them or none.

# Tables of a dump: "entry<tab>name as SQL<tab>schema<tab>table". An entry's line joins names by blanks, so it cannot be taken apart;
# each of these entries makes one table, in the same order.
name_tables() { # <dump>
  pg_restore --list -- "$1" | sed -nE '/^[0-9]+; 1259 [0-9]+ TABLE /p' >"$work/tables.list"
  if [[ ! -s $work/tables.list ]]; then return 0; fi # an empty list would choose all
  dump_sql "$1" --schema-only --no-owner --use-list="$work/tables.list" | sql_statements | awk -v list="$work/tables.list" '
    function bare(name) { if (name ~ /^"/) { name = substr(name, 2, length(name) - 2); gsub(/""/, "\"", name) } return name }
    sub(/^CREATE (UNLOGGED )?TABLE /, "") {
      match($0, /^("([^"]|"")*"|[^". ]+)\./)
      schema = substr($0, 1, RLENGTH - 1)
      $0 = substr($0, RLENGTH + 1)
      match($0, /^("([^"]|"")*"|[^". ]+)/)
      table = substr($0, 1, RLENGTH)
      getline line <list
      sub(/;.*/, "", line)
      if (schema table !~ /[\t\037]/) print line "\t" schema "." table "\t" bare(schema) "\t" bare(table)
    }'
}

# The wanted tables with their partitions, as name_tables has them: $work/tables.chosen.
choose_tables() { # <dump>
  local table found
  name_tables "$1" >"$work/tables.all"
  : >"$work/tables.wanted"
  for table in "${tables[@]}"; do
    found=$(table=$table awk -F '\t' 'BEGIN { want = ENVIRON["table"] } $2 == want || $4 == want || $3 "." $4 == want' "$work/tables.all")
    [[ -n $found ]] || die 6 "the dump has no table '$table'; nothing was changed" "pg_restore --list shows what it has"
    [[ $found != *$'\n'* ]] || die 2 "'$table' may be $(cut -f 2 <<<"$found" | paste -sd ' ' | sed 's/ / or /g'); nothing was changed" "say which, with its schema"
    printf '%s\n' "$found" >>"$work/tables.wanted"
  done
}

# The entries that make the chosen tables with their rows, keys, indexes, triggers and sequences, for --use-list. What belongs to a
# table depends on it; so do views and the keys of others, which stay out by their kind and their name.
list_tables() { # <dump>: writes $work/list and, for each table that is made, a line in $work/tables.made
  choose_tables "$1"
  pg_restore --list --verbose -- "$1" | awk -v all="$work/tables.all" -v wanted="$work/tables.wanted" -v made="$work/tables.made" '
    function owner_of(e,   i, t, best, length_of) { # the table that the name of an entry begins with
      best = ""; length_of = 0
      for (i = 1; i <= needs[e]; i++) {
        t = need[e, i]
        if (t in prefix && index(rest[e], kind[e] " " prefix[t]) == 1 && length(prefix[t]) > length_of) { best = t; length_of = length(prefix[t]) }
      }
      return best
    }
    function needs_taken(e,   i) { for (i = 1; i <= needs[e]; i++) if (need[e, i] in taken) return 1; return 0 }
    BEGIN {
      while ((getline line <all) > 0) { split(line, f, "\t"); prefix[f[1]] = f[3] " " f[4] " "; row[f[1]] = line }
      while ((getline line <wanted) > 0) { split(line, f, "\t"); taken[f[1]] = 1 }
      kinds = "TABLE DATA|TABLE ATTACH|TABLE|FK CONSTRAINT|CHECK CONSTRAINT|CONSTRAINT|TRIGGER|DEFAULT|POLICY|RULE|INDEX ATTACH|INDEX|STATISTICS|ROW SECURITY"
      kinds = "^(" kinds "|SEQUENCE SET|SEQUENCE OWNED BY|SEQUENCE|COMMENT|ACL|SECURITY LABEL) "
    }
    /^;\tdepends on: / && e { n = split(substr($0, 14), ids, " "); for (i = 1; i <= n; i++) need[e, ++needs[e]] = ids[i]; next }
    /^;/ { next }
    {
      e = $1; sub(/;/, "", e)
      order[++count] = e; text[e] = $0
      rest[e] = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", rest[e])
      kind[e] = match(rest[e], kinds) ? substr(rest[e], 1, RLENGTH - 1) : ""
      if ($2 == 1259 && kind[e] ~ /^TABLE/) kind[e] = "TABLE" # of a schema that is named DATA
    }
    END {
      do { # partitions of partitions too
        more = 0
        for (i = 1; i <= count; i++) {
          e = order[i]
          if (kind[e] != "TABLE ATTACH" || !(child = owner_of(e))) continue
          for (j = 1; j <= needs[e]; j++) if (need[e, j] != child && need[e, j] in row) parent[child] = need[e, j]
          if (parent[child] in taken && !(child in taken)) { taken[child] = 1; more = 1 }
        }
      } while (more)
      for (e in taken) print row[e] "\t" (e in parent && !(parent[e] in taken) ? row[parent[e]] : "") >made
      do { # sequences before what is said of them
        more = 0
        for (i = 1; i <= count; i++) {
          e = order[i]
          if (e in taken) continue
          if (kind[e] ~ /^(FK CONSTRAINT|CHECK CONSTRAINT|CONSTRAINT|TRIGGER|DEFAULT|POLICY|RULE|TABLE ATTACH)$/) yes = owner_of(e) in taken
          else if (kind[e] == "INDEX ATTACH") { yes = 1; for (j = 1; j <= needs[e]; j++) if (need[e, j] in row && !(need[e, j] in taken)) yes = 0 }
          else yes = kind[e] ~ /^(TABLE DATA|INDEX|STATISTICS|ROW SECURITY|SEQUENCE|SEQUENCE SET|SEQUENCE OWNED BY|COMMENT|ACL|SECURITY LABEL)$/ && needs_taken(e)
          if (yes) { taken[e] = 1; more = 1 }
        }
      } while (more)
      for (i = 1; i <= count; i++) if (order[i] in taken && !is_late(order[i])) print text[order[i]]
      # A partition of a table that is there is attached when it has its indexes, which are then taken for those that it needs.
      for (i = 1; i <= count; i++) if (order[i] in taken && is_late(order[i])) print text[order[i]]
    }
    function is_late(e) { return kind[e] == "TABLE ATTACH" && !(parent[owner_of(e)] in taken) }' >"$work/list"
  grep -qE '^[0-9]+; 0 [0-9]+ TABLE DATA ' "$work/list" || die 6 "the dump has no rows of ${tables[*]}; nothing was changed" "catalog lists older snapshots"
}

# What is in the way in the live database; $work/drop gets the statements that take away what is replaced.
check_tables() { # <database>
  local name parent rest there drop=''
  while IFS=$'\t' read -r _ name _ _ _ parent rest; do
    sql_text "$name"
    there=$(ask "$1" "SELECT relkind FROM pg_class WHERE oid = to_regclass($REPLY)")
    if [[ -n $there ]] && ! "$cleans"; then
      die 10 "database '$1' has a table '$name' already; nothing was changed" "--clean replaces it; or restore the database with --into NAME and copy rows"
    fi
    if [[ -n $there ]]; then drop+="${drop:+, }$name"; fi
    if [[ -n $parent ]]; then
      sql_text "$parent"
      [[ $(ask "$1" "SELECT relkind FROM pg_class WHERE oid = to_regclass($REPLY)") == p ]] ||
        die 10 "'$name' is a partition of $parent, which database '$1' does not have; nothing was changed" "restore that one: --table '$parent'"
    fi
  done <"$work/tables.made"
  printf '%s\n' "${drop:+DROP TABLE $drop;}" >"$work/drop"
  check_partitions "$1"
}

# With a table its partitions are dropped, also those that the dump does not know.
check_partitions() { # <database>
  local name rest names='' more
  while IFS=$'\t' read -r _ name rest; do
    sql_text "$name"
    names+="${names:+, }to_regclass($REPLY)"
  done <"$work/tables.made"
  more=$(ask "$1" "WITH RECURSIVE t(oid) AS (SELECT unnest(ARRAY[$names]) UNION SELECT inhrelid FROM pg_inherits JOIN t ON inhparent = t.oid)
    SELECT string_agg(oid::regclass::text, ', ') FROM t WHERE oid IS NOT NULL AND oid <> ALL (array_remove(ARRAY[$names]::regclass[], NULL))")
  [[ -z $more ]] || die 10 "database '$1' has partitions that the dump does not have, and they would be lost: $more; nothing was changed" \
    "restore the database with --into NAME and copy rows; or one partition with --table"
}

# That the rows are those of the dump, as SQL that fails otherwise: asked before others can write.
rows_text() { # <dump>
  local rows table
  dump_rows "$1" "$work/list" >"$work/rows.dump"
  while IFS=$'\t' read -r rows table; do
    sql_text "$table does not have the $rows rows of the dump"
    printf "SELECT (CASE WHEN (SELECT count(*) FROM ONLY %s) = %s THEN '1' ELSE %s END)::int;\n" "$table" "$rows" "$REPLY"
  done <"$work/rows.dump"
}

restore_tables() { # <database>
  local args=()
  database_exists "$1" || die 6 "there is no database '$1' to restore a table into; nothing was changed" "restore it whole, or say --to-file"
  list_tables "$dump"
  check_tables "$1"
  if "$is_dry"; then
    log "would restore $(cut -f 2 "$work/tables.made" | paste -sd ' ') into '$1'"
    return
  fi
  if "$without_owners"; then args+=(--no-owner --no-privileges); fi
  cp -- "$work/drop" "$work/tables.sql"
  dump_sql "$dump" --use-list="$work/list" "${args[@]}" >>"$work/tables.sql" || die 8 "the tables could not be read out of the dump; nothing was changed" "what failed is above"
  rows_text "$dump" >>"$work/tables.sql"
  if ! run_whole "$1" "$work/tables.sql" 'the restore of the tables'; then
    if grep -q 'rows of the dump' "$work/tables.sql.errors"; then die 5 "the restored tables do not have the rows of the dump; the database is as it was" "is there a trigger or rule?"; fi
    die 8 "the tables could not be restored, and the database is as it was" "what failed is above; what refers to a table keeps it from being replaced"
  fi
  log "rows as in the dump: $(awk '{ n += $1 } END { print n + 0 }' "$work/rows.dump") in $(wc -l <"$work/rows.dump") tables"
}
