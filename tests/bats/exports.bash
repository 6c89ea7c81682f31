# shellcheck shell=bash
# exports.bash - for suites about exports (`load exports`): a database with everything that goes wrong in exports.

# Values at the edges of every type in columns of every affinity, odd names, every kind of table.
make_odd_database() { # <path>
  python3 "$BATS_TEST_DIRNAME/odd_database.py" "$1"
}

# Every value with its type, every definition, and the facts of the header, one a line.
canonical() { # <database>
  python3 "$BATS_TEST_DIRNAME/canonical_dump.py" "$1"
}
