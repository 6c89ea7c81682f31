#!/usr/bin/env bats
# signature.bats - snapshots signed by the host: who signed, what a change of the storage looks like, and what is required.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

# A repository of a host whose configuration signs with the key of Host; the secret key is in the keyring all. Sets
# `id`, `db`, `folder`.
signed_snapshot() { # [line of [repository]]...
  private_home
  become all
  repo=$BATS_TEST_TMPDIR/repo db=$BATS_TEST_TMPDIR/t.db
  unset HOLDFAST_REPO
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  configure "signing_key = \"$HOST\"" "$@"
  init -q >/dev/null
  make_database "$db"
  run -0 --separate-stderr snap
  id=$output folder=$repo/snapshots/$output
}

configure() { # [line of [repository]]...
  printf '[repository]\npath = "%s"\n' "$repo" >"$HOLDFAST_CONFIG"
  printf '%s\n' "$@" '[[source]]' 'name = "trades"' 'kind = "sqlite"' "path = \"$db\"" >>"$HOLDFAST_CONFIG"
}

# What somebody does who can write to the storage: another manifest, with sums that fit it.
forge_manifest() {
  sed -i 's/"type": "manual"/"type": "hourly"/' "$folder/manifest.json"
  fit_sums "$folder"
}

fit_sums() { # <folder of a snapshot>
  local digest
  digest=$(sha256sum <"$1/manifest.json")
  sed -i "s/^[0-9a-f]*  manifest.json/${digest%% *}  manifest.json/" "$1/SHA256SUMS"
}

forget_history() { # so that nothing but the signature can tell
  rm -rf "$XDG_STATE_HOME"
  sed -i '/"event":"snapshot"/d' "$repo/ledger.jsonl"
}

@test "signature: a snapshot is signed, gpg alone says by whom, and verify, catalog and restore agree" {
  signed_snapshot 'require_signature = true'
  run -0 --separate-stderr gpg --status-fd 1 --verify "$folder/SHA256SUMS.asc" "$folder/SHA256SUMS"
  [[ $output == *"VALIDSIG $HOST "* ]]
  run -0 --separate-stderr verify --deep
  run -0 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  [[ $stderr != *signature* && $stderr != *warning* ]]
  run -0 catalog show
  [[ $output == *"The signature of SHA256SUMS is good, by key $HOST"* ]]
  (cd "$folder" && sha256sum --check --quiet --strict SHA256SUMS)
}

@test "signature: a changed snapshot with fitting sums is refused by verify and restore, whatever is required" {
  signed_snapshot
  forge_manifest
  forget_history
  run -9 --separate-stderr verify "$id"
  [[ $output == *'SHA256SUMS.asc'*'wrong: Bad signature'* ]]
  run -0 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/look"
  [[ $stderr == *"warning: the signature of snapshot $id is wrong"* ]]
  configure "signing_key = \"$HOST\"" 'require_signature = true'
  run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  [[ $stderr == *"the signature of snapshot $id is wrong: Bad signature"*"$HOST"* ]]
  assert_not_exists "$BATS_TEST_TMPDIR/out"
}

@test "signature: a manifest that SHA256SUMS does not name is not signed by its signature" {
  signed_snapshot 'require_signature = true'
  sed -i 's/"type": "manual"/"type": "hourly"/' "$folder/manifest.json"
  run -5 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  run -5 --separate-stderr verify "$id"
  [[ $output == *'manifest.json is not the one that was signed'* ]]
}

@test "signature: a missing one is refused only if required; snapshots from before signing can be had without" {
  signed_snapshot 'require_signature = true'
  rm "$folder/SHA256SUMS.asc"
  run -9 --separate-stderr verify "$id"
  [[ $output == *'SHA256SUMS.asc'*missing* ]]
  run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  [[ $stderr == *'is missing'*'without require_signature'* ]]
  configure "signing_key = \"$HOST\""
  run -0 --separate-stderr verify "$id"
  run -0 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  [[ $stderr == *"warning: the signature of snapshot $id is missing"* ]]
  configure
  run -0 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out2"
  [[ $stderr != *signature* && $stderr != *warning* ]]
}

@test "signature: one that was taken away from a later snapshot than a signed one is told by verify and restore" {
  signed_snapshot
  run -0 --separate-stderr snap
  rm "$repo/snapshots/$output/SHA256SUMS.asc"
  run -4 --separate-stderr verify --all
  [[ $output == *'SHA256SUMS.asc'*'is missing'* ]]
  run -0 --separate-stderr restore latest --target "$BATS_TEST_TMPDIR/out"
  [[ $stderr == *'warning: the signature'*'is missing'* ]]
}

@test "signature: forged data does not get under a good signature by way of later snapshots" {
  signed_snapshot 'require_signature = true'
  rm -r "$repo" "$XDG_STATE_HOME" "$XDG_CACHE_HOME"
  init -q >/dev/null
  cp "$db" "$BATS_TEST_TMPDIR/forged.db"
  sql "$BATS_TEST_TMPDIR/forged.db" "UPDATE trade SET note = 'forged'"
  printf '%s\n' '[[source]]' 'name = "other"' 'kind = "sqlite"' "path = \"$BATS_TEST_TMPDIR/forged.db\"" >>"$HOLDFAST_CONFIG"
  touch -d '1 hour ago' "$db"
  sleep 2.1 # only what was at rest for a while is taken over unread
  run -0 --separate-stderr snap
  local changed=$repo/snapshots/$output
  jq '(.components[1] | {recipe, sha256, bytes}) as $forged | .components[0] += $forged' "$changed/manifest.json" >"$BATS_TEST_TMPDIR/m"
  cp "$BATS_TEST_TMPDIR/m" "$changed/manifest.json"
  fit_sums "$changed"
  run -4 --separate-stderr snap
  run -0 --separate-stderr snap
  run -0 --separate-stderr restore "$output" --target "$BATS_TEST_TMPDIR/out"
  cmp <(sql "$db" 'SELECT * FROM trade') <(sql "$BATS_TEST_TMPDIR/out/trades" 'SELECT * FROM trade')
}

@test "signature: where it is required forged snapshots push out no signed one, and prune without gpg's key removes nothing" {
  signed_snapshot 'require_signature = true' '[retention]' 'keep_last = 2' 'min_keep = 1'
  run -0 --separate-stderr snap
  own=("$id" "$output")
  for i in 1 2 3; do
    forged=${output:0:17}00000$i number=$((2 + i))
    cp -r "$repo/snapshots/$output" "$repo/snapshots/$forged"
    sed -i "s/$output/$forged/; s/\"number\": 2/\"number\": $number/" "$repo/snapshots/$forged/manifest.json"
    fit_sums "$repo/snapshots/$forged"
    printf '{"time_utc":"2026-01-01T00:00:00Z","event":"snapshot","snapshot":"%s","number":%d,"state":"complete","manifest_sha256":"%s","previous":"%s"}\n' \
      "$forged" "$number" "$(sha256sum <"$repo/snapshots/$forged/manifest.json" | cut -d' ' -f1)" \
      "$(tail -n 1 "$repo/ledger.jsonl" | tr -d '\n' | sha256sum | cut -d' ' -f1)" >>"$repo/ledger.jsonl"
  done
  GNUPGHOME=$people/ops run -9 --separate-stderr prune
  [[ $stderr == *'nothing removed: the signature of snapshot'* ]]
  run -0 --separate-stderr prune
  for i in "${own[@]}"; do assert_exists "$repo/snapshots/$i/manifest.json"; done
  configure "signing_key = \"$HOST\"" '[retention]' 'keep_last = 2' 'min_keep = 1'
  run -0 --separate-stderr prune
  assert_not_exists "$repo/snapshots/${own[0]}" # this is what the rule is there for
}

@test "signature: one by another key is a warning, and refused if required" {
  signed_snapshot
  gpg_of all --armor -u "$OPS" -o "$folder/SHA256SUMS.asc" --detach-sign "$folder/SHA256SUMS"
  run -4 --separate-stderr verify "$id"
  [[ $output == *"by key $OPS, which is not the signing_key"* ]]
  run -0 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/look"
  [[ $stderr == *"warning: the signature"*"$OPS"* ]]
  configure "signing_key = \"$HOST\"" 'require_signature = true'
  run -9 --separate-stderr verify "$id"
  run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
}

record_of_drill() { # <jq filter>
  jq -r "$1" "$(find "$BATS_TEST_TMPDIR/records" -name '*.json' | sort | tail -n 1)"
}

@test "signature: a drill proves it and says so in its record; a wrong one fails it, with or without require_signature" {
  signed_snapshot 'require_signature = true'
  run -0 --separate-stderr drill --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
  assert_equal "$(record_of_drill '.sources[].signature')" "good, by key $HOST"
  grep -F "Its signature is good, by key $HOST." "$BATS_TEST_TMPDIR/records/"*.md
  run -0 --separate-stderr drill --stock-tools --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
  assert_equal "$(record_of_drill '.sources[].signature')" "good, by key $HOST"
  forge_manifest
  forget_history
  for how in required expected unset; do
    case $how in
      required) configure "signing_key = \"$HOST\"" 'require_signature = true' ;;
      expected) configure "signing_key = \"$HOST\"" ;;
      unset) configure ;;
    esac
    run -9 --separate-stderr drill --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
    [[ $stderr == *"identify: the signature of snapshot $id is wrong: Bad signature"* ]]
    assert_equal "$(record_of_drill '.sources[] | "\(.result) \(.failure.kind) \(.signature)"')" \
      'failed crypto wrong: Bad signature'
  done
}

@test "signature: a drill of a snapshot that is not signed passes unless a signature is required" {
  signed_snapshot
  rm "$folder/SHA256SUMS.asc"
  run -0 --separate-stderr drill --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
  assert_equal "$(record_of_drill '.sources[].signature')" missing
  configure "signing_key = \"$HOST\"" 'require_signature = true'
  run -9 --separate-stderr drill --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
  [[ $stderr == *'require_signature wants one of'* ]]
  configure
  run -0 --separate-stderr drill --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
  assert_equal "$(record_of_drill '.sources[].signature')" null
}

@test "signature: where the key is not known a note says so; where it is required that is refused" {
  signed_snapshot
  become ops
  gpg --batch --yes --quiet --delete-keys "$HOST" 2>/dev/null || true
  configure
  run -0 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/look"
  [[ $stderr == *"note: the signature of snapshot $id is not checked: its key "* ]]
  run -0 --separate-stderr verify "$id"
  configure "signing_key = \"$HOST\"" 'require_signature = true'
  run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  [[ $stderr == *'gpg --import'* ]]
}

@test "signature: a key that cannot sign ends the run before anything is read or stored" {
  signed_snapshot
  become ops
  objects=$(find "$repo/objects" -type f | wc -l)
  sql "$db" "UPDATE trade SET note = hex(randomblob(40))"
  run -9 --separate-stderr snap
  assert_equal "$output" ''
  [[ $stderr == *"signing key '$HOST'"* ]]
  assert_equal "$(find "$repo/objects" -type f | wc -l)" "$objects"
  run -0 catalog --format id
  assert_equal "$output" "$id"
}

@test "signature: the configuration takes whole fingerprints only, and none without a meaning" {
  private_home
  repo=$BATS_TEST_TMPDIR/repo db=$BATS_TEST_TMPDIR/t.db
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  for line in 'signing_key = "DEADBEEF"' 'signing_key = ""' 'signing_key = "ops@example.com"' 'require_signature = true'; do
    configure "$line"
    run -3 --separate-stderr snap --print-config
    [[ $stderr == *'holdfast.toml:3:'* ]]
  done
  configure "signing_key = \"${HOST:0:20} ${HOST:20}\"" 'require_signature = true'
  run -0 snap --print-config
  [[ $output == *"signing_key = \"$HOST\""*'require_signature = true'* ]]
  run -0 snap --print-config --json
  assert_equal "$(jq -r '.repository | "\(.signing_key) \(.require_signature)"' <<<"$output")" "$HOST true"
}

@test "signature: a signed snapshot that is renamed, or replayed under a newer name, is refused although nothing in it was changed" {
  signed_snapshot 'require_signature = true'
  later=20991231T235959Z-abcdef
  cp -a "$folder" "$repo/snapshots/$later"
  forget_history
  run -5 --separate-stderr verify "$later"
  [[ $output == *"$later"*manifest* ]]
  for name in "$later" latest; do
    run --separate-stderr restore "$name" --target "$BATS_TEST_TMPDIR/out"
    ((status != 0))
    assert_not_exists "$BATS_TEST_TMPDIR/out"
  done
  rm -r "$repo/snapshots/$later"
  mv "$folder" "$repo/snapshots/$later"
  run -5 --separate-stderr verify --all
  run --separate-stderr restore "$later" --target "$BATS_TEST_TMPDIR/out"
  ((status == 5))
  assert_not_exists "$BATS_TEST_TMPDIR/out"
}
