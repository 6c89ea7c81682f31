#!/usr/bin/env bats
# keys_pinned.bats - what the host remembers of a sealed repository, against who changes keys/, format.json or the way to it.

load support
load repository
load keys

setup_file() {
  make_people
  mkdir -m 700 "$people/evil"
  EVIL=$(new_key evil 'Evil <evil@example.com>')
  export EVIL
  gpg_of evil --armor --export "$EVIL" | gpg_of host --import
  gpg_of evil --armor --export "$EVIL" | gpg_of escrow --import
}
teardown_file() { remove_people; }

# What somebody does who writes to the storage: keys of his own, under another id, everywhere where the id stands.
replace_identity() { # <repository>
  local id theirs
  GNUPGHOME=$people/evil XDG_STATE_HOME=$BATS_TEST_TMPDIR/evil init -q --repo "$BATS_TEST_TMPDIR/theirs" --recipient "$EVIL" --no-escrow >/dev/null
  id=$(jq -r .id "$1/format.json") theirs=$(jq -r .id "$BATS_TEST_TMPDIR/theirs/format.json")
  if [[ ${2:-} != only-id ]]; then
    cp "$BATS_TEST_TMPDIR/theirs/keys/"* "$1/keys/"
    cp "$BATS_TEST_TMPDIR/theirs/format.json" "$1/format.json"
  fi
  find "$1" -name '*.json*' -exec sed -i "s/$id/$theirs/" {} +
}

@test "pinned: a way to the repository by a link or with a slash does not make a stranger of it" {
  sealed_snapshot
  ln -s "$repo" "$BATS_TEST_TMPDIR/link"
  replace_identity "$repo"
  unset HOLDFAST_REPO
  for way in "$repo" "$repo/" "$BATS_TEST_TMPDIR/link" "$BATS_TEST_TMPDIR/link/" "$repo/../repo/."; do
    run -10 --separate-stderr snap --repo "$way" --tree "$source_dir/tree"
    [[ $stderr == *'of another repository'*'nothing was stored'*'compare with the recovery kit'* ]]
  done
}

@test "pinned: with certificate in the configuration another repository at the same path is refused all the same" {
  sealed_snapshot
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  printf '[repository]\npath = "%s"\ncertificate = "%s"\n' "$repo" "$(current_certificate)" >"$HOLDFAST_CONFIG"
  unset HOLDFAST_REPO
  run -0 --separate-stderr snap --tree "$source_dir/tree"
  replace_identity "$repo" only-id
  run -10 --separate-stderr snap --tree "$source_dir/tree"
  [[ $stderr == *'of another repository'* ]]
  run -5 --separate-stderr verify --all # nothing in the history fits either
  [[ $output == *'of another repository'* ]]
}

@test "pinned: disks that take turns at one mount point are each known, and a third is refused" {
  sealed_snapshot
  mv "$repo" "$BATS_TEST_TMPDIR/a"
  run -0 --separate-stderr init --recipient "$OPS" --recipient "$ESCROW"
  take --tree "$source_dir/tree"
  for _ in 1 2; do
    mv "$repo" "$BATS_TEST_TMPDIR/b" && mv "$BATS_TEST_TMPDIR/a" "$repo"
    take --tree "$source_dir/tree"
    mv "$repo" "$BATS_TEST_TMPDIR/a" && mv "$BATS_TEST_TMPDIR/b" "$repo"
    take --tree "$source_dir/tree"
  done
  replace_identity "$repo"
  run -10 --separate-stderr snap --tree "$source_dir/tree"
}

@test "pinned: rotate takes its recipients from the host's memory, never from what a file says of itself" {
  sealed_snapshot
  wrapped=$repo/keys/$(current_certificate).key.asc
  cp "$wrapped" "$BATS_TEST_TMPDIR/good"
  refused() {
    run -10 --separate-stderr init --rotate
    [[ $stderr == *'others than this host knows'*'--recipient'* ]]
    [[ $(find "$repo/keys" -name '*.crt' | wc -l) == 1 ]]
  }
  sed -i "s/^Comment: recipient $ESCROW .*/Comment: recipient $EVIL Escrow <escrow@example.com>/" "$wrapped"
  refused
  sed "/^Comment: recipient $ESCROW /d" "$BATS_TEST_TMPDIR/good" >"$wrapped"
  refused
  # The file of an earlier time, after somebody was shut out.
  cp "$BATS_TEST_TMPDIR/good" "$wrapped"
  become escrow
  gpg_of escrow --import "$people/public"
  run -0 --separate-stderr init --rekey --recipient "$EVIL" --recipient "$ESCROW"
  cp "$wrapped" "$BATS_TEST_TMPDIR/with-evil"
  run -0 --separate-stderr init --rekey --recipient "$OPS" --recipient "$ESCROW"
  cp "$BATS_TEST_TMPDIR/with-evil" "$wrapped"
  become host
  refused
  run -0 --separate-stderr init --rotate --recipient "$OPS" --recipient "$ESCROW"
  run -0 --separate-stderr init --rotate
  [[ $stderr == *"opened by $OPS"* && $stderr == *"opened by $ESCROW"* && $stderr != *"$EVIL"* ]]
}

@test "pinned: keys that are gone, broken or exchanged are told by snap, verify and healthcheck, and get into no kit" {
  sealed_snapshot
  run -0 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  wrapped=$repo/keys/$(current_certificate).key.asc
  cp "$wrapped" "$BATS_TEST_TMPDIR/good"
  told() { # <part of the message>
    run -9 --separate-stderr verify --all
    [[ $output == *"$1"* ]]
    run -4 --separate-stderr snap --tree "$source_dir/tree"
    [[ $stderr == *"$1"* ]]
    run -2 --separate-stderr healthcheck --check keys
    [[ $output == *"$1"* ]]
    run -9 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit2"
    assert_not_exists "$BATS_TEST_TMPDIR/kit2"
    cp "$BATS_TEST_TMPDIR/good" "$wrapped"
    run -0 --separate-stderr verify --all
  }
  rm "$wrapped"
  told 'is missing'
  echo garbage >"$wrapped"
  told 'is no OpenPGP message'
  gpg_of evil --armor --trust-model always -r "$EVIL" -e >"$wrapped" <<<'no key'
  told 'is not the one that this host knows'
  mv "$repo/keys/$(current_certificate).crt" "$BATS_TEST_TMPDIR/crt"
  run -9 --separate-stderr verify --all
  [[ $output == *'.crt'*'is missing'* ]]
}

@test "pinned: a certificate that was exchanged is told by verify, and the kit on the shelf stays as it is" {
  sealed_snapshot
  run -0 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  before=$(find "$BATS_TEST_TMPDIR/kit" -type f -exec sha256sum {} + | sort)
  own=$(current_certificate)
  GNUPGHOME=$people/evil XDG_STATE_HOME=$BATS_TEST_TMPDIR/evil init -q --repo "$BATS_TEST_TMPDIR/theirs" --recipient "$EVIL" --no-escrow >/dev/null
  cp "$BATS_TEST_TMPDIR/theirs/keys/"* "$repo/keys/"
  sed -i "s/$own/$(jq -r .certificate "$BATS_TEST_TMPDIR/theirs/format.json")/" "$repo/format.json"
  run -9 --separate-stderr verify --all
  [[ $output == *"this host sealed there to certificate $own"* ]]
  run -10 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  # A host without memory does not overwrite it either.
  XDG_STATE_HOME=$BATS_TEST_TMPDIR/new run -10 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  assert_equal "$(find "$BATS_TEST_TMPDIR/kit" -type f -exec sha256sum {} + | sort)" "$before"
}

@test "pinned: the key file of another repository in a kit is not overwritten" {
  sealed_snapshot
  run -0 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  rm -r "$repo"
  run -0 --separate-stderr init --recipient "$OPS" --recipient "$ESCROW"
  run -10 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  [[ $stderr == *'nothing was written'* ]]
  run -0 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/new"
}

@test "pinned: a broken memory of another repository keeps nobody from backing up" {
  sealed_snapshot
  echo '{' >"$XDG_STATE_HOME/holdfast/11111111-2222-3333-4444-555555555555.certificate"
  take --tree "$source_dir/tree"
  run -0 --separate-stderr init --repo "$BATS_TEST_TMPDIR/another" --recipient "$OPS" --recipient "$ESCROW"
}
