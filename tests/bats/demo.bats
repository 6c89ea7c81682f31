#!/usr/bin/env bats
# demo.bats - scripts/demo.sh: the whole story on a fresh folder, and nothing outside it.

load support

@test "demo.sh: backs up, verifies, restores and finds the restored data identical" {
  cd "$BATS_TEST_TMPDIR"
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/demo.sh" shop
  assert_line 'restored data is identical'
  assert_line --regexp '^trades .*integrity_check ok, 20300 trades$'
  assert_equal "$(catalog list --repo shop/backups --format id | wc -l)" 2
  assert_not_exist "$XDG_STATE_HOME"
  assert_not_exist "$XDG_CACHE_HOME"
  refute pgrep -f 'sqlite3 .*shop/data/db/trades.db'
}

@test "demo.sh: the second backup stores much less than the first" {
  cd "$BATS_TEST_TMPDIR"
  "$HOLDFAST_SOURCE/scripts/demo.sh" shop >/dev/null 2>&1
  local sizes
  mapfile -t sizes < <(jq -s 'sort_by(.number)[].totals.stored_bytes' shop/backups/snapshots/*/manifest.json)
  assert [ "${#sizes[@]}" -eq 2 ]
  assert [ $((sizes[1] * 2)) -lt "${sizes[0]}" ]
}

@test "demo.sh: makes its own folder anew, and refuses one that it did not make" {
  cd "$BATS_TEST_TMPDIR"
  mkdir precious
  echo data >precious/file
  run -10 --separate-stderr "$HOLDFAST_SOURCE/scripts/demo.sh" precious
  assert_regex "$stderr" 'was not made by this demo'
  assert_equal "$(<precious/file)" data
  ln -s precious link
  run -10 "$HOLDFAST_SOURCE/scripts/demo.sh" link
  run -10 "$HOLDFAST_SOURCE/scripts/demo.sh" precious/file
  mkdir old
  touch old/.made-by-holdfast-demo old/leftover
  run -0 "$HOLDFAST_SOURCE/scripts/demo.sh" old
  assert_not_exist old/leftover
}

@test "demo.sh: settings of the person who runs it do not reach it" {
  cd "$BATS_TEST_TMPDIR"
  HOLDFAST_REPO=/nonexistent BACKUP_ROOT=/nonexistent BACKUP_DATABASE=false DRY_RUN=true \
    run -0 "$HOLDFAST_SOURCE/scripts/demo.sh"
  assert_line 'restored data is identical'
  assert_dir_exist demo
}
