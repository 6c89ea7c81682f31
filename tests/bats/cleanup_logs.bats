#!/usr/bin/env bats
# cleanup_logs.bats - old logs go, everything else stays.

load support

setup() {
  private_home
  clean=$HOLDFAST_SOURCE/scripts/cleanup_logs.sh
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir -p logs/sub elsewhere
  printf '[backup]\nlog_dir = "logs"\n' >holdfast.toml
  touch -d '8 days ago' 'logs/old.log' 'logs/sub/a b.log.1' logs/report.md elsewhere/old.log logs/sub
  touch -d '6 days ago' logs/young.log
  touch -d '90 days ago' logs/data.log.sqlite logs/catalog
}

@test "logs older than a week are removed and named; young ones, reports and folders stay" {
  run -0 "$clean"
  assert_equal "$(sort <<<"$output")" "$PWD/logs/old.log
$PWD/logs/sub/a b.log.1"
  assert_equal "$(cd logs && echo *)" 'catalog data.log.sqlite report.md sub young.log'
  assert_file_exist elsewhere/old.log
}

@test "a dry run names the same files and removes none" {
  run -0 "$clean" --dry-run
  assert_line "$PWD/logs/old.log"
  assert_file_exist logs/old.log
  DRY_RUN=true run -0 "$clean"
  assert_file_exist logs/old.log
}

@test "links in a log folder are not followed, also when they lead to old logs" {
  ln -s "$PWD/elsewhere" logs/way-out
  ln -s "$PWD/elsewhere/old.log" logs/link.log
  touch -h -d '9 days ago' logs/link.log
  run -0 "$clean"
  assert_file_exist elsewhere/old.log
  assert_link_exist logs/link.log
}

@test "configured folders and another age are obeyed, and a missing folder is said" {
  printf '[cleanup]\nlog_dirs = ["elsewhere", "nowhere"]\nolder_than = "1d"\n' >holdfast.toml
  run -0 --separate-stderr "$clean"
  assert_output "$PWD/elsewhere/old.log"
  assert_regex "$stderr" "warn: there is no folder '$PWD/nowhere'"
  assert_file_exist logs/old.log
}

@test "rotated logs of every usual name are removed" {
  touch -d '8 days ago' logs/a.log.2.gz logs/a.log-20260101 logs/a.log-20260101.zst logs/a.log.gz
  run -0 "$clean"
  assert_equal "${#lines[@]}" 6
}

@test "wrong usage removes nothing" {
  run -2 "$clean" --older-than 7
  run -2 "$clean" --older-than soon
  run -2 "$clean" logs
  assert_file_exist logs/old.log
}
