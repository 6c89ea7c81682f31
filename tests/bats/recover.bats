#!/usr/bin/env bats
# recover.bats - recover.sh brings everything back with stock tools alone, or says why not and leaves nothing.

load support
load recover

# --- What an honest run wrote --------------------------------------------------------------------------------

@test "recover: databases, trees, a file and a dump come back byte for byte without any holdfast" {
  make_database "$data/wal.db" 2000 'PRAGMA journal_mode=wal; PRAGMA page_size=1024'
  make_database "$data/trades.db" 2000
  chmod 0640 "$data/trades.db"
  touch -d @1600000000.000000001 "$data/trades.db"
  make_odd_tree "$data/tree"
  printf 'a = 1\n' >"$data/app.conf"
  run -0 --separate-stderr snap --repo "$repo" --sqlite "$data/trades.db" --sqlite "$data/wal.db" --tree "$data/tree" \
    --tree "$data/app.conf" --stdin dump.sql <<<'CREATE TABLE x(y);'
  id=$output
  run -0 --separate-stderr recover "$id" "$out"
  assert_equal "$output" "$(printf "$out/%s\n" trades.db wal.db tree app.conf dump.sql)"
  assert_same_file "$data/trades.db" "$out/trades.db"
  assert_same_file "$data/wal.db" "$out/wal.db"
  assert_same_file "$data/app.conf" "$out/app.conf"
  assert_equal "$(<"$out/dump.sql")" 'CREATE TABLE x(y);'
  assert_same "$data/tree" "$out/tree"
  assert_equal "$(stat -c %b "$out/tree/sparse" "$out/tree/hole" | xargs)" "$(stat -c %b "$data/tree/sparse" "$data/tree/hole" | xargs)"
  assert_equal "$(ls -A "$out")" "$(printf '%s\n' app.conf dump.sql trades.db tree wal.db)"
}

@test "recover: each of several incremental snapshots is as it was when it was taken" {
  local i ids=()
  make_database "$data/t.db" 20000
  mkdir "$data/tree"
  for i in 1 2 3 4; do
    sqlite3 "$data/t.db" "UPDATE t SET v = randomblob(300) WHERE id % 97 = $i"
    head -c 300000 /dev/urandom >"$data/tree/$i"
    run -0 --separate-stderr snap --repo "$repo" --sqlite "$data/t.db" --tree "$data/tree"
    ids+=("$output")
    cp -a "$data" "$BATS_TEST_TMPDIR/$output"
  done
  for i in "${ids[@]}"; do
    recover "$i" "$out/$i"
    assert_same_file "$BATS_TEST_TMPDIR/$i/t.db" "$out/$i/t.db"
    assert_same "$BATS_TEST_TMPDIR/$i/tree" "$out/$i/tree"
    assert_equal "$(sqlite3 "$out/$i/t.db" 'PRAGMA integrity_check')" ok
  done
  recover latest "$out/latest"
  assert_same "$data/tree" "$out/latest/tree"
}

@test "recover: components named by the caller, also of a source with several files, lie at their names" {
  mkdir "$data/db"
  make_database "$data/db/a.db" 10
  make_database "$data/db/b.db" 10
  printf '[repository]\npath = "%s"\n[[source]]\nname = "all"\nkind = "sqlite"\npath = "%s"\n' "$repo" "$data/db/*.db" >"$data/holdfast.toml"
  snap --config "$data/holdfast.toml"
  run -0 --separate-stderr recover latest "$out" all/b.db
  assert_output "$out/all/b.db"
  assert_same_file "$data/db/b.db" "$out/all/b.db"
  assert_file_not_exist "$out/all/a.db"
  run -0 recover latest "$out" all/a.db
}

@test "recover: an unprivileged user gets bytes, modes and times" {
  make_database "$data/t.db" 10
  make_odd_tree "$data/tree"
  snap --repo "$repo" --sqlite "$data/t.db" --tree "$data/tree"
  local way=$BATS_TEST_TMPDIR
  while [[ $way == "$BATS_RUN_TMPDIR"* ]]; do
    chmod a+x "$way"
    way=${way%/*}
  done
  chmod -R a+rX "$repo" "$stock"
  install -d -o 65534 "$out"
  local run_as=()
  if ((EUID == 0)); then run_as=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
  (cd / && "${run_as[@]}" env -i PATH="$stock" "$repo/recover.sh" latest "$out")
  cmp "$data/t.db" "$out/t.db"
  local of=(-printf '%P|%y|%m|%T@|%s|%n|%l\n')
  diff <(find "$data/tree" "${of[@]}" | sort) <(find "$out/tree" "${of[@]}" | sort)
}

@test "recover: the commands that RECOVER.md gives for doing it by hand work as written" {
  local m id
  make_database "$data/t.db" 5000
  mkdir -p "$data/tree/sub"
  printf 'by hand' >"$data/tree/sub/file"
  snap --repo "$repo" --sqlite "$data/t.db"
  sqlite3 "$data/t.db" 'UPDATE t SET v = randomblob(300) WHERE id % 50 = 0'
  id=$(snap --repo "$repo" --sqlite "$data/t.db" --tree "$data/tree")
  # shellcheck disable=SC2034 # part() reads it
  m=snapshots/$id/manifest.json
  cd "$repo"
  eval "$(grep -E '^ +(join|part)\(\) ' RECOVER.md)"
  part t.db '.recipe.extents[]' | join >"$data/recipe"
  join <"$data/recipe" >"$data/by-hand.db"
  cmp "$data/t.db" "$data/by-hand.db"
  assert_equal "$(part t.db .sha256)  $data/t.db" "$(sha256sum "$data/t.db")"
  mkdir "$out"
  part tree '.recipe.extents[]' | join >"$data/recipe"
  join <"$data/recipe" | tar -xp -C "$out" ./sub/file
  assert_equal "$(<"$out/sub/file")" 'by hand'
  assert_equal "$(part tree '.index.extents[]' | join | jq -r 'select(.path == "sub/file").sha256')" \
    "$(sha256sum <"$data/tree/sub/file" | cut -c 1-64)"
}

@test "recover: list shows snapshots by number and the components of one" {
  printf 1 >"$data/conf"
  snap --repo "$repo" --tree "$data/conf"
  snap --repo "$repo" --tree "$data/conf" --stdin dump <<<x
  run -0 --separate-stderr recover list
  assert_line -n 0 --regexp $'^[0-9TZ]+-[0-9a-f]+\t1\tcomplete\tmanual\t.*\tconf$'
  assert_line -n 1 --regexp $'\t2\tcomplete\tmanual\t.*\tconf dump$'
  run -0 --separate-stderr recover list latest
  assert_line -n 0 --regexp $'^conf\ttree\t[0-9]+\t'"$data/conf\$"
  run -0 --separate-stderr recover --help
  assert_output --partial 'usage: recover.sh'
}

# --- Refusals -------------------------------------------------------------------------------------------------

@test "recover: wrong arguments are exit 2, unknown names exit 6, each with a hint" {
  printf 1 >"$data/conf"
  snap --repo "$repo" --tree "$data/conf"
  snap --repo "$repo" --tree "$data/conf"
  local expected arguments
  while read -r expected arguments; do
    # shellcheck disable=SC2086 # words on purpose
    run "-$expected" --separate-stderr recover $arguments
    assert_output ''
    assert_regex "$stderr" 'recover.sh: error: .*recover.sh: hint: '
  done <<END
2
2 latest
2 --no-such latest $out
2 list a b
2 2 $out
6 3 $out
6 ../snapshots $out
6 * $out
6 latest $out nothing
6 list nothing
10 latest $repo/restored
END
  HOLDFAST_REPOSITORY=$data run -6 "$repo/recover.sh" list
}

@test "recover: what lies in the way is refused and left alone, before anything is restored" {
  printf 1 >"$data/conf"
  snap --repo "$repo" --tree "$data/conf" --stdin dump <<<x
  mkdir "$out"
  ln -s /nonexistent "$out/dump"
  run -10 --separate-stderr recover latest "$out"
  assert_regex "$stderr" "already holds 'dump'"
  assert_equal "$(ls -A "$out")" dump
}

@test "recover: the leftover WAL of another database is not put beside a restored one" {
  make_database "$data/t.db" 10
  snap --repo "$repo" --sqlite "$data/t.db"
  mkdir "$out"
  : >"$out/t.db-wal"
  run -10 --separate-stderr recover latest "$out"
  assert_regex "$stderr" "already holds 't.db-wal'"
  assert_equal "$(ls -A "$out")" t.db-wal
}

@test "recover: a missing program is named" {
  rm "$stock/jq"
  run -3 --separate-stderr recover list
  assert_regex "$stderr" "'jq' is not installed.*apt-get install"
}

@test "recover: a newer format is refused" {
  sed -i 's/"version": 1/"version": 3/' "$repo/format.json"
  run -3 --separate-stderr recover list
  assert_output ''
}

# --- Interruptions ---------------------------------------------------------------------------------------------

@test "recover: a signal ends it at once and leaves nothing behind" {
  local pid code=0
  make_database "$data/t.db" 100
  snap --repo "$repo" --sqlite "$data/t.db"
  rm "$stock/zstd"
  printf '#!/bin/sh\ntouch "%s"\nexec sleep 60\n' "$BATS_TEST_TMPDIR/started" >"$stock/zstd"
  chmod +x "$stock/zstd"
  env -i PATH="$stock" "$repo/recover.sh" latest "$out" 3>&- &
  pid=$!
  while [[ ! -e $BATS_TEST_TMPDIR/started ]]; do sleep 0.05; done
  kill -TERM "$pid"
  wait "$pid" || code=$?
  assert_equal "$code" 143
  assert_not_exist "$out"
}

@test "recover: a disk that is full is exit 8 and leaves nothing behind" {
  make_database "$data/t.db" 10000
  snap --repo "$repo" --sqlite "$data/t.db"
  run -8 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 1000; exec env -i PATH="$1" "$2" latest "$3"' - "$stock" "$repo/recover.sh" "$out"
  assert_output ''
  assert_not_exist "$out"
}
