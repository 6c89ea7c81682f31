# shellcheck shell=bash
# recover.bash - for suites about recover.sh (`load recover`): a repository, a PATH with stock tools alone, an odd tree, and snapshots
# of our own making.

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
