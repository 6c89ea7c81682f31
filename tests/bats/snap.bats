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

# Row counts of a database take memory for each page that its header claims: this one is nearly all hole.
make_wide_database() { # <path> <pages>
  make_database "$1" 'PRAGMA page_size=4096'
  truncate -s "$(($2 * 4096))" "$1"
  # shellcheck disable=SC2059  # the bytes
  printf "$(printf '\\x%02x' $(($2 >> 24 & 255)) $(($2 >> 16 & 255)) $(($2 >> 8 & 255)) $(($2 & 255)))" |
    dd of="$1" bs=1 seek=28 conv=notrunc status=none
}

@test "snap: a source for which there is not enough memory is missing and named, the others are captured" {
  local limit outcomes=''
  make_wide_database wide.db 15000000
  for ((limit = 70000; limit <= 140000; limit += 5000)); do
    run --separate-stderr bash -c "ulimit -v $limit && exec timeout 20 snap --tree conf --sqlite wide.db"
    if [[ $status == 127 || $stderr == *'in libarchive: Out of memory'* ]]; then continue; fi # ended without us
    if ((status == 4)); then
      assert_regex "$stderr" "warning: source 'wide.db' not captured: .*(out of memory|start a thread)"
      bring_back "$output"
      diff -r conf "$restored/conf"
      assert_equal "$(ls "$restored")" conf
      outcomes+=partial
    else # for the tree there was not enough, either, or not for what comes after it
      assert_clean_failure
    fi
  done
  assert_regex "$outcomes" partial
  assert_whole --all
}
