#!/usr/bin/env bats
# cli.bats - what every tool does alike: help, exit codes, broken descriptors, umask, TMPDIR.

load support

tools='init snap verify restore catalog'

setup() {
  private_home
  cd "$BATS_TEST_TMPDIR" || return 1
  export HOLDFAST_REPO=$BATS_TEST_TMPDIR/repo
  mkdir conf
  echo content >conf/file
}

make_snapshot() {
  init >/dev/null
  snap --tree conf >/dev/null
}

@test "cli: --help shows usage, an example and the exit status of every tool on standard output" {
  local tool
  for tool in $tools; do
    run -0 --separate-stderr "$tool" --help
    assert_equal "$stderr" ''
    assert_line --regexp "^Usage: $tool "
    assert_line EXAMPLES
    assert_line 'EXIT STATUS'
    assert_line --regexp '--config FILE'
    refute_line --index 0 --partial Usage # what it does comes first
  done
}

@test "cli: --version names the tool, holdfast and SQLite" {
  local tool
  for tool in $tools; do
    run -0 --separate-stderr "$tool" --version
    assert_output --regexp "^$tool \(holdfast [0-9]+\.[0-9]+\.[0-9]+, SQLite 3\.[0-9.]+\)$"
  done
}

@test "cli: wrong usage is exit 2 with a hint, on standard error only" {
  local tool
  for tool in $tools; do
    run -2 --separate-stderr "$tool" --no-such-flag
    assert_equal "$output" ''
    assert_regex "$stderr" "^$tool: error: .*$tool: hint: see $tool --help$"
  done
  run -2 snap --lock-wait soon
  run -2 snap --repo ''
  run -2 restore
  run -2 restore latest
  run -2 snap --type weekly --tree conf
}

@test "cli: a repository that is not there is exit 6 for every reader, and is not made" {
  run -6 snap --tree conf
  assert_output --partial 'init --repo'
  run -6 verify
  run -6 restore latest --target out
  run -6 catalog
  assert_not_exist repo
  assert_not_exist out
}

@test "cli: a snapshot or source that is not there is exit 6" {
  make_snapshot
  run -6 restore 20010101T000000Z-000000 --target out
  run -6 verify nosuch
  run -6 snap nosuch
  assert_not_exist out
}

@test "cli: a second init is exit 10, and restoring over something is too" {
  make_snapshot
  run -10 init
  assert_output --partial 'already a repository'
  mkdir -p out
  echo mine >out/conf
  run -10 restore latest --target out
  assert_equal "$(<out/conf)" mine
}

@test "cli: output onto a full device is exit 8" {
  make_snapshot
  local command code
  for command in 'snap --tree conf' 'catalog' 'catalog show latest' 'catalog --json' 'snap --help' \
    'verify --version' 'verify --json' 'restore latest --component conf --stdout'; do
    code=0
    # shellcheck disable=SC2086 # a command line each
    $command >/dev/full 2>err || code=$?
    assert_equal "$command: $code" "$command: 8"
    assert_regex "$(<err)" ': error: '
  done
}

@test "cli: a closed standard output loses nothing silently, and the snapshot is kept" {
  make_snapshot
  local code=0
  snap --tree conf >&- 2>err || code=$?
  assert_equal "$code" 8
  assert_regex "$(<err)" 'write standard output: Bad file descriptor'
  assert_equal "$(catalog --format id | wc -l)" 2
}

@test "cli: a reader that goes away is exit 8, not a silent death" {
  make_snapshot
  local codes
  { sleep 0.5 && catalog 2>err; } | true
  codes=("${PIPESTATUS[@]}")
  assert_equal "${codes[0]}" 8
  assert_regex "$(<err)" 'Broken pipe'
}

@test "cli: with descriptors 0 to 2 closed no database and no object gets our messages" {
  init >/dev/null
  sqlite3 t.db 'CREATE TABLE t(x); INSERT INTO t VALUES(42);'
  snap --sqlite t.db --tree conf --verbose 0<&- 1>&- 2>&- || true
  snap --sqlite t.db --tree nosuch --verbose 0<&- 2>&- >/dev/null || true
  assert_equal "$(sqlite3 t.db 'SELECT x FROM t; PRAGMA integrity_check')" $'42\nok'
  run -0 verify --all --deep
  run -0 restore latest --component t.db --stdout 0<&- 2>&-
}

@test "cli: a closed standard input is an error for --stdin, not an empty backup" {
  init >/dev/null
  local code=0
  snap --stdin dump.sql 0<&- >out 2>err || code=$?
  assert_not_equal "$code" 0
  assert_equal "$(catalog --format id)" ''
}

@test "cli: umask 000 leaks nothing and umask 777 breaks nothing" {
  local mask
  for mask in 000 777; do
    rm -rf repo out
    (
      umask "$mask"
      init >/dev/null
      snap --tree conf >/dev/null
      verify --deep --quiet
      restore latest --target out >/dev/null
    )
    assert_equal "$(cat out/conf/file)" content
    assert_equal "$(find repo -type d -printf '%m\n' | sort -u)" 700
    assert_equal "$(find repo -type f -printf '%m\n' | sort -u | tr '\n' ' ' | sed 's/700 //')" '600 '
  done
}

@test "cli: a TMPDIR that cannot be written is no obstacle" {
  export TMPDIR=/nonexistent
  init >/dev/null
  sqlite3 t.db 'CREATE TABLE t(x); INSERT INTO t VALUES(42);'
  snap --tree conf --sqlite t.db >/dev/null
  verify --deep --quiet
  restore latest --target out >/dev/null
  assert_equal "$(cat out/conf/file)" content
}

@test "cli: an empty environment without a home is enough" {
  local bin=$HOLDFAST_BIN
  env -i "$bin/init" --repo repo >/dev/null
  env -i "$bin/snap" --repo repo --tree conf >/dev/null
  env -i "$bin/verify" --repo repo --deep
  env -i "$bin/restore" --repo repo latest --target out >/dev/null
  env -i "$bin/catalog" --repo repo >/dev/null
  assert_equal "$(cat out/conf/file)" content
}

@test "cli: without a terminal there is no progress and no colour" {
  make_snapshot
  run -0 --separate-stderr snap --tree conf --verbose
  refute_regex "$stderr" $'[\r\e]'
}

@test "cli: --json is one JSON value on standard output" {
  make_snapshot
  snap --tree conf --json | jq -es 'length == 1 and .[0].id'
  verify --json | jq -es 'length == 1'
  catalog --json | jq -es 'length == 1'
}

@test "cli: TERM ends a tool by that signal and says that what was temporary is gone" {
  init >/dev/null
  mkfifo pipe
  sleep 30 >pipe 3>&- &
  local writer=$! pid code=0
  snap --stdin dump <pipe 2>err 3>&- &
  pid=$!
  sleep 1
  kill -TERM "$pid"
  wait "$pid" || code=$?
  kill "$writer" 2>/dev/null || true
  assert_equal "$code" 143
  assert_regex "$(<err)" 'stopped by SIGTERM'
  assert_equal "$(ls repo/tmp)" ''
}
