#!/usr/bin/env bash
# object_store.sh start | stop | kill | restart | env | user NAME KEY SECRET - an S3 store for tests: Ceph, on loopback only.
#
# One monitor, one OSD with its data in memory, one RADOS Gateway, as plain processes below STORE_DIR; Debian's ceph-mon,
# ceph-osd, radosgw and ceph-common. A start takes about 13 s and 140 MB. `kill` and `restart` are about the gateway alone.
# STORE_PORT is the S3 port, the one after and the two after that are the monitor's. Missing packages: exit 77.
set -Eeuo pipefail
shopt -s inherit_errexit

dir=${STORE_DIR:?} port=${STORE_PORT:-7480}
conf=$dir/ceph.conf
key=TESTKEY0000000000001 secret=testsecrettestsecrettestsecret0000000001

spawn() { # <name> <command>...: its own session, so that nothing outlives the store unseen
  local name=$1
  shift
  setsid "$@" </dev/null >"$dir/log/$name.out" 2>&1 3>&- &
  printf '%s\n' "$!" >"$dir/run/$name.pid"
}

end() { # <name> [signal]
  local pid i
  pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 0
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  for ((i = 0; i < 50; i++)); do
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f -- "$dir/run/$1.pid"
}

wait_for() { # <seconds> <command>...
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= until)); then
      printf 'object_store: %s did not come up; see %s/log\n' "$*" "$dir" >&2
      return 1
    fi
    sleep 0.2
  done
}

write_conf() {
  cat >"$conf" <<END
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth allow insecure global id reclaim = false
keyring = $dir/keyring
run dir = $dir/run
admin socket = $dir/run/\$name.asok
log file = $dir/log/\$name.log
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 2
mon data avail crit = 1
mon osd full ratio = .97
[mon]
mon data = $dir/mon
mon initial members = a
[osd]
osd data = $dir/osd0
osd objectstore = memstore
memstore device bytes = 4294967296
osd op num shards = 2
osd op num threads per shard = 1
osd class load list = *
osd class default list = *
[client]
rgw data = $dir/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
rgw thread pool size = 64
rgw dns name = localhost
END
}

make_keys() { # cephx stays on: radosgw does not start without it
  local new=--create-keyring
  add() {
    ceph-authtool "$dir/keyring" ${new:+"$new"} --gen-key -n "$@" >/dev/null
    new=
  }
  add mon. --cap mon 'allow *'
  add client.admin --cap mon 'allow *' --cap osd 'allow *'
  add client.rgw.a --cap mon 'allow rw' --cap osd 'allow rwx'
  add osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
}

start_gateway() { # with STORE_TIME=+20m its clock is that wrong; faketime(1) would be a process between us and it
  local library=(/usr/lib/*/faketime/libfaketimeMT.so.1)
  spawn rgw env ${STORE_TIME:+LD_PRELOAD="${library[0]}" FAKETIME="$STORE_TIME"} radosgw -c "$conf" -n client.rgw.a -f
  wait_for 60 curl -s -o "$dir/log/answer" "http://127.0.0.1:$port/"
}

add_user() { # <name> <key> <secret>
  timeout 60 radosgw-admin -c "$conf" user create --uid="$1" --display-name="$1" --access-key="$2" --secret-key="$3" >/dev/null 2>&1
}

is_up() {
  timeout 5 ceph -c "$conf" osd stat 2>/dev/null | grep -q '1 up.* 1 in'
}

start() {
  local program
  for program in ceph-mon ceph-osd radosgw radosgw-admin ceph curl; do
    if ! command -v "$program" >/dev/null; then
      printf 'object_store: %s is not installed\n' "$program" >&2
      exit 77
    fi
  done
  mkdir -p "$dir"/{run,log,rgw,mon,osd0}
  write_conf
  make_keys
  monmaptool --create --clobber --fsid "$(awk '/^fsid/{print $3}' "$conf")" \
    --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$dir/monmap" >/dev/null
  ceph-mon -c "$conf" -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring" >"$dir/log/mkfs" 2>&1
  spawn mon ceph-mon -c "$conf" -i a -f
  wait_for 30 timeout 5 ceph -c "$conf" --connect-timeout 3 mon stat
  local uuid
  uuid=$(cat /proc/sys/kernel/random/uuid)
  timeout 20 ceph -c "$conf" osd new "$uuid" 0 >/dev/null
  ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$uuid" >>"$dir/log/mkfs" 2>&1
  spawn osd ceph-osd -c "$conf" -i 0 -f
  wait_for 60 is_up
  wait_for 60 add_user backup "$key" "$secret"
  start_gateway
}

case ${1:-} in
  start) start ;;
  stop)
    for name in rgw osd mon; do end "$name" KILL; done
    rm -rf -- "$dir"
    ;;
  kill) end rgw KILL ;;
  restart) start_gateway ;;
  user) add_user "$2" "$3" "$4" ;;
  env) printf 'S3_ENDPOINT=http://127.0.0.1:%s\nS3_PROVIDER=Ceph\nS3_ACCESS_KEY_ID=%s\nS3_SECRET_ACCESS_KEY=%s\n' "$port" "$key" "$secret" ;;
  *)
    printf 'usage: object_store.sh start | stop | kill | restart | user NAME KEY SECRET | env\n' >&2
    exit 2
    ;;
esac
