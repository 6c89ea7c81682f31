#!/usr/bin/env bats
# dispatcher.bats - scripts/holdfast, with tools of our own making, so that only the dispatcher is tested.

load support

setup() {
  private_home
  prefix=$BATS_TEST_TMPDIR/prefix
  mkdir -p "$prefix/bin" "$prefix/libexec/holdfast/scripts"
  cp "$HOLDFAST_SOURCE/scripts/holdfast" "$prefix/bin/holdfast"
  make_tool snap "Take a snapshot."
  make_tool catalog "List snapshots."
}

make_tool() { # <name> <first line of its help>
  cat >"$prefix/libexec/holdfast/$1" <<END
#!/usr/bin/env bash
case \${1:-} in
  --help) printf '%s\nUsage: $1\n' '$2' ;;
  --version) echo '$1 (holdfast 1.2.3, SQLite 3.40.1)' ;;
  --fail) exit "\$2" ;;
  --stdin) cat ;;
  *) printf '<%s>' '$1' "\$@" ;;
esac
END
  chmod +x "$prefix/libexec/holdfast/$1"
}

@test "holdfast: passes arguments to the tool as they are" {
  run -0 "$prefix/bin/holdfast" snap 'a b' '' --x='*' -- '--help'
  assert_output '<snap><a b><><--x=*><--><--help>'
}

@test "holdfast: the tool's exit code and standard input are its own" {
  run -7 "$prefix/bin/holdfast" snap --fail 7
  printf 'line' | "$prefix/bin/holdfast" snap --stdin >"$BATS_TEST_TMPDIR/out"
  assert_equal "$(<"$BATS_TEST_TMPDIR/out")" line
}

@test "holdfast: works through a symbolic link, from any folder, with a minimal PATH" {
  ln -s "$prefix/bin/holdfast" "$BATS_TEST_TMPDIR/hf"
  cd /
  run -0 env -i PATH=/usr/bin:/bin "$BATS_TEST_TMPDIR/hf" --exec-path
  assert_output "$prefix/libexec/holdfast"
}

@test "holdfast: --exec-path in PATH makes the tools commands" {
  PATH="$("$prefix/bin/holdfast" --exec-path):$PATH"
  run -0 catalog x
  assert_output '<catalog><x>'
}

@test "holdfast: --help lists each tool with the first line of its help, and nothing else" {
  touch "$prefix/libexec/holdfast/notes.txt"
  run -0 --separate-stderr "$prefix/bin/holdfast" --help
  assert_line --regexp '^  catalog +List snapshots\.$'
  assert_line --regexp '^  snap +Take a snapshot\.$'
  refute_output --partial notes
  refute_output --partial scripts
}

@test "holdfast: --version is the version of its tools" {
  run -0 "$prefix/bin/holdfast" --version
  assert_output 'holdfast 1.2.3'
}

@test "holdfast: an unknown tool, an unknown option or no tool is exit 2 with a hint and no output" {
  local arguments
  for arguments in 'nosuch' '--nosuch' '../../bin/holdfast' 'scripts' ''; do
    # shellcheck disable=SC2086 # the empty case must be no argument at all
    run -2 --separate-stderr "$prefix/bin/holdfast" $arguments
    assert_output ''
    assert_regex "$stderr" '^holdfast: error: .*holdfast: hint: '
  done
}

@test "holdfast: a lone snap beside it is not taken for ours" {
  rm -r "$prefix/libexec"
  printf '#!/bin/sh\necho snapd\n' >"$prefix/bin/snap"
  chmod +x "$prefix/bin/snap"
  run -6 --separate-stderr "$prefix/bin/holdfast" snap
  assert_output ''
  assert_regex "$stderr" 'no tools found'
}
