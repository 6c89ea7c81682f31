#!/usr/bin/env bats
# in_place_limits.bats - restore --in-place when the disk fills, when it is told to stop between two phases, and when somebody
# uses the target without having it open or has mounted something in it: the whole old or the whole new, and nothing left.

load support
load repository
load injection
load in_place

teardown() {
  local at
  for at in "${mounted[@]}"; do umount -l "$at" 2>/dev/null || true; done
}

mounted=()

mount_at() { # <place> <argument of mount>...
  ((EUID == 0)) || skip 'mounting needs root'
  mount "${@:2}" "$1" 2>/dev/null || skip 'cannot mount'
  mounted+=("$1")
}

# A repository and live data on one small disk, as on many small hosts: what the emergency snapshot takes, staging lacks.
on_one_disk() {
  disk=$BATS_TEST_TMPDIR/disk
  mkdir "$disk"
  mount_at "$disk" -t tmpfs -o size=16m,mode=700 tmpfs
  export HOLDFAST_REPO=$disk/repo
  init >/dev/null
}

leave_free() { # <bytes>
  local free
  free=$(df --output=avail -B1 "$disk" | tail -n 1)
  head -c $((free - $1)) /dev/zero >"$disk/fill"
}

free_now() {
  df --output=avail -B1 "$disk" | tail -n 1
}

random_database() { # <path> <KiB>
  rm -f "$1"
  sql "$1" "CREATE TABLE t AS SELECT randomblob(1000) AS x FROM generate_series(1, $2)"
}

# Nothing is left of the run but what it says, and the data is what it was.
assert_untouched() { # <how the disk looked before>
  assert_equal "$(fingerprint "$disk/live")" "$1"
  assert_equal "$(restore --pending --json)" '[]'
  assert_equal "$(find "$HOLDFAST_REPO/tmp" -mindepth 1)" ''
  rm "$disk/fill"
  assert_whole --all --deep
}

@test "restore: a disk that is full for the emergency snapshot stops --in-place before anything changes, and gives its space back" {
  local before free
  on_one_disk
  mkdir "$disk/live"
  random_database "$disk/live/t.db" 300
  take --sqlite "$disk/live/t.db"
  random_database "$disk/live/t.db" 3000
  before=$(fingerprint "$disk/live")
  leave_free 1500000
  free=$(free_now)
  run -8 --separate-stderr restore "$id" --in-place
  assert_regex "$stderr" 'the present state could not be captured: .*No space left.*nothing was changed.*hint: --no-emergency'
  assert_equal "$(catalog --format id)" "$id"
  assert [ "$(free_now)" -gt $((free - 100000)) ]
  assert_untouched "$before"
  run -0 restore "$id" --in-place --no-emergency
  assert_equal "$(sql "$disk/live/t.db" 'SELECT count(*) FROM t')" 300
}

@test "restore: --in-place --dry-run warns if the emergency snapshot might not fit, on one disk beside what is staged" {
  on_one_disk
  mkdir "$disk/live"
  random_database "$disk/live/t.db" 2000
  take --sqlite "$disk/live/t.db"
  random_database "$disk/live/t.db" 3000
  leave_free 4500000 # enough for either, not for both
  run -0 --separate-stderr restore "$id" --in-place --dry-run --json
  assert_regex "$stderr" 'warning: the emergency snapshot may need up to [234][.0-9]* MiB in .*/repo., and what is restored 2[.0-9]* MiB on the same file system, where 4[.0-9]* MiB are free; if it does not fit nothing is changed'
  assert_equal "$(jq -r '.warnings | length' <<<"$output")" 1
  run -0 --separate-stderr restore "$id" --in-place --dry-run --no-emergency
  assert_equal "$stderr" ''
  rm "$disk/fill"
  leave_free 9000000
  run -0 --separate-stderr restore "$id" --in-place --dry-run
  assert_equal "$stderr" ''
}

@test "restore: --in-place --dry-run counts the emergency snapshot on the disk of the repository, and only what is new to it" {
  on_one_disk
  mkdir -p "$live/lake/cache" # on another disk
  random_database "$live/lake/known" 4000
  sleep 1.1 # the time of a change is known to the second
  take --tree "$live/lake"
  leave_free 1000000
  run -0 --separate-stderr restore "$id" --in-place --dry-run
  assert_equal "$stderr" ''
  random_database "$live/lake/new" 2000
  run -0 --separate-stderr restore "$id" --in-place --dry-run
  assert_regex "$stderr" 'may need up to 2[.0-9]* MiB in .*/repo., where [0-9.]+ (KiB|MiB) are free'
  rm "$live/lake/new"
  run -0 --separate-stderr restore "$id" --in-place --to "$live/lake" --dry-run
  assert_equal "$stderr" ''
}

@test "restore: a disk that fills while a database is staged leaves the old one, the emergency snapshot and nothing else" {
  local before
  on_one_disk
  mkdir "$disk/live"
  random_database "$disk/live/t.db" 2500
  take --sqlite "$disk/live/t.db"
  random_database "$disk/live/t.db" 1500
  before=$(fingerprint "$disk/live")
  leave_free 3500000
  run -8 --separate-stderr restore "$id" --in-place
  assert_clean_failure
  assert_regex "$stderr" 'No space left on device'
  assert_equal "$(catalog --json | jq -r '.[0].type')" emergency
  assert_untouched "$before"
}

@test "restore: a disk that fills while a tree is staged leaves the old tree and nothing else" {
  local before i
  on_one_disk
  mkdir "$disk/live" "$disk/live/tree"
  for i in {1..1500}; do echo "$i" >"$disk/live/tree/$i"; done # each takes a page of the disk
  take --tree "$disk/live/tree"
  rm -r "$disk/live/tree"
  mkdir "$disk/live/tree"
  echo now >"$disk/live/tree/now"
  before=$(fingerprint "$disk/live")
  leave_free 3000000
  run -8 --separate-stderr restore "$id" --in-place
  assert_clean_failure
  assert_regex "$stderr" 'No space left on device'
  assert_untouched "$before"
}

@test "restore: TERM at any moment of --in-place gives the whole old or the whole new, and --pending says which" {
  local total nth pending stopped=0 late=0
  strace -f -qq -o "$BATS_TEST_TMPDIR/calls" -e trace=openat,renameat2 restore "$good" --in-place 2>/dev/null >&2
  total=$(wc -l <"$BATS_TEST_TMPDIR/calls")
  run -0 restore --undo
  run -0 restore --accept
  for ((nth = 1; nth <= total; nth += 1 + total / 60)); do
    old_again
    under "openat,renameat2:signal=TERM:when=$nth" restore "$good" --in-place
    pending=$(restore --pending --json | jq -r '[.[].state] | unique | join(" ")')
    case "$status $pending" in
      '143 ')
        assert_old
        assert_nothing_left
        stopped=$((stopped + 1))
        if [[ $(catalog --json | jq 'any(.[]; .type == "emergency")') == true ]]; then late=$((late + 1)); fi
        ;;
      '0 restored' | '143 restored')
        assert_new
        run -0 restore --accept
        ;;
      *) [[ $injected == no ]] || fail "call $nth of $total: exit $status, pending '$pending'" ;;
    esac
  done
  assert [ "$stopped" -gt 10 ]
  assert [ "$late" -gt 0 ] # also after the emergency snapshot
}

@test "restore: --in-place refuses while a program of the tree runs, which has no descriptor on it" {
  cp "$(command -v sleep)" "$live/tree/old/tool"
  "$live/tree/old/tool" 60 3>&- &
  holder=$!
  until [[ $(readlink "/proc/$holder/exe") == "$live/tree/old/tool" ]]; do sleep 0.05; done
  run -10 --separate-stderr in_place --component tree
  assert_regex "$stderr" "'$live/tree' is in use: pid $holder, tool has '$live/tree/old/tool'.*nothing was changed"
  assert_exist "$live/tree/old/tool"
  assert_nothing_left
  kill "$holder"
  wait "$holder" || true
  run -0 in_place --component tree
  diff -r "$live/tree" "$snap_dir/tree"
}

@test "restore: --in-place refuses a tree in which something is mounted, and what is a mount point, also by a bind" {
  mkdir "$BATS_TEST_TMPDIR/disk" "$live/tree/a b"
  echo precious >"$BATS_TEST_TMPDIR/disk/file"
  mount_at "$live/tree/a b" --bind "$BATS_TEST_TMPDIR/disk"
  run -10 --separate-stderr in_place --component tree
  assert_regex "$stderr" "'$live/tree/a b' is mounted below '$live/tree' and would move away with it; nothing was changed.*hint: umount"
  run -10 in_place --component tree --force
  run -10 in_place --component tree --dry-run
  assert_equal "$(<"$BATS_TEST_TMPDIR/disk/file")" precious
  umount "$live/tree/a b"
  rmdir "$live/tree/a b"
  mount_at "$live/tree" --bind "$live/tree"
  run -10 --separate-stderr in_place --component tree
  assert_regex "$stderr" "'$live/tree' is a mount point"
  umount "$live/tree"
  mount_at "$live/t.db" --bind "$live/t.db"
  run -10 --separate-stderr in_place --component t.db
  assert_regex "$stderr" "'$live/t.db' is a mount point"
  umount "$live/t.db"
  assert_nothing_left
  run -0 in_place
  assert_new
}
