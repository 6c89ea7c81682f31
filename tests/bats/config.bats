#!/usr/bin/env bats
# config.bats - the configuration as the tools meet it: where it comes from, what is wrong with it, who may write it.

load support

setup() {
  private_home
  cd "$BATS_TEST_TMPDIR" || return 1
  cat >holdfast.toml <<'END'
[repository]
path = "backups"
[[source]]
name = "conf"
kind = "tree"
path = "conf"
END
  mkdir conf
  echo x >conf/x
}

repository_of() { # [snap's flag...]
  snap --print-config --json "$@" | jq -r .repository.path
}

@test "config: --config, HOLDFAST_CONFIG, ./holdfast.toml: the first one that is named counts" {
  mkdir a b
  echo 'repository.path = "ra"' >a/a.toml
  echo 'repository.path = "rb"' >b/b.toml
  assert_equal "$(repository_of)" "$PWD/backups"
  assert_equal "$(HOLDFAST_CONFIG=a/a.toml repository_of)" "$PWD/a/ra"
  assert_equal "$(HOLDFAST_CONFIG=a/a.toml repository_of --config b/b.toml)" "$PWD/b/rb"
}

@test "config: --repo, HOLDFAST_REPO, BACKUP_ROOT, the file: the first one that is named counts" {
  assert_equal "$(BACKUP_ROOT=r1 repository_of)" "$PWD/r1"
  assert_equal "$(BACKUP_ROOT=r1 HOLDFAST_REPO=/r2 repository_of)" /r2
  assert_equal "$(BACKUP_ROOT=r1 HOLDFAST_REPO=/r2 repository_of --repo r3)" "$PWD/r3"
}

@test "config: without a configuration --repo is enough; without both, exit 3 says what to do" {
  mkdir empty
  cd empty
  run -0 init --repo r
  run -3 --separate-stderr catalog
  assert_regex "$stderr" 'catalog: error: .*catalog: hint: .*--repo'
}

@test "config: --print-config prints TOML that means the same, and makes nothing" {
  snap --print-config >effective.toml
  assert_equal "$(snap --print-config --config effective.toml)" "$(<effective.toml)"
  snap --print-config --json | jq -e '.source[0].name == "conf"'
  assert_not_exist backups
  assert_not_exist "$XDG_STATE_HOME"
}

@test "config: the example is valid and names its four sources" {
  run -0 snap --config "$HOLDFAST_SOURCE/examples/trading/holdfast.toml" --print-config --json
  assert_equal "$(jq -r '[.source[].name] | join(" ")' <<<"$output")" 'trades lake settings logs'
}

@test "config: every mistake is exit 3 with file, line and column, and nothing on standard output" {
  local line
  while IFS= read -r line; do
    printf '%b' "$line" >bad.toml
    run -3 --separate-stderr snap --config bad.toml
    assert_equal "$output" ''
    assert_regex "$stderr" '^snap: error: bad\.toml:[0-9]+:[0-9]+: '
  done <<'END'
[repository]\npaht = "x"\n
[repository]\nlevel = 99\n
[repository]\nlock_wait = 5\n
[backup]\nverify_after = "maybe"\n
[[source]]\nname = "a/b"\nkind = "tree"\npath = "x"\n
[[source]]\nname = "a"\nkind = "tree"\n
[[source]]\nname = "a"\nkind = "tree"\npath = "x"\n[[source]]\nname = "a"\nkind = "tree"\npath = "y"\n
[[source]]\nname = "a"\nkind = "command"\ncommand = []\n
[repository\n
path = "\xff"\n
END
}

@test "config: a file of 2 MB or of 100000 brackets is refused at once" {
  head -c 2000000 /dev/zero | tr '\0' '#' >big.toml
  run -3 snap --config big.toml
  assert_output --partial 'larger than'
  { printf 'a = ' && printf '[%.0s' {1..100000}; } >deep.toml
  run -3 snap --config deep.toml
  assert_output --partial 'nested too deeply'
}

# A hostile configuration must cost neither the stack nor the memory nor the time of whoever reads it.
refuse_config() { # <words of the message> <file>
  run -3 --separate-stderr timeout 5 bash -c 'ulimit -s 1024 && exec snap --config "$1"' - "$2"
  assert_equal "$output" ''
  assert_regex "$stderr" "^snap: error: $2:[0-9]+:[0-9]+: .*$1"
}

repeat() { # <text> <times>
  # shellcheck disable=SC2046  # one word per time
  printf "$1%.0s" $(seq "$2")
}

@test "config: arrays, tables and dotted keys nested 100000 deep are exit 3 with file and line, also behind a string that ends in four quotes" {
  local dotted quote
  dotted=$(repeat 'a.' 100000)a
  repeat '[' 100000 | sed '1s/^/\na = /' >arrays.toml
  repeat '{ b = ' 100000 | sed '1s/^/a = /' >tables.toml
  echo "$dotted = 1" >dotted.toml
  echo "[$dotted]" >header.toml
  echo "[[$dotted]]" >list.toml
  for quote in '"' "'"; do
    # What follows the string is on its line, and no part of it.
    echo "a = [$quote$quote${quote}x$quote$quote$quote$quote, {$dotted.$dotted.$dotted.$dotted = 1}]" >hidden.toml
    refuse_config 'nested too deeply' hidden.toml
  done
  for name in arrays tables dotted header list; do
    refuse_config 'nested too deeply' "$name.toml"
  done
}

@test "config: a key or a run of quotes of 900 KB is exit 3 with file and line, a string of 20 MB is refused by its size" {
  echo "$(repeat k 900000) = 1" >key.toml
  refuse_config 'unknown key' key.toml
  echo "a = $(repeat '"' 900000)" >quotes.toml
  refuse_config '' quotes.toml
  { printf '[repository]\npath = "' && head -c 20000000 /dev/zero | tr '\0' s && echo '"'; } >string.toml
  run -3 --separate-stderr /usr/bin/time -f %M -o peak timeout 5 snap --config string.toml
  assert_regex "$stderr" "'string.toml' is larger than"
  if (($(<peak) > 50000)); then fail "it took $(<peak) KiB to refuse it"; fi
}

@test "config: control bytes in a name do not reach the terminal" {
  printf '"\\u001b[2J" = 1\n' >bad.toml
  run -3 snap --config bad.toml
  refute_output --partial $'\e'
}

@test "config: a missing or unreadable configuration is exit 3; a damaged one can be gone without" {
  run -3 snap --config none.toml
  run -3 snap --config conf
  echo '[' >holdfast.toml
  init --repo r --config /dev/null
  run -3 catalog --repo r
  run -0 catalog --repo r --config /dev/null
}

@test "config: commands run if root or we alone may write the file" {
  printf '[[source]]\nname = "c"\nkind = "command"\ncommand = ["echo", "from the command"]\n' >>holdfast.toml
  chmod 600 holdfast.toml
  chmod 700 .
  init >/dev/null
  run -0 snap c
  run -0 restore latest --component c --stdout
  assert_output 'from the command'
}

@test "config: commands in a file or folder that others may write are refused with the repairing command" {
  printf '[[source]]\nname = "c"\nkind = "command"\ncommand = "touch ran"\n' >>holdfast.toml
  chmod 700 .
  init >/dev/null
  local mode
  for mode in 620 602 666; do
    chmod "$mode" holdfast.toml
    run -10 --separate-stderr snap
    assert_equal "$output" ''
    assert_regex "$stderr" "chmod go-w '?$PWD/holdfast.toml"
  done
  chmod 600 holdfast.toml
  chmod 770 .
  run -10 --separate-stderr snap
  assert_regex "$stderr" "chmod go-w '?$PWD'?"
  chmod 700 .
  assert_not_exist ran
  chmod 666 holdfast.toml
  run -0 catalog # reading a backup needs no commands
}

@test "config: commands in a file of somebody else are refused, also for root" {
  [[ $EUID -eq 0 ]] || skip 'only root can give a file away'
  printf '[[source]]\nname = "c"\nkind = "command"\ncommand = "touch ran"\n' >>holdfast.toml
  init >/dev/null
  chmod 700 .
  chown 1234 holdfast.toml
  run -10 --separate-stderr snap
  assert_regex "$stderr" 'belongs to user 1234'
  assert_not_exist ran
}
