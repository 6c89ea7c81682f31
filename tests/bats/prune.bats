#!/usr/bin/env bats
# prune.bats - what the policy keeps stays whole, what it does not keep can be had back for a while, then is gone.

load support
load repository

# Snapshots of one file that is new each time, oldest first in `ids`.
take_daily() { # <count>
  local i
  mkdir -p tree
  for ((i = 1; i <= $1; i++)); do
    head -c 2000 /dev/urandom >tree/file
    ids+=("$(snap -q --tree tree)")
  done
}

policy() { # <line>...
  printf '[repository]\npath = "%s"\n[retention]\n' "$repo" >policy.toml
  printf '%s\n' "$@" >>policy.toml
  export HOLDFAST_CONFIG=$PWD/policy.toml
}

setup() {
  fresh_repository
  cd "$BATS_TEST_TMPDIR" || return 1
  ids=()
}

teardown() {
  chattr -R -i "$BATS_TEST_TMPDIR/repo" 2>/dev/null || true
  if mountpoint -q small; then umount small; fi
}

# A repository on a disk of 3 MB, and no space left on it but for what `make_room` gives back.
on_a_small_disk() {
  mkdir small
  mount -t tmpfs -o size=3m,mode=700 tmpfs small
  repo=$BATS_TEST_TMPDIR/small/repo
  export HOLDFAST_REPO=$repo
  init >/dev/null
}
fill_disk() {
  local fill
  fill=$(df --output=avail -k small | tail -1)
  fallocate -l "${fill}K" small/fill
  while head -c 1 /dev/zero >>small/more 2>/dev/null; do :; done
}
make_room() { rm small/fill small/more; }

listed() { catalog --format id | sort; }
expect_listed() { # <id>...
  assert_equal "$(listed)" "$(printf '%s\n' "$@" | sort)"
}

@test "prune prints the ids that went, and the dry run before it says the same and does nothing" {
  take_daily 5
  policy 'keep_last = 2' 'min_keep = 1'
  run -0 --separate-stderr prune --dry-run
  would=$(awk '$2 == "remove" { print $1 }' <<<"$output")
  expect_listed "${ids[@]}"
  run -0 --separate-stderr prune
  assert_output "$would"
  assert_equal "$output" "$(printf '%s\n' "${ids[2]}" "${ids[1]}" "${ids[0]}")"
  # shellcheck disable=SC2154  # bats sets stderr
  assert_regex "$stderr" 'kept 2, moved 3 to the trash, emptied 0 from it'
  expect_listed "${ids[3]}" "${ids[4]}"
  assert_whole --all --deep
}

@test "a plan can be looked at, edited, and applied once; as JSON too" {
  take_daily 5
  policy 'keep_last = 2' 'min_keep = 1'
  prune --plan >plan.tsv
  run -0 cut -f 2 plan.tsv
  assert_output "$(printf '%s\n' "$(head -1 plan.tsv | cut -f 2)" keep keep remove remove remove)"
  sed -i "/^${ids[1]}/s/remove/keep/" plan.tsv
  run -0 --separate-stderr prune --apply - <plan.tsv
  assert_output "$(printf '%s\n' "${ids[2]}" "${ids[0]}")"
  expect_listed "${ids[1]}" "${ids[3]}" "${ids[4]}"
  run -10 prune --apply plan.tsv
  assert_output --partial 'there are other snapshots now'
  prune --plan --json >plan.json
  assert_equal "$(jq -r '.snapshots[] | select(.verdict == "remove").id' plan.json)" "${ids[1]}"
  run -0 --separate-stderr prune --apply plan.json
  assert_output "${ids[1]}"
}

@test "a plan that is none, cut short or for another repository removes nothing" {
  take_daily 3
  policy 'keep_last = 1' 'min_keep = 1'
  echo "${ids[0]}	remove	x	0" >no-title.tsv
  run -2 prune --apply no-title.tsv
  echo '{"repository": 1}' >bad.json
  run -2 prune --apply bad.json
  : >empty
  run -2 prune --apply empty
  prune --plan | sed '1s/\t[^\t]*\t/\tother\t/' >other.tsv
  run -10 prune --apply other.tsv
  assert_output --partial 'another repository'
  expect_listed "${ids[@]}"
}

@test "without a policy nothing is removed, and that is an error" {
  take_daily 3
  run -3 prune
  assert_output --partial 'has no policy, so nothing is removed'
  expect_listed "${ids[@]}"
}

@test "a pin, a request to forget and an undelete are obeyed by the next prune" {
  take_daily 5
  policy 'keep_last = 1' 'min_keep = 1'
  prune --pin "${ids[0]}" --until 30d --reason audit
  run -0 prune --plan
  assert_line --regexp "^${ids[0]}.keep.pinned until .* \\(audit\\)"
  prune -q
  expect_listed "${ids[0]}" "${ids[4]}"
  assert_equal "$(catalog trash --format id)" "$(printf '%s\n' "${ids[@]:1:3}" | sort)"
  assert_regex "$(catalog trash --json | jq -r '.[0].stays_until_utc')" '^20'
  prune --undelete "${ids[2]}"
  prune -q
  expect_listed "${ids[0]}" "${ids[2]}" "${ids[4]}"
  prune --unpin "${ids[0]}"
  prune -q
  run -10 prune --forget "${ids[2]}" # pinned by the undelete
  assert_output --partial "snapshot ${ids[2]} has to stay: pinned until"
  run -10 prune --forget "${ids[4]}"
  assert_output --partial 'has to stay: newest'
  expect_listed "${ids[2]}" "${ids[4]}"
  prune --unpin "${ids[2]}"
  prune -q
  expect_listed "${ids[4]}"
  run -6 prune --undelete 20200101T000000Z-abcdef
  run -2 prune --pin "${ids[4]}"
  assert_whole --all
}

@test "emptying the trash frees the objects, and the snapshots in it do not come back" {
  take_daily 4
  policy 'keep_last = 1' 'min_keep = 1'
  prune -q
  before=$(du -sb "$repo/objects" | cut -f 1)
  run -0 --separate-stderr prune --empty-trash --json
  assert_equal "$(jq -c '[(.gone | length), (.trashed | length)]' <<<"$output")" '[3,0]'
  (($(du -sb "$repo/objects" | cut -f 1) < before - 5000)) || fail 'nothing was freed'
  run -6 prune --undelete "${ids[0]}"
  assert_whole --all --deep
}

@test "prune works on a full disk, and its ledger lines follow when there is room" {
  on_a_small_disk
  take_daily 6
  fill_disk
  policy 'keep_last = 1' 'min_keep = 1'
  run -0 --separate-stderr prune --empty-trash
  assert_equal "${#lines[@]}" 5
  make_room
  prune -q
  assert_whole --all --deep
}

@test "prune gives up a snapshot that vanished on a full disk too, be there room for its ledger line or not" {
  on_a_small_disk
  take_daily 6
  policy 'keep_last = 3' 'min_keep = 1'
  rm -r "${repo:?}/snapshots/${ids[0]}" "${repo:?}/snapshots/${ids[5]}"
  fill_disk
  run -0 --separate-stderr prune --forget "${ids[0]}" --forget "${ids[5]}" --empty-trash
  assert_output "${ids[1]}"
  assert_equal "$(jq -r 'select(.reason == "had vanished").snapshot' "$repo/ledger.jsonl" | sort)" \
    "$(printf '%s\n' "${ids[0]}" "${ids[5]}" | sort)"
  rm -r "${repo:?}/snapshots/${ids[4]}"
  chattr +i "$repo/ledger.jsonl" 2>/dev/null || mount --bind -o ro "$repo/ledger.jsonl" "$repo/ledger.jsonl"
  run -0 --separate-stderr prune --forget "${ids[4]}"
  umount "$repo/ledger.jsonl" 2>/dev/null || chattr -i "$repo/ledger.jsonl"
  assert_regex "$stderr" "snapshot ${ids[4]} was given up is not recorded either"
  make_room
  run -5 prune
  prune -q --forget "${ids[4]}"
  assert_whole --all --deep
}

@test "prune removes the rest when something cannot be removed, says what is left, and exits 8" {
  take_daily 4
  policy 'keep_last = 1' 'min_keep = 1'
  stuck=$(sed -n '1s/  .*//p' "$repo/snapshots/${ids[0]}/SHA256SUMS")
  chattr +i "$repo/objects/${stuck:0:2}/$stuck" || skip 'this file system knows no immutable files'
  run -8 --separate-stderr prune --empty-trash
  assert_output "$(printf '%s\n' "${ids[2]}" "${ids[1]}" "${ids[0]}")"
  assert_regex "$stderr" "prune: error: remove '.*$stuck': Operation not permitted"
  needed=$(sed -n 's/  .*objects.*//p' "$repo/snapshots/${ids[3]}/SHA256SUMS")
  assert_equal "$(find "$repo/objects" -type f -printf '%f\n' | sort)" "$(printf '%s\n' "$needed" "$stuck" | sort)"
  assert_equal "$(catalog trash --format id)" ''
  run -8 --separate-stderr prune --json
  assert_equal "$(jq -c '[.failure_count, (.failures | length)]' <<<"$output")" '[1,1]'
  chattr -i "$repo/objects/${stuck:0:2}/$stuck"
  run -0 prune
  assert_file_not_exist "$repo/objects/${stuck:0:2}/$stuck"
  assert_whole --all --deep
}

@test "an older copy in the trash that cannot be removed is named, and the snapshot stays where it is" {
  take_daily 2
  policy 'keep_last = 1' 'min_keep = 1'
  mkdir -p "$repo/trash"
  cp -a "$repo/snapshots/${ids[0]}" "$repo/trash/"
  chattr +i "$repo/trash/${ids[0]}/summary.txt" || skip 'this file system knows no immutable files'
  run -8 --separate-stderr prune
  assert_regex "$stderr" "remove the older copy '.*/trash/${ids[0]}'"
  expect_listed "${ids[@]}"
  chattr -i "$repo/trash/${ids[0]}/summary.txt"
  prune -q
  expect_listed "${ids[1]}"
  assert_whole --all
}

@test "two prunes at once do the work once, and a snap between them loses nothing" {
  take_daily 8
  policy 'keep_last = 2' 'min_keep = 1'
  prune -q --empty-trash >first &
  prune -q --empty-trash >second &
  head -c 2000 /dev/urandom >tree/file
  id=$(snap -q --tree tree)
  wait
  prune -q --empty-trash >third
  assert_equal "$(sort first second third)" "$(printf '%s\n' "${ids[@]:0:7}" | sort)"
  expect_listed "${ids[7]}" "$id"
  assert_whole --all --deep
}

@test "a plan waits for a prune at work, in which snapshots would seem to have vanished" {
  take_daily 2
  policy 'keep_last = 1'
  exec {lock}<"$repo/lock"
  flock --exclusive "$lock"
  run -7 --separate-stderr prune --dry-run --lock-wait 1s
  assert_clean_failure
  run -7 --separate-stderr prune --plan --lock-wait 1s
  assert_clean_failure
  flock --unlock "$lock"
  run -0 --separate-stderr prune --plan --lock-wait 1s
}

@test "undelete takes the beginning of an id that only one snapshot in the trash has" {
  take_daily 3
  policy 'keep_last = 1' 'min_keep = 1'
  prune -q
  run -2 prune --undelete 20
  assert_output --partial 'is the beginning of 2 snapshot ids'
  run -6 prune --undelete "${ids[2]%?}" # not in the trash
  assert_output --partial 'catalog trash'
  prefix=${ids[0]}
  while [[ ${ids[1]} != "${prefix%?}"* ]]; do prefix=${prefix%?}; done
  run -0 prune --undelete "$prefix"
  assert_output --partial "snapshot ${ids[0]} is back"
  expect_listed "${ids[0]}" "${ids[2]}"
}

@test "a ledger put back from before a pin is noticed by verify and refused by prune, until it is taken as it is" {
  take_daily 3
  policy 'keep_last = 1' 'min_keep = 1'
  cp "$repo/ledger.jsonl" older
  prune --pin "${ids[0]}" --until 30d
  cp older "$repo/ledger.jsonl"
  for _ in 1 2; do
    run -4 --separate-stderr verify --all
    assert_output --partial 'lacks lines that this host wrote'
    run -5 prune
    assert_output --partial 'nothing removed: the history does not fit: ledger.jsonl : lacks lines'
  done
  expect_listed "${ids[@]}"
  HOLDFAST_CONFIG=/dev/null run -0 prune --damaged-history-is-fine # without a policy it removes nothing
  expect_listed "${ids[@]}"
  assert_whole --all
  run -0 prune
}

# Runs `prune` and kills it when it makes that system call for the k-th time, before it is carried out.
prune_killed_at() { # <system call> <k>
  strace -f -qq -o /dev/null -e trace="$1" -e inject="$1:signal=KILL:when=$2" prune -q --empty-trash >/dev/null
}

@test "kill -9 at every step of a prune harms no snapshot, and the next prune finishes the work" {
  local step k code kills=0
  take_daily 14
  policy 'keep_last = 3' 'min_keep = 1'
  cp -a repo pristine
  cp -a "$HOME" home_then # what the host remembers of the repository belongs to it
  for step in utimensat rename write fsync unlink unlinkat rmdir; do
    for ((k = 1; ; k++)); do
      rm -rf repo "${HOME:?}"
      cp -a pristine repo
      cp -a home_then "$HOME"
      code=0
      prune_killed_at "$step" "$k" 2>/dev/null || code=$?
      if ((code == 0)); then break; fi
      assert_equal "$code" 137
      assert_whole --all
      if ((++kills % 8 == 0)); then
        prune -q --empty-trash >/dev/null
        expect_listed "${ids[@]:11}"
        assert_whole --all --deep
        assert_equal "$(catalog stats --json | jq .unreferenced_objects)" 0
      fi
    done
  done
  ((kills >= 100)) || fail "only $kills steps were stopped"
}

@test "a contradictory policy is an error with its place, and removes nothing" {
  take_daily 2
  policy 'keep_daily = "30d"' 'keep_weekly = "1w"'
  run -3 prune
  assert_output --regexp "policy.toml:5:[0-9]+: 'keep_weekly' does not reach further back than keep_daily"
  export HOLDFAST_CONFIG=/dev/null
  expect_listed "${ids[@]}"
}

@test "counts that contradict each other are an error with its place, and remove nothing" {
  take_daily 2
  policy 'keep_daily = 400' 'keep_weekly = 2'
  run -3 prune
  assert_output --regexp "policy.toml:5:[0-9]+: 'keep_weekly' does not reach further back than keep_daily"
  export HOLDFAST_CONFIG=/dev/null
  expect_listed "${ids[@]}"
}

@test "a clock that jumps ten years ahead, for snap as well, removes nothing and leaves the trash alone" {
  take_daily 5
  policy 'keep_last = 3' 'min_keep = 1'
  prune -q
  policy 'keep_last = "7d"' 'min_keep = 1'
  export NO_FAKE_STAT=1
  run -0 faketime -f +3650d prune -q
  assert_output ''
  faketime -f +3650d snap -q --tree tree
  run -0 faketime -f +3650d prune -q
  assert_output ''
  assert_equal "$(catalog --format id | wc -l)" 4
  assert_equal "$(catalog trash --format id | wc -l)" 2
}

@test "flags that do not belong together are wrong usage, and nothing is pruned" {
  local flags
  take_daily 3
  policy 'keep_last = 1' 'min_keep = 1'
  for flags in '--until 30d' '--reason x' '--svg x.svg' "--pin ${ids[0]}" "--pin ${ids[0]} --until 2020-01-01" \
    "--pin ${ids[0]} --until 2027-02-31" "--pin ${ids[0]} --until 1d --forget ${ids[1]}" '--plan --dry-run' \
    "--undelete ${ids[0]} --empty-trash" '--simulate 1000y'; do
    # shellcheck disable=SC2086  # words
    run -2 --separate-stderr prune $flags
    assert_clean_failure
  done
  expect_listed "${ids[@]}"
}

@test "a dry run says what leaves the trash" {
  take_daily 3
  policy 'keep_last = 1' 'min_keep = 1'
  prune -q
  run -0 --separate-stderr prune --dry-run --empty-trash
  assert_equal "$(grep -c 'empty .*leaves the trash' <<<"$output")" 2
  assert_equal "$(catalog trash --format id | wc -l)" 2
}

@test "what catalog says of a pin and of a pruned snapshot leads on" {
  take_daily 3
  policy 'keep_last = 1' 'min_keep = 1'
  prune --pin "${ids[0]}" --until forever
  run -0 catalog
  assert_line --regexp "^${ids[0]} .* complete, pinned "
  prune -q
  run -6 restore "${ids[1]}" --target out
  assert_output --partial "it can come back: prune --undelete ${ids[1]}"
}

@test "every policy in examples/retention can be simulated, and drawn" {
  local file
  for file in "$HOLDFAST_SOURCE"/examples/retention/*.toml; do
    run -0 prune --quiet --simulate 400d --config "$file" --svg chart.svg
    assert_line --regexp '^[0-9-]{10} +[0-9]+  0-'
    assert_equal "${#lines[@]}" 401
    run -0 grep -c '<path fill' chart.svg
  done
  run -0 prune --quiet --simulate 60d --config "$HOLDFAST_SOURCE/examples/retention/30d.toml"
  assert_line --regexp ' 31  0-30$'
}
