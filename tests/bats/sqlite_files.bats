#!/usr/bin/env bats
# sqlite_files.bats - what belongs to a database without being it: super-journals, locks, cells larger than any buffer.

load support
load repository

setup() {
  fresh_repository
  source_dir=$BATS_TEST_TMPDIR/source
  mkdir "$source_dir"
  db=$source_dir/t.db other=$source_dir/other.db
}

started=()

teardown() {
  # Only what this test started; `wait` also keeps bats from reporting the kill.
  for pid in "${started[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

# Two databases whose balances add up, and a transfer between them that is killed at its nth removal of a file. The
# super-journal goes first, and with it gone the transfer is committed; the journals of the two go after it.
kill_transfer_at() { # <removal>
  local path
  for path in "$db" "$other"; do
    sql "$path" 'PRAGMA journal_mode=delete' 'CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER, note BLOB)' \
      'INSERT INTO account SELECT value, 100, randomblob(600) FROM generate_series(1, 2000)' >/dev/null
  done
  run -137 strace -f -qq -o /dev/null -e trace=unlink -e inject=unlink:signal=KILL:when="$1" \
    sqlite3 -batch -bail -init /dev/null "$db" "ATTACH '$other' AS other" \
    'BEGIN; UPDATE main.account SET balance = balance - 1; UPDATE other.account SET balance = balance + 1; COMMIT'
  assert_file_exist "$db-journal"
  assert_file_exist "$other-journal"
}

# Snapshots both databases, which leaves them alone; each comes back with the given balance, and with the bytes that
# SQLite itself would make of the source.
assert_balances() { # <of t.db> <of other.db>
  local before name
  before=$(fingerprint "$source_dir")
  take --sqlite "$db" --sqlite "$other" --tree "$source_dir"
  assert_equal "$(fingerprint "$source_dir")" "$before"
  bring_back "$id"
  rm -rf "$BATS_TEST_TMPDIR/aside"
  mv "$source_dir" "$BATS_TEST_TMPDIR/aside"
  cp -a "$BATS_TEST_TMPDIR/aside" "$source_dir" # at its own path: that is where the journals point to
  for name in t.db other.db; do
    assert_sound "$restored/$name"
    assert_equal "$(sql "$source_dir/$name" 'SELECT sum(balance) FROM account')" "$([[ $name == t.db ]] && echo "$1" || echo "$2")"
    cmp "$source_dir/$name" "$restored/$name"
    cmp "$source_dir/$name" "$restored/source/$name"
  done
  rm -r "$source_dir"
  mv "$BATS_TEST_TMPDIR/aside" "$source_dir"
}

@test "snap: a transaction over two databases is undone in both while its super-journal exists, and done in both once it is gone" {
  kill_transfer_at 1
  grep -qF "$db-mj" "$other-journal" # it does name the super-journal
  sleep 2.1                          # old enough to be taken over unread, were nothing else to look at
  assert_balances 200000 200000
  rm "$db"-mj* # the journals are as they were, and mean nothing any more
  assert_balances 198000 202000
  assert_whole --deep "$id"
}

@test "snap: a transaction over two databases, killed after its super-journal was removed, is done in both" {
  kill_transfer_at 2
  assert_equal "$(ls "$source_dir")" $'other.db\nother.db-journal\nt.db\nt.db-journal'
  assert_balances 198000 202000
}

# From the first lock that a descriptor of this file takes until it is closed, no other one of the file is closed: that
# would drop the locks of the whole process (https://www.sqlite.org/howtocorrupt.html, 2.2). At least one lock is taken.
assert_locks_kept() { # <strace of close and fcntl> <file>
  local line locker='' is_locked=no
  while IFS= read -r line; do
    if [[ $line =~ fcntl\(([0-9]+)\<"$2"\>,\ F_SETLK,\ \{l_type=F_(RD|WR)LCK ]]; then
      locker=${BASH_REMATCH[1]} is_locked=yes
    elif [[ $line =~ close\(([0-9]+)\<"$2"\> ]]; then
      if [[ ${BASH_REMATCH[1]} == "$locker" ]]; then
        locker=''
      elif [[ -n $locker ]]; then
        fail "descriptor $locker of $2 lost its locks: $line"
      fi
    fi
  done <"$1"
  assert_equal "$is_locked $2" "yes $2"
}

@test "snap: while it reads a database it closes no other descriptor of it, which would drop SQLite's locks" {
  local mode name file trace=$BATS_TEST_TMPDIR/trace
  for mode in wal delete; do
    rm -rf "${source_dir:?}"/*
    make_database "$db" "PRAGMA journal_mode=$mode"
    make_database "$other" "PRAGMA journal_mode=$mode"
    sql "$other" "INSERT INTO trade VALUES(0, 1, hex(zeroblob(3000000)))" # large enough to be streamed
    # A WAL, which the walk looks at, and the -shm, which has locks of its own.
    for file in "$db" "$other"; do
      run sql "$file" "INSERT INTO trade VALUES(9001, 1, 'last')" '.shell kill -KILL $PPID'
    done
    for name in --sqlite="$db" --tree="$source_dir"; do
      run -0 --separate-stderr strace -f -qq -y -e trace=close,fcntl -o "$trace" snap "$name" --sqlite "$other"
      for file in "$db" "$other"; do
        assert_locks_kept "$trace" "$file"
        if [[ $mode == wal ]]; then assert_locks_kept "$trace" "$file-shm"; fi
      done
    done
  done
}

@test "snap: an unchanged database with commits in its WAL is taken over unread, and nothing of the WAL moves, not even its ctime" {
  local trace=$BATS_TEST_TMPDIR/trace before
  make_database "$db" 'PRAGMA journal_mode=wal'
  run -137 sql "$db" "INSERT INTO trade VALUES(9001, 1, 'only in the WAL')" '.shell kill -KILL $PPID'
  before=$(stat -c '%n %Z %z' "$db" "$db-wal")
  sleep 2.1 # its times must be older than the grain of any clock
  take --sqlite "$db"
  assert_equal "$(stat -c '%n %Z %z' "$db" "$db-wal")" "$before"
  run -0 strace -f -qq -y -e trace=pread64 -o "$trace" snap --sqlite "$db"
  assert_equal "$(grep -cF "<$db" "$trace")" 1 # the change counter
  bring_back "$output"
  assert_equal "$(sql "$restored/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
}

@test "snap: a database of two names in a tree keeps the commits of the WAL that lies beside one of them" {
  make_database "$db" 'PRAGMA journal_mode=wal'
  run -137 sql "$db" "INSERT INTO trade VALUES(9001, 1, 'only in the WAL')" '.shell kill -KILL $PPID'
  mkdir "$source_dir/0"
  ln "$db" "$source_dir/0/a.db"
  ln "$db" "$source_dir/z.db"
  take --tree "$source_dir"
  bring_back "$id"
  for name in 0/a.db t.db z.db; do
    assert_sound "$restored/source/$name"
    assert_equal "$(sql "$restored/source/$name" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
    assert_equal "$(stat -c %i "$restored/source/$name")" "$(stat -c %i "$restored/source/t.db")"
  done
}

# Moves money about in `db` until the test ends, in one long connection. Sets `writer`.
begin_transfers() {
  sql "$db" 'PRAGMA journal_mode=wal' 'CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER, pad TEXT)' \
    'INSERT INTO account SELECT value, 0, hex(zeroblob(400)) FROM generate_series(0, 4999)' >/dev/null
  mkfifo "$BATS_TEST_TMPDIR/statements"
  sqlite3 -batch -bail -init /dev/null -cmd '.timeout 20000' -cmd 'PRAGMA synchronous=OFF' \
    -cmd 'PRAGMA wal_autocheckpoint=50' "$db" <"$BATS_TEST_TMPDIR/statements" >/dev/null 3>&- &
  writer=$!
  awk 'BEGIN { for (n = 1; n < 100000000; n++) {
    print "BEGIN IMMEDIATE;"
    for (i = 0; i < 40; i++) printf "UPDATE account SET balance = balance - 1 WHERE id = %d; UPDATE account SET balance = balance + 1 WHERE id = %d;\n", (n * 7 + i * 131) % 5000, (n * 13 + i * 37 + 1) % 5000
    print "COMMIT;" } }' >"$BATS_TEST_TMPDIR/statements" 2>/dev/null 3>&- &
  started+=("$!" "$writer")
  until [[ $(sql "$db" 'SELECT count(*) FROM account WHERE balance <> 0') != 0 ]]; do sleep 0.02; done
}

@test "snap: beside a writer, every name of a database of several holds one state of it" {
  local name
  mkdir "$source_dir/0"
  begin_transfers
  ln "$db" "$source_dir/0/first.db"
  ln "$db" "$source_dir/z.db"
  for ((round = 1; round <= 10; round++)); do
    take --tree "$source_dir"
    bring_back "$id"
    for name in 0/first.db t.db z.db; do
      assert_equal "$(sql "$restored/source/$name" 'PRAGMA integrity_check; SELECT sum(balance) FROM account')" $'ok\n0'
      assert_equal "$(stat -c %i "$restored/source/$name")" "$(stat -c %i "$restored/source/z.db")"
    done
  done
  run -0 kill -0 "$writer"
  assert_not_exist "$source_dir/0/first.db-wal"
}

@test "snap: a database with a name outside of the source is saved with a warning, each time" {
  local source
  make_database "$db" 'PRAGMA journal_mode=wal'
  echo text >"$source_dir/plain"
  mkdir "$BATS_TEST_TMPDIR/outside"
  ln "$db" "$BATS_TEST_TMPDIR/outside/a.db"
  ln "$source_dir/plain" "$BATS_TEST_TMPDIR/outside/plain" # no database: nothing to say
  sleep 2.1                                                # old enough to be taken over unread
  for source in --sqlite="$db" --tree="$source_dir" --tree="$db"; do
    for _ in first second; do
      run -4 --separate-stderr snap "$source"
      assert_regex "$stderr" "'t.db' has 2 names; if an application uses it by the other name, its WAL or journal lies there and is not in this copy"
      assert_equal "$(grep -c 'has 2 names' <<<"$stderr")" 1
      bring_back "$output"
    done
  done
  rm "$BATS_TEST_TMPDIR/outside/a.db"
  take --sqlite "$db"
  take --tree "$source_dir"
}

@test "snap, verify and restore: cells of 50 MB come back with every byte, within 200 MiB of memory" {
  local tool peak
  sql "$db" 'CREATE TABLE t(n INTEGER PRIMARY KEY, b BLOB)' \
    'INSERT INTO t SELECT value, randomblob(50000000) FROM generate_series(1, 4)' # 200 MB: more than may be held
  measured() { /usr/bin/time -f %M -o "$BATS_TEST_TMPDIR/$1.peak" "$@"; }
  run -0 --separate-stderr measured snap --sqlite "$db" --level 1
  id=$output
  run -0 --separate-stderr measured verify --deep "$id"
  run -0 --separate-stderr measured restore "$id" --target "$BATS_TEST_TMPDIR/restored"
  for tool in snap verify restore; do
    peak=$(<"$BATS_TEST_TMPDIR/$tool.peak")
    if ((peak > 200 * 1024)); then fail "$tool needed $peak KiB"; fi
  done
  cmp "$db" "$BATS_TEST_TMPDIR/restored/t.db"
  assert_sound "$BATS_TEST_TMPDIR/restored/t.db"
}
