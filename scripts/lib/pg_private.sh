# shellcheck shell=bash
# lib/pg_private.sh - a PostgreSQL server of our own: on a unix socket in a private folder, seen by nobody else, gone at the end.

pg_home='' # its folder; result of make_pg_home
pg_bin=''  # of the server programs; result of find_pg_bin
as_server=()

# Of the wanted major version, else of the newest there is.
find_pg_bin() { # [major version]
  local dir
  pg_bin=''
  while IFS= read -r dir; do
    if [[ -x $dir/initdb ]]; then pg_bin=$dir; fi
  done < <(printf '%s\n' /usr/lib/postgresql/"${1:-*}"/bin /usr/pgsql-"${1:-*}"/bin /usr/local/pgsql/bin | sort -V)
  if [[ -z $pg_bin ]] && command -v initdb >/dev/null; then pg_bin=$(dirname -- "$(command -v initdb)"); fi
  [[ -n $pg_bin ]] || die 3 "the programs of the PostgreSQL server${1:+ $1} are not installed here" "apt-get install postgresql${1:+-$1}"
}

# A server refuses to run as root: then it is user postgres, or nobody. A socket's path has to be short.
make_pg_home() { # [folder below which it is made]
  local user=nobody
  pg_home=$(mktemp -d -- "${1:-/tmp}/hf-pg.XXXXXX") || die 8 "cannot make a folder in '${1:-/tmp}'" "say --staging DIR"
  on_exit remove_pg_home "$pg_home"
  shorten_pg_home
  if ((EUID != 0)); then return; fi
  if id postgres >/dev/null 2>&1; then user=postgres; fi
  need setpriv
  as_server=(setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups)
  chown "$user" "$pg_home"
}

# Its socket's name has to fit into 107 bytes, so a long path gets another one.
shorten_pg_home() {
  local home=$pg_home
  if ((${#home} <= 80)); then return; fi
  pg_home=$(mktemp -u /tmp/hf-pg.XXXXXX)
  ln -s -- "$home" "$pg_home" || die 8 "cannot make a link in /tmp" "say --staging DIR with a short path"
}

init_private() {
  (cd / && "${as_server[@]}" "$pg_bin/initdb" --pgdata="$pg_home/data" --username=holdfast --auth=trust --encoding=UTF8 \
    --locale=C --no-sync) >"$pg_home.log" 2>&1 || die_of_log "a scratch server could not be made"
}

die_of_log() { # <message>
  local line
  while IFS= read -r line; do say ERROR "server: $line"; done < <(tail -n 6 -- "$pg_home.log" 2>/dev/null)
  die 8 "$1" "what its log says is above"
}

# Nobody but us can reach it: no port, and a folder that is closed to others.
start_private() { # <data folder> [argument]...
  (cd / && exec "${as_server[@]}" "$pg_bin/postgres" -D "$1" -c listen_addresses='' -c unix_socket_directories="$pg_home" -c port=5432 \
    -c fsync=off -c full_page_writes=off -c archive_mode=off -c ssl=off -c logging_collector=off -c log_destination=stderr \
    -c log_min_messages=log -c lc_messages=C -c shared_buffers=32MB -c hba_file="$pg_home/hba.conf" "${@:2}") >>"$pg_home.log" 2>&1 &
  private_pid=$!
}

private_pid=''

private_is_up() { # <user> [database]
  psql "host=$pg_home port=5432 user=$1 dbname=${2:-postgres} connect_timeout=5" -XqAtc 'SELECT 1' >/dev/null 2>&1
}

wait_private() { # <user> <seconds> <message>
  local begin=$SECONDS
  until private_is_up "$1"; do
    kill -0 "$private_pid" 2>/dev/null || die_of_log "$3"
    if ((SECONDS - begin > $2)); then die_of_log "$3 within $2 s"; fi
    sleep 0.2
  done
}

allow_private() { # nobody else can enter the folder
  printf 'local all all trust\n' >"$pg_home/hba.conf"
  chmod 644 "$pg_home/hba.conf"
}

stop_private() {
  if [[ -z $private_pid ]]; then return 0; fi
  kill -INT "$private_pid" 2>/dev/null || true
  wait "$private_pid" 2>/dev/null || true
  private_pid=''
}

remove_pg_home() { # <folder>
  stop_private
  rm -rf -- "${pg_home:?}" "$pg_home.log" "${1:?}"
}
