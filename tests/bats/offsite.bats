#!/usr/bin/env bats
# offsite.bats - scripts/offsite.sh: copies to folders and over SFTP, restores from there, and a whole repository again.

load support
load repository
load remotes

setup() {
  make_host
}

teardown() {
  if [[ -n ${people:-} ]]; then remove_people; fi
  stop_sftp
}

take_one() { # sets id
  run -0 --separate-stderr snap
  id=$output
}

@test "a push to a folder makes a copy that sha256sum proves, and a second push sends nothing" {
  add_folder
  take_one
  run -0 --separate-stderr "$offsite" push
  assert_output --partial 'usb	complete	code=0'
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
  before=$(find "$BATS_TEST_TMPDIR/usb" -type f -printf '%p %T@ %C@\n' | sort)
  run -0 --separate-stderr "$offsite" push --json
  assert_equal "$(jq -c '.[0] | [.objects, .snapshots, .bytes]' <<<"$output")" '[0,0,0]'
  assert_equal "$(find "$BATS_TEST_TMPDIR/usb" -type f -printf '%p %T@ %C@\n' | sort)" "$before"
}

@test "a push sends what is new, and what was pruned here stays there" {
  add_folder
  take_one
  run -0 "$offsite" push
  first=$id
  printf 'more\n' >conf/more
  take_one
  mv "backups/snapshots/$first" "$BATS_TEST_TMPDIR/"
  run -0 --separate-stderr "$offsite" push --json
  assert_equal "$(jq -c '.[0] | [.snapshots, .newest]' <<<"$output")" "[1,\"$id\"]"
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 2
}

@test "over SFTP: push, status, a restore of one source, and the copy is whole" {
  start_sftp
  add_sftp
  take_one
  run -0 --separate-stderr "$offsite" push
  assert_copy "$sftp_dir/data/hf/trader1" 1
  run -0 --separate-stderr "$offsite" status --json
  assert_equal "$(jq -r '.[0] | "\(.newest) \(.snapshots) \(.age_s < 600)"' <<<"$output")" "$id 1 true"
  rm -rf backups
  run -0 --separate-stderr "$offsite" restore nas latest --source trades --target look
  cmp look/trades data/t.db
  [[ ! -e look/conf ]]
}

@test "a restore of one source fetches its objects and no others" {
  add_folder
  for i in 1 2 3; do head -c 9000000 /dev/urandom >"conf/big$i"; done
  take_one
  run -0 "$offsite" push
  rm -rf backups
  run -0 --separate-stderr "$offsite" restore usb latest --source trades --target look
  cached=$XDG_CACHE_HOME/holdfast/remotes/usb/trader1/repository
  there=$(find "$BATS_TEST_TMPDIR/usb/trader1/objects" -type f | wc -l)
  here=$(find "$cached/objects" -type f | wc -l)
  ((here > 0 && here < there)) || fail "$here of $there objects"
  cmp look/trades data/t.db
}

@test "a restore of some files of a tree fetches the objects that these are in" {
  add_folder
  for i in 1 2 3; do head -c 9000000 /dev/urandom >"conf/big$i"; done
  take_one
  run -0 "$offsite" push
  rm -rf backups
  run -0 --separate-stderr "$offsite" restore usb latest --source conf --files a.yaml --target look
  assert_equal "$(find look -type f)" look/conf/a.yaml
  cached=$XDG_CACHE_HOME/holdfast/remotes/usb/trader1/repository
  (($(du -sb "$cached/objects" | cut -f 1) < $(du -sb "$BATS_TEST_TMPDIR/usb/trader1/objects" | cut -f 1) * 7 / 10))
}

@test "restore.sh --remote replaces the live data of a host that has no repository any more, and undoes it" {
  add_folder
  cp data/t.db "$BATS_TEST_TMPDIR/good.db"
  take_one
  run -0 "$offsite" push
  rm -rf backups
  sql data/t.db 'DELETE FROM trade'
  cp data/t.db "$BATS_TEST_TMPDIR/bad.db"
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/restore.sh" --remote usb latest --source trades --yes
  assert_equal "$(sql data/t.db 'SELECT count(*) FROM trade')" 1500
  assert_sound data/t.db
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/restore.sh" --remote usb --undo --yes
  assert_equal "$(sql data/t.db 'SELECT count(*) FROM trade')" 0
}

@test "the list of restore.sh --remote shows what is there" {
  add_folder
  take_one
  run -0 "$offsite" push
  rm -rf backups
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/restore.sh" --remote usb list
  assert_output --partial "$id"
}

@test "pull makes a whole repository on a fresh host; it verifies, restores and takes the next snapshot" {
  add_folder
  take_one
  first=$id
  run -0 verify
  printf 'more\n' >conf/more
  take_one
  run -0 "$offsite" push
  fingerprint backups/objects | grep -v ' d ' | sort >"$BATS_TEST_TMPDIR/objects"
  rm -rf backups "$XDG_STATE_HOME" "$XDG_CACHE_HOME"
  run -0 --separate-stderr "$offsite" pull usb --into backups
  assert_output backups
  run -0 --separate-stderr verify --all
  assert_output ''
  run -0 catalog list --format id
  assert_output "$id"$'\n'"$first"
  run -0 healthcheck --check history
  take_one
  run -0 verify "$id"
  run -0 --separate-stderr "$offsite" push --json
  assert_equal "$(jq -c '.[0] | [.state, .snapshots]' <<<"$output")" '["complete",1]'
}

@test "pull finishes one that was cut, and refuses a folder that is a repository or holds anything else" {
  add_folder
  take_one
  run -0 "$offsite" push
  run -10 "$offsite" pull usb
  mkdir other
  touch other/file
  run -10 "$offsite" pull usb --into other
  run -0 --separate-stderr "$offsite" pull usb --into again
  mv again/format.json "$BATS_TEST_TMPDIR/format.json"
  touch again/.pulled
  rm "$(find again/objects -type f | head -n 1)"
  run -0 --separate-stderr "$offsite" pull usb --into again
  XDG_STATE_HOME=$BATS_TEST_TMPDIR/other run -0 --separate-stderr verify --all --repo again
  assert_output ''
}

@test "pull of what a remote kept longer than the repository did leaves no contradiction in the history" {
  add_folder
  take_one
  first=$id
  run -0 "$offsite" push
  printf 'more\n' >conf/more
  take_one
  printf '[retention]\nkeep_last = 1\nmin_keep = 1\n' >>holdfast.toml
  run -0 --separate-stderr prune --empty-trash
  assert [ ! -e "backups/snapshots/$first" ]
  run -0 "$offsite" push
  rm -rf backups "$XDG_STATE_HOME"
  run -0 --separate-stderr "$offsite" pull usb --into backups
  run -0 --separate-stderr verify --all
  assert_output ''
  run -0 catalog list --format id
  assert_output "$id"$'\n'"$first"
  run -0 --separate-stderr healthcheck --check history
}

@test "several hosts share one remote, and catalog --remote --hosts tells how old each is" {
  add_folder
  take_one
  run -0 "$offsite" push
  one=$id
  (make_host "$BATS_TEST_TMPDIR/second" && mkdir -p "$BATS_TEST_TMPDIR/usb" &&
    add_remote usb "$BATS_TEST_TMPDIR/usb" 'host = "trader2"' && snap && "$offsite" push)
  run -0 --separate-stderr catalog --remote usb --hosts
  assert_line --index 0 --regexp "^usb	fresh	host=trader1	newest=$one	age_s=[0-9]+	snapshots=1\$"
  assert_line --index 1 --regexp '^usb	fresh	host=trader2	'
  run -0 --separate-stderr catalog --remote usb --json
  assert_equal "$(jq -r '.[].id' <<<"$output")" "$one"
  run -0 --separate-stderr "$offsite" restore usb latest --host trader2 --source conf --target look
  cmp look/conf/blob "$BATS_TEST_TMPDIR/second/conf/blob"
}

@test "an encrypted repository is pushed without a key and pulled with its keys" {
  load keys
  make_people
  rm -rf backups
  become host
  init --recipient "$OPS" --recipient "$ESCROW" >/dev/null
  add_folder
  take_one
  run -0 "$offsite" push
  rm -rf backups "$XDG_STATE_HOME"
  run -0 --separate-stderr "$offsite" pull usb --into backups
  become ops
  run -0 --separate-stderr "$offsite" restore usb latest --source trades --target look
  cmp look/trades data/t.db
  run -0 --separate-stderr verify --all
  assert_output ''
}
