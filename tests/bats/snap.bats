#!/usr/bin/env bats
# snap.bats - what snap foresees and says of its sources, before and after.

load support
load repository

setup() {
  fresh_repository
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir conf
  echo content >conf/file
}

# The exit code of a run and of its dry run, which prints a plan only where the run prints an id, and writes nothing.
foresees() { # <exit code> <argument of snap>...
  local code=$1 before
  shift
  before=$(find "$repo" | sort)
  run "-$code" --separate-stderr snap --dry-run "$@" </dev/null
  plan=$output dry_stderr=$stderr
  assert_equal "$(find "$repo" | sort)" "$before"
  run "-$code" --separate-stderr snap "$@" <<<input
  assert_equal "${plan:+a plan}" "${output:+a plan}"
}

@test "snap: --dry-run exits as the run would: 4 with a source missing, the run's error with all of them missing" {
  foresees 0 --tree conf
  assert_regex "$plan" 'conf +tree'
  foresees 4 --tree conf --tree nowhere
  assert_regex "$plan" "nowhere +missing +'.*nowhere' does not exist"
  foresees 6 --tree nowhere --sqlite 'no*.db'
  assert_equal "$dry_stderr" "$stderr"
  foresees 3
  assert_equal "$dry_stderr" "$stderr"
}

@test "snap: --dry-run counts standard input as a source" {
  foresees 0 --stdin dump.sql
  assert_regex "$plan" 'dump\.sql +stdin +data +\(standard input\)'
  foresees 4 --stdin dump.sql --tree nowhere
  foresees 3 --stdin conf --tree conf
  assert_regex "$dry_stderr" "two components would be named 'conf'"
}
