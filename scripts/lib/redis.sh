# shellcheck shell=bash
# lib/redis.sh - talks to the Redis server of a source, loads a dump in one of our own, and exchanges the files it starts from.

redis_client=() # result of redis_use_source

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
    REDISCLI_AUTH=$(<"$value") && export REDISCLI_AUTH
  fi
}

redis_do() { # <argument of redis-cli>...
  timeout --kill-after=2 10 "${redis_client[@]}" "$@" </dev/null
}

redis_answers() { # also while it loads, or refuses us
  redis_do PING 2>/dev/null | grep -qE '^(PONG|LOADING|NOAUTH|NOPERM|WRONGPASS|MASTERDOWN)'
}

redis_setting() { # <name>: in $REPLY; empty if it is not known
  REPLY=$(redis_do CONFIG GET "$1" 2>/dev/null | sed -n 2p) || REPLY=''
}

# Keys and those of them that expire, per database: "db keys expires".
redis_counts() { # <client>...
  timeout --kill-after=2 10 "$@" INFO keyspace </dev/null | tr -d '\r' | sed -nE 's/^db([0-9]+):keys=([0-9]+),expires=([0-9]+).*/\1 \2 \3/p'
}

wait_loaded() { # <seconds> <client>...: until it has its data in memory
  local begin=$SECONDS
  until timeout 5 "${@:2}" INFO persistence </dev/null 2>/dev/null | grep -q '^loading:0'; do
    if ((SECONDS - begin > $1)); then return 1; fi
    sleep 0.2
  done
}

# Loads a dump in a server of our own, on a socket in a private folder: it must load, and what it holds is in $work/counts.
prove_dump() { # <dump>
  local dir=$work/proof pid code=0
  mkdir "$dir"
  redis-server --port 0 --unixsocket "$dir/s" --dir "${1%/*}" --dbfilename "${1##*/}" --save '' --appendonly no --daemonize no \
    --logfile "$dir/log" --enable-debug-command no >/dev/null 2>&1 &
  pid=$!
  on_exit kill_quietly "$pid"
  wait_loaded 3600 redis-cli -s "$dir/s" & # a server that does not load its dump ends
  local waiter=$!
  while kill -0 "$pid" 2>/dev/null && kill -0 "$waiter" 2>/dev/null; do sleep 0.1; done
  if kill -0 "$pid" 2>/dev/null; then
    redis_counts redis-cli -s "$dir/s" >"$work/counts" || code=8
  else
    code=5
  fi
  kill_quietly "$waiter"
  kill_quietly "$pid"
  ((code == 0)) || die 5 "the dump does not load: $(grep -vE '^[^*#]*[*]' "$dir/log" | tail -n 2 | tr '\n' ' '); nothing was changed" "catalog lists older snapshots"
}

kill_quietly() { # <pid>
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# Where the live server starts from, as JSON: asked while it runs; of a lost one the configuration says it.
redis_places() {
  local dir file=dump.rdb aof=no aof_dir=appendonlydir aof_file=appendonly.aof
  dir=$(source_get .data_dir)
  if redis_answers; then
    redis_setting dir
    dir=${dir:-$REPLY}
    redis_setting dbfilename && file=${REPLY:-$file}
    redis_setting appendonly && aof=${REPLY:-$aof}
    redis_setting appendfilename && aof_file=${REPLY:-$aof_file}
    if [[ -n $REPLY ]]; then redis_setting appenddirname && aof_dir=$REPLY; fi # none before Redis 7
  elif [[ -n $dir && (-e $dir/appendonlydir || -e $dir/appendonly.aof) ]]; then
    aof=yes
    if [[ ! -d $dir/appendonlydir ]]; then aof_dir=''; fi
  fi
  [[ -n $dir ]] || die 3 "the server does not answer, so it is not known where its data lies; nothing was changed" "say it in the source: data_dir = \"/var/lib/redis\""
  [[ -d $dir ]] || die 6 "'$dir', where the server has its data, is no folder here; nothing was changed" "say in the source where it is on this host: data_dir = \"DIR\""
  jq -n --arg dir "$dir" --arg file "$file" --arg aof "$aof" --arg aof_dir "$aof_dir" --arg aof_file "$aof_file" '$ARGS.named'
}

# A server with an append-only file never looks at dump.rdb: an empty folder there is an empty server. So the dump becomes the base
# of a new append-only file, which is an RDB as well.
install_dump() { # <dump>; $plan says where
  local dir file aof_dir aof_file name
  dir=$(jq -r .dir <<<"$plan") file=$(jq -r .file <<<"$plan")
  aof_dir=$(jq -r .aof_dir <<<"$plan") aof_file=$(jq -r .aof_file <<<"$plan")
  for name in "$file" ${aof_dir:+"$aof_dir"} "$aof_file"; do
    if [[ -e $dir/$name ]]; then mv -T -- "$dir/$name" "$dir/$name.before_$mark" || return; fi
  done
  place "$1" "$dir/$file" || return
  if [[ $(jq -r .aof <<<"$plan") != yes ]]; then return; fi
  if [[ -z $aof_dir ]]; then
    place "$1" "$dir/$aof_file"
    return
  fi
  mkdir -m 750 -- "$dir/$aof_dir" && chown --reference="$dir" -- "$dir/$aof_dir" || return
  place "$1" "$dir/$aof_dir/$aof_file.1.base.rdb" || return
  printf 'file %s.1.base.rdb seq 1 type b\n' "$aof_file" >"$work/manifest"
  place "$work/manifest" "$dir/$aof_dir/$aof_file.manifest"
}

place() { # <file> <where>: by one rename, owned as its folder is
  cp -- "$1" "$2.new" && chmod 640 -- "$2.new" && chown --reference="$(dirname -- "$2")" -- "$2.new" &&
    sync -- "$2.new" && mv -T -- "$2.new" "$2" && sync -- "$(dirname -- "$2")"
}

# What install_dump set aside comes back; what it had put there is kept as <name>.undone_<mark>.
take_back() { # <folder> <mark>
  local kept name
  for kept in "$1"/*.before_"$2"; do
    if [[ ! -e $kept ]]; then continue; fi
    name=${kept%.before_"$2"}
    if [[ -e $name ]]; then mv -T -- "$name" "$name.undone_$2" || return; fi
    mv -T -- "$kept" "$name" || return
  done
  sync -- "$1"
}

newest_mark() { # <folder> <before or undone>...: of what was set aside there; in $REPLY
  local name args=()
  for name in "${@:2}"; do args+=(-o -name "*.${name}_[0-9]*_[0-9]*"); done
  REPLY=$(find "$1" -maxdepth 1 \( "${args[@]:1}" \) -printf '%f\n' | sed -E 's/.*\.(before|undone)_//' | sort | tail -n 1)
}

# As many keys in each database as the dump had; those that expire may be gone.
check_counts() {
  local db keys expires have wrong='' total=0
  wait_loaded 600 "${redis_client[@]}" || die 8 "the server did not load its data within 10 minutes" "its own log says why"
  redis_counts "${redis_client[@]}" >"$work/live"
  while read -r db keys expires; do
    have=$(awk -v db="$db" '$1 == db { print $2 }' "$work/live")
    if ((${have:-0} < keys - expires)); then wrong+=" db$db has ${have:-0} of $keys keys;"; fi
    total=$((total + ${have:-0}))
  done <"$work/counts"
  if [[ -n $wrong ]]; then
    say ERROR "the server does not have what the dump holds:$wrong"
    return 5
  fi
  log "keys as in the dump: $total in $(wc -l <"$work/counts") databases"
}
