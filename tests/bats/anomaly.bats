#!/usr/bin/env bats
# anomaly.bats - a snapshot that looks wrong is kept, marked, and told of.

load support

teardown() {
  if mountpoint -q disk; then umount disk; fi
}

setup() {
  private_home
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir conf
  sqlite3 t.db 'CREATE TABLE orders(a); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
    INSERT INTO orders SELECT x FROM n;'
  echo 'setting: 1' >conf/a.yaml
  cat >holdfast.toml <<'END'
[repository]
path = "backups"
[[source]]
name = "trades"
kind = "sqlite"
path = "t.db"
[[source]]
name = "conf"
kind = "tree"
path = "conf/*.yaml"
END
  init >/dev/null
}

@test "snap: a loss is exit 4 with its reason, stays one until it is undone or agreed to, and hides nothing" {
  echo 'setting: 2' >conf/b.yaml
  snap --quiet
  sqlite3 t.db 'DELETE FROM orders WHERE a > 200'
  rm conf/b.yaml
  for _ in 1 2; do
    run -4 --separate-stderr snap
    assert_regex "$stderr" "suspect: trades: table 'orders' has 200 rows, had 500 \(60% less, max_shrink is 50%\)"
    assert_regex "$stderr" 'suspect: conf/b.yaml: not there any more'
  done
  assert_equal "$(catalog show --json latest | jq -r '.state, (.suspect | length)')" $'suspect\n2'
  run -0 catalog show latest
  assert_output --partial 'suspect   conf/b.yaml: not there any more'
  assert_regex "$stderr" 'hint: .* snap --accept-losses'
  run -0 snap --accept-losses
  run -0 snap
}

@test "snap: a source whose disk is not mounted is suspect, be there as much below the mount point; a bind mount is none" {
  mkdir disk below
  mount -t tmpfs -o mode=700 tmpfs disk
  printf '[repository]\npath = "backups"\n[[source]]\nname = "lake"\nkind = "tree"\npath = "disk/lake"\n' >holdfast.toml
  mkdir disk/lake
  seq 1000 >disk/lake/numbers
  cp -a disk/lake below
  run -0 snap
  run -0 unshare -m bash -c 'mount --bind disk/lake disk/lake && mountpoint -q disk/lake && snap'
  run -0 snap
  umount disk
  cp -a below/lake disk
  for _ in 1 2; do
    run -4 --separate-stderr snap
    assert_regex "$stderr" "suspect: lake: lies on what is mounted at .*, in the last good snapshot at '.*/disk' \(tmpfs tmpfs\): is its disk mounted\?"
  done
  assert_equal "$(catalog show --json latest | jq -r .state)" suspect
  mount -t tmpfs -o mode=700 other disk # another device at the same place: names of devices change with a boot
  cp -a below/lake disk
  run -0 snap
  umount disk
  run -0 snap --accept-losses
  run -0 snap
}

@test "snap: allow_incompressible is for a source whose data may turn incompressible" {
  printf '[repository]\npath = "backups"\n[[source]]\nname = "dump"\nkind = "tree"\npath = "dump"\n' >holdfast.toml
  mkdir dump
  seq 400000 >dump/file
  snap --quiet
  head -c 3000000 /dev/urandom >dump/file
  run -4 --separate-stderr snap
  assert_regex "$stderr" 'suspect: dump: its new data does not compress'
  echo 'allow_incompressible = true' >>holdfast.toml
  head -c 3000000 /dev/urandom >dump/file
  run -0 snap
  run -0 snap --print-config
  assert_line 'allow_incompressible = true'
}
