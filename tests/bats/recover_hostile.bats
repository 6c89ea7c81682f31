#!/usr/bin/env bats
# recover_hostile.bats - recover.sh believes nothing it reads: a damaged or hostile repository is refused, and nothing is left under the name.

load support
load recover

# --- Damage ---------------------------------------------------------------------------------------------------

@test "recover: a flipped bit in an object is named and nothing is restored; --skip-check restores what is whole" {
  local object
  make_database "$data/t.db" 1000
  snap --repo "$repo" --sqlite "$data/t.db"
  # The newest object of the second run alone is damaged, so that the first component stays whole.
  touch "$BATS_TEST_TMPDIR/before"
  head -c 100000 /dev/urandom >"$data/random"
  snap --repo "$repo" --sqlite "$data/t.db" --stdin dump <"$data/random"
  object=$(find "$repo/objects" -type f -size +90k -newer "$BATS_TEST_TMPDIR/before")
  flip "$object" 50000
  run -5 --separate-stderr recover latest "$out"
  assert_output ''
  assert_regex "$stderr" "objects/../${object##*/}: FAILED"
  assert_not_exist "$out"
  run -5 --separate-stderr recover --skip-check latest "$out"
  assert_output "$out/t.db"
  assert_regex "$stderr" "object ${object##*/} is damaged"
  assert_regex "$stderr" "component 'dump' was not restored"
  cmp "$data/t.db" "$out/t.db"
  assert_equal "$(ls -A "$out")" t.db
}

@test "recover: every object flipped, cut short or missing in turn is never restored silently" {
  local object kept=$BATS_TEST_TMPDIR/kept damage
  make_odd_tree "$data/tree"
  make_database "$data/t.db" 100
  snap --repo "$repo" --sqlite "$data/t.db" --tree "$data/tree"
  for object in "$repo"/objects/*/*; do
    mv "$object" "$kept"
    for damage in flip cut remove; do
      cp "$kept" "$object"
      case $damage in
        flip) flip "$object" $((RANDOM % $(stat -c %s "$object"))) ;;
        cut) truncate -s -1 "$object" ;;
        remove) rm "$object" ;;
      esac
      run -5 --separate-stderr recover latest "$out"
      run -5 --separate-stderr recover --skip-check latest "$out"
      assert_regex "$stderr" "object ${object##*/} is (damaged|missing)"
      rm -rf "$out"
    done
    mv "$kept" "$object"
  done
  recover latest "$out"
}

@test "recover: a flipped bit in the manifest, the checksums or the summary is refused" {
  local file
  printf 1 >"$data/conf"
  id=$(snap --repo "$repo" --tree "$data/conf")
  for file in manifest.json SHA256SUMS summary.txt; do
    cp "$repo/snapshots/$id/$file" "$BATS_TEST_TMPDIR/kept"
    flip "$repo/snapshots/$id/$file" 40
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
    cp "$BATS_TEST_TMPDIR/kept" "$repo/snapshots/$id/$file"
  done
}

# --- Hostile repositories: every checksum is right, the content is not ----------------------------------------

@test "recover: a forged snapshot that is honest is restored, so the refusals below mean something" {
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  alter '.mode = "0640" | .uid = 1 | .gid = 2 | .mtime_ns = -500000000'
  recover "$id" "$out"
  assert_equal "$(<"$out/c")" plain
  assert_equal "$(stat -c '%a %y' "$out/c")" '640 1969-12-31 23:59:59.500000000 +0000'
}

@test "recover: hostile names of components are refused and nothing is written" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '"../evil"' '"/etc/evil"' '".."' '"."' '""' '"a/../b"' '"a/b/c"' '"a/"' '"a\nb"' '"a\u001b[2J"' '5' '["c"]' "(\"x\" * 256)"; do
    alter ".name = $filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_output ''
    assert_not_exist "$out"
    refute_regex "$stderr" $'\e'
  done
  assert_not_exist "$BATS_TEST_TMPDIR/evil"
}

@test "recover: two components of one name, or one inside another, are refused" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '.components += .components' '.components += [.components[0] | .name = "c/d"]'; do
    alter . "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
  done
}

@test "recover: malformed manifests are refused" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '.kind = "disk"' '.root = "directory"' '.bytes = -1' '.bytes = 1.5' '.sha256 = "x"' 'del(.sha256)' \
    '.recipe.extents[0] += " x"' '.recipe.extents[0] = "../../../etc/passwd 0 5"' '.recipe.extents = "x"' 'del(.recipe)' \
    '.mode = "99"' '.mode = "0644" | .uid = "$(id)" | .gid = 0 | .mtime_ns = 5' '.kind = "tree"'; do
    alter "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_regex "$stderr" "manifest of $id cannot be used"
    assert_not_exist "$out"
  done
  for filter in '.version = 2' '.id = "20991231T235959Z-000000x"' '.format = "x"' '.components = 5'; do
    alter . "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
  done
}

@test "recover: recipes and streams that are not what the manifest says leave nothing under the name" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '.bytes = 4' '.bytes = 6' '.sha256 = ("0" * 64)' '.recipe.sha256 = ("0" * 64)' '.recipe.bytes += 1' \
    '.recipe.extents[0] |= sub(" 0 "; " 1 ")' '.recipe.extents += .recipe.extents'; do
    alter "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_regex "$stderr" "component 'c' was not restored"
    assert_not_exist "$out"
  done
}

@test "recover: an object that unpacks to more than an object may hold is refused" {
  truncate -s 17M "$data/stream"
  forge "$data/stream"
  alter '.bytes = 16777216'
  run -5 --separate-stderr recover "$id" "$out"
  assert_not_exist "$out"
}

@test "recover: a truncated file is cut to what was really read" {
  mkdir "$data/tree"
  printf 'real\0\0\0' >"$data/tree/"$'cut\nshort'
  chmod 0400 "$data/tree/"*
  touch -d @1500000000.123456789 "$data/tree/"*
  tar -C "$data/tree" --format=pax -cf "$data/tar" .
  {
    printf '{"segment_bytes":1}\n'
    entry . dir -
    entry $'cut\nshort' file real '{"size":7,"truncated":4}'
  } >"$data/index"
  forge "$data/tar" "$data/index"
  recover "$id" "$out"
  assert_equal "$(<"$out/c/"$'cut\nshort')" real
  assert_equal "$(stat -c '%s %a %y' "$out/c/"$'cut\nshort')" '4 400 2017-07-14 02:40:00.123456789 +0000'
}

@test "recover: a tree that is not what its index says leaves nothing under the name" {
  mkdir "$data/tree"
  printf 'x' >"$data/tree/f"
  tar -C "$data/tree" --format=pax -cf "$data/tar" .
  local lines=(
    "$(entry . dir -)"
    "$(entry . dir -)"$'\n'"$(entry f file y)"
    "$(entry . dir -)"$'\n'"$(entry f symlink -)"
    "$(entry . dir -)"$'\n'"$(entry f file x)"$'\n'"$(entry g file x)"
    "$(entry . dir -)"$'\n'"$(entry ../../../data/tree/f file x)"
    "$(entry . dir -)"$'\n'"$(entry "$data/tree/f" file x)"
    "$(entry . dir -)"$'\n'"$(entry x file x "{\"path\":null,\"path_b64\":\"$(printf '../../../data/tree/f' | base64)\"}")"
    'not json'
  )
  local index
  for index in "${lines[@]}"; do
    printf '%s\n' "$index" >"$data/index"
    forge "$data/tar" "$data/index"
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
  done
}

@test "recover: neither tar nor index reaches through a link out of the tree" {
  mkdir "$data/tree" "$data/outside"
  printf precious >"$data/outside/f"
  ln -s "$data/outside" "$data/tree/way"
  tar -C "$data/tree" --format=pax -cf "$data/tar" .
  mkdir "$data/second" "$data/second/way"
  printf evil >"$data/second/way/f"
  tar -C "$data/second" --format=pax -cf "$data/more" ./way/f
  tar -Af "$data/tar" "$data/more"
  {
    entry . dir -
    entry way symlink -
    entry way/f file evil '{"size":4,"truncated":0}'
  } >"$data/index"
  forge "$data/tar" "$data/index"
  run ! recover "$id" "$out"
  assert_not_exist "$out"
  assert_equal "$(<"$data/outside/f")" precious
}
