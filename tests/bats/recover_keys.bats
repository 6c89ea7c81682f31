#!/usr/bin/env bats
# recover_keys.bats - recover.sh on sealed repositories, with a PATH that has no holdfast: data of many frames.

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
  (cd / && env -i PATH="$stock" ${1:+GNUPGHOME="$GNUPGHOME"} \
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

@test "recover.sh, sealed: data of several frames and of several objects comes back" {
  sealed_repository
  random_sources
  take --sqlite "$db" --tree "$source_dir/tree"
  become ops
  run -0 --separate-stderr recover gpg latest "$BATS_TEST_TMPDIR/by-gpg"
  assert_recovered "$BATS_TEST_TMPDIR/by-gpg"
}
