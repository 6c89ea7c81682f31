#!/usr/bin/env bats
# offsite_faults.bats - what may go wrong between a repository and its copies, and that no copy is worse for it.

load support
load repository
load remotes

setup() {
  make_host
}

teardown() {
  stop_sftp
  if [[ -n ${small_disk:-} ]]; then umount "$small_disk"; fi
}

take_one() { # sets id
  run -0 --separate-stderr snap
  id=$output
}

# Nothing has a final name that is not whole: objects by their names, snapshots by their SHA256SUMS.
assert_no_part() { # <folder of a host at the remote>
  local file
  while IFS= read -r file; do
    assert_equal "$(sha256sum <"$file")" "${file##*/}  -"
  done < <(find "$1/objects" -type f 2>/dev/null)
}

one_object() { # <folder>: the largest
  find "$1/objects" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2
}

wait_for() { # <command>...: up to 20 s
  local i
  for ((i = 0; i < 200; i++)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  fail "never: $*"
}

has_files() { # <folder>
  [[ -n $(find "$1" -type f -path '*objects*' 2>/dev/null) ]]
}

@test "a server that dies in mid copy leaves no part of an object, and the next push completes the copy" {
  start_sftp
  add_sftp
  printf 'bandwidth = "2MB"\ntime_limit = "40s"\n' >>holdfast.toml # rclone may wait for a dead server for ever
  for i in 1 2 3; do head -c 15000000 /dev/urandom >"conf/big$i"; done
  take_one
  "$offsite" push 2>"$BATS_TEST_TMPDIR/said" 3>&- &
  pushing=$!
  wait_for has_files "$sftp_dir/data"
  sleep 1
  stop_sftp
  code=0
  wait "$pushing" || code=$?
  assert_equal "$code" 8
  assert_no_part "$sftp_dir/data/hf/trader1"
  assert [ ! -e "$sftp_dir/data/hf/trader1/snapshots" ]
  run_sftp
  sed -i '/bandwidth/d; /time_limit/d' holdfast.toml
  run -0 --separate-stderr "$offsite" push
  assert_copy "$sftp_dir/data/hf/trader1" 1
  assert_no_part "$sftp_dir/data/hf/trader1"
  assert_equal "$(find "$sftp_dir/data/hf/.incoming" -type f)" ''
}

@test "a push that is told to stop ends rclone, too, and leaves nothing half-done under its name" {
  add_folder
  printf 'bandwidth = "1MB"\n' >>holdfast.toml
  head -c 15000000 /dev/urandom >conf/big
  take_one
  "$offsite" push 2>"$BATS_TEST_TMPDIR/said" 3>&- &
  pushing=$!
  wait_for has_files "$BATS_TEST_TMPDIR/usb"
  kill -TERM "$pushing"
  code=0
  wait "$pushing" || code=$?
  assert_equal "$code" 143
  run ! pgrep -f "$BATS_TEST_TMPDIR/usb"
  assert_no_part "$BATS_TEST_TMPDIR/usb/trader1"
  sed -i /bandwidth/d holdfast.toml
  run -0 --separate-stderr "$offsite" push
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
}

@test "a remote with a wrong key fails at once, says so, and the others get their copy" {
  start_sftp
  add_sftp
  add_folder
  ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/other"
  sed -i "s#key_file = .*#key_file = \"$BATS_TEST_TMPDIR/other\"#" holdfast.toml
  take_one
  run -4 --separate-stderr "$offsite" push --json
  assert_equal "$(jq -c 'map([.remote, .code])' <<<"$output")" '[["nas",3],["usb",0]]'
  assert_regex "$stderr" 'nas: .*the credentials were refused'
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
  run -3 "$offsite" push nas
}

@test "a server with another host key is refused" {
  start_sftp
  add_sftp
  take_one
  ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/other"
  printf '[127.0.0.1]:%s %s\n' "$sftp_port" "$(cut -d ' ' -f 1,2 "$BATS_TEST_TMPDIR/other.pub")" >"$sftp_dir/known_hosts"
  run -10 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'is not the one in known_hosts'
  assert_equal "$(find "$sftp_dir/data" -type f)" ''
}

@test "a remote that is too slow is given up at its time limit, and the next one gets its turn" {
  add_folder slow
  printf 'bandwidth = "10kB"\ntime_limit = "4s"\n' >>holdfast.toml
  add_folder usb
  take_one
  run -4 --separate-stderr "$offsite" push --json
  assert_equal "$(jq -c 'map([.remote, .code])' <<<"$output")" '[["slow",8],["usb",0]]'
  assert_regex "$stderr" 'slow: .*no answer within'
  assert_no_part "$BATS_TEST_TMPDIR/slow/trader1"
}

@test "a full remote fails with its reason, keeps what it has, and takes the rest when there is room" {
  ((EUID == 0)) || skip "only root can mount a small file system: no test of a full remote"
  mkdir "$BATS_TEST_TMPDIR/usb"
  mount -t tmpfs -o size=5m tmpfs "$BATS_TEST_TMPDIR/usb" || skip "tmpfs cannot be mounted here: no test of a full remote"
  small_disk=$BATS_TEST_TMPDIR/usb
  add_remote usb "$BATS_TEST_TMPDIR/usb" 'host = "trader1"'
  take_one
  code=0
  "$offsite" push || code=$?
  head -c 9000000 /dev/urandom >conf/big
  snap
  full=0
  "$offsite" push 2>"$BATS_TEST_TMPDIR/said" || full=$?
  copies=$(find "$BATS_TEST_TMPDIR/usb/trader1/snapshots" -name manifest.json | wc -l)
  mount -o remount,size=50m "$BATS_TEST_TMPDIR/usb"
  again=0
  "$offsite" push || again=$?
  cp -r "$BATS_TEST_TMPDIR/usb/trader1" "$BATS_TEST_TMPDIR/copy"
  assert_equal "$code $full $copies $again" '0 8 1 0'
  assert_regex "$(<"$BATS_TEST_TMPDIR/said")" 'usb: .*full'
  assert_copy "$BATS_TEST_TMPDIR/copy" 2
}

@test "verify finds a truncated object by its size, another one by its bytes, and mends both from here" {
  add_folder
  for i in 1 2; do head -c 12000000 /dev/urandom >"conf/big$i"; done
  take_one
  run -0 "$offsite" push
  truncate -s 1000 "$(one_object "$BATS_TEST_TMPDIR/usb/trader1")"
  run -4 --separate-stderr "$offsite" verify --json
  assert_equal "$(jq -c '.[0] | [.mended_there, .damaged]' <<<"$output")" '[1,0]'
  flip_bit "$(one_object "$BATS_TEST_TMPDIR/usb/trader1")"
  run -0 "$offsite" verify
  run -4 --separate-stderr "$offsite" verify --all --json
  assert_equal "$(jq -c '.[0] | [.mended_there, .damaged]' <<<"$output")" '[1,0]'
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
  run -0 "$offsite" verify --all
}

@test "verify mends the papers of a snapshot there, too" {
  add_folder
  take_one
  run -0 "$offsite" push
  flip_bit "$BATS_TEST_TMPDIR/usb/trader1/snapshots/$id/manifest.json"
  run -4 "$offsite" verify
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
}

@test "damage that is on both sides is exit 5, and healthcheck is unhealthy until it is gone" {
  add_folder
  take_one
  run -0 "$offsite" push
  run -0 healthcheck --check off_site
  there=$(one_object "$BATS_TEST_TMPDIR/usb/trader1")
  cp "$there" "$BATS_TEST_TMPDIR/good"
  truncate -s 1000 "$there"
  flip_bit "backups/objects/$(basename "$(dirname "$there")")/$(basename "$there")"
  run -5 --separate-stderr "$offsite" verify
  assert_regex "$stderr" 'not whole here'
  run -2 healthcheck --check off_site
  assert_output --partial '1 files there are missing or damaged'
  cp "$BATS_TEST_TMPDIR/good" "$there"
  run -4 "$offsite" verify --local
  run -0 verify --all
  run -0 healthcheck --check off_site
}

@test "what is lost or damaged here comes back from a remote: verify --local" {
  add_folder
  for i in 1 2; do head -c 12000000 /dev/urandom >"conf/big$i"; done
  take_one
  run -0 "$offsite" push
  rm "$(one_object backups)"
  flip_bit "$(one_object backups)"
  run -5 verify --all
  run -4 --separate-stderr "$offsite" verify --local --json
  assert_equal "$(jq '.[0].mended_here' <<<"$output")" 2
  run -0 verify --all
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
}

@test "a damaged object is not sent, its snapshot does not show there, and the good copy there is not replaced" {
  add_folder
  take_one
  run -0 "$offsite" push
  first=$id
  flip_bit "$(one_object backups)"
  run -0 "$offsite" push
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
  head -c 12000000 /dev/urandom >conf/big
  run -0 --separate-stderr snap conf
  flip_bit "$(one_object backups)"
  run -5 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'damaged here'
  assert_equal "$(ls "$BATS_TEST_TMPDIR/usb/trader1/snapshots")" "$first"
  assert_no_part "$BATS_TEST_TMPDIR/usb/trader1"
}

@test "an object that is lost there makes a restore fail with its name, and nothing is restored" {
  add_folder
  take_one
  run -0 "$offsite" push
  rm -rf backups
  flip_bit "$(one_object "$BATS_TEST_TMPDIR/usb/trader1")"
  run -5 --separate-stderr "$offsite" restore usb latest --target look
  assert_regex "$stderr" '1 objects that it needs are missing or damaged there, the first is objects/'
  assert [ ! -e look ]
}

@test "two hosts of one name cannot mix their copies: the second is refused" {
  add_folder
  take_one
  run -0 "$offsite" push
  before=$(fingerprint "$BATS_TEST_TMPDIR/usb")
  make_host "$BATS_TEST_TMPDIR/second"
  add_remote usb "$BATS_TEST_TMPDIR/usb" 'host = "trader1"'
  take_one
  run -10 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'holds the repository .*, not this one'
  assert_equal "$(fingerprint "$BATS_TEST_TMPDIR/usb")" "$before"
}

@test "two hosts push to one remote at once, each to its own folder" {
  add_folder
  take_one
  (make_host "$BATS_TEST_TMPDIR/second" && add_remote usb "$BATS_TEST_TMPDIR/usb" 'host = "trader2"' && snap)
  "$offsite" push &
  one=$!
  (cd "$BATS_TEST_TMPDIR/second" && "$offsite" push) &
  two=$!
  wait "$one"
  wait "$two"
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
  assert_copy "$BATS_TEST_TMPDIR/usb/trader2" 1
}

@test "two pushes of one repository at once: the second ends with 7, or waits" {
  add_folder
  printf 'bandwidth = "1MB"\n' >>holdfast.toml
  take_one
  "$offsite" push 3>&- &
  one=$!
  wait_for has_files "$BATS_TEST_TMPDIR/usb"
  run -7 "$offsite" push
  run -0 "$offsite" push --wait 1m
  wait "$one"
}

@test "a disk that is not mounted is no empty remote" {
  add_folder
  take_one
  mv "$BATS_TEST_TMPDIR/usb" "$BATS_TEST_TMPDIR/away"
  run -8 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'is its disk mounted'
  mv "$BATS_TEST_TMPDIR/away" "$BATS_TEST_TMPDIR/usb"
  run -0 "$offsite" push
  mv "$BATS_TEST_TMPDIR/usb" "$BATS_TEST_TMPDIR/away"
  mkdir "$BATS_TEST_TMPDIR/usb"
  run -10 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'has vanished'
  assert_equal "$(ls -A "$BATS_TEST_TMPDIR/usb")" ''
  run -0 "$offsite" push --new
  assert_copy "$BATS_TEST_TMPDIR/usb/trader1" 1
}

@test "a repository that was rolled back does not replace the longer history there" {
  add_folder
  take_one
  cp -a backups "$BATS_TEST_TMPDIR/old"
  printf 'more\n' >conf/more
  take_one
  run -0 "$offsite" push
  before=$(<"$BATS_TEST_TMPDIR/usb/trader1/ledger.jsonl")
  rm -rf backups
  cp -a "$BATS_TEST_TMPDIR/old" backups
  run -5 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'the history there has lines that the one here lacks'
  assert_equal "$(<"$BATS_TEST_TMPDIR/usb/trader1/ledger.jsonl")" "$before"
}

@test "a snapshot that vanished from a remote is damage for verify" {
  add_folder
  take_one
  run -0 "$offsite" push
  rm -r "$BATS_TEST_TMPDIR/usb/trader1/snapshots/$id"
  run -5 --separate-stderr "$offsite" verify
  assert_regex "$stderr" '1 snapshots that were there have vanished'
}

@test "names that lead out of the repository are no names: a hostile remote writes nowhere else" {
  add_folder
  take_one
  run -0 "$offsite" push
  rm -rf backups
  there=$BATS_TEST_TMPDIR/usb/trader1
  mkdir -p "$there/snapshots/20261121T000000Z-abcdef"
  ln -s /etc/passwd "$there/snapshots/20261121T000000Z-abcdef/manifest.json"
  printf '%s  ../../../../escaped\n' "$(printf x | sha256sum | cut -c 1-64)" >"$there/snapshots/20261121T000000Z-abcdef/SHA256SUMS"
  run -5 --separate-stderr "$offsite" pull usb --into backups
  assert_equal "$(ls backups/snapshots)" "$id"
}

@test "credentials that others may read are refused" {
  printf 'S3_ACCESS_KEY_ID=a\n' >s3.env
  chmod 644 s3.env
  add_remote s3 "store:bucket" 'credentials = "s3.env"'
  take_one
  run -3 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'can be read by others'
}

@test "no secret is in an argument, and rclone sees no variable that nobody gave it" {
  printf 'S3_ACCESS_KEY_ID=abc\nS3_SECRET_ACCESS_KEY=verysecret\nS3_ENDPOINT=http://127.0.0.1:1\n' >s3.env
  chmod 600 s3.env
  add_remote s3 "store:bucket" 'credentials = "s3.env"' 'environment = ["GIVEN"]'
  take_one
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\n{ tr "\\0" "\\n" </proc/$PPID/cmdline; echo "$@"; } >>"%s/args"\nenv >"%s/env"\nexit 1\n' "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/rclone"
  chmod +x "$BATS_TEST_TMPDIR/bin/rclone"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH AWS_CA_BUNDLE=/nonexistent AWS_ACCESS_KEY_ID=other GIVEN=yes run -8 "$offsite" push
  run ! grep -r verysecret "$BATS_TEST_TMPDIR/args" logs
  run -0 cat "$BATS_TEST_TMPDIR/env"
  assert_line RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY=verysecret
  assert_line GIVEN=yes
  refute_line --partial AWS_
}
