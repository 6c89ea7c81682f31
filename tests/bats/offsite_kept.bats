#!/usr/bin/env bats
# offsite_kept.bats - what is whole at a remote outlives damage here: it is never replaced, removed or forgotten.

load support
load repository
load remotes

setup() {
  make_host
  add_folder
  there=$BATS_TEST_TMPDIR/usb/trader1
}

teardown() {
  if [[ -n ${people:-} ]]; then remove_people; fi
}

take_one() { # sets id
  run -0 --separate-stderr snap
  id=$output
}

record() {
  echo "$XDG_STATE_HOME"/holdfast/remotes/*/usb.json
}

@test "a digit that changed in SHA256SUMS here does not reach the whole one there" {
  take_one
  run -0 "$offsite" push
  before=$(fingerprint "$there/snapshots")
  sums=backups/snapshots/$id/SHA256SUMS
  digit=$(head -c 1 "$sums")
  sed -i "1s/^./$(tr 0-9a-f 1-9a-f0 <<<"$digit")/" "$sums"
  run -5 --separate-stderr "$offsite" verify
  assert_regex "$stderr" "SHA256SUMS of snapshot $id is whole there"
  run "$offsite" push
  assert_equal "$(fingerprint "$there/snapshots")" "$before"
  assert_copy "$there" 1
}

@test "a SHA256SUMS here that lost a line does not replace the whole one there" {
  take_one
  run -0 "$offsite" push
  before=$(fingerprint "$there/snapshots")
  sed -i 1d "backups/snapshots/$id/SHA256SUMS"
  run -5 --separate-stderr "$offsite" push
  assert_regex "$stderr" "SHA256SUMS of snapshot $id here is damaged"
  assert_equal "$(fingerprint "$there/snapshots")" "$before"
}

@test "a SHA256SUMS there that lost a line is mended from the whole one here" {
  take_one
  run -0 "$offsite" push
  sed -i 1d "$there/snapshots/$id/SHA256SUMS"
  run -4 "$offsite" verify
  cmp "$there/snapshots/$id/SHA256SUMS" "backups/snapshots/$id/SHA256SUMS"
  run -0 "$offsite" verify
}

@test "keys and format.json there are not replaced by others from here without --replace-keys" {
  load keys
  make_people
  rm -rf backups
  become host
  init --recipient "$OPS" --recipient "$ESCROW" >/dev/null
  take_one
  run -0 "$offsite" push
  before=$(fingerprint "$there/keys")
  key=$(echo backups/keys/*.key.asc)
  cp "$key" "$BATS_TEST_TMPDIR/key"
  truncate -s 100 "$key"
  run -5 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'key.asc is another file there than here, and was kept'
  run -5 "$offsite" push --replace-keys
  assert_equal "$(fingerprint "$there/keys")" "$before"
  cp "$BATS_TEST_TMPDIR/key" "$key"
  cp "$there/format.json" "$BATS_TEST_TMPDIR/format.json"
  jq -c . backups/format.json >"$BATS_TEST_TMPDIR/other" && cp "$BATS_TEST_TMPDIR/other" backups/format.json
  printf '\n' >>backups/format.json
  run -5 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'format.json is another file there'
  cmp "$there/format.json" "$BATS_TEST_TMPDIR/format.json"
  run -0 "$offsite" push --replace-keys
  cmp "$there/format.json" backups/format.json
}

@test "a remote in the repository, around it, or by a link to it is refused" {
  take_one
  mkdir -p backups/tmp/inside
  ln -s "$system/backups" "$BATS_TEST_TMPDIR/link"
  for place in "$system/backups/tmp/inside" "$system" "$BATS_TEST_TMPDIR/link"; do
    sed -i "s#^url = .*#url = \"$place\"#" holdfast.toml
    run -3 --separate-stderr "$offsite" push
    assert_regex "$stderr" 'lie in each other'
  done
  assert [ ! -e trader1 ]
}

@test "verify --dry-run notes nothing, so healthcheck keeps what it knew" {
  take_one
  run -0 "$offsite" push
  object=$(find "$there/objects" -type f | head -n 1)
  truncate -s 10 "$object"
  before=$(<"$(record)")
  run -4 "$offsite" verify --dry-run
  assert_equal "$(<"$(record)")" "$before"
  assert_equal "$(stat -c %s "$object")" 10
}

@test "when every remote failed the code is the worst one, and not that of some" {
  add_folder second
  take_one
  mv "$BATS_TEST_TMPDIR/usb" "$BATS_TEST_TMPDIR/away"
  printf 'credentials = "open.env"\n' >>holdfast.toml
  printf 'A=b\n' >open.env
  chmod 644 open.env
  run -8 "$offsite" push
  mv "$BATS_TEST_TMPDIR/away" "$BATS_TEST_TMPDIR/usb"
  run -4 "$offsite" push
}

@test "damage there that could not be mended stays in the record over a push, until its bytes are whole" {
  take_one
  run -0 "$offsite" push
  object=$(find "$there/objects" -type f -size +100k | head -n 1)
  here=backups/objects/$(basename "$(dirname "$object")")/$(basename "$object")
  cp "$object" "$BATS_TEST_TMPDIR/good"
  flip_bit "$object"
  cp "$object" "$here"
  run -5 "$offsite" verify --all
  run "$offsite" push
  assert_equal "$(jq .damaged "$(record)")" 1
  run -5 "$offsite" verify
  assert_equal "$(jq .damaged "$(record)")" 1
  cp "$BATS_TEST_TMPDIR/good" "$object"
  run -0 "$offsite" verify
  assert_equal "$(jq .damaged "$(record)")" 0
}

@test "a snapshot that vanished there and is not here is told by every push until --new" {
  take_one
  first=$id
  printf 'more\n' >conf/more
  take_one
  run -0 "$offsite" push
  rm -r "$there/snapshots/$first"
  mv "backups/snapshots/$first" "$BATS_TEST_TMPDIR/"
  run -5 --separate-stderr "$offsite" push
  assert_regex "$stderr" "1 snapshots that were there have vanished, the first is $first"
  run -5 "$offsite" push
  assert_equal "$(jq .damaged "$(record)")" 1
  run -0 "$offsite" push --new
  run -0 "$offsite" push
  assert_equal "$(jq .damaged "$(record)")" 0
}

@test "a record of 6,000 snapshots is written, though no argument of a program may be that long" {
  take_one
  run -0 "$offsite" push
  for ((i = 0; i < 6000; i++)); do
    printf -v name '20250101T000000Z-%06x' "$i"
    mkdir "$there/snapshots/$name"
    : >"$there/snapshots/$name/manifest.json"
    : >"$there/snapshots/$name/SHA256SUMS"
  done
  run -0 --separate-stderr "$offsite" push
  [[ $stderr != *'too long'* ]] || fail "$stderr"
  assert_equal "$(jq .snapshots "$(record)")" 6001
}
