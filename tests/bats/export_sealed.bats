#!/usr/bin/env bats
# export_sealed.bats - exports of a repository that its host can write and not read.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

@test "export: a sealed snapshot is exported by who has a key, value by value, and refused to the host" {
  sealed_snapshot
  cd -- "$BATS_TEST_TMPDIR"
  # shellcheck disable=SC2154  # of sealed_snapshot
  holdfast export -q --db "$db" --format csv --out wanted
  run -9 --separate-stderr setsid --wait "$HOLDFAST_BIN/export" latest --component "$(basename -- "$db")" --out out </dev/null
  assert_not_exist out/export.json
  become ops
  for format in csv parquet; do
    run -0 --separate-stderr holdfast export latest --component "$(basename -- "$db")" --format "$format" --out "$format"
  done
  for file in wanted/*.csv; do
    name=${file##*/}
    cmp "$file" csv/"${name%_*}"_*.csv
  done
  gpg --batch --quiet --decrypt "$repo/keys/$(current_certificate).key.asc" >key.pem 2>/dev/null
  chmod 600 key.pem
  become host
  run -0 --separate-stderr holdfast export latest --component "$(basename -- "$db")" --key-file key.pem --out by-file
  run -0 --separate-stderr restore --from-export by-file --target new.db
  assert_equal "$(sql new.db .dump | sha256sum)" "$(sql "$db" .dump | sha256sum)"
}
