# shellcheck shell=bash
# remotes.bash - for suites about off-site copies (`load remotes` after `load repository`): a host with a configuration and a
# repository, real servers on loopback to copy it to, and what must hold of a copy.

# A host with a database, a tree and a repository; the current folder is its own.
make_host() { # [folder]
  private_home
  offsite=$HOLDFAST_SOURCE/scripts/offsite.sh
  system=${1:-$BATS_TEST_TMPDIR/system}
  mkdir -p "$system/data" "$system/conf"
  cd "$system" || return 1
  make_database data/t.db
  head -c 3000000 /dev/urandom >conf/blob
  printf 'setting: 1\n' >conf/a.yaml
  cat >holdfast.toml <<'END'
[repository]
path = "backups"
[[source]]
name = "trades"
kind = "sqlite"
path = "data/t.db"
[[source]]
name = "conf"
kind = "tree"
class = "config"
path = "conf"
END
  init >/dev/null
}

add_remote() { # <name> <url> [line]...
  printf '[[remote]]\nname = "%s"\nurl = "%s"\n' "$1" "$2" >>holdfast.toml
  if (($# > 2)); then printf '%s\n' "${@:3}" >>holdfast.toml; fi
}

add_folder() { # [name]: a remote in a folder, called usb
  mkdir -p "$BATS_TEST_TMPDIR/${1:-usb}"
  add_remote "${1:-usb}" "$BATS_TEST_TMPDIR/${1:-usb}" 'host = "trader1"'
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# An SFTP server of our own; sets sftp_dir, sftp_port. The data is in sftp_dir/data.
start_sftp() {
  command -v sshd >/dev/null || [[ -x /usr/sbin/sshd ]] || skip "openssh-server is not installed: no test over SFTP"
  sftp_dir=$BATS_TEST_TMPDIR/sftp sftp_port=$(free_port)
  mkdir -p "$sftp_dir/data"
  if [[ $EUID == 0 ]]; then mkdir -p /run/sshd; fi
  ssh-keygen -q -t ed25519 -N '' -f "$sftp_dir/host"
  ssh-keygen -q -t ed25519 -N '' -f "$sftp_dir/id"
  printf '[127.0.0.1]:%s %s\n' "$sftp_port" "$(cut -d ' ' -f 1,2 "$sftp_dir/host.pub")" >"$sftp_dir/known_hosts"
  cat >"$sftp_dir/config" <<END
ListenAddress 127.0.0.1
Port $sftp_port
HostKey $sftp_dir/host
PidFile none
AuthorizedKeysFile $sftp_dir/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 64
MaxSessions 64
Subsystem sftp internal-sftp
ForceCommand internal-sftp
END
  run_sftp
}

run_sftp() {
  local i
  setsid /usr/sbin/sshd -D -e -f "$sftp_dir/config" </dev/null >"$sftp_dir/log" 2>&1 3>&- &
  sftp_pid=$!
  for ((i = 0; i < 100; i++)); do
    if (exec 9<>"/dev/tcp/127.0.0.1/$sftp_port") 2>/dev/null; then return; fi
    sleep 0.1
  done
  cat "$sftp_dir/log" >&2
  return 1
}

# The listener and every connection: killing the first alone would end nothing.
stop_sftp() {
  local pid child
  if [[ -z ${sftp_pid:-} ]]; then return 0; fi
  for pid in $(ps -o pid= --ppid "$sftp_pid") "$sftp_pid"; do
    for child in $(ps -o pid= --ppid "$pid") "$pid"; do kill -KILL "$child" 2>/dev/null || true; done
  done
  wait "$sftp_pid" 2>/dev/null || true
  sftp_pid=
}

add_sftp() { # the remote nas
  add_remote nas "sftp://$(id -un)@127.0.0.1:$sftp_port$sftp_dir/data/hf" "key_file = \"$sftp_dir/id\"" \
    "known_hosts = \"$sftp_dir/known_hosts\"" 'host = "trader1"'
}

# For setup_file: the store that all tests of a suite share.
start_store() {
  export STORE_DIR=$BATS_FILE_TMPDIR/store STORE_PORT
  STORE_PORT=$(free_port)
  local code=0
  timeout 180 "$HOLDFAST_SOURCE/tests/support/object_store.sh" start || code=$?
  if ((code == 77)); then skip "Ceph is not installed (ceph-mon ceph-osd radosgw ceph-common): no test against an S3 store"; fi
  return "$code"
}

stop_store() {
  if [[ -n ${STORE_DIR:-} ]]; then "$HOLDFAST_SOURCE/tests/support/object_store.sh" stop; fi
}

add_store() { # the remote s3, in a bucket of this test's own
  "$HOLDFAST_SOURCE/tests/support/object_store.sh" env >s3.env
  chmod 600 s3.env
  bucket=test-$RANDOM$RANDOM
  add_remote s3 "store:$bucket/backups" 'credentials = "s3.env"' 'host = "trader1"'
}

# What is copied to a folder is a repository in itself: every file that SHA256SUMS names is there and right.
assert_copy() { # <folder of a host at the remote> <snapshots>
  local sums
  assert_equal "$(find "$1/snapshots" -mindepth 1 -maxdepth 1 | wc -l)" "$2"
  for sums in "$1"/snapshots/*/SHA256SUMS; do
    (cd "${sums%/*}" && sha256sum --check --quiet SHA256SUMS) || fail "$sums does not hold"
  done
}
