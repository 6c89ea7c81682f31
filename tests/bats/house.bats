#!/usr/bin/env bats
# house.bats - the checks of the house find what they are for, and an installation is whole.

load support

setup() {
  private_home
  tree=$BATS_TEST_TMPDIR/tree
}

header() { # <path below the tree> <line>...
  mkdir -p "$tree/$(dirname -- "$1")"
  printf '%s\n' "${@:2}" >"$tree/$1"
}

@test "check_floors: a tree that only includes downward passes" {
  header include/holdfast/base/fd.hpp '#include <string>'
  header include/holdfast/wrap/sqlite_sink.hpp '#include <sqlite3.h>' '#include "holdfast/base/fd.hpp"'
  header include/holdfast/cli/tool_main.hpp '#include <CLI/CLI.hpp>'
  header tools/snap.cpp '#include <CLI/CLI.hpp>' '#include "holdfast/cli/tool_main.hpp"'
  run -0 "$HOLDFAST_SOURCE/scripts/dev/check_floors.sh" "$tree"
  assert_output ''
}

@test "check_floors: an upward include fails and is named" {
  header include/holdfast/store/cache.hpp '#pragma once' '  #  include "holdfast/ops/snap.hpp"'
  header include/holdfast/ops/snap.hpp '#include "holdfast/store/cache.hpp"'
  run -1 "$HOLDFAST_SOURCE/scripts/dev/check_floors.sh" "$tree"
  assert_output 'store/cache.hpp: includes ops/snap.hpp: ops is above store'
}

@test "check_floors: an include in angle brackets or of an unknown floor is no way around it" {
  header include/holdfast/base/a.hpp '#include <holdfast/wrap/zstd.hpp>'
  header include/holdfast/base/b.hpp '#include "holdfast/utils/all.hpp"'
  run -1 "$HOLDFAST_SOURCE/scripts/dev/check_floors.sh" "$tree"
  assert_line 'base/a.hpp: includes wrap/zstd.hpp: wrap is above base'
  assert_line --partial 'base/b.hpp: includes utils/all.hpp: not on a floor'
}

@test "check_floors: a foreign header outside its wrapper fails and is named" {
  local name
  header include/holdfast/ops/snap.hpp '#include <sqlite3.h>' '#include <zstd.h>' \
    '#include <archive_entry.h>' '#include <openssl/evp.h>' '#include <toml++/toml.h>' \
    '#include <CLI/CLI.hpp>' '#include <nlohmann/json.hpp>'
  run -1 "$HOLDFAST_SOURCE/scripts/dev/check_floors.sh" "$tree"
  for name in sqlite3.h zstd.h archive_entry.h openssl/evp.h toml++/toml.h CLI/CLI.hpp nlohmann/json.hpp; do
    assert_line --partial "ops/snap.hpp: includes $name: only "
  done
}

@test "check_floors: policy that reads the clock or the disk fails" {
  header include/holdfast/policy/retention.hpp '#include "holdfast/base/clock.hpp"' \
    '#include "holdfast/base/text.hpp"'
  header include/holdfast/ops/prune.hpp '#include "holdfast/base/clock.hpp"'
  run -1 "$HOLDFAST_SOURCE/scripts/dev/check_floors.sh" "$tree"
  assert_output 'policy/retention.hpp: includes holdfast/base/clock.hpp: only !(policy/*) may'
}

@test "lint: an unquoted variable and a badly indented suite fail" {
  mkdir -p "$tree/scripts" "$tree/tests/bats"
  printf '#!/usr/bin/env bash\nrm -- $1\n' >"$tree/scripts/remove.sh"
  run -1 "$HOLDFAST_SOURCE/scripts/dev/lint.sh" "$tree"
  assert_output --partial SC2086
  printf '#!/usr/bin/env bash\nrm -- "$1"\n' >"$tree/scripts/remove.sh"
  run -0 "$HOLDFAST_SOURCE/scripts/dev/lint.sh" "$tree"
  printf '@test "a" {\n      true\n}\n' >"$tree/tests/bats/a.bats"
  run -1 "$HOLDFAST_SOURCE/scripts/dev/lint.sh" "$tree"
  assert_output --partial a.bats
}

@test "deps: installs exactly what is missing, and is silent when nothing is" {
  local stubs=$BATS_TEST_TMPDIR/stubs
  mkdir "$stubs"
  # Everything but bats and jq is installed, says this dpkg-query.
  cat >"$stubs/dpkg-query" <<'END'
#!/usr/bin/env bash
for name in "${@:3}"; do
  case $name in
    bats) echo "config-files bats" ;;
    jq) if [[ -e $TMPDIR/all ]]; then echo "installed jq"; fi ;;
    *) echo "installed $name" ;;
  esac
done
exit 1
END
  printf '#!/bin/sh\necho "apt-get $*" >>"$TMPDIR/calls"\n' >"$stubs/apt-get"
  printf '#!/bin/sh\nexec "$@"\n' >"$stubs/sudo"
  chmod +x "$stubs"/*
  PATH="$stubs:$PATH" run -0 "$HOLDFAST_SOURCE/scripts/dev/deps.sh" run test
  assert_equal "$(sed -n '$p' "$TMPDIR/calls" | grep -o ' jq.*')" ' jq bats'
  rm "$TMPDIR/calls"
  touch "$TMPDIR/all"
  PATH="$stubs:$PATH" run -0 "$HOLDFAST_SOURCE/scripts/dev/deps.sh" run
  assert_output ''
  assert_file_not_exist "$TMPDIR/calls"
}

@test "install: dispatcher, tools, scripts and schedules are where they look for each other" {
  local prefix=$BATS_TEST_TMPDIR/prefix script
  run -0 cmake --install "${HOLDFAST_BIN%/bin}" --prefix "$prefix"
  run -0 env -i PATH=/usr/bin:/bin "$prefix/bin/holdfast" --exec-path
  assert_output "$prefix/libexec/holdfast"
  assert_file_exist "$prefix/include/holdfast/base/error.hpp"
  assert_dir_not_exist "$prefix/libexec/holdfast/scripts/dev"
  for script in "$prefix"/share/holdfast/{systemd/holdfast-backup@.service,cron/holdfast.cron}; do
    run -0 grep -F "$prefix/libexec/holdfast/scripts/run_job.sh" "$script"
    run -1 grep -F /usr/local/libexec "$script"
  done
  for script in backup run_job schedule_backups alert_unit; do
    assert_file_executable "$prefix/libexec/holdfast/scripts/$script.sh"
  done
}

@test "install: the tools are position independent, with read-only relocations" {
  local tool
  for tool in "$HOLDFAST_BIN"/*; do
    [[ $tool != */holdfast ]] || continue
    run -0 readelf --wide --file-header --program-headers --dynamic "$tool"
    assert_output --regexp 'Type: +DYN'
    assert_output --partial GNU_RELRO
    assert_output --regexp 'FLAGS.*NOW'
  done
}

@test "lint: the recover.sh that init writes passes as well" {
  run -0 init --repo "$BATS_TEST_TMPDIR/repo"
  cp "$BATS_TEST_TMPDIR/repo/recover.sh" "$BATS_TEST_TMPDIR/"
  run -0 shellcheck "$BATS_TEST_TMPDIR/recover.sh"
  run -0 shfmt -i 2 -ci -d "$BATS_TEST_TMPDIR/recover.sh"
}

@test "docs: every test that threats.md calls a proof exists" {
  run -0 python3 - "$HOLDFAST_SOURCE" <<'END'
import glob, re, sys
root = sys.argv[1]
names = []
for path in glob.glob(root + "/tests/bats/*.bats"):
    names += re.findall(r'@test "((?:[^"\\]|\\.)*)"', open(path).read())
for path in glob.glob(root + "/tests/unit/*/*_test.cpp"):
    for case in re.findall(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', open(path).read()):
        names.append("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', case)))
rows = [line.split("|") for line in open(root + "/docs/threats.md") if line.count("|") == 6]
proofs = [proof.strip() for row in rows for proof in row[5].split(";") if proof.strip() not in ("", "test", "---")]
assert len(proofs) > 20, proofs
for proof in proofs:
    pattern = ".*".join(re.escape(part.strip()) for part in proof.split("…"))
    if not any(re.match(pattern, name) for name in names):
        print(proof)
END
  assert_output ''
}
