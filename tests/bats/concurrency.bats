#!/usr/bin/env bats
# concurrency.bats - several runs at once: they wait for each other, bounded, or work side by side.

load support
load repository

setup() {
  fresh_repository
  db=$BATS_TEST_TMPDIR/t.db
  make_database "$db"
  started=()
}

teardown() {
  local pid
  for pid in "${started[@]}"; do
    kill -CONT "$pid" 2>/dev/null || true
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

# Holds the repository's lock as prune would, until it is killed; sets `holder`.
hold_lock() {
  # The file of `exec` is the process that has the lock: no shell in between to outlive it.
  flock --exclusive --no-fork "$repo/lock" bash -c "touch '$BATS_TEST_TMPDIR/held'; exec sleep 600" 3>&- &
  holder=$!
  started+=("$holder")
  until [[ -e $BATS_TEST_TMPDIR/held ]]; do sleep 0.02; done
}

# A run that has begun its work and cannot end before standard input does; sets `slow` and the descriptor `feed`.
begin_slow_snap() {
  mkfifo "$BATS_TEST_TMPDIR/feed"
  snap --stdin slow <"$BATS_TEST_TMPDIR/feed" >"$BATS_TEST_TMPDIR/slow.id" 2>"$BATS_TEST_TMPDIR/slow.err" 3>&- &
  slow=$!
  started+=("$slow")
  exec {feed}>"$BATS_TEST_TMPDIR/feed"
  printf 'beginning\n' >&"$feed"
  until grep -q ":$(stat -c %i "$repo/lock") " /proc/locks; do sleep 0.02; done
  sleep 0.3 # past the opening of its cache
}

end_slow_snap() {
  printf 'end\n' >&"$feed"
  exec {feed}>&-
  wait "$slow"
}

@test "snap: eight runs at once all succeed, each with a number of its own, and the repository is whole" {
  local i pids=()
  for i in 1 2 3 4 5 6 7 8; do
    snap --sqlite "$db" --tree "$HOLDFAST_SOURCE/include/holdfast/base" >"$BATS_TEST_TMPDIR/id.$i" 3>&- &
    pids+=("$!")
  done
  for i in "${pids[@]}"; do wait "$i"; done
  assert_equal "$(cat "$BATS_TEST_TMPDIR"/id.* | sort -u | wc -l)" 8
  assert_equal "$(jq -r .number "$repo"/snapshots/*/manifest.json | sort -n | paste -sd' ')" '1 2 3 4 5 6 7 8'
  assert_whole --deep --all
  bring_back "$(cat "$BATS_TEST_TMPDIR/id.8")"
  cmp "$db" "$restored/t.db"
}

@test "snap: two first runs of two hosts (no common cache) agree on objects and numbers" {
  XDG_CACHE_HOME=$HOME/c1 XDG_STATE_HOME=$HOME/s1 snap --sqlite "$db" >"$BATS_TEST_TMPDIR/one" 3>&- &
  XDG_CACHE_HOME=$HOME/c2 XDG_STATE_HOME=$HOME/s2 snap --sqlite "$db" >"$BATS_TEST_TMPDIR/two"
  wait "$!"
  assert_equal "$(jq -r .number "$repo"/snapshots/*/manifest.json | sort -n | paste -sd' ')" '1 2'
  assert_whole --deep --all
}

@test "snap: while prune has the repository it waits, then is exit 7 and names the process" {
  hold_lock
  SECONDS=0
  run -7 --separate-stderr snap --sqlite "$db" --lock-wait 2s
  assert_clean_failure
  assert_regex "$stderr" "stayed locked for 2 ?s.*by process $holder"
  assert_regex "$stderr" 'hint: .*--lock-wait'
  if ((SECONDS < 2 || SECONDS > 8)); then fail "waited $SECONDS s"; fi
  assert_equal "$(ls -A "$repo/snapshots")$(ls -A "$repo/tmp")" ''

}

@test "snap: waits for the lock and goes on as soon as the holder is killed" {
  hold_lock
  snap --sqlite "$db" >"$BATS_TEST_TMPDIR/id" 3>&- &
  started+=("$!")
  sleep 0.5
  assert_equal "$(cat "$BATS_TEST_TMPDIR/id")" ''
  kill -KILL "$holder"
  wait "${started[-1]}"
  assert_whole "$(cat "$BATS_TEST_TMPDIR/id")"
}

@test "snap: a stopped holder of the ledger does not hold others for ever, and is safe when it wakes" {
  local id
  begin_slow_snap
  end_slow_snap
  run -0 --separate-stderr snap --sqlite "$db"
  # Stopped between publishing and its last line, as a suspended machine would leave it.
  flock --exclusive --no-fork "$repo/ledger.jsonl" bash -c "touch '$BATS_TEST_TMPDIR/held'; exec sleep 600" 3>&- &
  holder=$!
  started+=("$holder")
  until [[ -e $BATS_TEST_TMPDIR/held ]]; do sleep 0.02; done
  kill -STOP "$holder"
  run -7 --separate-stderr snap --sqlite "$db" --lock-wait 1s
  assert_clean_failure
  assert_regex "$stderr" "process $holder"
  assert_equal "$(catalog list --format id | wc -l)" 2

  kill -CONT "$holder"
  kill -KILL "$holder"
  wait "$holder" || true
  take --sqlite "$db"
  assert_whole
}

@test "snap: a run stopped in its middle keeps prune out, others work beside it, and it ends well after waking" {
  begin_slow_snap
  kill -STOP "$slow"
  until grep -q '^State:.T' "/proc/$slow/status"; do sleep 0.02; done
  take --sqlite "$db"
  assert_whole
  run -1 flock --exclusive --nonblock "$repo/lock" true

  kill -CONT "$slow"
  end_slow_snap
  assert_equal "$(restore "$(cat "$BATS_TEST_TMPDIR/slow.id")" --stdout)" $'beginning\nend'
  assert_whole
}

@test "verify, restore and catalog: work beside a running snap and see only whole snapshots" {
  local first
  take --sqlite "$db"
  first=$id
  begin_slow_snap
  assert_whole --deep --all
  bring_back "$first"
  cmp "$db" "$restored/t.db"
  assert_equal "$(catalog list --format id)" "$first"
  end_slow_snap
  assert_equal "$(catalog list --format id | wc -l)" 2
}

@test "verify and restore: a killed one leaves no lock behind" {
  local tool
  take --sqlite "$db"
  for tool in "verify --deep $id" "restore $id --target $BATS_TEST_TMPDIR/out"; do
    # shellcheck disable=SC2086  # words

    # Killed at its first fsync, while it has the lock.
    run strace -f -qq -o /dev/null -e trace=fsync -e inject=fsync:signal=KILL:when=1 $tool
    assert_equal "$status" 137
    run -0 flock --exclusive --nonblock "$repo/lock" true
    assert_file_not_exist "$BATS_TEST_TMPDIR/out/t.db"
  done
  take --sqlite "$db"
  assert_equal "$(ls -A "$repo/tmp")" ''
  assert_whole
}

# What another run remembers outside the repository just before this one reads it names a snapshot of that moment.
@test "snap and verify: a snapshot that another run ends meanwhile is not taken for one that was rolled back" {
  take --sqlite "$db"
  local state tool memory=$XDG_STATE_HOME/holdfast
  state=$memory/$(jq -r .id "$repo/format.json").json
  for tool in "snap --sqlite $db" 'verify --all'; do
    # shellcheck disable=SC2086  # words
    strace -f -qq -o "$BATS_TEST_TMPDIR/strace" -P "$state" -e trace=openat \
      -e inject=openat:delay_enter=3000000:when=1 $tool >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    slow=$!
    started+=("$slow")
    until [[ -s $BATS_TEST_TMPDIR/strace ]]; do sleep 0.02; done
    take --sqlite "$db"
    wait "$slow" || fail "$tool: $(<"$BATS_TEST_TMPDIR/out")"
    rm "$BATS_TEST_TMPDIR/strace"
  done
}
