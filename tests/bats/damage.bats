#!/usr/bin/env bats
# damage.bats - whatever happens to the files of a repository, verify finds and names it, and restore gives the
# captured bytes or nothing at all.

load support
load repository

# One repository with two snapshots of a database and a tree; every test damages it from scratch.
setup() {
  two_snapshots
  run -0 --separate-stderr verify --all # so that neither snapshot's ledger line is the last one
}

# A restore of the first or second snapshot gave exact bytes, or failed with exit 5 and left nothing.
assert_exact_or_nothing() { # <snapshot>
  local target=$BATS_TEST_TMPDIR/out
  rm -rf "$target"
  run --separate-stderr restore "$1" --target "$target"
  if ((status == 0)); then
    assert_sound "$target/t.db"
    assert_equal "$(sha256sum <"$target/t.db" | cut -d' ' -f1)" "$(jq -r '.components[] | select(.name == "t.db").sha256' "$repo/snapshots/$1/manifest.json")"
    cmp "$source_dir/tree/random" "$target/tree/random"
    cmp "$source_dir/tree/sub/numbers" "$target/tree/sub/numbers"
  else
    assert_equal "$status" 5
    assert_clean_failure
    assert_equal "$(find "$target" -mindepth 1 2>/dev/null)" ''
  fi
}

# verify finds damage and some line of it names the given text.
assert_found() { # <text>
  run -5 --separate-stderr verify --all
  assert_regex "$output" "^damage"$'\t'
  assert_output --partial "$1"
}

@test "verify: one flipped bit in any object is found and named, and restore is exact or nothing" {
  local object
  for object in "$repo"/objects/*/*; do
    cp -p "$object" "$BATS_TEST_TMPDIR/whole"
    flip_bit "$object"
    assert_found "${object##*/}"
    assert_exact_or_nothing "$first"
    assert_exact_or_nothing "$second"
    cp -p "$BATS_TEST_TMPDIR/whole" "$object"
  done
  assert_whole --deep --all
}

@test "verify: one flipped bit anywhere in a snapshot's own files is found and named, and restore is exact or nothing" {
  local file size offset
  for file in "$repo/snapshots/$second"/*; do
    cp -p "$file" "$BATS_TEST_TMPDIR/whole"
    size=$(stat -c %s "$file")
    for offset in 0 $((size / 5)) $((size / 2)) $((size - 1)); do
      flip_bit "$file" "$offset"
      assert_found "$second"
      assert_output --partial "${file##*/}"
      assert_exact_or_nothing "$second"
      cp -p "$BATS_TEST_TMPDIR/whole" "$file"
    done
  done
  assert_whole --deep --all
}

@test "verify: one flipped bit in any line of the ledger but the last is found and named" {
  local line offset=0 length
  mapfile -t lines <"$repo/ledger.jsonl"
  cp "$repo/ledger.jsonl" "$BATS_TEST_TMPDIR/whole"
  for line in "${lines[@]:0:${#lines[@]}-1}"; do
    length=${#line}
    flip_bit "$repo/ledger.jsonl" $((offset + length / 3))
    assert_found ledger
    cp "$BATS_TEST_TMPDIR/whole" "$repo/ledger.jsonl"
    offset=$((offset + length + 1))
  done
}

@test "verify: truncated, lengthened, zeroed, emptied and missing objects are found; restore is exact or nothing" {
  local object=("$repo"/objects/*/*) how size
  for how in 'truncate -s -1' 'truncate -s 0' 'truncate -s +1' zero 'rm -f' replace_by_folder replace_by_link; do
    for file in "${object[0]}" "${object[-1]}"; do
      cp -p "$file" "$BATS_TEST_TMPDIR/whole"
      size=$(stat -c %s "$file")
      case $how in
        zero) dd if=/dev/zero of="$file" bs="$size" count=1 conv=notrunc status=none ;;
        replace_by_folder) rm "$file" && mkdir "$file" ;;
        replace_by_link) rm "$file" && ln -s /dev/zero "$file" ;;
        *) $how "$file" ;;
      esac
      assert_found "${file##*/}"
      assert_exact_or_nothing "$first"
      assert_exact_or_nothing "$second"
      rm -rf "$file"
      cp -p "$BATS_TEST_TMPDIR/whole" "$file"
    done
  done
}

@test "verify: two objects exchanged, or one put in the place of another, are found; restore is exact or nothing" {
  local object=("$repo"/objects/*/*)
  mv "${object[0]}" "$BATS_TEST_TMPDIR/whole"
  mv "${object[1]}" "${object[0]}"
  cp -p "$BATS_TEST_TMPDIR/whole" "${object[1]}"
  assert_found "${object[0]##*/}"
  assert_output --partial "${object[1]##*/}"
  assert_exact_or_nothing "$first"
  assert_exact_or_nothing "$second"
}

@test "snap: stores anew what damage took away, and the next snapshot is whole" {
  local object victim
  victim=$(sed -n '1s/ .*//p' "$repo/snapshots/$second/SHA256SUMS")
  for object in "$repo"/objects/*/"$victim"; do
    truncate -s 10 "$object"
  done
  take --sqlite "$db" --tree "$source_dir/tree"
  run -0 --separate-stderr verify --deep "$id"
  assert_exact_or_nothing "$id"
  assert_exact_or_nothing "$second"
}

# Rewrites a manifest with jq or sed and makes SHA256SUMS agree, as somebody with write access would.
forge() { # <command that reads the manifest and writes another>...
  local folder=$repo/snapshots/$second sum
  cp "$folder/manifest.json" "$BATS_TEST_TMPDIR/manifest"
  cp "$folder/SHA256SUMS" "$BATS_TEST_TMPDIR/sums"
  "$@" <"$BATS_TEST_TMPDIR/manifest" >"$folder/manifest.json"
  sum=$(sha256sum <"$folder/manifest.json" | cut -d' ' -f1)
  sed -i "s/^[0-9a-f]*  manifest.json/$sum  manifest.json/" "$folder/SHA256SUMS"
}

unforge() {
  cp "$BATS_TEST_TMPDIR/manifest" "$repo/snapshots/$second/manifest.json"
  cp "$BATS_TEST_TMPDIR/sums" "$repo/snapshots/$second/SHA256SUMS"
}

@test "restore: a manifest that lies is refused before anything is written, and verify says so" {
  local lie target=$BATS_TEST_TMPDIR/out
  local lies=(
    '.components[0].name = "../escaped"' '.components[0].name = "/escaped"' '.components[0].name = "a/../../escaped"'
    '.components[0].name = ""' '.components[0].name = "x\u0000y"' '.components[1].name = .components[0].name'
    '.components[0].bytes += 1' '.components[0].bytes = 0' '.components[0].bytes = -1' '.components[0].bytes = 1.5'
    '.components[0].bytes = 1e300' '.components[0].bytes = 18446744073709551615' '.components[0].sqlite.page_count = 3'
    '.components[0].sha256 = .components[0].recipe.sha256' '.components[0].recipe.extents = []'
    '.components[0].recipe.extents[0] |= sub(" [0-9]+ "; " 16777215 ")' '.components[0].recipe.sha256 = "00"'
    '.components[0].recipe.bytes = 1' '.components[1].index.extents = .components[0].recipe.extents'
    '.id = "20200101T000000Z-000000"' '.repository = "00000000-0000-0000-0000-000000000000"' '.components = {}' '.components = null' '[.]'
  )
  for lie in "${lies[@]}"; do
    forge jq "$lie"
    rm -rf "$target"
    run --separate-stderr restore "$second" --target "$target"
    assert_clean_failure
    assert_equal "$status" 5
    assert_equal "$(find "$target" "$BATS_TEST_TMPDIR"/escaped "$BATS_TEST_TMPDIR"/*/escaped -mindepth 1 2>/dev/null)" ''
    assert_found "$second"
    unforge
  done
}

deep_nesting() { printf '[%.0s' {1..100000} && cat; }
byte_order_mark() { printf '\357\273\277' && cat; }
sixteen_bit() { iconv -t UTF-16; }
key_twice() { sed '0,/"number"/s/"number": [0-9]*,/"number": 1, "number": 99,/'; }
huge_number() { sed 's/"number": [0-9]*/"number": 1'"$(printf '0%.0s' {1..5000})"'/'; }
not_text() { sed 's/"host": "/"host": "\xff\xfe/'; }
nothing() { cat >/dev/null; }
endless_text() { head -c 70000000 /dev/zero | tr '\0' ' ' && cat; }

@test "restore: malformed JSON in a manifest is refused at once, however deep or large" {
  local how
  for how in deep_nesting sixteen_bit key_twice huge_number not_text nothing endless_text; do
    forge "$how"
    run --separate-stderr timeout 20 restore "$second" --target "$BATS_TEST_TMPDIR/out"
    assert_clean_failure
    assert_equal "$status" 5
    assert_dir_not_exist "$BATS_TEST_TMPDIR/out"
    assert_found "$second"
    run -5 --separate-stderr timeout 20 catalog list --format id # it lists what can be read
    assert_line "$first"
    unforge
  done
  forge byte_order_mark # harmless for a reader, but not what was written
  assert_found "$second"
}

@test "restore: a manifest with a text of 20 MB costs time and memory in proportion" {
  forge jq --rawfile text <(head -c 20000000 /dev/zero | tr '\0' x) '.host = $text'
  run -0 /usr/bin/time -f %M -o "$BATS_TEST_TMPDIR/peak" timeout 5 restore "$second" --target "$BATS_TEST_TMPDIR/out"
  if (($(<"$BATS_TEST_TMPDIR/peak") > 200 * 1024)); then fail "it took $(<"$BATS_TEST_TMPDIR/peak") KiB"; fi
}

@test "every tool: format.json nested 100000 deep is exit 5 at once, and nothing is written" {
  local before size tool
  for size in 100000 60000; do # over the size that the file may have, and below it
    head -c "$size" /dev/zero | tr '\0' '[' >"$repo/format.json"
    before=$(fingerprint "$repo")
    for tool in "snap --sqlite $db" 'verify --all' "restore latest --target $BATS_TEST_TMPDIR/out" 'catalog list'; do
      # shellcheck disable=SC2086  # words
      run -5 --separate-stderr timeout 5 $tool
      assert_clean_failure
      assert_regex "$stderr" 'format.json.*(larger than|nested too deeply)'
    done
    assert_equal "$(fingerprint "$repo")" "$before"
  done
}

@test "verify: a ledger line nested 100000 deep is found and named, and snapshots still restore" {
  sed -i "2s/^/$(head -c 100000 /dev/zero | tr '\0' '[')/" "$repo/ledger.jsonl"
  assert_found 'ledger line 2 is nested too deeply'
  bring_back "$second"
  run --separate-stderr timeout 5 snap --sqlite "$db"
  assert_equal "$(catalog list --format id | wc -l)" 3
}

@test "snap: this host's state file nested deep is a suspicion, not a crash" {
  local state
  state=$(find "$XDG_STATE_HOME" -name '*.json')
  head -c 60000 /dev/zero | tr '\0' '[' >"$state"
  run -4 --separate-stderr timeout 5 snap --sqlite "$db"
  assert_regex "$stderr" 'suspect: state file .*nested too deeply'
}

@test "verify: a forged manifest whose checksums agree is found by the ledger and by the host's memory" {
  forge jq '.components[0].warnings = ["nothing to see"]'
  run -5 --separate-stderr verify --all
  assert_output --partial 'not the one the ledger recorded'
  assert_output --partial 'not the one this host remembers'
}

@test "restore: a newer version of a manifest is exit 3, and other snapshots still restore" {
  forge sed 's/"version": *1,/"version": 2,/'
  run -3 --separate-stderr restore "$second" --target "$BATS_TEST_TMPDIR/out"
  assert_clean_failure
  bring_back "$first"
}

@test "verify: a deleted snapshot is noticed, be it the newest, an older one or all of them" {
  cp -a "$repo" "$BATS_TEST_TMPDIR/whole"
  rm -r "${repo:?}/snapshots/$first"
  assert_found "$first"
  assert_output --partial 'vanished'
  rm -r "${repo:?}/snapshots/$second"
  run -5 --separate-stderr verify --all
  assert_output --partial "$second"
  rm -r "$repo"
  cp -a "$BATS_TEST_TMPDIR/whole" "$repo"
  rm -r "${repo:?}/snapshots/$second"
  assert_found "$second"
  # Also if the ledger was made to forget it: the host remembers.
  rm -r "$repo"
  cp -a "$BATS_TEST_TMPDIR/whole" "$repo"
  rm -r "${repo:?}/snapshots/$second"
  sed -i '3,$d' "$repo/ledger.jsonl"
  assert_found "$second"
}

@test "verify: a repository rolled back or replaced as a whole is noticed, and snap calls its snapshot suspect" {
  cp -a "$repo" "$BATS_TEST_TMPDIR/older"
  take --sqlite "$db" --tree "$source_dir/tree"
  rm -r "$repo"
  cp -a "$BATS_TEST_TMPDIR/older" "$repo"
  run -5 --separate-stderr verify --all
  assert_output --partial 'rolled back or replaced'
  run -4 --separate-stderr snap --sqlite "$db"
  assert_regex "$stderr" 'suspect: .*rolled back'
  # Its number follows the one that was lost, so that order stays right.
  assert_equal "$(jq .number "$repo/snapshots/$output/manifest.json")" 4
}

@test "verify: a missing or unreadable ledger is found; snapshots still restore" {
  rm "$repo/ledger.jsonl"
  assert_found ledger
  bring_back "$second"
}

@test "catalog and verify: files that do not belong into the repository are no snapshots and do no harm" {
  mkdir "$repo/snapshots/lost+found" "$repo/snapshots/20261120T020000Z-7f3a9c.tmp"
  touch "$repo/snapshots/.DS_Store" "$repo/objects/stray" "$repo/objects/ab/not-an-object"
  assert_whole
  assert_equal "$(catalog list --format id | wc -l)" 2
}

@test "snap and verify: a copy of a repository that lost its empty folders is as good as the original" {
  find "$repo" -mindepth 1 -type d -empty -delete
  assert_dir_not_exist "$repo/tmp"
  assert_whole --deep --all
  echo changed >"$source_dir/tree/more"
  find "$repo" -mindepth 1 -type d -empty -delete
  take --sqlite "$db" --tree "$source_dir/tree"
  assert_whole --deep "$id"
}
