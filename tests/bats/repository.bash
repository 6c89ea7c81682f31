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
