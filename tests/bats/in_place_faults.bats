#!/usr/bin/env bats
# in_place_faults.bats - restore --in-place when something fails, is killed or is changed by others in between: no copy of the
# old data is ever removed unasked, and no verb says that it did what it did not do.

load support
load repository
load injection
load in_place

state_of() { # <restore>
  restore --pending --json | jq -r --arg id "$1" '[.[] | select(.restore == $id)][0].state'
}

newest_restore() {
  restore --pending --json | jq -r '.[-1].restore'
}

@test "restore: whichever write, rename or sync of --in-place fails, the old data is live or kept for --undo" {
  local call nth
  for call in rename renameat2 fsync; do
    for ((nth = 1; nth < 60; nth++)); do
      old_again
      under "$call:error=EIO:when=$nth" restore "$good" --in-place --no-emergency
      if [[ $injected == no ]]; then break; fi
      if ((status != 0)) && [[ $(restore --pending --json) == '[]' ]]; then
        assert_old
        continue
      fi
      failed=$stderr
      run restore --undo
      ((status == 0)) || fail "$call $nth: $failed, then $output"
      assert_old
      run restore --accept
      assert_nothing_left
    done
    run -0 restore --accept # the one that nothing happened to
    ((nth > 1)) || fail "restore never called $call"
  done
}

@test "restore: --online whose journal cannot be written any more can still be undone" {
  local nth
  for ((nth = 1; nth < 60; nth++)); do
    old_again
    under "rename:error=ENOSPC:when=$nth" restore "$good" --in-place --online --component t.db
    if [[ $injected == no ]]; then break; fi
    if ((status == 0)) || [[ $(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9001') != 'only in the WAL' ]]; then
      run -0 restore --undo
    fi
    assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
    run restore --accept
  done
  ((nth > 2)) || fail 'restore never renamed'
}

@test "restore: a target that was deleted or replaced by others after the restore is no obstacle to --undo" {
  run -0 in_place
  rm "$live"/t.db
  rm -r "$live/tree"
  run -0 restore --undo
  assert_old
  run -0 restore --accept
  run -0 in_place
  cp -a "$live/t.db" "$live/another"
  mv "$live/another" "$live/t.db"
  cp -a "$live/tree" "$live/another"
  rm -r "$live/tree"
  mv "$live/another" "$live/tree"
  run -0 restore --undo
  assert_old
}

@test "restore: --resume puts nothing but the restored data in place, and says if it is gone" {
  local nth
  for ((nth = 1; nth < 20; nth++)); do
    old_again
    rm "$live"/t.db-*
    under "renameat2:signal=KILL:when=$nth" restore "$good" --in-place --no-emergency --component t.db
    if [[ $injected == no ]]; then break; fi
    id=$(newest_restore)
    if [[ $id != null && $(state_of "$id") == swapping ]]; then
      rm -f "$live/t.db"
      run restore --resume
      if ((status == 0)); then
        cmp "$live/t.db" "$snap_dir/t.db"
      else
        assert_equal "$status" 10
        assert_not_exist "$live/t.db"
      fi
      run -0 restore --undo
      run restore --accept
    fi
  done
  run restore --undo
  run restore --accept
  # Killed after the exchange, and the target is deleted before the resume.
  old_again
  rm "$live"/t.db-*
  run -0 in_place --component t.db --no-emergency
  id=$(newest_restore)
  journal=$(echo "$XDG_STATE_HOME"/holdfast/*.restores/"$id".json)
  sed -i 's/"restored"/"swapping"/' "$journal"
  rm "$live/t.db"
  run -10 --separate-stderr restore --resume
  assert_not_exist "$live/t.db"
  run -0 restore --undo
  cmp "$live/t.db" "$old/t.db"
}

# Runs until the kill, then an application opens the database that lacks its WAL, and dies with a commit in a new WAL.
interrupted_and_used() { # <nth rename>
  old_again
  under "renameat2:signal=KILL:when=$1" restore "$good" --in-place --no-emergency --component t.db
  [[ $injected == yes ]] || return 1
  run sql "$live/t.db" 'PRAGMA journal_mode=wal' "INSERT INTO trade VALUES(9003, 1, 'in between')" '.shell kill -KILL $PPID'
}

@test "restore: interrupted, the database used by an application, then --resume: --undo still brings an old state back" {
  local nth
  for ((nth = 1; nth < 20; nth++)); do
    interrupted_and_used "$nth" || break
    if [[ $(restore --pending --json) == '[]' ]]; then continue; fi
    run restore --resume
    if ((status == 0)); then cmp "$live/t.db" "$snap_dir/t.db"; fi
    run restore --undo
    ((status == 0 || status == 4)) || fail "undo after rename $nth: $output"
    assert_sound "$live/t.db"
    assert_regex "$(sql "$live/t.db" 'SELECT group_concat(note) FROM trade WHERE id > 9000')" '^(only in the WAL|in between|only in the WAL,in between)$'
    run -0 restore --accept
    assert_nothing_left
  done
  ((nth > 3)) || fail 'too few renames'
}

@test "restore: --undo interrupted, the database used by an application: ended by --undo, no WAL meets another database" {
  local nth way
  for ((nth = 1; nth < 20; nth++)); do
    for way in --undo --resume; do
      old_again
      run -0 in_place --no-emergency --component t.db
      sql "$live/t.db" 'PRAGMA journal_mode=wal' "INSERT INTO trade VALUES(9002, 1, 'after')" >/dev/null
      under "renameat2:signal=KILL:when=$nth" restore --undo
      if [[ $injected == no ]]; then break 2; fi
      run sql "$live/t.db" 'PRAGMA journal_mode=wal' "INSERT INTO trade VALUES(9003, 1, 'in between')" '.shell kill -KILL $PPID'
      run --separate-stderr restore "$way"
      ((status == 0 || status == 4)) || fail "$way after rename $nth: $stderr"
      assert_sound "$live/t.db"
      assert_regex "$(sql "$live/t.db" 'SELECT group_concat(note) FROM trade WHERE id > 9000')" '^(only in the WAL|in between|only in the WAL,in between)$'
      run -0 restore --accept
      assert_nothing_left
    done
  done
  ((nth > 3)) || fail 'too few renames'
}

@test "restore: after an interrupted --accept nothing half removed becomes live again" {
  run -0 in_place --no-emergency --component tree
  under 'unlinkat:signal=KILL:when=2' restore --accept
  assert_equal "$injected" yes
  run -10 --separate-stderr restore --undo
  assert_regex "$stderr" 'accept'
  diff -r "$live/tree" "$snap_dir/tree"
  run -0 restore --accept
  assert_nothing_left
}

@test "restore: --undo said twice undoes one restore, and an older one only by its id" {
  run -0 in_place --component t.db
  older=$(newest_restore)
  sql "$live/t.db" "INSERT INTO trade VALUES(9004, 1, 'good work')"
  run -0 in_place --component t.db
  newer=$(newest_restore)
  run -10 --separate-stderr restore --undo "$older"
  assert_regex "$stderr" "$newer"
  run -0 restore --undo
  assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9004')" 'good work'
  run -6 --separate-stderr restore --undo
  assert_regex "$stderr" "$newer.*is undone already"
  assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9004')" 'good work'
  run -0 restore --undo "$older"
  assert_old
}

@test "restore: restores in the same second are undone newest first" {
  local n
  for n in 1 2 3 4 5 6; do
    run -0 in_place --component t.db --no-emergency
    sql "$live/t.db" "INSERT INTO trade VALUES($((9100 + n)), 1, 'round $n')"
  done
  run -0 restore --undo
  assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id > 9000')" 'round 5'
}

@test "restore: --online --undo keeps what applications wrote, and killed it is ended by --undo" {
  local nth
  for nth in 1 2 5 9; do
    old_again
    run -0 in_place --online --component t.db
    id=$(newest_restore)
    sql "$live/t.db" "INSERT INTO trade VALUES(9002, 1, 'after the restore')"
    under "pwrite64:signal=KILL:when=$nth" -P "$live/t.db-wal" restore --undo
    assert_equal "$injected" yes
    run -0 --separate-stderr restore --undo
    assert_equal "$(sql "$live/t.db" 'SELECT group_concat(note) FROM trade WHERE id > 9000')" 'only in the WAL'
    assert_equal "$(state_of "$id")" undone
    run -0 restore --accept "$id"
    assert_nothing_left
  done
  bring_back "$(catalog --type emergency --format id | sed -n 1p)"
  assert_equal "$(sql "$restored/t.db" 'SELECT note FROM trade WHERE id = 9002')" 'after the restore'
}

@test "restore: --online --resume that fails keeps the way back" {
  under "pwrite64:signal=KILL:when=5" -P "$live/t.db-wal" restore "$good" --in-place --online --component t.db
  assert_equal "$injected" yes
  chmod 0 "$live/t.db"
  mv "$live/t.db" "$live/away"
  run restore --resume
  ((status != 0)) || fail 'nothing to write to'
  mv "$live/away" "$live/t.db"
  chmod 0644 "$live/t.db"
  run -0 restore --undo
  assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

@test "restore: --online of another page size, larger or smaller, in WAL or rollback mode" {
  local mode
  for mode in delete wal; do
    make_database "$BATS_TEST_TMPDIR/big-$mode.db" "PRAGMA page_size=8192; PRAGMA journal_mode=$mode"
    sql "$BATS_TEST_TMPDIR/big-$mode.db" 'CREATE TABLE more AS SELECT randomblob(500) FROM generate_series(1, 3000)'
    make_database "$BATS_TEST_TMPDIR/live-$mode.db" 'PRAGMA page_size=4096; PRAGMA journal_mode=delete'
    take --sqlite "$BATS_TEST_TMPDIR/big-$mode.db"
    cp "$BATS_TEST_TMPDIR/live-$mode.db" "$BATS_TEST_TMPDIR/before"
    run -0 restore "$id" --in-place --online --to "$BATS_TEST_TMPDIR/live-$mode.db"
    assert_sound "$BATS_TEST_TMPDIR/live-$mode.db"
    assert_equal "$(sql "$BATS_TEST_TMPDIR/live-$mode.db" .sha3sum)" "$(sql "$BATS_TEST_TMPDIR/big-$mode.db" .sha3sum)"
    if [[ $mode == wal ]]; then # the restored database brought its own mode along: the hint says another way
      run -10 --separate-stderr restore --undo
      assert_regex "$stderr" "hint: .*restore [0-9TZa-f-]+ --in-place --component .* --to '?$BATS_TEST_TMPDIR/live-wal.db"
      continue
    fi
    run -0 restore --undo
    assert_equal "$(sql "$BATS_TEST_TMPDIR/live-$mode.db" .sha3sum)" "$(sql "$BATS_TEST_TMPDIR/before" .sha3sum)"
  done
}

@test "restore: a link that leads nowhere is followed, and stays" {
  mkdir "$BATS_TEST_TMPDIR/disk"
  rm "$live"/t.db*
  ln -s ../disk/real.db "$live/t.db"
  run -0 in_place --component t.db
  assert_link_exist "$live/t.db"
  cmp "$BATS_TEST_TMPDIR/disk/real.db" "$snap_dir/t.db"
  run -0 restore --undo
  rmdir "$BATS_TEST_TMPDIR/disk" 2>/dev/null || rm -r "$BATS_TEST_TMPDIR/disk"
  run -6 in_place --component t.db
  assert_link_exist "$live/t.db"
}

@test "restore: a tree that holds the memory of this host is not replaced, for the way back would go with it" {
  mkdir -p "$live/home"
  export XDG_STATE_HOME=$live/tree/old/state
  mkdir -p "$XDG_STATE_HOME"
  run -10 --separate-stderr in_place --component tree
  assert_regex "$stderr" 'journals of restores'
  assert_exist "$live/tree/old/numbers"
}

@test "restore: a tree with the kept data of another restore in it is not replaced" {
  mv "$live"/t.db* "$live/tree/"
  run -0 in_place --component t.db --to "$live/tree/t.db"
  id=$(newest_restore)
  run -10 --separate-stderr in_place --component tree
  assert_regex "$stderr" "$id.*--accept $id"
  run -0 restore --undo "$id"
  assert_equal "$(sql "$live/tree/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

@test "restore: the emergency snapshot holds what is replaced, also if the configuration has the source elsewhere by now" {
  make_database "$BATS_TEST_TMPDIR/moved.db"
  printf '[repository]\npath = "%s"\n[[source]]\nname = "t.db"\nkind = "sqlite"\npath = "%s"\n' "$repo" "$BATS_TEST_TMPDIR/moved.db" \
    >"$BATS_TEST_TMPDIR/holdfast.toml"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  run -0 in_place --online --component t.db
  run -0 restore --undo
  assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

@test "restore: a damaged journal is named, hides no other restore and stops no --undo of one" {
  run -0 in_place --component t.db
  id=$(newest_restore)
  folder=$(echo "$XDG_STATE_HOME"/holdfast/*.restores)
  printf '{"restore": "20200101' >"$folder/20200101T000000Z-abcdef.json"
  run -5 --separate-stderr in_place --component tree
  assert_regex "$stderr" 'error: .*20200101T000000Z-abcdef.json.*hint: '
  run restore --pending
  assert_output --partial "$id"
  run -0 restore --undo "$id"
  assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

@test "restore: databases with odd names are replaced in place, online and brought back" {
  local name
  for name in 'a b?c=1#.db' '100%41.db' "quo'te\".db" $'new\nline.db' '-dash.db' ':memory:' 'ünï.db'; do
    mkdir -p "$BATS_TEST_TMPDIR/odd"
    make_database "$BATS_TEST_TMPDIR/odd/$name"
    before=$(sql "$BATS_TEST_TMPDIR/odd/$name" .sha3sum)
    run -0 in_place --component t.db --to "$BATS_TEST_TMPDIR/odd/$name"
    cmp "$BATS_TEST_TMPDIR/odd/$name" "$snap_dir/t.db"
    run -0 restore --undo
    assert_equal "$(sql "$BATS_TEST_TMPDIR/odd/$name" .sha3sum)" "$before"
    run -0 in_place --component t.db --online --to "$BATS_TEST_TMPDIR/odd/$name"
    assert_equal "$(sql "$BATS_TEST_TMPDIR/odd/$name" .sha3sum)" "$(sql "$snap_dir/t.db" .sha3sum)"
    run -0 restore --undo
    assert_equal "$(sql "$BATS_TEST_TMPDIR/odd/$name" .sha3sum)" "$before"
  done
}

@test "restore: the next snapshot of a tree does not hold what a restore keeps in it" {
  mv "$live"/t.db* "$live/tree/"
  run -0 in_place --component t.db --to "$live/tree/t.db"
  take --tree "$live/tree"
  bring_back "$id"
  assert_equal "$(find "$restored" -name '.holdfast-restore*')" ''
}

@test "restore: TERM while --online writes rolls back, and nothing was changed" {
  sql "$live/t.db" 'CREATE TABLE more AS SELECT randomblob(900) FROM generate_series(1, 30000)' 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
  take --sqlite "$live/t.db"
  sql "$live/t.db" 'DELETE FROM more WHERE rowid % 2' 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
  before=$(sql "$live/t.db" .sha3sum)
  under 'pwrite64:signal=TERM:when=1' -P "$live/t.db-wal" restore "$id" --in-place --online --no-emergency
  assert_equal "$status" 143
  assert_equal "$(sql "$live/t.db" .sha3sum)" "$before"
  assert_nothing_left
}

@test "prune: what --undo of an online restore needs stays until that is accepted" {
  run -0 --separate-stderr in_place --online --component t.db --json
  emergency=$(jq -r .emergency <<<"$output")
  run -10 --separate-stderr prune --forget "$emergency"
  assert_regex "$stderr" "$(newest_restore)"
  run -0 restore --undo
  assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
  run -0 restore --accept
  run prune --forget "$emergency" # as far as floors allow
  refute_output --partial 'was not accepted yet'
}

@test "restore: a memory of this host that cannot be read stops --in-place before anything is done, as an error of the disk" {
  run -0 in_place --component t.db
  folder=$(echo "$XDG_STATE_HOME"/holdfast/*.restores)
  run -0 restore --undo
  mv "$folder" "$folder.away"
  ln -s "$folder" "$folder" # what stat says of it is an error, also for root
  run -8 --separate-stderr in_place
  assert_clean_failure
  assert_old
}

@test "restore: --undo says if what it should bring back was removed by others, and the restore can be given up" {
  local state
  for state in restored swapping undoing; do
    run -0 in_place --component t.db --no-emergency
    rm -r "$live"/.holdfast-restore.*
    sed -i "s/\"restored\"/\"$state\"/" "$XDG_STATE_HOME"/holdfast/*.restores/*.json
    run -10 --separate-stderr restore --undo
    assert_regex "$stderr" 'is no longer in .*--accept --force'
    cmp "$live/t.db" "$snap_dir/t.db"
    run -0 restore --accept --force
    assert_nothing_left
  done
}
