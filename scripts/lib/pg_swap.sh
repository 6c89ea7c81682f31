# shellcheck shell=bash
# lib/pg_swap.sh - makes a database from a dump beside the live one, and exchanges their names when it is proven.

# A server for a drill: nothing outside of it is changed, so roles are simply made.
prepare_scratch() {
  local user
  find_pg_bin
  make_pg_home "$staging"
  allow_private
  init_private
  start_private "$pg_home/data"
  wait_private holdfast 60 "the scratch server did not start"
  pg_use_private "$pg_home" 5432 holdfast
  for dump in "${dumps[@]}"; do
    while IFS= read -r user; do
      sql_name "$user"
      if [[ -n $user ]]; then ask postgres "CREATE ROLE $REPLY" >/dev/null; fi
    done < <(missing_roles "$dump")
  done
  cleans=false
}

# Of a user who may not look at others the server hides what they are, not that they are there.
clients_of() { # <database> <expression>
  sql_text "$1"
  ask postgres "SELECT $2 FROM pg_stat_activity WHERE datname = $REPLY AND usename IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'"
}

# Who is connected, in one line.
connections_of() { # <database>
  clients_of "$1" "string_agg(format('%s of %s (pid %s)', coalesce(nullif(application_name, ''), 'a client'), usename, pid), ', ')"
}

check_free() { # <database> [seconds]: nobody may be connected to what is renamed; who was just stopped needs a moment to be gone
  local who begin=$SECONDS
  who=$(connections_of "$1")
  until [[ -z $who ]] || "$is_forced" || ((SECONDS - begin >= ${2:-0})); do
    sleep 0.2
    who=$(connections_of "$1")
  done
  if [[ -z $who ]]; then return; fi
  "$is_forced" || die 10 "database '$1' is in use: $who; nothing was changed" "stop what uses it, or --force ends these connections"
  if "$is_dry"; then return; fi
  clients_of "$1" 'pg_terminate_backend(pid)' >/dev/null || die 10 "database '$1' is in use: $who; nothing was changed" "this user may not end their connections"
}

drop_quietly() { # <database>
  sql_name "$1"
  ask postgres "DROP DATABASE IF EXISTS $REPLY" >/dev/null 2>&1 || say WARN "'$1' is left in the server: dropdb '$1'"
}

# As the dump says what it was made with, under another name.
create_like() { # <new database> <name that it gets>
  local with mark
  with=$(database_text "$dump" | sed -nE 's/^CREATE DATABASE .* (WITH TEMPLATE = template0.*)$/\1/p')
  if "$is_scratch"; then with=$(sed -E 's/ TABLESPACE = ("([^"]|"")*"|[^ "]+)//' <<<"$with"); fi
  mark_text "$1" "$2"
  mark=$REPLY
  sql_name "$1"
  { ask postgres "CREATE DATABASE $REPLY ${with:-WITH TEMPLATE = template0}" && ask postgres "$mark"; } >/dev/null ||
    die 8 "database '$1' could not be made; nothing was changed" "may this user make databases? what the server says is above"
}

# Owner, settings, comment and grants of the database, which name it: for its own name only.
settle_text() { # <dump>
  database_text "$1" | sed -nE '/^(ALTER|COMMENT|GRANT|REVOKE|SECURITY LABEL|SET SESSION|RESET SESSION) /s/$/;/p' |
    if "$without_owners"; then sed '/^ALTER ROLE /d'; else cat; fi | tr '\037' '\n'
}

load_dump() { # <dump> <database>
  local args=(--no-password --exit-on-error)
  if "$without_owners"; then args+=(--no-owner --no-privileges); fi
  if "$is_scratch"; then args+=(--no-tablespaces); fi
  pg_to "$2"
  if ((${#via[@]} > 0)); then
    "${via[@]}" pg_restore "${args[@]}" --dbname="$REPLY" <"$1"
  else
    pg_restore "${args[@]}" --jobs="$jobs" --dbname="$REPLY" -- "$1"
  fi
}

# Makes and proves the database under another name; $work/prepared says what install_prepared has to exchange.
prepare_database() { # <database in the dump> <name that it gets>
  local old=false fresh before
  ask postgres 'SELECT 1' >/dev/null || die 8 "the server of source '$source' cannot be reached; nothing was changed" "what it says is above"
  if database_exists "$2"; then old=true; fi
  if "$old" && ! "$cleans"; then
    die 10 "database '$2' already exists; nothing was changed" "--clean exchanges it and keeps the old one until --accept; --into NAME restores beside it"
  fi
  if ! "$is_dry" || ! "$makes_roles"; then check_needs "$dump"; fi
  if "$old" && [[ -z $phase ]]; then check_free "$2"; fi # restore.sh stops the services only later
  warn_of_leftovers "$2"
  fresh_name "$2" restoring
  fresh=$REPLY before=${REPLY%_restoring_*}_before_${REPLY##*_restoring_}
  if "$is_dry"; then
    log "would restore '$1' of snapshot $id as '$2'$("$old" && printf '; the present one stays as %s' "$before")"
    return
  fi
  printf '%s\t%s\t%s\t%s\t%s\n' "$fresh" "$2" "$old" "$before" "$dump" >>"$work/prepared"
  create_like "$fresh" "$2"
  log "restoring '$1' of snapshot $id"
  load_dump "$dump" "$fresh" || die 8 "the dump of '$1' could not be restored; the live database was not touched" "the line that failed is above"
  check_rows_of "$fresh" "$dump"
  check_queries "$fresh" || die 5 "the restored database does not pass its checks; the live one was not touched" "catalog lists older snapshots"
}

# For on_exit: what was not exchanged goes; of a private server everything does.
discard_prepared() {
  local fresh rest
  if "$is_scratch" || "$keeps_prepared" || [[ ! -f $work/prepared ]]; then return 0; fi
  while IFS=$'\t' read -r fresh rest; do drop_quietly "$fresh"; done <"$work/prepared"
}

# All databases of the source in one transaction, with what the dumps say of the databases themselves.
install_prepared() {
  local fresh name old before
  : >"$work/install"
  while IFS=$'\t' read -r fresh name old before dump; do
    if "$old"; then
      check_free "$name" "${phase:+10}"
      exchange_text "$name" "$before" "$name"
    fi
    exchange_text "$fresh" "$name"
    if [[ -z $into ]]; then settle_text "$dump"; fi
  done <"$work/prepared" >>"$work/install"
  rename_all "$work/install" 'the exchange of the names'
  keeps_prepared=true
  while IFS=$'\t' read -r fresh name old before dump; do
    log "database '$name' is restored$("$old" && printf '; what was there before is %s: --undo, --accept' "'$before'")"
  done <"$work/prepared"
}

rename_all() { # <file of statements> <what it is about>
  run_whole postgres "$1" "$2" || die 10 "the names could not be exchanged; the live database is as it was" \
    "somebody may have connected meanwhile: --force; a setting or grant that this user may not make: --no-owner"
}
