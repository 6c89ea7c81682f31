# shellcheck shell=bash
# in_place.bash - for suites about restores in place (`load in_place` after `load injection`): live data, a snapshot of what it
# was, and what "the old" and "the new" data look like.
# shellcheck disable=SC2154,SC2016  # bats sets output; the shell of sqlite3 expands $PPID

# A snapshot of a database and a tree, and then other live data: the database has a last commit that only its WAL holds. `snap_dir` has
# what the snapshot holds, `live` is the place, `old` a copy of it as it is before the restore.
setup() {
  fresh_repository
  live=$BATS_TEST_TMPDIR/live snap_dir=$BATS_TEST_TMPDIR/snap old=$BATS_TEST_TMPDIR/old
  mkdir -p "$live/tree/new"
  make_database "$live/t.db"
  seq 1 3000 >"$live/tree/new/numbers"
  chmod 0750 "$live/tree/new"
  take --sqlite "$live/t.db" --tree "$live/tree"
  good=$id
  cp -a "$live" "$snap_dir"
  rm -rf "$live/tree/new" "$live/t.db"
  mkdir "$live/tree/old"
  seq 1 2000 >"$live/tree/old/numbers"
  make_database "$live/t.db" 'PRAGMA journal_mode=wal'
  run -137 sql "$live/t.db" "INSERT INTO trade VALUES(9001, 1, 'only in the WAL')" '.shell kill -KILL $PPID'
  assert_file_not_empty "$live/t.db-wal"
  cp -a "$live" "$old"
}

in_place() { # [argument of restore]...
  restore "$good" --in-place "$@"
}

assert_new() {
  cmp "$live/t.db" "$snap_dir/t.db"
  diff -r "$live/tree" "$snap_dir/tree"
  assert_equal "$(stat -c %a "$live/tree/new")" 750
  assert_equal "$(find "$live" -maxdepth 1 -name 't.db-*')" ''
}

# All names, facts and bytes, but what restores keep.
looks() { # <folder>
  fingerprint "$1" | grep -v 'holdfast-restore' | sed "s|$1||"
}

assert_old() {
  assert_equal "$(looks "$live")" "$(looks "$old")"
  cp -a "$live" "$BATS_TEST_TMPDIR/look"
  assert_equal "$(sql "$BATS_TEST_TMPDIR/look/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
  rm -rf "$BATS_TEST_TMPDIR/look"
}

assert_nothing_left() {
  assert_equal "$(find "$live" "$BATS_TEST_TMPDIR" -maxdepth 1 -name '.holdfast-restore.*')" ''
  run -0 --separate-stderr restore --pending --json
  assert_equal "$output" '[]'
}

old_again() {
  rm -rf "$live"
  cp -a "$old" "$live"
}
