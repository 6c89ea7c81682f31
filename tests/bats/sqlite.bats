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

# Moves money between accounts as fast as it can, one transaction per transfer, remembers the last 3000, and writes the
# number of each acknowledged one to $acks. Sets `writer`.
begin_transfers() { # <journal mode>
  sql "$db" "PRAGMA journal_mode=$1" 'PRAGMA foreign_keys=ON' \
    'CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)' \
    'CREATE TABLE transfer(n INTEGER PRIMARY KEY, source INTEGER REFERENCES account(id), target INTEGER REFERENCES account(id))' \
    'INSERT INTO account SELECT value, 0 FROM generate_series(0, 499)' >/dev/null
  acks=$BATS_TEST_TMPDIR/acks errors=$BATS_TEST_TMPDIR/errors
  : >"$acks"
  mkfifo "$BATS_TEST_TMPDIR/statements"
  stdbuf -oL sqlite3 -batch -bail -init /dev/null -cmd '.timeout 20000' -cmd 'PRAGMA synchronous=OFF' -cmd 'PRAGMA wal_autocheckpoint=200' \
    "$db" <"$BATS_TEST_TMPDIR/statements" >"$acks" 2>"$errors" 3>&- &
  writer=$!
  awk 'BEGIN { for (n = 1; n < 100000000; n++) { from = (n * 7) % 500; to = (n * 13 + 1) % 500; sum = n % 97
    printf "BEGIN IMMEDIATE; UPDATE account SET balance = balance - %d WHERE id = %d; UPDATE account SET balance = balance + %d WHERE id = %d; INSERT INTO transfer VALUES(%d, %d, %d); DELETE FROM transfer WHERE n = %d - 3000; COMMIT; SELECT %d;\n",
      sum, from, sum, to, n, from, to, n, n } }' >"$BATS_TEST_TMPDIR/statements" 2>/dev/null 3>&- &
  started+=("$!" "$writer")
  until (($(wc -l <"$acks") > 5)); do sleep 0.02; done
}

# The invariant of the transfers, and each of the last 3000 of them, up to at least $2.
assert_transfers() { # <database> <number that must be in it>
  local sum count first last
  IFS='|' read -r sum count first last < <(sql "$1" 'SELECT (SELECT sum(balance) FROM account), count(*), min(n), max(n) FROM transfer')
  assert_equal "$sum" 0
  assert_equal "$count" $((last - first + 1))
  if ((last < $2)); then fail "transfer $2 was acknowledged before snap began; the snapshot ends with $last"; fi
  assert_sound "$1"
}

snap_beside_transfers() { # <snapshots>
  local round acknowledged=()
  for ((round = 1; round <= $1; round++)); do
    acknowledged[round]=$(tail -n 2 "$acks" | sed -n 1p) # the last line may be half written
    run -0 --separate-stderr snap --sqlite "$db"
    ids[round]=$output
  done
  run -0 kill -0 "$writer" # it never met an error: -bail would have ended it
  kill -KILL "$writer"
  assert_equal "$(cat "$errors")" ''
  for ((round = 1; round <= $1; round++)); do
    bring_back "${ids[round]}"
    assert_transfers "$restored/t.db" "${acknowledged[round]}"
  done
}

@test "snap: fifty snapshots beside a WAL writer each hold every acknowledged transfer and no half of one" {
  begin_transfers wal
  snap_beside_transfers 50
  assert_whole
}

@test "snap: snapshots beside a rollback-journal writer hold every acknowledged transfer and no half of one" {
  begin_transfers delete
  snap_beside_transfers 12
}

@test "snap: the image of a quiet database has the bytes of the file, and the source stays as it was" {
  local before mode
  for mode in wal delete truncate persist; do
    rm -rf "${source_dir:?}"/*

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
  restore "$id" --stdout | cmp - "$db"
}

@test "snap: unusual but valid databases come back with the same bytes" {
  local columns name paths=()
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
  for name in columns without_rowid utf16 fts rtree reserved vacuum empty; do
    paths+=(--sqlite "$source_dir/$name.db")
  done
  take "${paths[@]}"

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

@test "snap: a WAL or journal of another database beside the source changes neither the source nor those files" {
  local before companion
  make_database "$BATS_TEST_TMPDIR/other.db" 'PRAGMA journal_mode=wal'
  leave_wal "$BATS_TEST_TMPDIR/other.db"
  head -c 3000 /dev/urandom >"$BATS_TEST_TMPDIR/other.db-journal"
  for companion in wal journal; do
    rm -rf "${source_dir:?}"/*
    make_database "$db" 'PRAGMA page_size=8192; PRAGMA journal_mode=delete'
    cp "$BATS_TEST_TMPDIR/other.db-$companion" "$db-$companion"
    before=$(fingerprint "$source_dir")
    run --separate-stderr snap --sqlite "$db"
    assert_equal "$(fingerprint "$source_dir")" "$before"
    if ((status != 0)); then # an honest refusal is fine, a foreign page in the image is not
      assert_clean_failure
      continue
    fi
    bring_back "$output"
    cmp "$db" "$restored/t.db"
  done
}

@test "snap: a foreign hot journal, which nothing tells from an own one, is seen as SQLite would see it, and said" {
  local before
  make_database "$db" 'PRAGMA journal_mode=delete'
  make_database "$BATS_TEST_TMPDIR/other.db" 'PRAGMA journal_mode=delete'
  leave_hot_journal "$BATS_TEST_TMPDIR/other.db"
  cp "$BATS_TEST_TMPDIR/other.db-journal" "$db-journal"
  before=$(fingerprint "$source_dir")
  take --sqlite "$db"
  assert_regex "$stderr" 'note: t.db: .*hot journal'
  assert_equal "$(fingerprint "$source_dir")" "$before"
  bring_back "$id"
  sql "$db" 'SELECT count(*) FROM book' >/dev/null # SQLite itself rolls it back now
  cmp "$db" "$restored/t.db"
}

# What a hostile file may cost whoever reads it: 20 seconds and 1.5 GiB.
bounded() { # <command>...
  run --separate-stderr timeout 20 bash -c 'ulimit -v 1572864 && exec "$@"' bash "$@"
}

@test "snap: damaged and fake databases, a FIFO and an endless device end quickly in little memory, named, and make no snapshot" {
  local bad
  make_database "$source_dir/truncated.db"
  truncate -s 40000 "$source_dir/truncated.db"
  make_database "$source_dir/schema.db"
  printf 'garbage, not a b-tree page' | dd of="$source_dir/schema.db" bs=1 seek=100 conv=notrunc status=none
  head -c 20000 /dev/urandom >"$source_dir/noise.db"
  printf 'SQLite format 3\0and then nothing' >"$source_dir/short.db"
  printf 'id,name\n1,x\n' >"$source_dir/table.csv"
  mkfifo "$source_dir/fifo"
  ln -s /dev/zero "$source_dir/zero"
  ln -s loop "$source_dir/loop"
  mkdir "$source_dir/folder"
  for bad in truncated.db schema.db noise.db short.db table.csv fifo zero loop folder; do
    bounded snap --sqlite "$source_dir/$bad"
    assert_clean_failure
    assert_regex "$stderr" "$bad|/dev/zero"
  done
  assert_equal "$(catalog list --format id)" ''
}

# A sound database of 4096-byte pages with bytes written over it.
make_hostile() { # <name> <offset> <bytes, as printf takes them> [offset bytes]...
  make_database "$source_dir/$1" 'PRAGMA page_size=4096; PRAGMA journal_mode=delete'
  local file=$source_dir/$1
  shift
  while (($# > 0)); do
    # shellcheck disable=SC2059  # the bytes
    printf "$2" | dd of="$file" bs=1 seek="$1" conv=notrunc status=none
    shift 2
  done
}

@test "snap and verify: images with absurd sizes, counts and pointers end quickly in little memory, alone or in a tree" {
  local image
  local valid='24 \0\0\0\7 92 \0\0\0\7' # the counters that make SQLite believe the page count
  # shellcheck disable=SC2086  # words
  {
    make_hostile page-size-0.db 16 '\0\0'
    make_hostile page-size-3.db 16 '\0\3'
    make_hostile page-size-64k.db 16 '\0\1'
    make_hostile page-size-512.db 16 '\2\0'
    make_hostile reserved.db 20 '\377'
    make_hostile page-count.db 28 '\377\377\377\376' $valid
    make_hostile free-list.db 32 '\377\377\377\376' 36 '\177\377\377\377'
    make_hostile format.db 18 '\2\2' 44 '\177\377\377\377' 56 '\0\0\0\2'
    make_hostile self.db 4096 '\5\0\0\0\1\17\377\0\0\0\0\2\17\372' 8186 '\0\0\0\2\1'
    make_hostile cells.db 4096 '\15\0\0\377\377\0\10\0'
    make_hostile payload.db 4096 '\15\0\0\0\1\0\20\0\0\20' 4112 '\217\377\377\377\177\1'
  }
  make_database "$source_dir/cut.db"
  truncate -s 4096 "$source_dir/cut.db"
  for image in "$source_dir"/*.db; do
    bounded snap --sqlite "$image"
    # SQLite reads some of them: then they are captured as they are.
    if ((status == 0 || status == 4)); then
      bounded restore "$output" --target "$BATS_TEST_TMPDIR/out"
      assert_equal "$status" 0
      cmp "$image" "$BATS_TEST_TMPDIR/out/${image##*/}"
    else
      assert_clean_failure
      assert_regex "$stderr" "${image##*/}"
    fi
  done
  bounded snap --tree "$source_dir"
  assert_equal "$status" 4
  bounded verify --deep --all --json
  assert_equal "$status" 5 # it looked at all of them
  for image in self cells payload free-list; do
    jq -e --arg name "$image.db" '.findings | any(.component == $name and .severity == "damage")' <<<"$output"
    jq -e --arg name "$image.db" '.findings | any(.component == "source" and .item == $name)' <<<"$output"
  done
}

@test "snap: a database that does not exist is exit 6, and nothing is created in its place" {
  run -6 --separate-stderr snap --sqlite "$source_dir/missing.db"
  assert_clean_failure
  run -6 --separate-stderr snap --sqlite "$source_dir/no/folder/missing.db"
  assert_equal "$(ls -A "$source_dir")" ''
}

@test "snap: names that look like URIs, options or patterns are plain names" {
  local name names=('file:x?mode=memory' '-v.db' ':memory:' 'a[b]*.db' 'per%20cent.db')
  cd "$source_dir" || return
  for name in "${names[@]}"; do
    make_database "./made.db" "PRAGMA user_version=${#name}"
    mv made.db "./$name"
    take "--sqlite=$name"
    bring_back "$id"
    cmp "./$name" "$restored/$name"
  done
  assert_equal "$(find . -mindepth 1 | wc -l)" 5 # and nothing was made beside them

}

@test "verify: a hostile schema runs nothing of its own, and the bytes come back as they were" {
  sql "$db" 'CREATE TABLE t(a)' 'INSERT INTO t VALUES(1)' \
    "CREATE VIEW v AS SELECT load_extension('/nonexistent/x.so'), writefile('$BATS_TEST_TMPDIR/pwned', 'x')" \
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT writefile('$BATS_TEST_TMPDIR/pwned', 'x'); END" \
    "CREATE TABLE sum(a, b AS (writefile_of(a)))" 2>/dev/null || true
  sql "$db" 'PRAGMA writable_schema=ON' \
    "INSERT INTO sqlite_schema VALUES('view', 'w', 'w', 0, 'CREATE VIEW w AS SELECT readfile(''/etc/passwd'')')"
  take --sqlite "$db"
  run --separate-stderr verify --deep "$id"
  assert_regex "$status" '^[0345]$'
  assert_file_not_exist "$BATS_TEST_TMPDIR/pwned"
  bring_back "$id"
  cmp "$db" "$restored/t.db"
}

# A connection that holds what the given statements lock until the file descriptor $held is closed.
hold() { # <database> <statement>...
  mkfifo "$BATS_TEST_TMPDIR/holder"
  sqlite3 -batch -init /dev/null "$1" <"$BATS_TEST_TMPDIR/holder" >/dev/null 3>&- &
  started+=("$!")
  exec {held}>"$BATS_TEST_TMPDIR/holder"
  printf '%s\n' "${@:2}" '.shell touch '"$BATS_TEST_TMPDIR/holding" >&"$held"
  until [[ -e $BATS_TEST_TMPDIR/holding ]]; do sleep 0.02; done
}

@test "snap: a database locked past its busy timeout is exit 7 with a hint, in bounded time, and then works again" {
  local mode
  cat >"$BATS_TEST_TMPDIR/holdfast.toml" <<END
[[source]]
name = "trades"
kind = "sqlite"
path = "$db"
busy_timeout = "1s"
END
  for mode in delete wal; do
    rm -f "$db"* "$BATS_TEST_TMPDIR"/hold*ing "$BATS_TEST_TMPDIR/holder"
    make_database "$db" "PRAGMA journal_mode=$mode"
    hold "$db" 'PRAGMA locking_mode=EXCLUSIVE;' 'BEGIN EXCLUSIVE;' 'UPDATE book SET name = name;'
    SECONDS=0
    run -7 --separate-stderr snap --config "$BATS_TEST_TMPDIR/holdfast.toml"
    assert_clean_failure
    assert_regex "$stderr" 'locked by another process.*hint: '
    if ((SECONDS > 10)); then fail "gave up after $SECONDS s only"; fi
    exec {held}>&-
    wait "${started[-1]}" || true
    take --config "$BATS_TEST_TMPDIR/holdfast.toml"
  done
}

@test "snap: a reader without write access leaves nothing beside a database, open elsewhere or not" {
  local before plain=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  ((EUID == 0)) || skip 'needs root to become another user'
  chmod 0711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test "$BATS_TEST_TMPDIR"
  mkdir -m 0700 "$BATS_TEST_TMPDIR/nobody"
  chown 65534:65534 "$BATS_TEST_TMPDIR/nobody"
  export HOME=$BATS_TEST_TMPDIR/nobody TMPDIR=$BATS_TEST_TMPDIR/nobody HOLDFAST_REPO=$BATS_TEST_TMPDIR/nobody/repo
  export XDG_CACHE_HOME=$HOME/cache XDG_STATE_HOME=$HOME/state
  "${plain[@]}" test -x "$HOLDFAST_BIN/snap" -a -r "$source_dir" || skip 'another user cannot reach the folders of this test'
  "${plain[@]}" "$HOLDFAST_BIN/init"
  make_database "$db" 'PRAGMA journal_mode=wal'
  leave_wal "$db"
  for sidecars in kept removed; do
    if [[ $sidecars == removed ]]; then sql "$db" 'PRAGMA wal_checkpoint(TRUNCATE)'; fi
    before=$(fingerprint "$source_dir")
    run -0 --separate-stderr "${plain[@]}" "$HOLDFAST_BIN/snap" --sqlite "$db"
    assert_equal "$(fingerprint "$source_dir")" "$before"
    run -0 restore "$output" --target "$HOME/$sidecars"
    assert_equal "$(sql "$HOME/$sidecars/t.db" 'SELECT note FROM trade WHERE id = 9001')" 'only in the WAL'
  done
}

new_bytes() { # <argument of snap>...
  snap --json "$@" | jq .new_bytes
}

@test "snap: of a database with one row in a hundred changed only the changed pages are new, also without a cache" {
  local changed
  sql "$db" 'CREATE TABLE t(n INTEGER PRIMARY KEY, b BLOB)' \
    'INSERT INTO t SELECT value, randomblob(3000) FROM generate_series(1, 2000)'
  (($(new_bytes --sqlite "$db") >= $(stat -c %s "$db")))
  sql "$db" 'UPDATE t SET b = randomblob(3000) WHERE n % 100 = 0'
  changed=$(new_bytes --sqlite "$db")
  if ((changed > 300000)); then fail "20 changed pages cost $changed bytes"; fi
  rm -rf "$XDG_CACHE_HOME"
  sql "$db" 'UPDATE t SET b = randomblob(3000) WHERE n % 100 = 1'
  changed=$(new_bytes --sqlite "$db")
  if ((changed > 300000)); then fail "20 changed pages cost $changed bytes without a cache"; fi
  bring_back latest
  cmp "$db" "$restored/t.db"
}

@test "snap: an unchanged database is taken over without reading more than its header" {
  local trace=$BATS_TEST_TMPDIR/trace bytes
  make_database "$db"
  touch -d '1 hour ago' "$db"
  sleep 2.1 # its times must be older than the grain of any clock
  take --sqlite "$db"
  run -0 strace -f -qq -y -e trace=read,pread64,preadv,mmap -o "$trace" snap --sqlite "$db"
  bytes=$(grep -F "<$db>" "$trace" | sed -n 's/.* = \([0-9]*\)$/\1/p' | paste -sd+ | sed 's/^$/0/')
  if ((bytes > 1024)); then fail "$((bytes)) bytes of an unchanged database were read"; fi
  bring_back "$output"
  cmp "$db" "$restored/t.db"
}
