#!/usr/bin/env bats
# in_place_fidelity.bats - restore --in-place gives back every fact of a tree or names what it could not, takes no rights from a
# snapshot that its user has not got, and is not led out of the target by links that somebody planted there.

load support
load repository

setup() {
  fresh_repository
  live=$BATS_TEST_TMPDIR/live outside=$BATS_TEST_TMPDIR/outside
  mkdir -p "$live/tree/sub" "$outside/folder"
  echo precious >"$outside/file"
  echo precious >"$outside/folder/a"
  echo one >"$live/tree/a"
  echo two >"$live/tree/sub/b"
  echo run >"$live/tree/tool"
}

@test "restore: --in-place gives back owner, mode with setuid, times, attributes, hard links, sparse files and FIFOs" {
  ((EUID == 0)) || skip 'owners need root'
  local before
  ln "$live/tree/a" "$live/tree/sub/hard"
  ln -s nowhere "$live/tree/link"
  mkfifo "$live/tree/fifo"
  truncate -s 5M "$live/tree/sparse"
  setfattr -n user.note -v text "$live/tree/a"
  chown 1234:5678 "$live/tree/sub" "$live/tree/tool"
  chmod 6755 "$live/tree/tool"
  touch -d @1234567890.123456789 "$live/tree/sub/b"
  touch -h -d @-2.5 "$live/tree/link"
  before=$(facts "$live/tree")
  take --tree "$live/tree"
  rm -r "$live/tree"
  mkdir "$live/tree"
  run -0 restore "$id" --in-place
  assert_equal "$(facts "$live/tree")" "$before"
}

facts() { # <folder>: of every entry type, mode, owner, time, size, links, target, space, content and attributes
  (cd "$1" && find . -printf '%P|%y|%m|%U|%G|%T@|%n|%l|%b\n' | sort && find . -type f -exec sha256sum {} + | sort && getfattr -Rhd -m user .)
}

@test "restore: --in-place by a plain user sets no setuid and no foreign owner, and names each: exit 4" {
  ((EUID == 0)) || skip 'becomes another user, so it needs root'
  chmod 4755 "$live/tree/tool"
  chown 1234 "$live/tree/tool"
  take --tree "$live/tree"
  chmod 755 "$BATS_TEST_TMPDIR"
  chown -R nobody "$live" "$HOLDFAST_REPO" "$HOME"
  chmod 711 "$(dirname "$BATS_TEST_TMPDIR")" "$(dirname "$(dirname "$BATS_TEST_TMPDIR")")"
  run -4 --separate-stderr setpriv --reuid=nobody --regid=nogroup --clear-groups "$HOLDFAST_BIN/restore" "$id" --in-place
  assert_regex "$stderr" 'warning: .*tool'
  assert_equal "$(stat -c '%a %U' "$live/tree/tool")" '755 nobody'
  assert_equal "$(<"$live/tree/tool")" run
}

@test "restore: links planted in the live tree lead neither --in-place, --undo nor --accept out of it" {
  local before
  take --tree "$live/tree"
  before=$(fingerprint "$outside")
  rm -r "$live/tree/sub" "$live/tree/a"
  ln -s "$outside/folder" "$live/tree/sub"
  ln -s "$outside/file" "$live/tree/a"
  run -0 restore "$id" --in-place
  assert_equal "$(<"$live/tree/a") $(<"$live/tree/sub/b")" 'one two'
  assert [ ! -L "$live/tree/sub" ]
  run -0 restore --undo
  assert [ -L "$live/tree/sub" ]
  run -0 restore --accept
  run -0 restore "$id" --in-place
  run -0 restore --accept # removes the tree that has them
  assert_equal "$(fingerprint "$outside")" "$before"
}

@test "restore: what 'exclude' leaves out does not move through a link that was planted on its way" {
  local before
  printf '[repository]\npath = "%s"\n[[source]]\nname = "tree"\nkind = "tree"\npath = "%s"\nexclude = ["sub/cache/**", "sub/cache"]\n' \
    "$HOLDFAST_REPO" "$live/tree" >"$BATS_TEST_TMPDIR/holdfast.toml"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  mkdir "$live/tree/sub/cache"
  echo kept >"$live/tree/sub/cache/x"
  rm "$live/tree/sub/b"
  id=$(snap --quiet)
  rm -r "$live/tree/sub"
  ln -s "$outside" "$live/tree/sub" # through it 'sub/cache' would be outside/cache
  mkdir "$outside/cache"
  before=$(fingerprint "$outside")
  run -0 restore "$id" --in-place
  assert_equal "$(fingerprint "$outside")" "$before"
  assert_not_exist "$live/tree/sub/cache"
}
