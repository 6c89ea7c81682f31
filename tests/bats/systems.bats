#!/usr/bin/env bats
# systems.bats - every configuration of examples/systems at work: backup, selective backup and restore, drill, prune by its policy.

load support
load repository

setup() {
  private_home
  live=$BATS_TEST_TMPDIR/live scripts=$HOLDFAST_SOURCE/scripts
  mkdir -p "$live"
  cd "$live" || return 1
}

use_example() { # <name> [expression of sed]...
  local args=() expression
  for expression in "${@:2}"; do args+=(-e "$expression"); done
  sed -e '/^names = /d' -e '/^health = "curl/d' -e '/^reconcile_wait/d' "${args[@]}" "$HOLDFAST_SOURCE/examples/systems/$1.toml" >holdfast.toml
  init >/dev/null
}

trades() { # <path> <rows>
  mkdir -p "${1%/*}"
  sql "$1" 'CREATE TABLE trades(timestamp TEXT, price REAL)' \
    "INSERT INTO trades SELECT datetime('now', '-' || value || ' minutes'), value FROM generate_series(1, $2)"
}

sources_of() { # <snapshot>
  catalog show "$1" --json | jq -r '[.components[].source] | unique | join(" ")'
}

# A drill of all passes, and prune by the policy of the file keeps what is new.
assert_drill_and_prune() {
  run -0 --separate-stderr "$scripts/dr_drill.sh" --quiet
  assert_file_exists "$output"
  run -0 --separate-stderr prune
  assert_equal "$(catalog list --json | jq 'length > 0')" true
  run -0 --separate-stderr prune --simulate 120d
}

@test "trade-log: one database is lost and comes back, also as another file" {
  use_example trade-log
  trades data/trade_logs.db 150
  mkdir config && echo 'risk: 2' >config/a.yaml
  run -0 --separate-stderr "$scripts/backup.sh" --quiet
  run -0 --separate-stderr env BACKUP_CONFIG=false "$scripts/backup.sh" --quiet
  assert_equal "$(sources_of "$output")" trade_logs
  sql data/trade_logs.db 'DELETE FROM trades'
  run -0 --separate-stderr env DB_PATH="$PWD/data/look.db" "$scripts/restore.sh" latest --yes --quiet
  assert_equal "$(sql data/look.db 'SELECT count(*) FROM trades')" 150
  run -0 --separate-stderr "$scripts/restore.sh" latest:trade_logs --yes --quiet
  assert_equal "$(sql data/trade_logs.db 'SELECT count(*) FROM trades')" 150
  assert_drill_and_prune
}

@test "delta-lake: tables and settings come back, logs of an incident stay" {
  use_example delta-lake
  # shellcheck source=/dev/null
  source "$HOLDFAST_SOURCE/examples/trading/data.sh"
  make_lake data/lake
  mkdir config logs
  echo 'a: 1' >config/production.yaml
  echo 'KEY=1' >.env
  echo early >logs/app.log
  run -0 --separate-stderr "$scripts/backup.sh" --quiet
  rm -r data/lake/option_legs
  echo 'a: 2' >config/production.yaml
  echo late >logs/app.log
  run -0 --separate-stderr env RESTORE_CONFIG=false "$scripts/restore.sh" latest --yes --quiet
  assert_dir_exists data/lake/option_legs
  assert_equal "$(<config/production.yaml)" 'a: 2'
  assert_equal "$(<logs/app.log)" late
  run -0 --separate-stderr "$scripts/restore.sh" latest:settings --source settings --yes --quiet
  assert_equal "$(<config/production.yaml)" 'a: 1' # latest is no emergency snapshot, which has 2
  assert_drill_and_prune
}

@test "futures: every database of the folder is captured and comes back" {
  use_example futures
  trades data/db/a.db 10
  trades data/db/b.db 20
  mkdir config && echo 1 >config/x
  run -0 --separate-stderr "$scripts/backup.sh" --quiet
  assert_equal "$(catalog show latest --json | jq -r '[.components[].name] | sort | join(" ")')" 'db/a.db db/b.db settings'
  rm data/db/a.db
  run -0 --separate-stderr "$scripts/restore.sh" latest --source db --yes --quiet
  assert_equal "$(sql data/db/a.db 'SELECT count(*) FROM trades')" 10
  assert_drill_and_prune
}

@test "dashboard: one component comes back, and only logs of the last seven days are kept" {
  use_example dashboard
  mkdir models logs reports configs
  head -c 100000 /dev/urandom >models/m.bin
  echo report >reports/r.txt
  echo 'a: 1' >configs/a.yaml
  echo new >logs/new.log
  echo old >logs/old.log
  touch -d '8 days ago' logs/old.log
  run -0 --separate-stderr "$scripts/backup.sh" nightly --quiet
  assert_equal "$(catalog files latest logs --json | jq -r 'select(.type == "file") | .path')" new.log
  local sum
  sum=$(sha256sum <models/m.bin)
  rm models/m.bin
  run -0 --separate-stderr "$scripts/restore.sh" latest --source models --yes --quiet
  assert_equal "$(sha256sum <models/m.bin)" "$sum"
  assert_drill_and_prune
}

@test "postgres-redis: the journal of the last day is captured as its commented source says" {
  command -v journalctl >/dev/null || skip 'no journalctl'
  sed -n '/^# name = "journal"/,/^# max_shrink/s/^# //p' "$HOLDFAST_SOURCE/examples/systems/postgres-redis.toml" >lines
  { printf '[repository]\npath = "backups"\n[[source]]\n' && cat lines; } >holdfast.toml
  init >/dev/null
  run -0 --separate-stderr snap
  restore latest --component journal --stdout >out
  # What journald wrote to in between is not in it; on a host without a journal both are empty.
  assert_equal "$(head -c 2000 out | sha256sum)" "$(journalctl --output=export --since=-25h | head -c 2000 | sha256sum)"
}
