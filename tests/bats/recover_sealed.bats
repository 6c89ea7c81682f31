#!/usr/bin/env bats
# recover_sealed.bats - recover.sh with a sealed repository where there is trouble: no room, no key, the wrong one.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

teardown() {
  umount -l "$BATS_TEST_TMPDIR/small" 2>/dev/null || true
}

recover() { # [argument...]: with nothing of ours on the PATH
  env -u HOLDFAST_REPO -u HOLDFAST_CONFIG PATH=/usr/bin:/bin HOLDFAST_REPOSITORY="$repo" "$HOLDFAST_SOURCE/assets/recover.sh" "$@"
}

# A snapshot in a repository that has had two recovery keys, of which the first sealed the database.
two_keys() {
  sealed_snapshot
  sql "$db" "INSERT INTO trade SELECT value, 1, hex(randomblob(300)) FROM generate_series(2000, 6000)"
  take --sqlite "$db" --tree "$source_dir/tree"
  init -q --rotate >/dev/null
  seq 3 70000 >"$source_dir/tree/more"
  take --sqlite "$db" --tree "$source_dir/tree"
}

assert_disk_trouble() { # after a run
  assert_equal "$status" 8
  assert_equal "$output" ''
  assert_regex "$stderr" 'No space left on device|write to .* failed|could not be written|File too large'
  local text=$stderr
  run -1 grep -e 'does not decode' -e damaged -e 'none of the keys' <<<"$text" # nothing is wrong with what is stored
}

@test "recover: sealed objects of many frames come back, with one key and with several of which each fits some" {
  sealed_repository
  source_dir=$BATS_TEST_TMPDIR/source
  mkdir -p "$source_dir/tree"
  head -c 20000000 /dev/urandom >"$source_dir/tree/random" # more than one object, of sixteen frames each
  take --tree "$source_dir/tree"
  first=$id
  become ops
  run -0 --separate-stderr recover "$first" "$BATS_TEST_TMPDIR/one"
  cmp "$source_dir/tree/random" "$BATS_TEST_TMPDIR/one/tree/random"
  become host
  init -q --rotate >/dev/null
  head -c 3000000 /dev/urandom >"$source_dir/tree/second"
  take --tree "$source_dir/tree"
  become escrow
  run -0 --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/several"
  diff -r "$source_dir/tree" "$BATS_TEST_TMPDIR/several/tree"
  # The same from one file with both keys.
  key=$BATS_TEST_TMPDIR/keys.pem
  (umask 077 && for file in "$repo"/keys/*.key.asc; do gpg --batch --quiet --decrypt "$file" 2>/dev/null; done >"$key")
  become host
  HOLDFAST_KEY_FILE=$key run -0 --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/by-file"
  diff -r "$source_dir/tree" "$BATS_TEST_TMPDIR/by-file/tree"
  : >"$key"
  HOLDFAST_KEY_FILE=$key run -9 --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/none"
  assert_not_exists "$BATS_TEST_TMPDIR/none"
}

@test "recover: a full disk is exit 8 for a sealed repository as well, with one key and with several, and leaves nothing" {
  ((EUID == 0)) || skip 'mounting needs root'
  mkdir "$BATS_TEST_TMPDIR/small"
  for make in sealed_snapshot two_keys; do
    rm -rf "$BATS_TEST_TMPDIR/repo" "$BATS_TEST_TMPDIR/source" "$XDG_STATE_HOME" "$XDG_CACHE_HOME"
    "$make"
    become ops
    for size in 24k 200k 700k; do
      mount -t tmpfs -o "size=$size,mode=700" tmpfs "$BATS_TEST_TMPDIR/small" 2>/dev/null || skip 'cannot mount'
      run --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/small" t.db
      echo "size $size after $make: $stderr" # if it fails
      left=$(ls -A "$BATS_TEST_TMPDIR/small")
      umount "$BATS_TEST_TMPDIR/small"
      assert_equal "$left" ''
      assert_disk_trouble
    done
  done
  mount -t tmpfs -o "size=40m,mode=700" tmpfs "$BATS_TEST_TMPDIR/small"
  run --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/small" t.db
  echo "$stderr" # if it fails
  assert_equal "$status" 0
}

@test "recover: a full disk is exit 8 while a manifest with hidden names is opened" {
  ((EUID == 0)) || skip 'mounting needs root'
  sealed_repository
  mkdir -p "$BATS_TEST_TMPDIR/small" "$BATS_TEST_TMPDIR/many"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  printf '[repository]\npath = "%s"\nprivate_names = true\n' "$repo" >"$HOLDFAST_CONFIG"
  for i in {1..60}; do
    echo "$i" >"$BATS_TEST_TMPDIR/many/$i"
    printf '[[source]]\nname = "source-%s"\nkind = "tree"\npath = "%s/many/%s"\n' "$i" "$BATS_TEST_TMPDIR" "$i" >>"$HOLDFAST_CONFIG"
  done
  take
  become ops
  sealed=$(stat -c %s "$repo/snapshots/$id/manifest.json")
  mount -t tmpfs -o "size=$((sealed * 4 / 4096 + 8))k,mode=700" tmpfs "$BATS_TEST_TMPDIR/small" 2>/dev/null || skip 'cannot mount'
  run --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/small"
  left=$(ls -A "$BATS_TEST_TMPDIR/small")
  umount "$BATS_TEST_TMPDIR/small"
  assert_equal "$left" ''
  assert_disk_trouble
}

@test "recover: without a key, or with another repository's, it says so and leaves nothing" {
  sealed_snapshot
  become host
  run -9 --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/out" </dev/null
  [[ $stderr == *'no key of this repository was opened'* ]]
  (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$BATS_TEST_TMPDIR/other.pem" 2>/dev/null)
  HOLDFAST_KEY_FILE=$BATS_TEST_TMPDIR/other.pem run --separate-stderr recover "$id" "$BATS_TEST_TMPDIR/out"
  ((status == 5 || status == 9))
  assert_not_exists "$BATS_TEST_TMPDIR/out"
}
