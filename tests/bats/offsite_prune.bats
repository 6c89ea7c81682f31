#!/usr/bin/env bats
# offsite_prune.bats - retention of its own for each remote: planned by prune's rules, carried out there, never more.

load support
load repository
load remotes

setup() {
  make_host
  printf 'max_shrink = "100%%"\n' >>holdfast.toml
  add_folder
  printf '[remote.retention]\nkeep_last = 1\nmin_keep = 1\ngrace = "2d"\n' >>holdfast.toml
  there=$BATS_TEST_TMPDIR/usb/trader1
}

push_two() { # sets first, which alone has a large file, and second
  head -c 40000000 /dev/urandom >conf/old
  run -0 --separate-stderr snap
  first=$output
  run -0 "$offsite" push
  rm conf/old
  printf 'more\n' >conf/more
  run -0 --separate-stderr snap
  second=$output
  run -0 "$offsite" push
}

age_trash() { # as if it had been pruned three days ago
  date -u -d '3 days ago' +%FT%TZ >"$there/trash/$first/pruned"
}

@test "prune of a remote: a plan first, then the trash, and after the grace the objects that nobody needs" {
  push_two
  before=$(fingerprint "$there")
  run -0 --separate-stderr "$offsite" prune usb --plan
  assert_line --regexp "^$first	remove	"
  assert_line --regexp "^$second	keep	"
  assert_equal "$(fingerprint "$there")" "$before"
  run -0 "$offsite" prune usb
  assert_equal "$(find "$there/snapshots" -name manifest.json) $(find "$there/trash" -name manifest.json)" \
    "$there/snapshots/$second/manifest.json $there/trash/$first/manifest.json"
  objects=$(find "$there/objects" -type f | wc -l)
  run -0 "$offsite" prune usb
  assert_equal "$(find "$there/objects" -type f | wc -l)" "$objects"
  age_trash
  run -0 "$offsite" prune usb
  assert_equal "$(find "$there/trash" -type f)" ''
  (($(find "$there/objects" -type f | wc -l) < objects))
  assert_copy "$there" 1
  run -0 verify --all
  run -0 catalog list --format id
  assert_output "$second"$'\n'"$first"
}

@test "what was pruned at a remote is not sent again, and the next snapshot is" {
  push_two
  run -0 "$offsite" prune usb
  age_trash
  run -0 "$offsite" prune usb
  run -0 --separate-stderr "$offsite" push --json
  assert_equal "$(jq '.[0].objects' <<<"$output")" 0
  assert_equal "$(ls "$there/snapshots")" "$second"
  run -0 "$offsite" verify
  run -0 snap
  run -0 "$offsite" push
  assert_copy "$there" 2
}

@test "a plan that was looked at is applied, and refused once something has changed" {
  push_two
  "$offsite" prune usb --plan >plan.tsv
  run -0 --separate-stderr snap
  run -0 "$offsite" push
  run -10 "$offsite" prune usb --apply "$system/plan.tsv"
  assert_equal "$(find "$there/snapshots" -mindepth 1 -maxdepth 1 | wc -l)" 3
  "$offsite" prune usb --plan >plan.tsv
  run -0 "$offsite" prune usb --apply "$system/plan.tsv"
  assert_equal "$(find "$there/snapshots" -mindepth 1 -maxdepth 1 | wc -l)" 1
}

@test "without a policy of its own nothing is removed from a remote" {
  push_two
  sed -i '/remote.retention/,$d' holdfast.toml
  run -3 "$offsite" prune usb
  assert_copy "$there" 2
}

@test "prune removes nothing from a remote where a snapshot vanished" {
  push_two
  run -0 snap
  run -0 "$offsite" push
  rm -r "$there/snapshots/$first"
  before=$(fingerprint "$there")
  run -10 --separate-stderr "$offsite" prune usb
  assert_regex "$stderr" 'have vanished, so nothing was removed'
  assert_equal "$(fingerprint "$there")" "$before"
}

@test "a prune that was cut between two places of a snapshot is finished by the next one" {
  push_two
  mkdir -p "$there/trash/$first"
  mv "$there/snapshots/$first/manifest.json" "$there/trash/$first/"
  date -u +%FT%TZ >"$there/trash/$first/pruned"
  jq --arg id "$first" '.pruned = [$id]' "$XDG_STATE_HOME"/holdfast/remotes/*/usb.json >"$BATS_TEST_TMPDIR/record"
  cp "$BATS_TEST_TMPDIR/record" "$(echo "$XDG_STATE_HOME"/holdfast/remotes/*/usb.json)"
  run -0 "$offsite" prune usb
  assert_equal "$(find "$there/snapshots" -name manifest.json) $(find "$there/trash" -name manifest.json)" \
    "$there/snapshots/$second/manifest.json $there/trash/$first/manifest.json"
  assert_equal "$(cd "$there/trash/$first" && echo *)" 'SHA256SUMS manifest.json pruned summary.txt'
  assert_copy "$there" 1
}

@test "objects that no snapshot names stay for two days after they were first seen, whatever their times: another host may be sending them" {
  push_two
  printf x >"$BATS_TEST_TMPDIR/object"
  name=$(sha256sum <"$BATS_TEST_TMPDIR/object" | cut -c 1-64)
  mkdir -p "$there/objects/${name:0:2}"
  cp "$BATS_TEST_TMPDIR/object" "$there/objects/${name:0:2}/$name"
  touch -d '3 days ago' "$there/objects/${name:0:2}/$name"
  run -0 "$offsite" prune usb
  assert [ -e "$there/objects/${name:0:2}/$name" ]
  record=$(echo "$XDG_STATE_HOME"/holdfast/remotes/*/usb.json)
  jq '.orphans |= map_values(. - 259200)' "$record" >"$BATS_TEST_TMPDIR/record"
  cp "$BATS_TEST_TMPDIR/record" "$record"
  run -0 "$offsite" prune usb
  assert [ ! -e "$there/objects/${name:0:2}/$name" ]
  assert_copy "$there" 1
}

@test "a snapshot that is broken there counts for no floor: prune removes nothing until it is mended" {
  sed -i 's/^grace = .*/grace = "0s"/' holdfast.toml
  push_two
  run -0 verify --all
  run -0 "$offsite" push
  lost=$(comm -13 <(sort "$there/snapshots/$first/SHA256SUMS") <(sort "$there/snapshots/$second/SHA256SUMS") | grep -m 1 -o 'objects/.*')
  rm "$there/$lost"
  before=$(fingerprint "$there")
  run -5 --separate-stderr "$offsite" prune usb
  assert_regex "$stderr" 'nothing was removed: 1 objects that snapshots there need are missing'
  assert_equal "$(fingerprint "$there")" "$before"
  run -4 "$offsite" verify
  run -0 "$offsite" prune usb
  assert_copy "$there" 1
}
