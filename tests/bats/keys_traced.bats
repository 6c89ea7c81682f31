#!/usr/bin/env bats
# keys_traced.bats - where the bytes of a recovery key and of plain data go: every write that the tools and gpg make is looked at.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

escaped() { # standard input as strace -xx prints bytes
  od -An -v -t x1 | tr -d '\n' | sed 's/ /\\x/g'
}

traced() { # <tool> <argument>...
  run -0 --separate-stderr strace -f -qq -y -xx -s 1000000 -o "$BATS_TEST_TMPDIR/strace" \
    -e trace=write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg "$HOLDFAST_BIN/$1" "${@:2}"
}

# Of the last traced run: the writes that hold these bytes, all of them to what begins so.
assert_written_to() { # <number or +> <bytes, escaped> <beginning of a path, or pipe:>
  local all there
  all=$(grep -cF -e "$2" "$BATS_TEST_TMPDIR/strace" || true)
  there=$(grep -F -e "$2" "$BATS_TEST_TMPDIR/strace" | grep -cF -e "<$(printf %s "$3" | escaped)" || true)
  assert_equal "$there" "$all"
  if [[ $1 == + ]]; then ((all > 0)); else assert_equal "$all" "$1"; fi
}

recovery_key() { # sets `key`: a line of its text, escaped, and `raw`: its number
  local pem
  pem=$(gpg --batch --quiet --decrypt "$repo/keys/$(current_certificate).key.asc" 2>/dev/null)
  key=$(sed -n 2p <<<"$pem" | tr -d '\n' | escaped)
  raw=$(openssl pkey -outform DER <<<"$pem" | tail -c +37 | head -c 32 | escaped)
  ((${#key} == 256 && ${#raw} == 128))
}

@test "traced: snap, restore and verify --deep put plain data where it belongs and nowhere else, and the key in no file" {
  sealed_repository
  marker=$(head -c 24 /dev/urandom | base64)
  mkdir -p "$BATS_TEST_TMPDIR/source/tree"
  echo "$marker" >"$BATS_TEST_TMPDIR/source/tree/secret"
  sql "$BATS_TEST_TMPDIR/source/t.db" "CREATE TABLE t(x); INSERT INTO t VALUES('$marker')"
  plain=$(printf %s "$marker" | escaped)
  traced snap --sqlite "$BATS_TEST_TMPDIR/source/t.db" --tree "$BATS_TEST_TMPDIR/source/tree"
  assert_written_to 0 "$plain" nowhere
  become all
  recovery_key
  traced restore latest --target "$BATS_TEST_TMPDIR/out"
  assert_written_to + "$plain" "$BATS_TEST_TMPDIR/out/"
  assert_written_to + "$key" pipe:
  assert_written_to 0 "$raw" nowhere
  traced verify --deep latest
  assert_written_to + "$plain" "$XDG_CACHE_HOME/holdfast/$(jq -r .id "$repo/format.json")/staging/"
  assert_written_to + "$key" pipe:
  run -1 grep -rlF -e "$marker" "$repo" "$XDG_CACHE_HOME" "$TMPDIR"
}

@test "traced: rekey and rotate give the private key to gpg by a pipe and write it to no file" {
  sealed_repository
  become all
  recovery_key
  traced init --rekey --recipient "$OPS" --recipient "$ESCROW"
  assert_written_to + "$key" pipe:
  assert_written_to 0 "$raw" nowhere
  traced init --rotate
  recovery_key # the new one
  assert_written_to 1 "$key" pipe:
  assert_written_to 0 "$raw" nowhere
}
