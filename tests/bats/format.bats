#!/usr/bin/env bats
# format.bats - repositories of earlier format versions, kept in tests/fixtures, are read for ever; of later ones, never.

load support
load repository

setup() {
  private_home
  fixture=$HOLDFAST_SOURCE/tests/fixtures/repository-v1
  export HOLDFAST_CONFIG=/dev/null HOLDFAST_REPO=$BATS_TEST_TMPDIR/repository
  repo=$HOLDFAST_REPO
  zstd -dc "$fixture/repository.tar.zst" | tar -x --no-same-owner -C "$BATS_TEST_TMPDIR"
}

# As make.sh beside the fixture lists a tree.
list() { # <folder>
  (cd -- "$1" && find . -mindepth 1 -printf '%P %y %m %T@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

# A restore brought back what was captured for that snapshot.
assert_as_captured() { # <first or second> <folder>
  diff "$fixture/$1.tree" <(list "$2/config")
  (cd "$2" && sha256sum --quiet -c "$fixture/$1.files")
  assert_equal "$(find "$2" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)" $'config\ndump\ntrades'
}

@test "format: a repository of version 1 verifies deeply and is restored as it was, to the byte, mode and time" {
  local name id number=0
  assert_whole --deep --all
  for name in first second; do
    number=$((number + 1))
    id=$(catalog list --format tsv | awk -v number="$number" '$2 == number { print $1 }')
    run --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/$name"
    # Owners can be set by root alone.
    if ((EUID == 0)); then assert_equal "$status" 0; else assert_regex "$status" '^[04]$'; fi
    assert_as_captured "$name" "$BATS_TEST_TMPDIR/$name"
    assert_sound "$BATS_TEST_TMPDIR/$name/trades"
  done
}

@test "format: recover.sh of then, and that of today, restore a repository of version 1" {
  local script name id number=0
  cp "$HOLDFAST_SOURCE/assets/recover.sh" "$BATS_TEST_TMPDIR/today.sh"
  for script in "$repo/recover.sh" "$BATS_TEST_TMPDIR/today.sh"; do
    if [[ $script != "$repo/recover.sh" ]]; then cp -f "$script" "$repo/recover.sh"; fi
    number=0
    for name in first second; do
      number=$((number + 1))
      id=$(jq -r "select(.number == $number).id" "$repo"/snapshots/*/manifest.json)
      run -0 "$repo/recover.sh" "$id" "$BATS_TEST_TMPDIR/$name"
      assert_as_captured "$name" "$BATS_TEST_TMPDIR/$name"
      chmod -R u+w "$BATS_TEST_TMPDIR/$name"
      rm -r "${BATS_TEST_TMPDIR:?}/$name"
    done
  done
}

@test "format: a backup goes on in a repository of version 1, which stays whole and of that version" {
  make_database "$BATS_TEST_TMPDIR/t.db"
  take --sqlite "$BATS_TEST_TMPDIR/t.db"
  assert_equal "$(jq .number "$repo/snapshots/$id/manifest.json")" 3
  assert_equal "$(jq .version "$repo/format.json")" 1
  assert_whole --deep --all
}

@test "format: a repository of a later version is refused by every tool with one message, and left untouched" {
  local before command first=''
  sed -i 's/"version": *1/"version": 3/' "$repo/format.json"
  before=$(fingerprint "$repo")
  for command in "snap --tree $HOME" 'snap --dry-run --tree nowhere' 'verify --all' "restore latest --target $BATS_TEST_TMPDIR/out" \
    'catalog list' 'prune --dry-run' init; do
    # shellcheck disable=SC2086  # words
    run -3 --separate-stderr $command
    assert_clean_failure
    first=${first:-${stderr#*: }}
    assert_equal "${stderr//${command%% *}: /}" "${first//snap: /}"
    assert_regex "$stderr" 'version 3.*hint: '
  done
  run -3 --separate-stderr "$repo/recover.sh" latest "$BATS_TEST_TMPDIR/out"
  assert_regex "$stderr" 'version 3|holdfast-repository 3'
  assert_equal "$(fingerprint "$repo")" "$before"
  assert_not_exist "$BATS_TEST_TMPDIR/out"
}

# --- Version 2: sealed ------------------------------------------------------------------------------------------

sealed_fixture() { # unpacks it in place of the other one; `key` opens it
  fixture=$HOLDFAST_SOURCE/tests/fixtures/repository-v2
  rm -rf "${repo:?}"
  zstd -dc "$fixture/repository.tar.zst" | tar -x --no-same-owner -C "$BATS_TEST_TMPDIR"
  key=$BATS_TEST_TMPDIR/key.pem
  install -m 600 "$fixture/key.pem" "$key"
}

sealed_id() { # <number of the snapshot>
  jq -r "select(.number == $1).id" "$repo"/snapshots/*/manifest.json
}

@test "format: a repository of version 2 verifies without a key, deeply with one, and is restored as it was" {
  local name number=0
  sealed_fixture
  assert_whole --all
  assert_whole --deep --all --key-file "$key"
  for name in first second; do
    number=$((number + 1))
    run --separate-stderr restore "$(sealed_id $number)" --key-file "$key" --target "$BATS_TEST_TMPDIR/$name"
    if ((EUID == 0)); then assert_equal "$status" 0; else assert_regex "$status" '^[04]$'; fi
    assert_as_captured "$name" "$BATS_TEST_TMPDIR/$name"
  done
}

@test "format: recover.sh of then, and that of today, restore a repository of version 2" {
  local script name number
  sealed_fixture
  cp "$HOLDFAST_SOURCE/assets/recover.sh" "$BATS_TEST_TMPDIR/today.sh"
  for script in "$repo/recover.sh" "$BATS_TEST_TMPDIR/today.sh"; do
    number=0
    for name in first second; do
      number=$((number + 1))
      HOLDFAST_REPOSITORY=$repo HOLDFAST_KEY_FILE=$key run -0 "$script" "$(sealed_id $number)" "$BATS_TEST_TMPDIR/$name"
      assert_as_captured "$name" "$BATS_TEST_TMPDIR/$name"
      chmod -R u+w "$BATS_TEST_TMPDIR/$name"
      rm -r "${BATS_TEST_TMPDIR:?}/$name"
    done
  done
}

@test "format: a backup goes on without a key in a repository of version 2, which stays whole and of that version" {
  sealed_fixture
  make_database "$BATS_TEST_TMPDIR/t.db"
  take --sqlite "$BATS_TEST_TMPDIR/t.db"
  assert_equal "$(jq .number "$repo/snapshots/$id/manifest.json")" 3
  assert_equal "$(jq .version "$repo/format.json")" 2
  assert_whole --deep --all --key-file "$key"
}
