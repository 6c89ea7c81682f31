# shellcheck shell=bash
# repository.bash - for suites that take snapshots (`load repository` after `load support`): a fresh repository,
# databases to fill it with, and what "the source was not touched" and "restored" mean.

# Sets `repo`; the tools find it by themselves, and no configuration of the host is read.
fresh_repository() {
  private_home
  repo=$BATS_TEST_TMPDIR/repo
  export HOLDFAST_REPO=$repo HOLDFAST_CONFIG=/dev/null
  init >/dev/null
}

# sqlite3 stops at the first error and reads no settings of the person who runs the tests.
sql() { # <database> [statement]...
  sqlite3 -batch -bail -init /dev/null "$@"
}

# A small database with a foreign key, an index and rows enough for some dozens of pages.
make_database() { # <path> [statement before the first table]
  sql "$1" "${2:-SELECT 1}" \
    'CREATE TABLE book(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)' \
    'CREATE TABLE trade(id INTEGER PRIMARY KEY, book INTEGER REFERENCES book(id), note TEXT)' \
    "INSERT INTO book SELECT value, 'book ' || value FROM generate_series(1, 20)" \
    "INSERT INTO trade SELECT value, 1 + value % 20, hex(randomblob(40)) FROM generate_series(1, 1500)" >/dev/null
}

# Every name, type, mode, size, time and byte below a folder; -shm is scratch memory of whoever reads.
fingerprint() { # <folder>
  find "$1" ! -name '*-shm' \( -type f -printf '%P %y %m %U:%G %s %T@\n' -o -printf '%P %y %m %U:%G\n' \) | sort
  find "$1" -type f ! -name '*-shm' -exec sha256sum {} + | sort
  find "$1" -name '*-shm' -printf '%P\n' | sort
}

# Takes a snapshot that must succeed; sets `id`.
take() { # <argument of snap>...
  run -0 --separate-stderr snap "$@"
  # shellcheck disable=SC2154  # bats sets output
  id=$output
}

# A fresh repository with two snapshots, `first` and `second`, of the database `db` and the tree in `source_dir`;
# `first_data` are the objects that hold data of the first.
two_snapshots() {
  fresh_repository
  source_dir=$BATS_TEST_TMPDIR/source
  mkdir -p "$source_dir/tree/sub"
  db=$source_dir/t.db
  make_database "$db"
  head -c 90000 /dev/urandom >"$source_dir/tree/random"
  seq 1 4000 >"$source_dir/tree/sub/numbers"
  take --sqlite "$db" --tree "$source_dir/tree"
  first=$id
  first_data=$(find "$repo/objects" -type f -size +64k)
  sql "$db" "UPDATE trade SET note = 'second' WHERE id % 50 = 0"
  echo more >"$source_dir/tree/more"
  take --sqlite "$db" --tree "$source_dir/tree"
  second=$id
}

# Restores one snapshot into a new folder and sets `restored` to it.
bring_back() { # <snapshot>
  restored=$(mktemp -d -- "$BATS_TEST_TMPDIR/restored.XXXXXX")
  run -0 --separate-stderr restore "$1" --target "$restored"
}

# The database is sound and keeps its promises.
assert_sound() { # <database>
  assert_equal "$(sql "$1" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
}

# The repository is whole: verify finds nothing.
assert_whole() { # [argument of verify]...
  run -0 --separate-stderr verify "${@:---all}"
  # shellcheck disable=SC2154
  assert_equal "$output" ''
}

# A clean failure: a status of our table with a message, and nothing on standard output.
assert_clean_failure() {
  # shellcheck disable=SC2154  # bats sets status, output and stderr
  if ((status < 1 || status > 123)) || [[ -n $output ]] || ! grep -q '^[a-z]*: error: ' <<<"$stderr"; then
    batslib_print_kv_single 6 status "$status" output "$output" stderr "$stderr" | batslib_decorate 'not a clean failure' | fail
  fi
}

# Turns one bit round in the middle of a file; the times stay as they were, as on a bad disk.
flip_bit() { # <file> [offset]
  local offset=${2:-$(($(stat -c %s "$1") / 2))} byte
  byte=$(od -An -tu1 -j"$offset" -N1 "$1")
  # shellcheck disable=SC2059  # the format is the byte
  printf "\\x$(printf %02x $((byte ^ 4)))" | dd of="$1" bs=1 seek="$offset" conv=notrunc status=none
}
