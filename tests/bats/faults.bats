#!/usr/bin/env bats
# faults.bats - kill -9, failing system calls, full and vanishing disks, power cuts, small limits: a printed id is a kept
# promise, a failure is a message and an exit code, and the next run works without a hand laid on.

load support
load repository
load injection

setup() {
  fresh_repository
  source_dir=$BATS_TEST_TMPDIR/source
  mkdir -p "$source_dir/tree"
  db=$source_dir/t.db
  make_database "$db"
  seq 1 3000 >"$source_dir/tree/numbers"
  mounted=() started=()
}

teardown() {
  local pid at
  for pid in "${started[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  for at in "${mounted[@]}"; do umount -l "$at" 2>/dev/null || true; done
}

# Something new to store, so that every run writes objects.
touch_source() {
  head -c 20000 /dev/urandom >"$source_dir/tree/random"
  sql "$db" "UPDATE trade SET note = hex(randomblob(40)) WHERE id % 100 = 1"
}

# The promise of the printed id, and a repository that is whole, whatever the last run met.
assert_promise() {
  if [[ -n $output ]]; then
    local id=$output
    run -0 --separate-stderr verify --deep "$id"
  fi
  assert_whole
}

# What a run leaves behind is gone after the next one, which needs no help.
assert_recovers() {
  take --sqlite "$db" --tree "$source_dir/tree"
  assert_equal "$(ls -A "$repo/tmp")" ''
  bring_back "$id"
  cmp "$db" "$restored/t.db"
  diff -r "$source_dir/tree" "$restored/tree"
  assert_whole --deep --all
}

# Kills at the 1st, 1st + step, ... call until a run gets by without meeting one.
kill_at_every() { # <system calls> <step>
  local nth
  for ((nth = 1; nth < 400; nth += $2)); do
    touch_source
    under "$1:signal=KILL:when=$nth" snap --sqlite "$db" --tree "$source_dir/tree"
    if [[ $injected == no ]]; then break; fi
    assert_equal "$status" 137
    assert_promise
  done
  assert_equal "$status" 0
  if ((nth == 1)); then fail "snap never called $1"; fi
  assert_recovers
}

@test "snap: killed at any rename, link, mkdir or removal, it leaves a whole repository and the next run cleans up" {
  kill_at_every rename,renameat,renameat2,linkat 1
  kill_at_every mkdir,mkdirat 1
  kill_at_every unlink,unlinkat,rmdir 1
}

@test "snap: killed at any fsync, it leaves a whole repository and the next run cleans up" {
  kill_at_every fsync,fdatasync,syncfs 1
}

@test "snap: killed at any write or open, it leaves a whole repository and the next run cleans up" {
  kill_at_every write,pwrite64 3
  kill_at_every openat 12
}

@test "snap: killed at random moments, every id it printed verifies and restores" {
  local round printed=() id
  for ((round = 0; round < 20; round++)); do
    touch_source
    run --separate-stderr timeout -s KILL "0.0$((RANDOM % 80 + 10))" snap --sqlite "$db" --tree "$source_dir/tree"
    if [[ -n $output ]]; then printed+=("$output"); fi
    assert_whole
  done
  assert_recovers
  for id in "${printed[@]}"; do bring_back "$id"; done
}

@test "init: killed at any call, a second init finishes the job" {
  local call nth step
  for call in mkdir:61 fsync:3 rename:2 write:3 fchmod,chmod:97; do
    step=${call#*:}
    for ((nth = 1; nth < 600; nth += step)); do
      rm -rf "$repo"
      under "${call%:*}:signal=KILL:when=$nth" init
      if [[ $injected == no ]]; then break; fi
      assert_equal "$status" 137
      run --separate-stderr init
      if ((status == 10)); then # then it was finished already
        assert_regex "$stderr" 'is already a repository'
      else
        assert_equal "$status" 0
      fi
      take --tree "$source_dir/tree"
      run -0 --separate-stderr verify "$id"
    done
    if ((nth == 1)); then fail "init never called $call"; fi
  done
}

# Fails the 1st, 1st + step, ... call: a clean failure, or success with a kept promise.
fail_at_every() { # <system calls> <error> <step>
  local nth
  for ((nth = 1; nth < 600; nth += $3)); do
    touch_source
    under "$1:error=$2:when=$nth" snap --sqlite "$db" --tree "$source_dir/tree"
    if [[ $injected == no ]]; then break; fi
    if [[ $status == 126 && $stderr == *'shared libraries'* ]]; then continue; fi # the loader's own call
    if ((status != 0 && status != 4)); then assert_clean_failure; fi
    assert_promise
    assert_equal "$(find "$repo/tmp" -mindepth 1 ! -name '*.tmp.*')" ''
  done
  assert_equal "$status" 0
  if ((nth == 1)); then fail "snap never called $1"; fi
  assert_recovers
}

@test "snap: an I/O error from any fsync, rename, mkdir or removal is a clean failure or a kept promise" {
  fail_at_every fsync,fdatasync EIO 1
  fail_at_every rename,renameat2 EIO 1
  fail_at_every mkdir EACCES 1
  fail_at_every unlink,unlinkat,rmdir EIO 1
}

@test "snap: an I/O error or a full disk at any write, close or open is a clean failure or a kept promise" {
  fail_at_every write,pwrite64 ENOSPC 2
  fail_at_every close EIO 9
  fail_at_every openat EIO 9
  fail_at_every openat EMFILE 17
}

@test "snap: an I/O error from any read is a clean failure or a kept promise" {
  fail_at_every read,pread64 EIO 5
}

@test "snap: after a failed fsync the same file is never synced again" {
  local nth path
  for ((nth = 1; nth < 60; nth++)); do
    touch_source
    under "fsync,fdatasync:error=EIO:when=$nth" snap --tree "$source_dir/tree"
    if [[ $injected == no ]]; then break; fi
    path=$(sed -n 's/.*sync([0-9]*<\(.*\)>).*INJECTED.*/\1/p' "$BATS_TEST_TMPDIR/strace" | sed -n 1p)
    if [[ $path == "$XDG_CACHE_HOME"* ]]; then continue; fi # SQLite tries again there; the cache is only speed
    run sed -n '/INJECTED/,$p' "$BATS_TEST_TMPDIR/strace"
    if (($(grep -cF "<$path>" <<<"$output") > 1)); then fail "synced again after an error: $path"; fi
  done
  assert_not_equal "$nth" 1
}

# A write that does a part of what it was asked to, as a signal or a nearly full disk makes it.
@test "snap and restore: writes that do only a part of their work lose nothing" {
  preload short <<'END'
#define _GNU_SOURCE

#include <dlfcn.h>
#include <unistd.h>
ssize_t write(int fd, const void *bytes, size_t n) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  return real(fd, bytes, n > 7 ? n / 2 : n);
}
END

  export LD_PRELOAD=$BATS_TEST_TMPDIR/short.so
  run -0 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  run -0 --separate-stderr restore "$output" --target "$BATS_TEST_TMPDIR/out"
  unset LD_PRELOAD
  assert_whole --deep --all
  cmp "$db" "$BATS_TEST_TMPDIR/out/t.db"
  diff -r "$source_dir/tree" "$BATS_TEST_TMPDIR/out/tree"
}

@test "snap: a compressor that lies, with a broken frame or a whole one of other content, makes no snapshot and is named" {
  local lie
  preload lie <<'END'
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
size_t ZSTD_compress2(ZSTD_CCtx *context, void *out, size_t room, const void *plain, size_t n) {
  size_t (*real)(ZSTD_CCtx *, void *, size_t, const void *, size_t) =
      (size_t(*)(ZSTD_CCtx *, void *, size_t, const void *, size_t))dlsym(RTLD_NEXT, "ZSTD_compress2");
  if (strcmp(getenv("LIE"), "broken frame") == 0) {
    size_t stored = real(context, out, room, plain, n);
    ((char *)out)[stored / 2] ^= 4;
    return stored;
  }
  char *other = malloc(n);
  memcpy(other, plain, n);
  other[n / 2] ^= 4;
  size_t stored = real(context, out, room, other, n);
  free(other);
  return stored;
}
END
  take --sqlite "$db" --tree "$source_dir/tree"
  for lie in 'broken frame' 'other content'; do
    touch_source
    run -5 --separate-stderr env LIE="$lie" LD_PRELOAD="$BATS_TEST_TMPDIR/lie.so" snap --sqlite "$db" --tree "$source_dir/tree"
    assert_clean_failure
    assert_regex "$stderr" 'did not decode to what went in.*hint: .*memory or zstd'
    assert_equal "$(catalog list --format id)" "$id"
    assert_equal "$(ls -A "$repo/tmp")" ''
    assert_whole --deep --all
  done
  assert_recovers
}

@test "restore: an I/O error at any call leaves exact files or none, and with --overwrite the old ones or the new" {
  local call nth target=$BATS_TEST_TMPDIR/out
  take --sqlite "$db"
  mkdir "$target"
  make_database "$target/t.db" 'PRAGMA user_version=77'
  cp -p "$target/t.db" "$BATS_TEST_TMPDIR/old.db"
  for call in fsync rename renameat2 syncfs fchmod fallocate write close mkdir; do
    for ((nth = 1; nth < 30; nth++)); do
      under "$call:error=EIO:when=$nth" restore "$id" --target "$target" --overwrite
      if [[ $injected == no ]]; then break; fi
      if ((status != 0 && status != 4 && status != 126)); then assert_clean_failure; fi
      if ! cmp -s "$target/t.db" "$db"; then cmp "$target/t.db" "$BATS_TEST_TMPDIR/old.db"; fi
      if ((status == 0)); then cmp "$target/t.db" "$db"; fi
      assert_equal "$(ls -A "$target")" t.db
      cp -p "$BATS_TEST_TMPDIR/old.db" "$target/t.db"
    done
  done
}

# A tmpfs of the given options in $disk, with the repository on it.
on_small_disk() { # <mount options>
  ((EUID == 0)) || skip 'needs root to mount'
  disk=$BATS_TEST_TMPDIR/disk
  mkdir -p "$disk"
  mount -t tmpfs -o "$1,mode=700" tmpfs "$disk" 2>/dev/null || skip 'mounting is not possible here'
  mounted+=("$disk")
  repo=$disk/repo
  export HOLDFAST_REPO=$repo
  run -0 init
}

@test "snap: a full disk is exit 8 that names it, gives its space back, and the next run succeeds" {
  local room
  on_small_disk size=4m
  take --sqlite "$db" --tree "$source_dir/tree"
  head -c 600000 /dev/urandom >"$source_dir/tree/large"
  for room in 4 16 40 100 300 500 600; do
    fallocate -l "$(($(df --output=avail -k "$disk" | tail -n 1) - room))K" "$disk/fill"
    run -8 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
    assert_clean_failure
    assert_regex "$stderr" 'No space left on device|disk.*full'
    assert_equal "$(ls -A "$repo/tmp")" ''
    rm "$disk/fill"
    assert_whole --deep --all
  done
  assert_recovers
}

@test "snap: no inode left is a clean failure, and the next run succeeds" {
  on_small_disk size=20m,nr_inodes=400
  take --tree "$source_dir/tree"
  touch_source
  (i=0 && while : 2>/dev/null >"$disk/fill.$i"; do i=$((i + 1)); done) 2>/dev/null || true
  run -8 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  assert_clean_failure
  rm "$disk"/fill.*
  assert_recovers
}

@test "snap: a read-only repository is a clean failure; verify, restore and catalog still work" {
  on_small_disk size=20m
  take --sqlite "$db" --tree "$source_dir/tree"
  mount -o remount,ro "$disk"
  touch_source
  run -8 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  assert_clean_failure
  assert_regex "$stderr" 'Read-only file system'
  assert_whole
  run -0 --separate-stderr verify --deep --staging "$TMPDIR" "$id"
  bring_back "$id"
  assert_sound "$restored/t.db"
  assert_equal "$(catalog list --format id)" "$id"
  mount -o remount,rw "$disk"
  assert_recovers
}

@test "snap: a power cut after the id was printed loses nothing of it, one before leaves no half of it" {
  local image=$BATS_TEST_TMPDIR/image round ids=() kept
  ((EUID == 0)) || skip 'needs root to mount'
  disk=$BATS_TEST_TMPDIR/disk
  mkdir "$disk"
  truncate -s 64M "$image"
  mkfs.ext4 -q -F -m 0 "$image"
  mount -o loop,commit=300,noauto_da_alloc "$image" "$disk" 2>/dev/null || skip 'loop mounts are not possible here'
  mounted+=("$disk")
  repo=$disk/repo
  export HOLDFAST_REPO=$repo
  run -0 init
  for round in 1 2 3 4 5 6; do
    touch_source
    if ((round > 1)); then # round 1: right after init and the first id; then also in the middle of another run
      (snap --sqlite "$db" --tree "$source_dir/tree" >/dev/null 2>&1 3>&- &)
    fi
    take --sqlite "$db" --tree "$source_dir/tree"
    ids+=("$id")
    if ((round > 2)); then
      (snap --sqlite "$db" --tree "$source_dir/tree" >/dev/null 2>&1 3>&- &)
      sleep "0.0$((round * 2))"
    fi
    xfs_io -x -c shutdown "$disk"
    # Whatever ran then sees errors only, and ends.
    until umount "$disk" 2>/dev/null; do sleep 0.05; done
    mount -o loop,commit=300,noauto_da_alloc "$image" "$disk"
    assert_whole --all
    for kept in "${ids[@]}"; do
      run -0 --separate-stderr verify --deep "$kept"
    done
    assert_equal "$(find "$repo" -type f -size 0 ! -path '*/tmp/*' ! -name lock ! -name '*.tmp.*')" ''
  done
  assert_recovers
}

@test "restore: a power cut after it ended well leaves the restored files" {
  local image=$BATS_TEST_TMPDIR/image
  ((EUID == 0)) || skip 'needs root to mount'
  disk=$BATS_TEST_TMPDIR/disk
  mkdir "$disk"
  truncate -s 32M "$image"
  mkfs.ext4 -q -F -m 0 "$image"
  mount -o loop,commit=300,noauto_da_alloc "$image" "$disk" 2>/dev/null || skip 'loop mounts are not possible here'
  mounted+=("$disk")
  take --sqlite "$db" --tree "$source_dir/tree"
  run -0 --separate-stderr restore "$id" --target "$disk/new/target"
  xfs_io -x -c shutdown "$disk"
  umount "$disk"
  mount -o loop "$image" "$disk"
  cmp "$db" "$disk/new/target/t.db"
  diff -r "$source_dir/tree" "$disk/new/target/tree"
}

@test "snap: a limit on file size, descriptors or memory is a clean failure, and without it the next run succeeds" {
  local limit
  head -c 3000000 /dev/urandom >"$source_dir/tree/large"
  for limit in '-f 200' '-n 8' '-n 10' '-n 12' '-n 14' '-v 70000'; do
    run --separate-stderr without_127 bash -c "ulimit $limit && exec snap --tree '$source_dir/tree'"
    if [[ $status == 126 && $stderr == *'shared libraries'* ]]; then continue; fi # it did not even load
    # libarchive without memory ends the process by itself, with status 1 and its own words.
    if ((status != 0)) && [[ $stderr != *"Error in libarchive: Out of memory"* ]]; then
      assert_clean_failure
      assert_equal "$(ls -A "$repo/tmp")" ""
    fi
    assert_whole
  done
  assert_recovers
}

# Waits until the process has ended; fails after five seconds. Sets `ended` to its status.
assert_ends_soon() { # <pid>
  local tenth
  for ((tenth = 0; tenth < 50; tenth++)); do
    if ! kill -0 "$1" 2>/dev/null; then
      ended=0
      wait "$1" || ended=$?
      return
    fi
    sleep 0.1
  done
  fail "still running 5 s after the signal"
}

@test "snap: TERM, INT or HUP in the middle of a capture ends it within five seconds, by that signal, and cleans up" {
  local signal what pid
  mkfifo "$BATS_TEST_TMPDIR/silent"
  for signal in TERM:143 HUP:129; do
    for what in endless silent; do
      if [[ $what == endless ]]; then
        snap --stdin x </dev/urandom >"$BATS_TEST_TMPDIR/id" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
      else
        exec 9<>"$BATS_TEST_TMPDIR/silent" # a writer that never writes
        snap --stdin x <"$BATS_TEST_TMPDIR/silent" 9>&- >"$BATS_TEST_TMPDIR/id" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
      fi
      pid=$!
      started+=("$pid")
      sleep 0.7
      kill -"${signal%:*}" "$pid"
      assert_ends_soon "$pid"
      assert_equal "$ended" "${signal#*:}"
      assert_equal "$(cat "$BATS_TEST_TMPDIR/id")" ''
      assert_regex "$(cat "$BATS_TEST_TMPDIR/err")" "stopped by SIG${signal%:*}"
      assert_equal "$(ls -A "$repo/tmp")" ''
    done
  done
  assert_recovers
}

@test "snap: a command that ignores TERM does not keep a stopped run from ending, and is gone with it" {
  cat >"$BATS_TEST_TMPDIR/holdfast.toml" <<END
[[source]]
name = "stubborn"
kind = "command"
command = "trap '' TERM INT HUP; echo \$\$ >$BATS_TEST_TMPDIR/child; echo some; while :; do sleep 0.1; done"
END
  chmod 0600 "$BATS_TEST_TMPDIR/holdfast.toml"
  snap --config "$BATS_TEST_TMPDIR/holdfast.toml" >"$BATS_TEST_TMPDIR/id" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  started+=("$!")
  until [[ -s $BATS_TEST_TMPDIR/child ]]; do sleep 0.05; done
  kill -TERM "${started[-1]}"
  assert_ends_soon "${started[-1]}"
  assert_equal "$ended" 143
  run ! kill -0 "$(cat "$BATS_TEST_TMPDIR/child")"
  assert_equal "$(ls -A "$repo/tmp")" ''
}

@test "snap: a second signal, a second later, ends it at once, and the next run removes what was left" {
  # A disk that hangs in fsync, where the first signal can only be noted.
  preload hang <<'END'
#include <time.h>
int fsync(int fd) {
  struct timespec left = {30, 0};
  (void)fd;
  while (nanosleep(&left, &left) != 0) continue;
  return 0;
}
END
  take --tree "$source_dir/tree"
  touch_source
  LD_PRELOAD=$BATS_TEST_TMPDIR/hang.so snap --tree "$source_dir/tree" >/dev/null 2>&1 3>&- &
  started+=("$!")
  until [[ -n $(ls -A "$repo/tmp") ]]; do sleep 0.05; done
  kill -TERM "${started[0]}"
  sleep 1.2 # within a second it would be taken for the same request, passed on twice
  run -0 kill -0 "${started[0]}"

  kill -TERM "${started[0]}"
  assert_ends_soon "${started[0]}"
  assert_equal "$ended" 143
  assert_recovers

}

@test "snap: what a killed run leaves in tmp says which boot and which process made it" {
  local boot
  boot=$(head -c 8 /proc/sys/kernel/random/boot_id)
  under rename,renameat2:signal=KILL:when=1 snap --tree "$source_dir/tree"
  assert_regex "$(ls -A "$repo/tmp")" "^[a-z]+\.$boot\.[0-9a-f]+\.[0-9]+\.[0-9]+"
  assert_recovers
}
