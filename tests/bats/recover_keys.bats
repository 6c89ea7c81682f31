#!/usr/bin/env bats
# recover_keys.bats - recover.sh on sealed repositories, with a PATH that has no holdfast: data of many frames, and several keys.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

# Random data, which no compression makes small: of one frame, of several, and of several objects.
random_sources() {
  source_dir=$BATS_TEST_TMPDIR/source db=$BATS_TEST_TMPDIR/source/t.db
  mkdir -p "$source_dir/tree"
  head -c 3300K /dev/urandom >"$source_dir/tree/frames"
  head -c 20M /dev/urandom >"$source_dir/tree/objects"
  make_database "$db"
  sql "$db" 'CREATE TABLE noise(bytes BLOB)' \
    'INSERT INTO noise SELECT randomblob(100000) FROM generate_series(1, 18)'
}

# With stock programs alone, openssl and gpg among them unless told otherwise.
recover() { # <gpg or nothing> <argument>...
  local stock program
  stock=$(mktemp -d "$BATS_TEST_TMPDIR/stock.XXXXXX")
  for program in $(dpkg -L coreutils | grep -E '^(/usr)?/s?bin/') "$(type -P bash)" "$(type -P jq)" "$(type -P zstd)" "$(type -P tar)" \
    "$(type -P openssl)" ${1:+"$(type -P "$1")"}; do
    ln -s "$program" "$stock/"
  done
  (cd / && env -i PATH="$stock" ${1:+GNUPGHOME="$GNUPGHOME"} ${HOLDFAST_KEY_FILE:+HOLDFAST_KEY_FILE="$HOLDFAST_KEY_FILE"} \
    "${repo:?}/recover.sh" "${@:2}")
}

assert_recovered() { # <folder>
  local file
  for file in frames objects; do cmp "$source_dir/tree/$file" "$1/tree/$file"; done
  for file in "$db" "$1/t.db"; do
    sql "$file" 'SELECT * FROM trade ORDER BY id' 'SELECT hex(bytes) FROM noise ORDER BY rowid' >"$file.rows"
  done
  cmp "$db.rows" "$1/t.db.rows"
}

# Each key of keys/ by gpg alone, all in one file: what RECOVER.md says.
take_out_keys() { # sets HOLDFAST_KEY_FILE
  local file
  become ops
  export HOLDFAST_KEY_FILE=$BATS_TEST_TMPDIR/recovery.pem
  (umask 077 && for file in "$repo"/keys/*.key.asc; do gpg --batch --quiet --decrypt "$file"; done >"$HOLDFAST_KEY_FILE" 2>/dev/null)
  become host
}

@test "recover.sh, sealed: data of several frames and of several objects comes back, by gpg and by a key file" {
  sealed_repository
  random_sources
  take --sqlite "$db" --tree "$source_dir/tree"
  become ops
  run -0 --separate-stderr recover gpg latest "$BATS_TEST_TMPDIR/by-gpg"
  assert_recovered "$BATS_TEST_TMPDIR/by-gpg"
  take_out_keys
  run -0 --separate-stderr recover '' latest "$BATS_TEST_TMPDIR/by-file"
  assert_recovered "$BATS_TEST_TMPDIR/by-file"
}

@test "recover.sh, sealed: after rotate one file of all keys opens a snapshot that needs two of them, as in holdfast" {
  sealed_repository
  random_sources
  take --sqlite "$db" --tree "$source_dir/tree"
  run -0 --separate-stderr init --rotate
  sql "$db" 'UPDATE trade SET note = hex(randomblob(40)) WHERE id < 50'
  take --sqlite "$db" --tree "$source_dir/tree"
  take_out_keys
  assert_equal "$(grep -c BEGIN "$HOLDFAST_KEY_FILE")" 2
  run -0 --separate-stderr recover '' latest "$BATS_TEST_TMPDIR/by-file"
  assert_recovered "$BATS_TEST_TMPDIR/by-file"
  run -0 --separate-stderr restore latest --target "$BATS_TEST_TMPDIR/by-holdfast"
  assert_recovered "$BATS_TEST_TMPDIR/by-holdfast"
  become ops
  unset HOLDFAST_KEY_FILE
  run -0 --separate-stderr recover gpg latest "$BATS_TEST_TMPDIR/by-gpg"
  assert_recovered "$BATS_TEST_TMPDIR/by-gpg"
}

@test "recover.sh, sealed: a key file that holds no key or only others is named, and nothing is left" {
  sealed_repository
  random_sources
  take --sqlite "$db"
  export HOLDFAST_KEY_FILE=$BATS_TEST_TMPDIR/key.pem
  echo garbage >"$HOLDFAST_KEY_FILE"
  run -9 --separate-stderr recover '' latest "$BATS_TEST_TMPDIR/out"
  # shellcheck disable=SC2154  # bats sets stderr
  [[ $stderr == *"$HOLDFAST_KEY_FILE"*'holds no private key'* ]]
  for _ in 1 2; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; done >"$HOLDFAST_KEY_FILE" 2>/dev/null
  run -5 --separate-stderr recover '' latest "$BATS_TEST_TMPDIR/out"
  [[ $stderr == *'none of the keys opens this object'* ]]
  assert_not_exists "$BATS_TEST_TMPDIR/out"
}

@test "RECOVER.md, sealed: its commands by hand take out every key and restore a tree of two keys" {
  sealed_repository
  random_sources
  take --tree "$source_dir/tree"
  run -0 --separate-stderr init --rotate
  echo more >"$source_dir/tree/more"
  take --tree "$source_dir/tree"
  become ops
  # The keys of section 7 and its function, then the tree as section 4 says.
  {
    printf 'cd %q\n' "$repo"
    sed -n '/^## 7/,$p' "$repo/RECOVER.md" | grep '^    ' | sed 's/^    //' |
      grep -v -e recover.sh -e list-packets -e 'gpg --verify' -e shred
    grep -F 'join() {' "$repo/RECOVER.md" | sed 's/^ *//' | sed 's:zstd -dc "objects/\(.*\)" | tail:plain "objects/\1" | tail:'
    # shellcheck disable=SC2016  # for the shell that runs it
    echo 'part() { jq -r --arg c "$1" ".components[] | select(.name == \$c) | $2" snapshots/latest/manifest.json; }' | sed "s/latest/${id:?}/"
    echo "part tree '.recipe.extents[]' | join >/tmp/recipe; join </tmp/recipe | tar -x -C \"\$OUT\""
  } | sed "s:/root/:$BATS_TEST_TMPDIR/:g; s:/tmp/recipe:$BATS_TEST_TMPDIR/recipe:g" >"$BATS_TEST_TMPDIR/commands"
  mkdir "$BATS_TEST_TMPDIR/out"
  OUT=$BATS_TEST_TMPDIR/out run -0 --separate-stderr bash -e "$BATS_TEST_TMPDIR/commands"
  diff -r "$source_dir/tree" "$BATS_TEST_TMPDIR/out"
}
