# shellcheck shell=bash
# lib/pg.sh - talks to the PostgreSQL server of a source, by its own clients, and asks what a dump needs of it.

pg_link='' # a connection string without a database

pg_quote() { # <value>: for a connection string, in $REPLY
  REPLY=${1//\\/\\\\}
  REPLY="'${REPLY//\'/\\\'}'"
}

pg_use_source() { # after choose_source
  local key name value
  pg_link='connect_timeout=10'
  for key in service:service host:host port:port user:user password_file:passfile; do
    value=$(source_get ".${key%:*}")
    if [[ -n $value ]]; then
      pg_quote "$value"
      name=${key#*:}
      pg_link+=" $name=$REPLY"
    fi
  done
  value=$(source_get .service_file)
  if [[ -n $value ]]; then export PGSERVICEFILE=$value; fi
}

pg_use_private() { # <folder of its socket> <port> <user>: a server of ours, see lib/pg_private.sh
  via=() pg_link="host=$1 port=$2 user=$3 connect_timeout=10"
}

pg_to() { # <database>: the connection string, in $REPLY
  pg_quote "$1"
  REPLY="$pg_link dbname=$REPLY"
}

psql_in() { # <database> [argument]...: bare rows on standard output; the statements on standard input
  pg_to "$1"
  "${via[@]}" psql --no-password --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname="$REPLY" "${@:2}"
}

ask() { # <database> <statement>: the answer, fields apart by |
  psql_in "$1" <<<"$2"
}

sql_text() { # <value>: as a literal, in $REPLY
  REPLY="'${1//\'/\'\'}'"
}

sql_name() { # <name>: in $REPLY
  REPLY="\"${1//\"/\"\"}\""
}

# pg_restore that writes SQL of a dump to standard output: needs no server.
dump_sql() { # <dump> [argument]...
  pg_restore --file=- "${@:2}" -- "$1"
}

# The entries of a dump that make ${tables[@]} with their rows, keys, indexes, triggers and sequences, for --use-list.
list_tables() { # <dump>
  local table more
  for table in "${tables[@]}"; do
    more=$(dump_sql "$1" --schema-only | awk -v table="$table" '
      function bare(name) { sub(/^[^.]*\./, "", name); gsub(/"/, "", name); return name }
      /^CREATE (UNIQUE )?INDEX / { at = $2 == "UNIQUE" ? 4 : 3; on = $(at + 2) == "ONLY" ? at + 3 : at + 2; if (bare($on) == table) print bare($at) }
      /^ALTER SEQUENCE .* OWNED BY / { owner = $6; sub(/\.[^.]*$/, "", owner); if (bare(owner) == table) print bare($3) }')
    pg_restore --list -- "$1" | awk -v table="$table" -v more="$more" '
      BEGIN { n = split(more, names, "\n"); for (i = 1; i <= n; i++) of[names[i]] = 1 }
      /^;/ { next }
      { rest = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", rest) }
      rest ~ /^(TABLE DATA|TABLE|FK CONSTRAINT|CONSTRAINT|TRIGGER|DEFAULT|COMMENT|ACL|POLICY|ROW SECURITY|RULE) / {
        tag = rest; sub(/^(TABLE DATA|FK CONSTRAINT|ROW SECURITY|[A-Z]+) [^ ]+ /, "", tag); sub(/^(TABLE|COLUMN) /, "", tag)
        if (index(tag " ", table " ") == 1 || index(tag, table ".") == 1) { print; found = 1 }
      }
      rest ~ /^(INDEX|SEQUENCE|SEQUENCE SET|SEQUENCE OWNED BY) / { tag = rest; sub(/^(INDEX|SEQUENCE SET|SEQUENCE OWNED BY|SEQUENCE) [^ ]+ /, "", tag); sub(/ [^ ]+$/, "", tag); if (tag in of) print }
      END { exit !found }' || die 6 "the dump has no table '$table'; nothing was changed" "pg_restore --list shows what it has"
  done
}

# Who the dump speaks of: owners and those who are granted something, one per line.
dump_roles() { # <dump>
  dump_sql "$1" --create --schema-only |
    sed -nE 's/^ALTER .* OWNER TO (.*);$/\1/p; s/^GRANT .* TO (.*);$/\1/p; s/^ALTER DEFAULT PRIVILEGES FOR ROLE ([^ ]+) .*/\1/p' |
    sed -E 's/ WITH GRANT OPTION$//; s/^"(.*)"$/\1/; s/""/"/g' | grep -vix public | sort -u || true
}

dump_extensions() { # <dump>
  dump_sql "$1" --schema-only | sed -nE 's/^CREATE EXTENSION IF NOT EXISTS "?([^" ]+)"? .*/\1/p' | sort -u
}

# Tables and how many rows of each the dump has: "rows<tab>table", the name as SQL.
dump_rows() { # <dump> [argument]...
  dump_sql "$1" --data-only "${@:2}" | awk '
    inside && $0 == "\\." { print n "\t" name; inside = 0; next }
    inside { n++; next }
    /^COPY .* FROM stdin;$/ {
      match($0, /^COPY ("([^"]|"")*"|[^". ]+)\.("([^"]|"")*"|[^". (]+)/)
      name = substr($0, 6, RLENGTH - 5); n = 0; inside = 1
    }' | sort -k 2
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

missing_roles() { # <dump>: those that the server lacks
  comm -23 <(dump_roles "$1") <(ask postgres 'SELECT rolname FROM pg_roles' | sort)
}

missing_extensions() { # <dump>
  comm -23 <(dump_extensions "$1") <(ask postgres 'SELECT name FROM pg_available_extensions' | sort)
}

database_exists() { # <database>
  sql_text "$1"
  [[ $(ask postgres "SELECT 1 FROM pg_database WHERE datname = $REPLY") == 1 ]]
}
