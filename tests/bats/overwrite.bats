#!/usr/bin/env bats
# overwrite.bats - restore --overwrite: at every instant the target is the whole old data or the whole new, and what
# fails or is killed loses nothing of the old.

load support
load repository
load injection

# A snapshot of a database and a tree, and in $old what they are to replace: another tree, and a database whose last
# commit only its WAL holds.
setup() {
  fresh_repository
  source_dir=$BATS_TEST_TMPDIR/source target=$BATS_TEST_TMPDIR/target old=$BATS_TEST_TMPDIR/old
  mkdir -p "$source_dir/tree/new" "$old/tree/old"
  make_database "$source_dir/t.db"
  seq 1 3000 >"$source_dir/tree/new/numbers"
  take --sqlite "$source_dir/t.db" --tree "$source_dir/tree"
  seq 1 2000 >"$old/tree/old/numbers"
  make_database "$old/t.db" 'PRAGMA journal_mode=wal'
  run -137 sql "$old/t.db" "INSERT INTO trade VALUES(9001, 1, 'only in the WAL')" '.shell kill -KILL $PPID'
  assert_file_not_empty "$old/t.db-wal"
  assert_file_exist "$old/t.db-shm"
}

old_again() {
  rm -rf "$target"
  cp -a "$old" "$target"
}

assert_new() {
  cmp "$target/t.db" "$source_dir/t.db"
  diff -r "$target/tree" "$source_dir/tree"
  assert_equal "$(find "$target" -name 't.db-*')" ''
}

# Also that no WAL lies where it would be replayed into the new database, and that the old one's is somewhere.
assert_old_or_new() {
  local wal
  if cmp -s "$target/t.db" "$source_dir/t.db"; then
    assert_equal "$(find "$target" -maxdepth 1 -name 't.db-*')" ''
  else
    cmp "$target/t.db" "$old/t.db"
    wal=$(find "$target" -name '*-wal')
    cmp "$wal" "$old/t.db-wal"
    cp "$target/t.db" "$BATS_TEST_TMPDIR/again.db"
    cp "$wal" "$BATS_TEST_TMPDIR/again.db-wal"
    assert_equal "$(sql "$BATS_TEST_TMPDIR/again.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
    rm "$BATS_TEST_TMPDIR"/again.db*
  fi
  if ! diff -rq "$target/tree" "$source_dir/tree" >/dev/null; then diff -r "$target/tree" "$old/tree"; fi
}

@test "restore: killed at any rename, fsync or removal of --overwrite, each target is the whole old or the whole new, and a second run ends well" {
  local call nth
  for call in renameat2 fsync unlinkat; do
    for ((nth = 1; nth < 40; nth++)); do
      old_again
      under "$call:signal=KILL:when=$nth" restore "$id" --target "$target" --overwrite
      if [[ $injected == no ]]; then break; fi
      assert_equal "$status" 137
      assert_old_or_new
      run -0 --separate-stderr restore "$id" --target "$target" --overwrite
      assert_new
    done
    assert_equal "$status" 0
    if ((nth < 4)); then fail "restore called $call $((nth - 1)) times only"; fi
  done
}

@test "restore: an error of any rename of --overwrite leaves every byte of the old, the WAL beside its database" {
  local nth before
  old_again
  before=$(fingerprint "$target")
  for ((nth = 1; nth < 40; nth++)); do
    under "renameat2:error=EIO:when=$nth" restore "$id" --target "$target" --overwrite
    if [[ $injected == no ]]; then break; fi
    assert_equal "$status" 8
    assert_clean_failure
    assert_equal "$(fingerprint "$target")" "$before"
  done
  if ((nth < 4)); then fail "restore called renameat2 $((nth - 1)) times only"; fi
  assert_new
}

@test "restore: --overwrite works on a file system that cannot exchange names" {
  local error
  for error in EINVAL ENOSYS; do
    old_again
    under "renameat2:error=$error" restore "$id" --target "$target" --overwrite
    assert_equal "$status $injected" '0 yes'
    assert_new
    assert_equal "$(ls -A "$target")" $'t.db\ntree'
  done
}

@test "restore: --overwrite replaces folders that their owner may not write, and a failure gives them back, mode and all" {
  local plain=(setpriv --reuid=65534 --regid=65534 --clear-groups) before
  ((EUID == 0)) || skip 'needs root to become another user'
  export HOME=$BATS_TEST_TMPDIR/nobody HOLDFAST_REPO=$BATS_TEST_TMPDIR/nobody/repo
  export XDG_CACHE_HOME=$HOME/cache XDG_STATE_HOME=$HOME/state TMPDIR=$HOME
  chmod 0711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test "$BATS_TEST_TMPDIR"
  mkdir -p "$HOME"/{a,b}
  echo new | tee "$HOME/a/file" >"$HOME/b/file"
  chmod 0555 "$HOME/a"
  chown -R 65534:65534 "$HOME"
  "${plain[@]}" test -x "$HOLDFAST_BIN/snap" -a -r "$HOME/a" || skip 'another user cannot reach the folders of this test'
  "${plain[@]}" "$HOLDFAST_BIN/init"
  run -0 --separate-stderr "${plain[@]}" "$HOLDFAST_BIN/snap" --tree "$HOME/a" --tree "$HOME/b"
  id=$output
  mkdir -p "$HOME/target/a" "$HOME/target/b"
  echo old | tee "$HOME/target/a/file" >"$HOME/target/b/file"
  chmod 0500 "$HOME/target/a"
  chown -R 65534:65534 "$HOME/target"
  before=$(fingerprint "$HOME/target")

  under renameat2:error=EIO:when=2 "${plain[@]}" "$HOLDFAST_BIN/restore" "$id" --target "$HOME/target" --overwrite
  assert_equal "$status" 8
  assert_equal "$(fingerprint "$HOME/target")" "$before"

  run -0 --separate-stderr "${plain[@]}" "$HOLDFAST_BIN/restore" "$id" --target "$HOME/target" --overwrite
  diff -r "$HOME/target/a" "$HOME/a"
  assert_equal "$(stat -c %a "$HOME/target/a")" 555
  assert_equal "$(ls -A "$HOME/target")" $'a\nb'
}
