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

# An application with its database open: it runs these statements and then waits; sets `application` to its process.
open_application() { # <database> [statement or command]...
  local ready=$BATS_TEST_TMPDIR/ready statements=$BATS_TEST_TMPDIR/statements
  rm -f "$ready" "$statements"
  mkfifo "$statements"
  sqlite3 -batch -init /dev/null "$1" <"$statements" >/dev/null 2>&1 3>&- &
  application=$!
  exec {to_application}>"$statements"
  printf '%s\n' "${@:2}" ".shell touch '$ready'" >&"$to_application"
  until [[ -e $ready ]]; do sleep 0.02; done
}

close_application() {
  exec {to_application}>&-
  wait "$application" || : # it fails if a statement did
}

teardown() {
  if [[ -n ${to_application-} ]]; then exec {to_application}>&-; fi
}

assert_refused_as_open() { # <file>
  assert_equal "$status" 7
  assert_clean_failure
  assert_regex "$stderr" "error: '$1' is open in another process \(pid $application, sqlite3\); nothing was changed"
  assert_regex "$stderr" 'hint: stop the application'
}

@test "restore: --overwrite leaves a database alone that an application has open, in each mode, and replaces it once closed" {
  local name statements before
  declare -A statements=(
    [wal]="PRAGMA wal_autocheckpoint=0; INSERT INTO trade VALUES(9002, 1, 'still mine');"
    [journal]="PRAGMA journal_mode=delete; PRAGMA cache_size=2; BEGIN; UPDATE trade SET note = 'mine';"
    [idle]='PRAGMA journal_mode=delete; SELECT count(*) FROM trade;'
    [reading]='PRAGMA journal_mode=delete; BEGIN; SELECT count(*) FROM trade;'
    [exclusive]='PRAGMA locking_mode=exclusive; PRAGMA journal_mode=delete; DELETE FROM trade WHERE id = 1;'
  )
  for name in "${!statements[@]}"; do
    old_again
    open_application "$target/t.db" "${statements[$name]}"
    before=$(fingerprint "$target")
    run --separate-stderr restore "$id" --target "$target" --overwrite
    assert_refused_as_open "$target/t.db"
    assert_equal "$(fingerprint "$target")" "$before"
    printf '%s\n' "INSERT INTO trade VALUES(9003, 1, 'after');" >&"$to_application"
    close_application
    if [[ $name != journal && $name != reading ]]; then
      assert_equal "$(sql "$target/t.db" 'SELECT note FROM trade WHERE id = 9003')" after
    fi
    run -0 --separate-stderr restore "$id" --target "$target" --overwrite
    assert_new
  done
}

@test "restore: who opens the database while --overwrite is at work is locked out, and gets the old one back" {
  local restoring
  old_again
  strace -f -qq -o "$BATS_TEST_TMPDIR/strace" -e trace=renameat2 -e inject=renameat2:delay_enter=3000000:when=1 \
    "$HOLDFAST_BIN/restore" "$id" --target "$target" --overwrite >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
  restoring=$!
  # Looked at from outside: to open the database would play its WAL back.
  until compgen -G "$target/.holdfast-restore.*" >/dev/null && grep -q ":$(stat -c %i "$target/t.db") " /proc/locks; do sleep 0.02; done
  open_application "$target/t.db" 'SELECT count(*) FROM trade;'
  status=0
  wait "$restoring" || status=$?
  output=$(<"$BATS_TEST_TMPDIR/out") stderr=$(<"$BATS_TEST_TMPDIR/err")
  assert_refused_as_open "$target/t.db"
  assert_equal "$(ls -A "$target")" "$(ls -A "$old")"
  close_application
  assert_equal "$(sql "$target/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

@test "restore: neither a target inside the repository nor one that would replace it is taken" {
  local before to how
  before=$(fingerprint "$repo")
  ln -s "$repo" "$BATS_TEST_TMPDIR/link"
  for to in "$repo" "$repo/new/folder" "$BATS_TEST_TMPDIR/link/objects" "$repo/../repo/"; do
    for how in --overwrite --quiet --dry-run; do
      run -10 --separate-stderr restore "$id" --target "$to" "$how"
      assert_clean_failure
      assert_regex "$stderr" 'lies inside the repository'
    done
  done
  assert_equal "$(fingerprint "$repo")" "$before"
  mkdir -p "$target/tree"
  mv "$repo" "$target/tree/repo"
  before=$(fingerprint "$target/tree/repo")
  run -10 --separate-stderr restore --repo "$target/tree/repo" "$id" --target "$target" --overwrite
  assert_clean_failure
  assert_regex "$stderr" "would replace '$target/tree', which holds the repository; nothing was changed"
  assert_equal "$(fingerprint "$target/tree/repo")" "$before"
}

@test "restore: --dry-run says what the real run would say of a target that is not empty" {
  local real
  old_again
  run -10 --separate-stderr restore "$id" --target "$target"
  real=$stderr
  assert_regex "$real" 'exists; nothing was changed'
  run -10 --separate-stderr restore "$id" --target "$target" --dry-run
  assert_clean_failure
  assert_equal "$stderr" "$real"
  run -0 --separate-stderr restore "$id" --target "$target" --overwrite --dry-run
  run -0 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/none" --dry-run
  assert_file_not_exist "$BATS_TEST_TMPDIR/none"
  diff -r "$old" "$target"
}

@test "restore: says what it replaced and how much it brought back, and names what a killed run left" {
  local left=$target/.holdfast-restore.0badcafe
  run -0 --separate-stderr restore "$id" --target "$target"
  refute_regex "$stderr" replaced
  assert_regex "$stderr" "note: restored 2 components of snapshot $id: 2 files, "
  mkdir "$left"
  echo old >"$left/1"
  run -0 --separate-stderr restore "$id" --target "$target" --overwrite
  assert_regex "$stderr" "note: replaced '$target/t.db'; the old one is gone"
  assert_regex "$stderr" "note: replaced '$target/tree'; the old one is gone"
  assert_regex "$stderr" "note: '$left' is of a restore that was killed, or still runs; it may hold the old state"
  assert_equal "$(<"$left/1")" old
  run -0 --separate-stderr restore "$id" --target "$target" --overwrite --quiet
  assert_equal "$stderr" ''
}
