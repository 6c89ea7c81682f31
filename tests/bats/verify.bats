#!/usr/bin/env bats
# verify.bats - verification in portions, and what damage can be healed from the source.

load support
load repository

setup() {
  two_snapshots
}

# The state that catalog shows.
trust_of() { # <snapshot>
  catalog list --json | jq -r --arg id "$1" '.. | objects | select(.id? == $id).trust'
}

@test "verify: a sample hashes a share of the objects and does not make a snapshot verified" {
  local all
  all=$(find "$repo/objects" -type f | wc -l)
  run -0 --separate-stderr verify --all --sample 30% --json
  assert_equal "$(jq .objects <<<"$output")" $(((all * 3 + 9) / 10))
  assert_equal "$(tail -n 1 "$repo/ledger.jsonl" | jq -r '.event + " " + .share + " " + .result')" 'sampled 30% ok'
  assert_equal "$(trust_of "$first")" captured
  run -0 --separate-stderr verify --all --deep --sample 1% --json
  assert_equal "$(jq .objects <<<"$output")" 1
  assert_equal "$(trust_of "$second")" captured
}

@test "verify: damage that a sample meets marks the snapshots, and a clean verify later takes that back" {
  local object
  for object in "$repo"/objects/*/*; do
    cp -p "$object" "$object.whole"
    flip_bit "$object"
    mv "$object.whole" "$BATS_TEST_TMPDIR/${object##*/}"
  done
  run -5 --separate-stderr verify --all --sample 1%
  local touched
  touched=$(cut -f2 <<<"$output" | sort -u)
  for id in $touched; do assert_equal "$(trust_of "$id")" damaged; done
  for object in "$repo"/objects/*/*; do mv "$BATS_TEST_TMPDIR/${object##*/}" "$object"; done
  run -0 --separate-stderr verify --all
  for id in $touched; do assert_equal "$(trust_of "$id")" verified; done
}

@test "verify: a budget goes through everything run by run, what is new first, and says how far it is" {
  local all runs=0 before
  all=$(find "$repo/objects" -type f | wc -l)
  while run -0 --separate-stderr verify --budget 1 --json && (($(jq .coverage.never_verified_count <<<"$output") > 0)); do
    runs=$((runs + 1))
    assert_equal "$(jq -c '[.coverage.count, .coverage.total_count, .coverage.never_verified_count]' <<<"$output")" "[1,$all,$((all - runs))]"
    if ((runs == 1)); then assert_equal "$(trust_of "$second")" captured; fi
  done
  assert_equal "$((runs + 1))" "$all"
  assert_equal "$(trust_of "$first")" verified
  assert_equal "$(trust_of "$second")" verified
  before=$(wc -l <"$repo/ledger.jsonl")
  run -0 --separate-stderr verify --budget 1
  assert_equal "$(wc -l <"$repo/ledger.jsonl")" "$before" # no second line before the next round is done
  assert_regex "$stderr" "this run: 1 of $all objects, .* such runs cover everything; the longest unverified was verified"

  echo new >"$source_dir/tree/new"
  take --sqlite "$db" --tree "$source_dir/tree"
  flip_bit "$(find "$repo/objects" -type f -newer "$repo/snapshots/$second/manifest.json" | sed -n 1p)"
  run -5 --separate-stderr verify --budget 30m --json
  assert_equal "$(jq -r '.findings[0].snapshot' <<<"$output")" "$id"
  assert_equal "$(trust_of "$id")" damaged
}

@test "verify: a lost or damaged memory begins the round anew, and says so" {
  local memory
  run -0 --separate-stderr verify --budget 1h
  assert_regex "$stderr" 'the round begins anew'
  run -0 --separate-stderr verify --budget 1h
  refute_regex "$stderr" 'the round begins anew'
  memory=("$XDG_STATE_HOME"/holdfast/*.verified.db)
  head -c 9000 /dev/urandom >"${memory[0]}"
  run -0 --separate-stderr verify --budget 1 --json
  assert_regex "$stderr" 'the round begins anew: .*not a database'
  (($(jq .coverage.never_verified_count <<<"$output") > 0))
  rm "${memory[0]}"
  mkdir "${memory[0]}"
  run -0 --separate-stderr verify --budget 1h
  assert_regex "$stderr" 'the round begins anew: '
}

@test "verify: a deep budget goes through the components of every snapshot" {
  local runs=0
  while run -0 --separate-stderr verify --deep --budget 1 --json && (($(jq .coverage.never_verified_count <<<"$output") > 0)); do
    runs=$((runs + 1))
  done
  assert_equal "$runs" 3 # of four components
  assert_equal "$(trust_of "$first")" 'verified deep'
  assert_equal "$(trust_of "$second")" 'verified deep'
}

@test "verify: portions and names that contradict each other are wrong usage" {
  local args
  for args in '--sample 0%' '--sample 5' '--sample 101%' '--sample x%' '--budget 1x' '--budget -1' '--budget 1GB latest' '--budget 1GB --sample 5%' '--all latest'; do
    # shellcheck disable=SC2086  # words
    run -2 --separate-stderr verify $args
    assert_clean_failure
  done
}

@test "verify: the files of a damaged object are named, for each snapshot that needs it, whichever was asked for" {
  local object
  object=${first_data##*/}
  flip_bit "$first_data"
  run -5 --separate-stderr verify --json "$first"
  assert_equal "$(jq -r '.findings[] | select(.item | endswith("'"$object"'")).snapshot' <<<"$output" | sort)" \
    "$(printf '%s\n' "$first" "$second" | sort)"
  assert_equal "$(jq -c --arg id "$first" '.findings[] | select(.snapshot == $id).touched[] | select(.component == "tree") | [.part, .file_count, .files]' <<<"$output")" \
    '["data",4,[".","random","sub","sub/numbers"]]'
  assert_equal "$(trust_of "$second")" damaged
  run -5 --separate-stderr verify "$first"
  assert_line --regexp "^damage	$first	t.db	object $object	.*; touches data$"
  assert_line --regexp "^damage	$first	tree	object $object	.*; touches data of 4 entries: ., random, sub and 1 more$"
}

# Whatever one object was, quarantine and a snap of the unchanged source give a whole newest snapshot. Packing again
# what has not changed gives the same object, so the name comes back wherever one run stored it all.
@test "verify: for every object, quarantine and the next snap of unchanged sources heal the newest snapshot" {
  local object name came_back=0 count=0
  sleep 2.1 # fresher stat times prove nothing, and nothing would be taken over
  take --sqlite "$db" --tree "$source_dir/tree"
  take --sqlite "$db" --tree "$source_dir/tree"
  assert_equal "$(jq .totals.new_bytes "$repo/snapshots/$id/manifest.json")" 0
  cp -a "$repo" "$BATS_TEST_TMPDIR/whole"
  cp -a "$HOME" "$BATS_TEST_TMPDIR/home_then"
  for object in "$repo"/objects/*/*; do
    name=${object##*/}
    flip_bit "$object"
    run -5 --separate-stderr verify --all --quarantine
    assert_file_not_exist "$object"
    assert_file_exist "$repo/quarantine/$name"
    assert_equal "$(tail -n 1 "$repo/ledger.jsonl" | jq -r '.event + " " + .object')" "quarantined $name"
    take --sqlite "$db" --tree "$source_dir/tree"
    assert_whole --deep "$id"
    count=$((count + 1))
    if [[ -e $object ]]; then
      came_back=$((came_back + 1))
      assert_whole --deep --all
    fi
    rm -rf "${repo:?}" "${HOME:?}"
    cp -a "$BATS_TEST_TMPDIR/whole" "$repo"
    cp -a "$BATS_TEST_TMPDIR/home_then" "$HOME"
  done
}

@test "verify: a missing object stays a finding, and a snap that holds the repository is waited for" {
  local object=("$repo"/objects/*/*)
  flip_bit "${object[0]}"
  exec {lock}<"$repo/lock"
  flock -s "$lock"
  run -5 --separate-stderr verify --all --quarantine --lock-wait 1s
  assert_regex "$stderr" 'not every damaged object was moved to quarantine/: .*stayed locked'
  assert_file_exist "${object[0]}"
  exec {lock}<&-
  rm "${object[0]}"
  run -5 --separate-stderr verify --all --quarantine --json
  assert_equal "$(jq -c .quarantined <<<"$output")" '[]'
}

@test "snap: an unchanged database whose recipe rotted in place is stored anew, and nothing refers to the old recipe" {
  local object
  sleep 2.1 # so that the next snaps take it over
  take --sqlite "$db"
  take --sqlite "$db"
  object=$(jq -r '.components[0].recipe.extents[0] | split(" ")[0]' "$repo/snapshots/$id/manifest.json")
  flip_bit "$repo/objects/${object:0:2}/$object"
  take --sqlite "$db"
  run -1 grep -q "$object" "$repo/snapshots/$id/SHA256SUMS"
  run -0 --separate-stderr verify --deep --sample 100% "$id"
}

@test "verify: a SHA256SUMS that cannot be read is a finding of its snapshot, and the others are verified" {
  local sums=$repo/snapshots/$first/SHA256SUMS
  run -5 --separate-stderr strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$sums" -e trace=read -e inject=read:error=EIO verify --all
  assert_output --regexp "^damage	$first		SHA256SUMS	read .*: Input/output error$"
  assert_equal "${#lines[@]}" 1
  rm "$sums"
  run -5 --separate-stderr verify --all
  assert_output "damage	$first		SHA256SUMS	is missing"
  mkdir "$sums"
  run -5 --separate-stderr verify --all
  assert_output --regexp "^damage	$first		SHA256SUMS	read .*: Is a directory$"
}

@test "verify: on a terminal damage is an aligned table, otherwise TSV" {
  flip_bit "$first_data"
  run -5 --separate-stderr verify "$second"
  assert_line --regexp "^damage	$second	t.db	object "
  refute_line --regexp '^SEVERITY'
  run -5 script -qec "stty cols 500; verify $second 2>/dev/null" /dev/null
  output=${output//$'\r'/}
  assert_output --regexp $'(^|\n)SEVERITY  SNAPSHOT                 COMPONENT  ITEM  '
  assert_output --regexp $'\n'"damage    $second  t.db       object "
  [[ $output != *$'\t'* ]] || fail 'a tab on the terminal'
}
