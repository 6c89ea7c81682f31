#!/usr/bin/env bats
# sqlite.bats - live databases: whatever form they have and whatever their writers do, the snapshot is one state,
# complete, and the source is as it was.

load support
load repository

setup() {
  fresh_repository
  source_dir=$BATS_TEST_TMPDIR/source
  mkdir "$source_dir"
  db=$source_dir/t.db
}

teardown() {
  # Only what this test started; `wait` also keeps bats from reporting the kill.
  for pid in "${started[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

started=()

# Moves money between accounts as fast as it can, one transaction per transfer, and writes the number of each
# acknowledged transfer to $acks. Sets `writer`.
begin_transfers() { # <journal mode>
  sql "$db" "PRAGMA journal_mode=$1" 'PRAGMA foreign_keys=ON' \
    'CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)' \
    'CREATE TABLE transfer(n INTEGER PRIMARY KEY, source INTEGER REFERENCES account(id), target INTEGER REFERENCES account(id))' \
    'INSERT INTO account SELECT value, 0 FROM generate_series(0, 499)' >/dev/null
  acks=$BATS_TEST_TMPDIR/acks errors=$BATS_TEST_TMPDIR/errors
  : >"$acks"
  mkfifo "$BATS_TEST_TMPDIR/statements"
  stdbuf -oL sqlite3 -batch -bail -init /dev/null -cmd '.timeout 20000' -cmd 'PRAGMA synchronous=FULL' -cmd 'PRAGMA wal_autocheckpoint=200' \
    "$db" <"$BATS_TEST_TMPDIR/statements" >"$acks" 2>"$errors" 3>&- &
  writer=$!
  awk 'BEGIN { for (n = 1; n <= 150000; n++) { from = (n * 7) % 500; to = (n * 13 + 1) % 500; sum = n % 97
    printf "BEGIN IMMEDIATE; UPDATE account SET balance = balance - %d WHERE id = %d; UPDATE account SET balance = balance + %d WHERE id = %d; INSERT INTO transfer VALUES(%d, %d, %d); COMMIT; SELECT %d;\n",
      sum, from, sum, to, n, from, to, n } }' >"$BATS_TEST_TMPDIR/statements" 2>/dev/null 3>&- &
  started+=("$!" "$writer")
  until [[ -s $acks ]]; do sleep 0.02; done
}

# The invariant of the transfers, and every one of them from the first to at least $2.
assert_transfers() { # <database> <number that must be in it>
  local sum count last
  IFS='|' read -r sum count last < <(sql "$1" 'SELECT (SELECT sum(balance) FROM account), count(*), max(n) FROM transfer')
  assert_equal "$sum" 0
  assert_equal "$count" "$last"
  if ((last < $2)); then fail "transfer $2 was acknowledged before snap began; the snapshot ends with $last"; fi
  assert_sound "$1"
}

snap_beside_transfers() { # <snapshots>
  local i acknowledged=()
  for ((i = 1; i <= $1; i++)); do
    acknowledged[i]=$(tail -n 2 "$acks" | sed -n 1p) # the last line may be half written
    run -0 --separate-stderr snap --sqlite "$db"
    ids[i]=$output
  done
  run -0 kill -0 "$writer" # it never met an error: -bail would have ended it
  kill -KILL "$writer"
  assert_equal "$(cat "$errors")" ''
  for ((i = 1; i <= $1; i++)); do
    bring_back "${ids[i]}"
    assert_transfers "$restored/t.db" "${acknowledged[i]}"
  done
}

@test "snap: fifty snapshots beside a WAL writer each hold every acknowledged transfer and no half of one" {
  begin_transfers wal
  snap_beside_transfers 50
  assert_whole
}

@test "snap: snapshots beside a rollback-journal writer hold every acknowledged transfer and no half of one" {
  begin_transfers delete
  snap_beside_transfers 8
}

@test "snap: the image of a quiet database has the bytes of the file, and the source stays as it was" {
  local before mode
  for mode in wal delete truncate persist; do
    rm -rf "$source_dir"/*
    make_database "$db" "PRAGMA journal_mode=$mode"
    touch -d '2025-02-03 04:05:06.789' "$db"
    chmod 0640 "$db"
    before=$(fingerprint "$source_dir")
    take --sqlite "$db"
    assert_equal "$(fingerprint "$source_dir")" "$before"
    bring_back "$id"
    cmp "$db" "$restored/t.db"
    assert_equal "$(stat -c '%a %Y' "$restored/t.db")" "640 $(stat -c %Y "$db")"
    assert_equal "$(catalog show "$id" --json | jq -r '.components[0].sha256')" "$(sha256sum <"$db" | cut -d' ' -f1)"
  done
}

@test "snap: databases of every page size, with and without WAL, come back with the same bytes" {
  local size mode paths=()
  for size in 512 1024 2048 4096 8192 16384 32768 65536; do
    for mode in wal delete; do
      make_database "$source_dir/$mode-$size.db" "PRAGMA page_size=$size; PRAGMA journal_mode=$mode"
      paths+=(--sqlite "$source_dir/$mode-$size.db")
    done
  done
  take "${paths[@]}"
  bring_back "$id"
  for size in 512 1024 2048 4096 8192 16384 32768 65536; do
    for mode in wal delete; do
      cmp "$source_dir/$mode-$size.db" "$restored/$mode-$size.db"
      assert_equal "$(sql "$restored/$mode-$size.db" 'PRAGMA page_size')" "$size"
    done
  done
  assert_whole --deep "$id"
}

@test "snap: a database past 1 GiB is whole around the lock-byte page that SQLite never writes" {
  sql "$db" 'PRAGMA page_size=65536' 'PRAGMA journal_mode=off' 'PRAGMA synchronous=off' 'CREATE TABLE t(n INTEGER PRIMARY KEY, b BLOB)' \
    'INSERT INTO t SELECT value, zeroblob(104857600) FROM generate_series(1, 10)' \
    'INSERT INTO t SELECT value, randomblob(60000) FROM generate_series(11, 500)' >/dev/null
  (($(stat -c %s "$db") > 1073741824 + 65536))
  take --sqlite "$db" --level 1
  run -0 --separate-stderr verify --deep "$id"
  assert_equal "$(restore "$id" --stdout | sha256sum)" "$(sha256sum <"$db")"
}

@test "snap: unusual but valid databases come back with the same bytes" {
  local columns name
  columns=$(seq -s, -f 'c%g' 2000)
  sql "$source_dir/columns.db" "CREATE TABLE wide($columns)" "INSERT INTO wide(c1, c2000) VALUES('first', 'last')"
  sql "$source_dir/without_rowid.db" 'CREATE TABLE k(a TEXT, b INTEGER, PRIMARY KEY(a, b)) WITHOUT ROWID' \
    "INSERT INTO k SELECT hex(randomblob(8)), value FROM generate_series(1, 3000)"
  sql "$source_dir/utf16.db" "PRAGMA encoding='UTF-16be'" 'CREATE TABLE u(t)' "INSERT INTO u VALUES('Grüße, 世界 🎈')"
  sql "$source_dir/fts.db" 'CREATE VIRTUAL TABLE f USING fts5(body)' "INSERT INTO f SELECT 'word' || value || ' and more' FROM generate_series(1, 500)"
  sql "$source_dir/rtree.db" 'CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)' 'INSERT INTO r SELECT value, value, value + 1 FROM generate_series(1, 500)'
  sql "$source_dir/reserved.db" '.filectrl reserve_bytes 32' 'CREATE TABLE t(a)' 'INSERT INTO t SELECT hex(randomblob(200)) FROM generate_series(1, 200)' >/dev/null
  assert_equal "$(od -An -tu1 -j20 -N1 "$source_dir/reserved.db" | tr -d ' ')" 32
  sql "$source_dir/vacuum.db" 'PRAGMA auto_vacuum=full' 'PRAGMA user_version=7' 'PRAGMA application_id=42' 'CREATE TABLE t(a)' 'INSERT INTO t VALUES(zeroblob(5000000))'
  : >"$source_dir/empty.db"
  take $(printf -- '--sqlite %s\n' "$source_dir"/*.db) # no blanks in these names
  bring_back "$id"
  for name in columns without_rowid utf16 fts rtree reserved vacuum empty; do
    cmp "$source_dir/$name.db" "$restored/$name.db"
  done
  assert_equal "$(sql "$restored/utf16.db" 'SELECT t FROM u')" 'Grüße, 世界 🎈'
  assert_equal "$(sql "$restored/fts.db" "SELECT count(*) FROM f WHERE f MATCH 'word77'")" 1
  assert_whole --deep "$id"
}

# A process with commits in the WAL that no checkpoint moved, killed with the database open.
leave_wal() { # <database>
  mkfifo "$BATS_TEST_TMPDIR/held"
  sqlite3 -batch -init /dev/null "$1" <"$BATS_TEST_TMPDIR/held" >/dev/null 3>&- &
  local pid=$!
  exec {held}>"$BATS_TEST_TMPDIR/held"
  printf '%s\n' 'PRAGMA wal_autocheckpoint=0;' "INSERT INTO trade VALUES(9001, 1, 'only in the WAL');" '.shell touch '"$BATS_TEST_TMPDIR/written" >&"$held"
  until [[ -e $BATS_TEST_TMPDIR/written ]]; do sleep 0.02; done
  kill -KILL "$pid"
  wait "$pid" || true
  exec {held}>&-
}

@test "snap: commits that only the WAL of a killed process holds are in the snapshot, and the WAL stays" {
  local before
  make_database "$db" 'PRAGMA journal_mode=wal'
  leave_wal "$db"
  before=$(sha256sum "$db" "$db-wal")
  take --sqlite "$db"
  assert_equal "$(sha256sum "$db" "$db-wal")" "$before"
  bring_back "$id"
  assert_sound "$restored/t.db"
  assert_equal "$(sql "$restored/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

@test "snap: commits in a WAL beside the target of a symbolic link are in the snapshot" {
  make_database "$db" 'PRAGMA journal_mode=wal'
  touch -d '1 hour ago' "$db"
  ln -s source/t.db "$BATS_TEST_TMPDIR/link.db"
  take --sqlite "$BATS_TEST_TMPDIR/link.db"
  leave_wal "$db"
  take --sqlite "$BATS_TEST_TMPDIR/link.db"
  bring_back "$id"
  assert_equal "$(sql "$restored/link.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

# A transaction that spilled into the file, killed before its commit: the journal is hot.
leave_hot_journal() { # <database>
  mkfifo "$BATS_TEST_TMPDIR/held"
  sqlite3 -batch -init /dev/null "$1" <"$BATS_TEST_TMPDIR/held" >/dev/null 3>&- &
  local pid=$!
  exec {held}>"$BATS_TEST_TMPDIR/held"
  printf '%s\n' 'PRAGMA cache_size=2;' 'BEGIN;' "UPDATE trade SET note = 'never committed';" '.shell touch '"$BATS_TEST_TMPDIR/written" >&"$held"
  until [[ -e $BATS_TEST_TMPDIR/written ]]; do sleep 0.02; done
  kill -KILL "$pid"
  wait "$pid" || true
  exec {held}>&-
}

@test "snap: a hot journal is rolled back in the snapshot and left beside the source" {
  local before
  make_database "$db" 'PRAGMA journal_mode=delete'
  leave_hot_journal "$db"
  grep -q 'never committed' "$db" # it did spill
  before=$(fingerprint "$source_dir")
  take --sqlite "$db"
  assert_equal "$(fingerprint "$source_dir")" "$before"
  bring_back "$id"
  assert_sound "$restored/t.db"
  assert_equal "$(sql "$restored/t.db" "SELECT count(*), sum(note = 'never committed') FROM trade")" '1500|0'
  assert_equal "$(ls -A "$repo/tmp")" ''
}
