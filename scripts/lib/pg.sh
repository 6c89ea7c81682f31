# shellcheck shell=bash
# lib/pg.sh - talks to the PostgreSQL server of a source, by its own clients.

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

database_exists() { # <database>
  sql_text "$1"
  [[ $(ask postgres "SELECT 1 FROM pg_database WHERE datname = $REPLY") == 1 ]]
}

# Statements of pg_dump, pg_restore and pg_dumpall, one per line, without comments and without what only psql understands.
# A line end inside of one is \037: names and texts of anybody may have line ends, so no line of such SQL means anything by itself.
sql_statements() {
  awk '
    function finish() { gsub(/^[\037 ]+/, "", text); if (text != "") print text; text = "" }
    quote == "" && /^\\/ { next }
    {
      for (line = $0; line != "";) {
        if (quote != "") {
          end = index(line, quote)
          if (!end) { text = text line; break }
          end += length(quote) - 1
          quote = ""
        } else if (match(line, /[\047"$;]|--/)) {
          text = text substr(line, 1, RSTART - 1)
          line = substr(line, RSTART)
          if (line ~ /^--/) break
          if (line ~ /^;/) { finish(); line = substr(line, 2); continue }
          end = 1
          if (line !~ /^\$/) quote = substr(line, 1, 1)
          else if (match(line, /^\$[A-Za-z_0-9]*\$/)) { quote = substr(line, 1, RLENGTH); end = RLENGTH }
        } else { text = text line; break }
        text = text substr(line, 1, end)
        line = substr(line, end + 1)
      }
      text = text "\037"
    }
    END { finish() }'
}

# All of a file of SQL or nothing. A client that is cut off sends no COMMIT; one that does not hear the answer asks again.
run_whole() { # <database> <file of SQL> [what it is about]: fails if nothing was done
  local number status='' begin=$SECONDS
  psql_in "$1" < <(printf 'BEGIN;\nSELECT txid_current();\n' && cat -- "$2" && printf '\n;COMMIT;\nSELECT $$done$$;\n') >"$2.answer" 2>"$2.errors" || true
  if [[ $(sed -n '$p' -- "$2.answer") == 'done' ]]; then return 0; fi # the end of its input is no error to psql
  cat -- "$2.errors" >&2
  number=$(sed -n '1p' -- "$2.answer")
  if [[ ! $number =~ ^[0-9]+$ ]]; then return 1; fi
  while status=$(ask "$1" "SELECT txid_status($number)") && [[ $status == 'in progress' ]] && ((SECONDS - begin < 60)); do sleep 0.5; done
  case $status in
    committed) say WARN "the answer of the server was lost, but ${3:-it} was done" ;;
    aborted) return 1 ;;
    *) die 8 "whether ${3:-it} was done is not known: the server does not say" "look at the server before anything else is tried" ;;
  esac
}
