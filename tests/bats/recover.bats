#!/usr/bin/env bats
# recover.bats - recover.sh brings everything back with stock tools alone, and believes nothing it reads.

load support

setup() {
  private_home
  repo=$BATS_TEST_TMPDIR/repo data=$BATS_TEST_TMPDIR/data out=$BATS_TEST_TMPDIR/out
  mkdir "$data"
  init --repo "$repo" >/dev/null
  make_stock_folder
}

# The only programs that the script may need: bash, coreutils, jq, zstd, tar.
make_stock_folder() {
  local program
  stock=$BATS_TEST_TMPDIR/stock
  mkdir "$stock"
  for program in $(dpkg -L coreutils | grep -E '^(/usr)?/s?bin/') "$(type -P bash)" "$(type -P jq)" "$(type -P zstd)" "$(type -P tar)"; do
    ln -s "$program" "$stock/"
  done
}

recover() { # [argument...]: in an environment that knows nothing of us, from another folder
  (cd / && env -i PATH="$stock" "$repo/recover.sh" "$@")
}

make_database() { # <file> <rows> [pragma]
  sqlite3 "$1" "${3:-PRAGMA journal_mode=delete}; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < $2)
    INSERT INTO t SELECT i, randomblob(300) FROM c" >/dev/null
}

make_odd_tree() { # <folder>
  mkdir -p "$1/sub/deep" "$1/empty" "$1/read-only" "$1/ spaces " "$1/"$'not utf8 \xfe'
  printf 1 >"$1/a"
  printf 2 >"$1/"$'new\nline'
  printf 3 >"$1/back\\slash"
  printf 4 >"$1/"$'\xff'
  printf 5 >"$1/ümläut"
  printf 6 >"$1/ spaces / f "
  printf 7 >"$1/-"
  printf 8 >"$1/--help"
  printf 9 >"$1/"$'carriage\r'
  printf 0 >"$1/sub/"$'\x01\x7f\t'
  printf x >"$1/quo'te\"s*"
  printf y >"$1/"$'not utf8 \xfe/in it'
  printf z >"$1/read-only/f"
  : >"$1/zero"
  head -c 3000000 /dev/urandom >"$1/big"
  truncate -s 5M "$1/sparse"
  printf middle | dd of="$1/sparse" bs=1 seek=3000000 conv=notrunc status=none
  truncate -s 1M "$1/hole"
  make_database "$1/app.db" 10
  ln "$1/a" "$1/sub/hard"
  ln "$1/"$'not utf8 \xfe/in it' "$1/"$'sub/hard\n'
  ln -s a "$1/link"
  ln -s ../../../etc/passwd "$1/up"
  ln -s $'\xff' "$1/sub/link"
  mkfifo "$1/fifo"
  setfattr -n user.note -v 'one two' "$1/a"
  setfacl -m u:1234:rw "$1/big"
  setfacl -d -m g:5678:rx "$1/sub/deep"
  chmod 4751 "$1/a"
  chmod 0 "$1/zero"
  chmod 1777 "$1/empty"
  chmod 0444 "$1/read-only/f"
  chmod 0555 "$1/read-only"
  touch -d @1234567890.123456789 "$1/a"
  touch -d @-2.5 "$1/sub"
  touch -h -d @1111.1 "$1/link"
  touch -d @1700000000.999999999 "$1"
}

# Type, mode, owner, time, size, links and target of every entry, contents, attributes, ACLs.
assert_same() { # <a> <b>
  local of=(-printf '%P|%y|%m|%U|%G|%T@|%s|%n|%l\n')
  diff <(find "$1" "${of[@]}" | sort) <(find "$2" "${of[@]}" | sort)
  diff <(cd "$1" && find . -type f -exec sha256sum {} + | sort) <(cd "$2" && find . -type f -exec sha256sum {} + | sort)
  diff <(cd "$1" && getfattr -Rhd -m - .) <(cd "$2" && getfattr -Rhd -m - .)
  diff <(cd "$1" && getfacl -nR . 2>&1) <(cd "$2" && getfacl -nR . 2>&1)
}

assert_same_file() { # <a> <b>: bytes, mode, owner, time
  cmp "$1" "$2"
  assert_equal "$(stat -c '%a %u %g %y' "$2")" "$(stat -c '%a %u %g %y' "$1")"
}

flip() { # <file> <offset>: one bit of one byte
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  # shellcheck disable=SC2059 # the format is the byte
  printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# --- Snapshots of our own making, for what no honest run writes ----------------------------------------------

put() { # <file>: stores it as an object; its stored stream in $REPLY
  local name
  zstd -q -f "$1" -o "$BATS_TEST_TMPDIR/object"
  name=$(sha256sum <"$BATS_TEST_TMPDIR/object")
  name=${name%% *}
  cp "$BATS_TEST_TMPDIR/object" "$repo/objects/${name:0:2}/$name"
  forged+=("$name")
  REPLY=$(jq -n --arg name "$name" --arg bytes "$(stat -c %s "$1")" --arg sum "$(sha256sum <"$1")" \
    '{bytes: ($bytes | tonumber), sha256: $sum[0:64], extents: ["\($name) 0 \($bytes)"]}')
}

forge() { # <stream> [index]: a snapshot of it, honest so far; sets $id
  local recipe index=null facts name
  forged=()
  id=20991231T235959Z-$(printf %06x "$RANDOM")
  put "$1"
  facts=$REPLY
  jq -r '.extents[]' <<<"$facts" >"$BATS_TEST_TMPDIR/recipe"
  put "$BATS_TEST_TMPDIR/recipe"
  recipe=$REPLY
  if [[ -n ${2:-} ]]; then
    put "$2"
    index=$REPLY
  fi
  mkdir "$repo/snapshots/$id"
  printf 'summary\n' >"$repo/snapshots/$id/summary.txt"
  for name in "${forged[@]}"; do
    printf '%s  ../../objects/%s/%s\n' "$name" "${name:0:2}" "$name"
  done >"$BATS_TEST_TMPDIR/sums"
  jq -n --arg id "$id" --argjson facts "$facts" --argjson recipe "$recipe" --argjson index "$index" \
    '{format: "holdfast-snapshot", version: 1, id: $id, number: 99, state: "complete", missing: [],
      components: [{name: "c", kind: (if $index then "tree" else "command" end), path: "", root: "file",
        bytes: $facts.bytes, sha256: $facts.sha256, recipe: $recipe, index: $index}
        | if $index then .root = "directory" else del(.index) end]}' >"$BATS_TEST_TMPDIR/honest.json"
  alter .
}

alter() { # <jq filter over the component> [filter over the manifest]: the forged snapshot, changed so
  local folder=$repo/snapshots/$id
  jq "(.components[0] |= ($1)) | ${2:-.}" "$BATS_TEST_TMPDIR/honest.json" >"$folder/manifest.json"
  cp "$BATS_TEST_TMPDIR/sums" "$folder/SHA256SUMS"
  (cd "$folder" && sha256sum manifest.json summary.txt >>SHA256SUMS)
}

entry() { # <path> <type> <content or -> [more JSON]: one line of an index
  jq -nc --arg path "$1" --arg type "$2" --arg sum "$(printf %s "$3" | sha256sum)" --argjson more "${4:-{\}}" \
    '{path: $path, type: $type, mode: "0644"} + (if $type == "file" then {sha256: $sum[0:64]} else {} end) + $more'
}

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

# --- Damage ---------------------------------------------------------------------------------------------------

@test "recover: a flipped bit in an object is named and nothing is restored; --skip-check restores what is whole" {
  local object
  make_database "$data/t.db" 1000
  snap --repo "$repo" --sqlite "$data/t.db"
  # The newest object of the second run alone is damaged, so that the first component stays whole.
  touch "$BATS_TEST_TMPDIR/before"
  head -c 100000 /dev/urandom >"$data/random"
  snap --repo "$repo" --sqlite "$data/t.db" --stdin dump <"$data/random"
  object=$(find "$repo/objects" -type f -size +90k -newer "$BATS_TEST_TMPDIR/before")
  flip "$object" 50000
  run -5 --separate-stderr recover latest "$out"
  assert_output ''
  assert_regex "$stderr" "objects/../${object##*/}: FAILED"
  assert_not_exist "$out"
  run -5 --separate-stderr recover --skip-check latest "$out"
  assert_output "$out/t.db"
  assert_regex "$stderr" "object ${object##*/} is damaged"
  assert_regex "$stderr" "component 'dump' was not restored"
  cmp "$data/t.db" "$out/t.db"
  assert_equal "$(ls -A "$out")" t.db
}

@test "recover: every object flipped, cut short or missing in turn is never restored silently" {
  local object kept=$BATS_TEST_TMPDIR/kept damage
  make_odd_tree "$data/tree"
  make_database "$data/t.db" 100
  snap --repo "$repo" --sqlite "$data/t.db" --tree "$data/tree"
  for object in "$repo"/objects/*/*; do
    mv "$object" "$kept"
    for damage in flip cut remove; do
      cp "$kept" "$object"
      case $damage in
        flip) flip "$object" $((RANDOM % $(stat -c %s "$object"))) ;;
        cut) truncate -s -1 "$object" ;;
        remove) rm "$object" ;;
      esac
      run -5 --separate-stderr recover latest "$out"
      run -5 --separate-stderr recover --skip-check latest "$out"
      assert_regex "$stderr" "object ${object##*/} is (damaged|missing)"
      rm -rf "$out"
    done
    mv "$kept" "$object"
  done
  recover latest "$out"
}

@test "recover: a flipped bit in the manifest, the checksums or the summary is refused" {
  local file
  printf 1 >"$data/conf"
  id=$(snap --repo "$repo" --tree "$data/conf")
  for file in manifest.json SHA256SUMS summary.txt; do
    cp "$repo/snapshots/$id/$file" "$BATS_TEST_TMPDIR/kept"
    flip "$repo/snapshots/$id/$file" 40
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
    cp "$BATS_TEST_TMPDIR/kept" "$repo/snapshots/$id/$file"
  done
}

# --- Hostile repositories: every checksum is right, the content is not ----------------------------------------

@test "recover: a forged snapshot that is honest is restored, so the refusals below mean something" {
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  alter '.mode = "0640" | .uid = 1 | .gid = 2 | .mtime_ns = -500000000'
  recover "$id" "$out"
  assert_equal "$(<"$out/c")" plain
  assert_equal "$(stat -c '%a %y' "$out/c")" '640 1969-12-31 23:59:59.500000000 +0000'
}

@test "recover: hostile names of components are refused and nothing is written" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '"../evil"' '"/etc/evil"' '".."' '"."' '""' '"a/../b"' '"a/b/c"' '"a/"' '"a\nb"' '"a\u001b[2J"' '5' '["c"]' "(\"x\" * 256)"; do
    alter ".name = $filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_output ''
    assert_not_exist "$out"
    refute_regex "$stderr" $'\e'
  done
  assert_not_exist "$BATS_TEST_TMPDIR/evil"
}

@test "recover: two components of one name, or one inside another, are refused" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '.components += .components' '.components += [.components[0] | .name = "c/d"]'; do
    alter . "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
  done
}

@test "recover: malformed manifests are refused" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '.kind = "disk"' '.root = "directory"' '.bytes = -1' '.bytes = 1.5' '.sha256 = "x"' 'del(.sha256)' \
    '.recipe.extents[0] += " x"' '.recipe.extents[0] = "../../../etc/passwd 0 5"' '.recipe.extents = "x"' 'del(.recipe)' \
    '.mode = "99"' '.mode = "0644" | .uid = "$(id)" | .gid = 0 | .mtime_ns = 5' '.kind = "tree"'; do
    alter "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_regex "$stderr" "manifest of $id cannot be used"
    assert_not_exist "$out"
  done
  for filter in '.version = 2' '.id = "20991231T235959Z-000000x"' '.format = "x"' '.components = 5'; do
    alter . "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
  done
}

@test "recover: recipes and streams that are not what the manifest says leave nothing under the name" {
  local filter
  printf 'plain' >"$data/stream"
  forge "$data/stream"
  for filter in '.bytes = 4' '.bytes = 6' '.sha256 = ("0" * 64)' '.recipe.sha256 = ("0" * 64)' '.recipe.bytes += 1' \
    '.recipe.extents[0] |= sub(" 0 "; " 1 ")' '.recipe.extents += .recipe.extents'; do
    alter "$filter"
    run -5 --separate-stderr recover "$id" "$out"
    assert_regex "$stderr" "component 'c' was not restored"
    assert_not_exist "$out"
  done
}

@test "recover: an object that unpacks to more than an object may hold is refused" {
  truncate -s 17M "$data/stream"
  forge "$data/stream"
  alter '.bytes = 16777216'
  run -5 --separate-stderr recover "$id" "$out"
  assert_not_exist "$out"
}

@test "recover: a truncated file is cut to what was really read" {
  mkdir "$data/tree"
  printf 'real\0\0\0' >"$data/tree/"$'cut\nshort'
  chmod 0400 "$data/tree/"*
  touch -d @1500000000.123456789 "$data/tree/"*
  tar -C "$data/tree" --format=pax -cf "$data/tar" .
  {
    printf '{"segment_bytes":1}\n'
    entry . dir -
    entry $'cut\nshort' file real '{"size":7,"truncated":4}'
  } >"$data/index"
  forge "$data/tar" "$data/index"
  recover "$id" "$out"
  assert_equal "$(<"$out/c/"$'cut\nshort')" real
  assert_equal "$(stat -c '%s %a %y' "$out/c/"$'cut\nshort')" '4 400 2017-07-14 02:40:00.123456789 +0000'
}

@test "recover: a tree that is not what its index says leaves nothing under the name" {
  mkdir "$data/tree"
  printf 'x' >"$data/tree/f"
  tar -C "$data/tree" --format=pax -cf "$data/tar" .
  local lines=(
    "$(entry . dir -)"
    "$(entry . dir -)"$'\n'"$(entry f file y)"
    "$(entry . dir -)"$'\n'"$(entry f symlink -)"
    "$(entry . dir -)"$'\n'"$(entry f file x)"$'\n'"$(entry g file x)"
    "$(entry . dir -)"$'\n'"$(entry ../../../data/tree/f file x)"
    "$(entry . dir -)"$'\n'"$(entry "$data/tree/f" file x)"
    "$(entry . dir -)"$'\n'"$(entry x file x "{\"path\":null,\"path_b64\":\"$(printf '../../../data/tree/f' | base64)\"}")"
    'not json'
  )
  local index
  for index in "${lines[@]}"; do
    printf '%s\n' "$index" >"$data/index"
    forge "$data/tar" "$data/index"
    run -5 --separate-stderr recover "$id" "$out"
    assert_not_exist "$out"
  done
}

@test "recover: neither tar nor index reaches through a link out of the tree" {
  mkdir "$data/tree" "$data/outside"
  printf precious >"$data/outside/f"
  ln -s "$data/outside" "$data/tree/way"
  tar -C "$data/tree" --format=pax -cf "$data/tar" .
  mkdir "$data/second" "$data/second/way"
  printf evil >"$data/second/way/f"
  tar -C "$data/second" --format=pax -cf "$data/more" ./way/f
  tar -Af "$data/tar" "$data/more"
  {
    entry . dir -
    entry way symlink -
    entry way/f file evil '{"size":4,"truncated":0}'
  } >"$data/index"
  forge "$data/tar" "$data/index"
  run ! recover "$id" "$out"
  assert_not_exist "$out"
  assert_equal "$(<"$data/outside/f")" precious
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
