#!/usr/bin/env bats
# in_place.bats - restore --in-place: the live data is the whole old or the whole new at every instant, and the way back
# is there until somebody accepts the result.

load support
load repository
load injection
load in_place

@test "restore: --in-place replaces a database and a tree, --undo brings the old ones back with what only the WAL had, --accept keeps the result" {
  run -0 --separate-stderr in_place
  assert_output "$live/t.db"$'\n'"$live/tree"
  assert_new
  run -0 --separate-stderr restore --undo
  assert_old
  run -6 --separate-stderr restore --undo
  assert_regex "$stderr" 'no restore to undo'
  run -0 --separate-stderr in_place
  assert_new
  run -0 restore --accept
  run -0 restore --accept
  assert_nothing_left
  assert_new
  assert_equal "$(jq -r .event "$repo/ledger.jsonl" | grep -c -e restored -e undone)" 3
}

@test "restore: --in-place takes an emergency snapshot first, which holds what was replaced, and latest never means that one" {
  run -0 --separate-stderr in_place --json
  emergency=$(jq -r .emergency <<<"$output")
  assert_equal "$(jq -r '[.phases[].name] | join(" ")' <<<"$output")" 'verify preflight emergency stage check swap'
  assert_equal "$(catalog show "$emergency" --json | jq -r .type)" emergency
  assert_equal "$(catalog show latest --json | jq -r .id)" "$good"
  assert_equal "$(catalog show latest:tree --json | jq -r .id)" "$good"
  bring_back "$emergency"
  assert_equal "$(sql "$restored/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
  diff -r "$restored/tree" "$old/tree"
  assert_whole --all --deep
}

@test "restore: killed at any rename, fsync or removal of --in-place, --undo gives the whole old data and --resume the whole new" {
  local call nth way
  for call in renameat2 rename fsync syncfs; do
    for ((nth = 1; nth < 60; nth++)); do
      for way in undo resume; do
        old_again
        under "$call:signal=KILL:when=$nth" restore "$good" --in-place --no-emergency
        if [[ $injected == no ]]; then break 2; fi
        assert_equal "$status" 137
        if [[ $(restore --pending --json) == '[]' ]]; then
          assert_old
          continue
        fi
        if [[ $way == undo ]]; then
          if [[ $(restore --pending --json | jq -r '.[0].state') != restored ]]; then
            run -10 in_place --no-emergency # not over an unfinished one
          fi
          run -0 restore --undo
          assert_old
        else
          run restore --resume
          if ((status != 0)); then assert_output --partial 'there is no restore to resume'; fi
          assert_new
        fi
        run restore --accept
        assert_nothing_left
      done
    done
    assert_equal "$status" 0
    run -0 restore --accept # the one that nothing happened to
    ((nth > 1)) || fail "restore never called $call"
  done
}

@test "restore: --undo killed at any rename is ended by --resume or by --undo" {
  local nth way
  for ((nth = 1; nth < 20; nth++)); do
    for way in --undo --resume; do
      old_again
      run -0 in_place --no-emergency
      sql "$live/t.db" 'PRAGMA journal_mode=wal' "INSERT INTO trade VALUES(9002, 1, 'after the restore')" >/dev/null
      under "renameat2:signal=KILL:when=$nth" restore --undo
      if [[ $injected == no ]]; then break 2; fi
      run -0 restore "$way"
      assert_old
      run -0 restore --accept
      assert_nothing_left
    done
  done
  ((nth > 3)) || fail "undo called renameat2 $((nth - 1)) times only"
}

@test "restore: what an application wrote after a restore in place is kept aside by --undo, and its WAL never meets the old database" {
  run -0 in_place
  run -137 sql "$live/t.db" 'PRAGMA journal_mode=wal' "INSERT INTO trade VALUES(9002, 1, 'after')" '.shell kill -KILL $PPID'
  assert_file_not_empty "$live/t.db-wal"
  run -0 restore --undo
  assert_old
  kept=$(find "$live" -path '*/.holdfast-restore.*' -name 0)
  mv "$kept.restored-wal" "$kept-wal"
  assert_equal "$(sql "$kept" 'SELECT note FROM trade WHERE id = 9002')" after
}

@test "restore: an error of any rename of the swap leaves every byte of the old and nothing behind" {
  local nth
  for ((nth = 1; nth < 40; nth++)); do
    old_again
    under "renameat2:error=EIO:when=$nth" restore "$good" --in-place --no-emergency
    if [[ $injected == no ]]; then break; fi
    if ((status == 0)); then continue; fi
    assert_equal "$status" 8
    assert_clean_failure
    assert_old
    assert_nothing_left
  done
  ((nth > 3)) || fail "renameat2 was called $((nth - 1)) times only"
  assert_new
}

@test "restore: --in-place works on a file system that cannot exchange names, and so does its undo" {
  under 'renameat2:error=EINVAL' restore "$good" --in-place --no-emergency
  assert_equal "$status $injected" '0 yes'
  assert_new
  under 'renameat2:error=EINVAL' restore --undo
  assert_equal "$status $injected" '0 yes'
  assert_old
}

@test "restore: --in-place refuses, naming who has the database open, also an idle one in rollback mode; --force goes on" {
  old_again
  for mode in wal delete; do
    sql "$live/t.db" "PRAGMA journal_mode=$mode" >/dev/null
    mkfifo "$BATS_TEST_TMPDIR/to"
    sqlite3 -batch "$live/t.db" <"$BATS_TEST_TMPDIR/to" >"$BATS_TEST_TMPDIR/from" 3>&- &
    holder=$!
    exec 9>"$BATS_TEST_TMPDIR/to"
    printf 'SELECT count(*) FROM book;\n' >&9
    until [[ -s $BATS_TEST_TMPDIR/from ]]; do sleep 0.05; done
    before=$(fingerprint "$live")
    run -10 --separate-stderr in_place --component t.db
    assert_regex "$stderr" "open in another process \(pid $holder, sqlite3\).*hint: stop the application"
    assert_equal "$(fingerprint "$live")" "$before"
    assert_nothing_left
    run -10 in_place --component t.db --dry-run
    if [[ $mode == delete ]]; then run -0 in_place --component t.db --force && cmp "$live/t.db" "$snap_dir/t.db"; fi
    exec 9>&-
    wait "$holder" || true
    rm "$BATS_TEST_TMPDIR"/{to,from}
  done
}

@test "restore: --in-place refuses while somebody has a file of the tree open or works in it" {
  exec 9<"$live/tree/old/numbers"
  sleep 60 3>&- &
  holder=$!
  exec 9<&-
  run -10 --separate-stderr in_place --component tree
  assert_regex "$stderr" "'$live/tree' is in use: pid $holder, sleep has '$live/tree/old/numbers'"
  kill "$holder"
  wait "$holder" || true
  (cd "$live/tree/old" && exec sleep 60 3>&-) &
  holder=$!
  until [[ $(readlink "/proc/$holder/cwd") == "$live/tree/old" ]]; do sleep 0.05; done
  run -10 --separate-stderr in_place --component tree
  assert_regex "$stderr" "'$live/tree' is in use"
  kill "$holder"
  wait "$holder" || true
  assert_old
  (cd "$live/tree" && restore "$good" --in-place --component tree) # the shell that asks may stand there
  diff -r "$live/tree" "$snap_dir/tree"
}

@test "restore: a damaged live database is kept as it is in the emergency snapshot and replaced" {
  rm "$live"/t.db-*
  printf 'this is no database any more' >"$live/t.db"
  run -0 --separate-stderr in_place --component t.db --json
  emergency=$(jq -r .emergency <<<"$output")
  cmp "$live/t.db" "$snap_dir/t.db"
  restore "$emergency" --component t.db --stdout >"$BATS_TEST_TMPDIR/raw"
  assert_equal "$(<"$BATS_TEST_TMPDIR/raw")" 'this is no database any more'
  run -0 restore --undo
  assert_equal "$(<"$live/t.db")" 'this is no database any more'
}

@test "restore: data that is gone comes back to its place, --undo takes it away again" {
  rm -rf "$live"/t.db* "$live/tree"
  run -0 --separate-stderr in_place
  assert_regex "$stderr" 'nothing lies at the target'
  assert_new
  run -0 restore --undo
  assert_not_exist "$live/t.db"
  assert_not_exist "$live/tree"
  run -0 restore --accept
  assert_nothing_left
}

@test "restore: stale sidecars of a lost database are not replayed into the restored one" {
  rm "$live/t.db"
  printf 'a stale journal' >"$live/t.db-journal"
  run -0 in_place --component t.db
  cmp "$live/t.db" "$snap_dir/t.db"
  assert_equal "$(find "$live" -maxdepth 1 -name 't.db-*')" ''
  run -0 restore --undo
  cmp "$live/t.db-wal" "$old/t.db-wal"
  assert_equal "$(<"$live/t.db-journal")" 'a stale journal'
}

@test "restore: damage in the snapshot stops --in-place before anything is done" {
  object=$(catalog objects "$good" --format id | while read -r o; do printf '%s\n' "$repo/objects/${o:0:2}/$o"; done | xargs ls -S | sed -n 1p)
  flip_bit "$object"
  run -5 --separate-stderr in_place
  assert_regex "$stderr" 'is damaged.*nothing was changed.*hint: use another snapshot'
  assert_old
  assert_nothing_left
  assert_equal "$(catalog --format id | wc -l)" 1
}

@test "restore: --to replaces another file, a link is followed and stays" {
  mkdir "$BATS_TEST_TMPDIR/disk"
  mv "$live/t.db" "$BATS_TEST_TMPDIR/disk/real.db"
  rm "$live"/t.db-*
  ln -s ../disk/real.db "$live/t.db"
  run -0 in_place --component t.db
  assert_link_exist "$live/t.db"
  cmp "$BATS_TEST_TMPDIR/disk/real.db" "$snap_dir/t.db"
  run -0 in_place --component t.db --to "$BATS_TEST_TMPDIR/disk/other.db"
  cmp "$BATS_TEST_TMPDIR/disk/other.db" "$snap_dir/t.db"
  run -2 in_place --to "$BATS_TEST_TMPDIR/disk/other.db"
}

@test "restore: --in-place stages on the target's own file system, says if that is full, and leaves nothing there" {
  ((EUID == 0)) || skip 'mounting needs root'
  place=$BATS_TEST_TMPDIR/small
  mkdir "$place"
  mount -t tmpfs -o size=2m tmpfs "$place" || skip 'cannot mount'
  run -0 in_place --component t.db --to "$place/t.db"
  cmp "$place/t.db" "$snap_dir/t.db"
  run -0 restore --accept
  head -c 2m /dev/zero >"$place/fill" 2>/dev/null || true
  run -8 --separate-stderr in_place --component t.db --to "$place/t.db"
  assert_regex "$stderr" 'free; nothing was changed'
  cmp "$place/t.db" "$snap_dir/t.db"
  assert_equal "$(ls -A "$place")" $'fill\nt.db'
  run -10 --separate-stderr in_place --component tree --to "$place"
  assert_regex "$stderr" 'is a mount point'
  umount "$place"
  assert_nothing_left
}

@test "restore: --in-place of what holds the repository, of parts, or of what a command printed is refused" {
  run -10 in_place --component tree --to "$BATS_TEST_TMPDIR"
  run -10 in_place --component tree --to "$repo/objects"
  run -10 in_place --path 'new/**'
  run -0 --separate-stderr snap --stdin words <<<words
  run -10 --separate-stderr restore "$output" --in-place
  assert_regex "$stderr" 'has no place of its own'
  run -2 in_place --overwrite
  run -2 in_place --target "$BATS_TEST_TMPDIR/x"
  run -2 restore --undo --in-place
  assert_old
}

@test "restore: TERM while staging changes nothing and leaves nothing" {
  under 'syncfs:signal=TERM' restore "$good" --in-place --no-emergency
  assert_equal "$status" 143
  assert_old
  assert_nothing_left
}

@test "restore: --online rewrites a database in one transaction while an application stays connected; --undo does the same backwards" {
  mkfifo "$BATS_TEST_TMPDIR/to"
  : >"$BATS_TEST_TMPDIR/from"
  sqlite3 -batch "$live/t.db" <"$BATS_TEST_TMPDIR/to" >"$BATS_TEST_TMPDIR/from" 3>&- &
  holder=$!
  exec 9>"$BATS_TEST_TMPDIR/to"
  printf 'SELECT count(*) FROM trade;\n' >&9
  until [[ $(<"$BATS_TEST_TMPDIR/from") == 1501 ]]; do sleep 0.05; done
  run -0 --separate-stderr in_place --component t.db --online
  assert_equal "$(sql "$live/t.db" '.sha3sum')" "$(sql "$snap_dir/t.db" '.sha3sum')"
  printf 'SELECT count(*) FROM trade;\n' >&9
  until [[ $(<"$BATS_TEST_TMPDIR/from") == 1501$'\n'1500 ]]; do sleep 0.05; done
  run -0 restore --undo
  printf 'SELECT note FROM trade WHERE id = 9001;\n' >&9
  until [[ $(<"$BATS_TEST_TMPDIR/from") == *'only in the WAL' ]]; do sleep 0.05; done
  exec 9>&-
  wait "$holder"
  run -0 restore --accept
  assert_nothing_left
}

@test "restore: --online killed at any write leaves the old or the new database, and --resume and --undo end it" {
  local nth way
  for way in --undo --resume; do
    for nth in 1 2 5 9 20 40; do
      old_again
      under "pwrite64:signal=KILL:when=$nth" -P "$live/t.db-wal" restore "$good" --in-place --online --component t.db
      if [[ $injected == no ]]; then break; fi
      assert_sound "$live/t.db"
      run -0 restore "$way"
      assert_sound "$live/t.db"
      case $way in
        --undo) assert_equal "$(sql "$live/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL' ;;
        *) assert_equal "$(sql "$live/t.db" '.sha3sum')" "$(sql "$snap_dir/t.db" '.sha3sum')" ;;
      esac
      run -0 restore --accept
      assert_nothing_left
    done
    ((nth > 1)) || fail 'no write was killed'
  done
}

@test "restore: --online refuses what it cannot do, and nothing was changed" {
  run -2 in_place --online
  run -10 in_place --online --component tree
  run -6 in_place --online --component t.db --to "$BATS_TEST_TMPDIR/none.db"
  make_database "$BATS_TEST_TMPDIR/other.db" 'PRAGMA page_size=8192; PRAGMA journal_mode=wal'
  before=$(sql "$BATS_TEST_TMPDIR/other.db" .sha3sum)
  run -10 --separate-stderr in_place --online --component t.db --to "$BATS_TEST_TMPDIR/other.db"
  assert_regex "$stderr" 'its page size differs'
  assert_equal "$(sql "$BATS_TEST_TMPDIR/other.db" .sha3sum)" "$before"
  assert_nothing_left
}

@test "restore: data that fails a check of the configuration is not put in place; --force does, and says so" {
  cat >"$BATS_TEST_TMPDIR/holdfast.toml" <<TOML
[repository]
path = "$repo"
[[source]]
name = "t.db"
kind = "sqlite"
path = "$live/t.db"
[[source.check]]
name = "every book is there"
sql = "SELECT count(*) FROM book"
expect = "21"
TOML
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  run -10 --separate-stderr in_place --component t.db
  assert_regex "$stderr" "every book is there.*20.*nothing was changed"
  assert_old
  assert_nothing_left
  run -4 --separate-stderr in_place --component t.db --force --json
  assert_equal "$(jq -r '.checks[] | select(.state == "failed") | .name' <<<"$output")" 'every book is there'
  cmp "$live/t.db" "$snap_dir/t.db"
  run -0 restore --undo
  sed -i s/21/20/ "$HOLDFAST_CONFIG"
  run -0 in_place --component t.db
}

@test "restore: --in-place runs no check command of a configuration that others may write" {
  printf '[[source]]\nname = "t.db"\nkind = "sqlite"\npath = "%s"\n[[source.check]]\ncommand = ["touch", "%s"]\n' \
    "$live/t.db" "$BATS_TEST_TMPDIR/ran" >"$BATS_TEST_TMPDIR/holdfast.toml"
  chmod 0666 "$BATS_TEST_TMPDIR/holdfast.toml"
  run -10 --separate-stderr in_place --component t.db --config "$BATS_TEST_TMPDIR/holdfast.toml"
  assert_old
  chmod 0600 "$BATS_TEST_TMPDIR/holdfast.toml"
  assert_not_exist "$BATS_TEST_TMPDIR/ran"
  run -0 in_place --component t.db --config "$BATS_TEST_TMPDIR/holdfast.toml"
  assert_exist "$BATS_TEST_TMPDIR/ran"
}
