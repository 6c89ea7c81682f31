#!/usr/bin/env bats
# left_out.bats - restore --in-place of a tree whose `exclude` leaves something out: no snapshot has that, so it stays live.
# shellcheck disable=SC2016  # the shell of sqlite3 expands $PPID

load support
load repository
load injection

# A snapshot of `data` as it was good; then it is spoilt, and what is left out has changed since too.
setup() {
  fresh_repository
  data=$BATS_TEST_TMPDIR/data
  mkdir -p "$data/sub/deep" "$data/cache/a"
  cat >"$BATS_TEST_TMPDIR/holdfast.toml" <<END
[repository]
path = "$repo"
[[source]]
name = "data"
kind = "tree"
path = "$data"
exclude = ["*.tmp", "cache", "app.db*", "sub/secret"]
END
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  echo good | tee "$data/kept" "$data/sub/deep/kept" >"$data/lost"
  make_database "$data/app.db"
  take
  good=$id
  echo bad | tee "$data/kept" >"$data/new"
  rm "$data/lost"
  echo 1 | tee "$data/x.tmp" "$data/sub/deep/y.tmp" "$data/sub/secret" >"$data/cache/a/big"
  run -137 sql "$data/app.db" 'PRAGMA journal_mode=wal' "INSERT INTO trade VALUES(9001, 1, 'only in the WAL')" '.shell kill -KILL $PPID'
  assert_file_not_empty "$data/app.db-wal"
  inode=$(stat -c %i "$data/app.db")
  touch -d 2020-02-02 "$data/sub"
  cp -a "$data" "$BATS_TEST_TMPDIR/old"
}

names() { # <folder>
  (cd "$1" && find . -type f ! -name '*-shm' | LC_ALL=C sort | paste -sd ' ')
}

assert_restored() {
  assert_equal "$(names "$data")" './app.db ./app.db-wal ./cache/a/big ./kept ./lost ./sub/deep/kept ./sub/deep/y.tmp ./sub/secret ./x.tmp'
  assert_equal "$(<"$data/kept")" good
  assert_equal "$(stat -c %i "$data/app.db")" "$inode"
}

assert_old() {
  diff -r "$data" "$BATS_TEST_TMPDIR/old"
  assert_equal "$(stat -c %y "$data/sub")" "$(stat -c %y "$BATS_TEST_TMPDIR/old/sub")"
}

@test "restore: --in-place keeps what 'exclude' leaves out where it is, says so, and --undo gives the old tree" {
  run -0 --separate-stderr restore "$good" --in-place
  assert_regex "$stderr" "5 entries \('app.db', 'cache', 'sub/deep/y.tmp' …\) of '$data' that 'exclude' leaves out stayed in place"
  assert_regex "$stderr" "1 entry \('new'\) of '$data' are not in the snapshot; they are kept in '.*/.holdfast-restore.*', and --undo brings them back"
  assert_restored
  run -0 restore --undo
  assert_old
}

@test "restore: a database that is left out is the one that the application had, WAL and all; what it wrote since goes back with --undo" {
  run -0 restore "$good" --in-place
  assert_equal "$(sql "$data/app.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
  run -137 sql "$data/app.db" 'PRAGMA journal_mode=wal' "INSERT INTO trade VALUES(9002, 1, 'after')" '.shell kill -KILL $PPID'
  assert_file_not_empty "$data/app.db-wal"
  echo later >"$data/sub/z.tmp"
  run -0 restore --undo
  assert_equal "$(<"$data/kept")" bad
  assert_equal "$(sql "$data/app.db" 'SELECT group_concat(note) FROM trade WHERE id > 9000')" 'only in the WAL,after'
  assert_sound "$data/app.db"
  assert_equal "$(<"$data/sub/z.tmp")" later
}

@test "restore: --dry-run of --in-place says what is left out and stays" {
  run -0 restore "$good" --in-place --dry-run
  assert_output --partial "5 entries ('app.db', 'cache', 'sub/deep/y.tmp' …) of '$data' that 'exclude' leaves out"
  run -0 --separate-stderr restore "$good" --in-place --dry-run --json
  assert_equal "$(jq -c '.components[0].left_out' <<<"$output")" '["app.db","cache","sub/deep/y.tmp","sub/secret","x.tmp"]'
  assert_old
}

@test "restore: what is left out but has no folder in the snapshot is kept aside and named, exit 4, and --undo brings it back" {
  mkdir "$data/later"
  echo 1 >"$data/later/z.tmp"
  cp -a "$data/later" "$BATS_TEST_TMPDIR/old/"
  run -4 --separate-stderr restore "$good" --in-place
  assert_regex "$stderr" "warning: 1 entry \('later/z.tmp'\) of '$data' that 'exclude' leaves out found no place .* kept in '([^']*)'; no snapshot has them"
  assert_equal "$(<"${BASH_REMATCH[1]}/later/z.tmp")" 1
  assert_restored
  run -0 restore --undo
  assert_old
}

@test "restore: what the snapshot itself has is that of the snapshot, and an old WAL never comes beside its database" {
  sed -i '/^exclude/d' "$HOLDFAST_CONFIG"
  take
  printf 'exclude = ["app.db*", "*.tmp"]\n' >>"$HOLDFAST_CONFIG"
  run -137 sql "$data/app.db" "INSERT INTO trade VALUES(9003, 1, 'later')" '.shell kill -KILL $PPID'
  run -0 restore "$id" --in-place
  assert_equal "$(sql "$data/app.db" 'SELECT group_concat(note) FROM trade WHERE id > 9000')" 'only in the WAL'
  assert_sound "$data/app.db"
  run -0 restore --undo
  assert_equal "$(sql "$data/app.db" 'SELECT group_concat(note) FROM trade WHERE id > 9000')" 'only in the WAL,later'
}

@test "restore: no link of the snapshot leads what is left out to another place" {
  mkdir "$BATS_TEST_TMPDIR/elsewhere"
  mv "$data/sub" "$BATS_TEST_TMPDIR/sub"
  ln -s "$BATS_TEST_TMPDIR/elsewhere" "$data/sub"
  take
  rm "$data/sub"
  mv "$BATS_TEST_TMPDIR/sub" "$data/sub"
  run -4 restore "$id" --in-place
  assert_output --partial 'found no place'
  assert_equal "$(ls -A "$BATS_TEST_TMPDIR/elsewhere")" ''
  run -0 restore --undo
  assert_old
}

@test "restore: killed at any rename while what is left out moves, --resume and --undo lose nothing" {
  local nth way
  for way in resume undo; do
    for ((nth = 1; nth < 40; nth++)); do
      rm -rf "$data"
      cp -a "$BATS_TEST_TMPDIR/old" "$data"
      inode=$(stat -c %i "$data/app.db")
      under "renameat2:signal=KILL:when=$nth" restore "$good" --in-place --no-emergency
      if [[ $injected == no ]]; then break; fi
      if [[ $way == resume ]]; then
        run restore --resume
        assert_restored
      else
        run restore --undo
        assert_old
      fi
      run restore --accept
    done
    ((nth > 6)) || fail "only $nth renames"
    run restore --accept
  done
}

@test "restore: --undo killed at any rename while what is left out moves back is ended by --undo" {
  local nth
  for ((nth = 1; nth < 40; nth++)); do
    rm -rf "$data"
    cp -a "$BATS_TEST_TMPDIR/old" "$data"
    run -0 restore "$good" --in-place --no-emergency
    under "renameat2:signal=KILL:when=$nth" restore --undo
    if [[ $injected == no ]]; then break; fi
    run -0 restore --undo
    assert_old
    run -0 restore --accept
  done
  ((nth > 6)) || fail "only $nth renames"
  run restore --accept
}

@test "restore: an error of any rename while what is left out moves loses nothing of it" {
  local nth
  for ((nth = 1; nth < 40; nth++)); do
    rm -rf "$data"
    cp -a "$BATS_TEST_TMPDIR/old" "$data"
    inode=$(stat -c %i "$data/app.db")
    under "renameat2:error=EIO:when=$nth" restore "$good" --in-place --no-emergency
    if [[ $injected == no ]]; then break; fi
    if ((status == 8)); then
      assert_old
      continue
    fi
    run restore --undo
    assert_old
    run restore --accept
  done
  ((nth > 6)) || fail "only $nth renames"
}

@test "restore: --in-place --to another place takes nothing along that 'exclude' of the source is about" {
  mkdir "$BATS_TEST_TMPDIR/other"
  echo mine >"$BATS_TEST_TMPDIR/other/x.tmp"
  run -0 --separate-stderr restore "$good" --in-place --to "$BATS_TEST_TMPDIR/other"
  assert_regex "$stderr" "1 entry \('x.tmp'\) .* are not in the snapshot"
  assert_not_exist "$BATS_TEST_TMPDIR/other/x.tmp"
  run -0 restore --undo
  assert_equal "$(names "$BATS_TEST_TMPDIR/other")" ./x.tmp
}

@test "restore: --in-place of logs keeps the files that 'newer_than' passed over, also those that were written to since, and --undo gives the old tree" {
  local logs=$BATS_TEST_TMPDIR/logs
  mkdir -p "$logs/sub"
  printf '[[source]]\nname = "logs"\nkind = "tree"\npath = "%s"\nnewer_than = "7d"\nallow_empty = true\nmax_shrink = "100%%"\n' "$logs" >>"$HOLDFAST_CONFIG"
  echo new >"$logs/new.log"
  echo old | tee "$logs/old.log" "$logs/sub/older.log" "$logs"/$'odd\n\xff' >/dev/null
  touch -d '-8 days' "$logs/old.log" "$logs/sub/older.log" "$logs"/$'odd\n\xff'
  take logs
  echo spoilt >"$logs/new.log"
  echo later >"$logs/later.log"
  cp -a "$logs" "$BATS_TEST_TMPDIR/logs_before"
  run -0 --separate-stderr restore "$id" --in-place --source logs --dry-run
  assert_output --partial "3 entries"
  assert_output --partial "that 'newer_than' leaves out: what has its folder in the snapshot stays in place"
  run -0 --separate-stderr restore "$id" --in-place --source logs
  assert_regex "$stderr" "3 entries .* that 'newer_than' leaves out stayed in place"
  assert_regex "$stderr" "1 entry \('later.log'\) .* are not in the snapshot"
  assert_equal "$(<"$logs/new.log") $(<"$logs/old.log") $(<"$logs/sub/older.log") $(<"$logs"/$'odd\n\xff')" 'new old old old'
  assert_not_exists "$logs/later.log"
  # The emergency snapshot has the old files as well.
  run -0 --separate-stderr catalog list --json
  local emergency
  emergency=$(jq -r 'map(select(.type == "emergency"))[0].id' <<<"$output")
  run -0 --separate-stderr catalog files "$emergency" logs
  assert_output --partial sub/older.log
  echo more >>"$logs/old.log" # no longer old: it goes back all the same
  run -0 --separate-stderr restore --undo
  echo more >>"$BATS_TEST_TMPDIR/logs_before/old.log"
  diff -r "$logs" "$BATS_TEST_TMPDIR/logs_before"
  # An emergency snapshot is the whole state: files that were not there then do not stay.
  echo old >"$logs/ancient.log"
  touch -d '-9 days' "$logs/ancient.log"
  run -0 --separate-stderr restore "$emergency" --in-place --source logs --no-emergency
  assert_not_exists "$logs/ancient.log"
  assert_file_exists "$logs/old.log"
}
