#!/usr/bin/env bats
# medium.bats - the medium that holds the repository goes away, turns read-only or fails while snap runs: a clean failure, and
# what was there before is whole when it comes back.

load support
load repository

setup() {
  private_home
  ((EUID == 0)) || skip 'needs root to mount'
  disk=$BATS_TEST_TMPDIR/disk image=$BATS_TEST_TMPDIR/image
  mkdir "$disk"
  truncate -s 200M "$image"
  mkfs.ext4 -q -F -m 0 "$image"
  plug_in 2>/dev/null || skip 'loop mounts are not possible here'
  export HOLDFAST_REPO=$disk/repo HOLDFAST_CONFIG=/dev/null
  repo=$HOLDFAST_REPO
  init >/dev/null
  head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
  take --tree "$BATS_TEST_TMPDIR/data"
  first=$id
  pid=''
}

teardown() {
  if [[ -n ${pid-} ]]; then
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" || true
  fi
  umount -l "$disk" 2>/dev/null || true
}

plug_in() { mount -o loop,errors=remount-ro "$image" "$disk"; }

# Starts a snap of a stream that has not ended, and waits until it has taken all of what came so far. Sets `pid`.
begin_run() { # <bytes>
  rm -f "$BATS_TEST_TMPDIR/feed"
  mkfifo "$BATS_TEST_TMPDIR/feed"
  snap --stdin dump <"$BATS_TEST_TMPDIR/feed" >"$BATS_TEST_TMPDIR/id" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  pid=$!
  exec 8>"$BATS_TEST_TMPDIR/feed"
  head -c "$1" /dev/urandom >&8
  sleep 0.5
}

# Ends the stream; the run must fail cleanly, for that reason, within ten seconds.
end_run() { # <reason>
  local tenth code=0
  head -c 20000000 /dev/urandom 2>/dev/null >&8 || true # it may be gone already
  exec 8>&-
  for ((tenth = 0; tenth < 100; tenth++)); do
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  if ((tenth == 100)); then fail 'still running 10 s after its stream ended'; fi
  wait "$pid" || code=$?
  pid=''
  run cat "$BATS_TEST_TMPDIR/err"
  assert_equal "$code" 8
  assert_line --regexp "^snap: error: .*($1)"
  assert_equal "$(<"$BATS_TEST_TMPDIR/id")" ''
}

# Back again: what was there is whole, and the next run needs no help.
assert_back() {
  assert_whole --deep --all
  assert_equal "$(catalog list --format id)" "$first"
  take --tree "$BATS_TEST_TMPDIR/data"
  assert_equal "$(ls -A "$repo/tmp")" ''
  bring_back "$id"
  cmp "$BATS_TEST_TMPDIR/data" "$restored/data"
  bring_back "$first"
  cmp "$BATS_TEST_TMPDIR/data" "$restored/data"
}

@test "snap: a medium that is unmounted under it is exit 8; nothing is written in its place, and it is whole when back" {
  local bytes
  for bytes in 1000 40000000; do # before the first object is written, and after some
    begin_run "$bytes"
    umount -l "$disk"
    end_run 'No such file or directory'
    assert_equal "$(ls -A "$disk")" ''
    run ! verify --all
    plug_in
    assert_whole --deep --all
  done
  assert_back
}

@test "snap: a medium that turns read-only under it is exit 8 that says so, and it is whole when back" {
  local bytes
  for bytes in 1000 40000000; do
    begin_run "$bytes"
    mount -o remount,abort "$disk" # as the kernel does it after an error
    end_run 'Read-only file system'
    run -8 --separate-stderr snap --tree "$BATS_TEST_TMPDIR/data"
    assert_clean_failure
    run -0 --separate-stderr verify --deep --staging "$TMPDIR" "$first"
    umount "$disk"
    plug_in
    assert_whole --deep --all
  done
  assert_back
}

@test "snap: a medium that fails under it is exit 8, and it is whole when back" {
  local bytes
  for bytes in 1000 40000000; do
    begin_run "$bytes"
    xfs_io -x -c shutdown "$disk"
    end_run 'Input/output error'
    umount "$disk"
    plug_in
    assert_whole --deep --all
  done
  assert_back
}
