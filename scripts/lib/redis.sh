# shellcheck shell=bash
# lib/redis.sh - talks to the Redis server of a source, asks where it starts from, and loads a dump in a server of our own.

redis_client=() # result of redis_use_source
redis_password=''
proof='' proof_server='' proof_waiter='' # of prove_dump

redis_use_source() { # after choose_source
  local pair value
  redis_client=("${via[@]}" redis-cli)
  for pair in host:-h port:-p socket:-s user:--user; do
    value=$(source_get ".${pair%%:*}")
    if [[ -n $value ]]; then redis_client+=("${pair#*:}" "$value"); fi
  done
  value=$(source_get .password_file)
  if [[ -n $value ]]; then
    [[ -r $value ]] || die 3 "the password file '$value' cannot be read" "check its path and mode"
    redis_password=$(<"$value")
  fi
}

redis_do() { # <argument of redis-cli>...; the password is in the environment of this one program only
  (
    if [[ -n $redis_password ]]; then export REDISCLI_AUTH=$redis_password; fi
    exec timeout --kill-after=2 10 "${redis_client[@]}" "$@" </dev/null
  )
}

# down, or what says that it may run, in $REPLY. Whatever cannot be told from a running server is one: only who refuses the
# connection, or has no socket, or no container, is down.
redis_state() {
  local answer
  answer=$(redis_do PING 2>&1 | tr -d '\0\r' | awk 'NF { line = $0 } END { print line }') || true
  REPLY=${answer:-no answer}
  case $answer in
    'Could not connect to Redis at '*': Connection refused' | 'Could not connect to Redis at '*': No such file or directory') REPLY=down ;;
    *'No such container'* | *'is not running'* | *'container state improper'*) if ((${#via[@]} > 0)); then REPLY=down; fi ;;
  esac
}

redis_setting() { # <name>: in $REPLY; empty if it is not told
  REPLY=$(redis_do CONFIG GET "$1" 2>/dev/null | sed -n 2p) || REPLY=''
}

# Of a server that is asked by <command>...
redis_fact() { # <section of INFO> <field> <command>...: in $REPLY; empty if it is not told
  REPLY=$("${@:3}" INFO "$1" 2>/dev/null | tr -d '\r' | sed -n "s/^$2://p") || REPLY=''
}

# Keys and those of them that expire, per database: "db keys expires".
redis_counts() { # <command>...
  "$@" INFO keyspace | tr -d '\r' | sed -nE 's/^db([0-9]+):keys=([0-9]+),expires=([0-9]+).*/\1 \2 \3/p'
}

# How many keys the file had that it started from, those that had expired too; empty before Redis 7.
redis_loaded() { # <command>...: in $REPLY
  local loaded
  redis_fact persistence rdb_last_load_keys_loaded "$@" && loaded=$REPLY
  redis_fact persistence rdb_last_load_keys_expired "$@"
  REPLY=${loaded:+$((loaded + REPLY))}
}

wait_loaded() { # <seconds> <command>...: until it has its data in memory
  local begin=$SECONDS
  until redis_fact persistence loading "${@:2}" && [[ $REPLY == 0 ]]; do
    if ((SECONDS - begin > $1)); then return 1; fi
    sleep 0.2
  done
}

wait_live() { # a server that loads has ten minutes, one that is not there as long as a service may take
  local begin=$SECONDS
  until redis_fact persistence loading redis_do && [[ $REPLY == 0 ]]; do
    redis_state
    if ((SECONDS - begin > 600)) || { [[ $REPLY == down ]] && ((SECONDS - begin > service_timeout)); }; then return 1; fi
    sleep 0.2
  done
}

ask_proof() { # <argument of redis-cli>...
  env -u REDISCLI_AUTH timeout --kill-after=2 10 redis-cli -s "$proof/s" "$@" </dev/null
}

# Loads a dump in a server of our own, on a socket in a private folder: it must load, and what it holds is in $work/counts and
# $work/loaded. The path of a socket has to be short.
prove_dump() { # <dump>
  local code=0
  proof=$(mktemp -d /tmp/hf-redis.XXXXXX) || die 8 "cannot make a folder in '/tmp'" "is it full?"
  on_exit end_proof
  redis-server --port 0 --unixsocket "$proof/s" --dir "$(realpath -- "${1%/*}")" --dbfilename "${1##*/}" --save '' --appendonly no --daemonize no \
    --logfile "$proof/log" --enable-debug-command no >/dev/null 2>&1 &
  proof_server=$!
  wait_loaded 3600 ask_proof & # a server that does not load its dump ends
  proof_waiter=$!
  while kill -0 "$proof_server" 2>/dev/null && kill -0 "$proof_waiter" 2>/dev/null; do sleep 0.1; done
  if kill -0 "$proof_server" 2>/dev/null; then
    redis_counts ask_proof >"$work/counts" || code=8
    redis_loaded ask_proof
    printf '%s\n' "$REPLY" >"$work/loaded"
  else
    code=5
  fi
  ((code == 0)) || die 5 "the dump does not load: $(grep -vE '^[^*#]*[*]' "$proof/log" | tail -n 2 | tr '\n' ' '); nothing was changed" "catalog lists older snapshots"
  end_proof
}

end_proof() {
  local pid
  for pid in "$proof_waiter" "$proof_server"; do
    if [[ -z $pid ]]; then continue; fi
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf -- "${proof:-/tmp/hf-redis.none}"
  proof_server='' proof_waiter='' proof=''
}

refuse_replica() {
  redis_state
  if [[ $REPLY == down || $REPLY == 'no answer'* ]]; then return; fi
  redis_fact replication role redis_do
  if [[ $REPLY != slave ]]; then return; fi
  redis_fact replication master_host redis_do
  die 10 "the server is a replica of '$REPLY', which would at once replace what is restored; nothing was changed" \
    "restore the master; or make this one a master first, in its configuration too: REPLICAOF NO ONE"
}

# As many keys as the dump had; those that expire may be gone, and whoever was started with the server may have written some. So
# the proof that it is this dump is how many keys the server says it read when it started.
check_counts() {
  local db keys expires have wrong='' total=0 loaded
  if ! wait_live; then
    say ERROR "the server did not come up with its data: $REPLY"
    say HINT "its own log says why"
    return 8
  fi
  redis_fact replication role redis_do
  if [[ $REPLY == slave ]]; then wrong+=' it is a replica, and has the data of its master;'; fi
  redis_counts redis_do >"$work/live"
  while read -r db keys expires; do
    have=$(awk -v db="$db" '$1 == db { print $2 }' "$work/live")
    if ((${have:-0} < keys - expires)); then wrong+=" db$db has ${have:-0} of $keys keys;"; fi
    total=$((total + ${have:-0}))
  done <"$work/counts"
  redis_loaded redis_do
  loaded=$(<"$work/loaded")
  if [[ -n $REPLY && -n $loaded && $REPLY != "$loaded" ]]; then wrong+=" it started from a file of $REPLY keys, the dump has $loaded;"; fi
  if [[ -n $wrong ]]; then
    say ERROR "the server does not have what the dump holds:$wrong"
    return 5
  fi
  log "keys as in the dump: $total in $(wc -l <"$work/counts") databases"
}
