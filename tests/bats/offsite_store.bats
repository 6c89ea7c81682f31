#!/usr/bin/env bats
# offsite_store.bats - copies in a real S3 store (Ceph on loopback): cheap when nothing changed, whole after a cut, and beyond
# the reach of a stolen host. Skipped, with a line that says so, where Ceph is not installed.

load support
load repository
load remotes

setup_file() {
  start_store
}

teardown_file() {
  stop_store
}

setup() {
  make_host
  add_store
}

store() { # <argument of object_store.sh>...
  "$HOLDFAST_SOURCE/tests/support/object_store.sh" "$@" 3>&-
}

take_one() {
  run -0 snap
}

requests() { # that the store has answered so far
  grep -cE '"(GET|PUT|HEAD|POST|DELETE) /' "$STORE_DIR/log/client.rgw.a.log"
}

s3() { # <key> <secret> <argument of s3_request.py>...: status and body
  S3_ENDPOINT=http://127.0.0.1:$STORE_PORT S3_ACCESS_KEY_ID=$1 S3_SECRET_ACCESS_KEY=$2 \
    "$HOLDFAST_SOURCE/tests/support/s3_request.py" "${@:3}"
}

owner() { # <argument of s3_request.py>...
  s3 TESTKEY0000000000001 testsecrettestsecrettestsecret0000000001 "$@"
}

@test "a copy in an S3 store: pushed, verified by its bytes, pulled on a fresh host" {
  take_one
  run -0 "$offsite" push
  run -0 --separate-stderr "$offsite" verify --all --json
  assert_equal "$(jq -c '.[0] | .objects == .read' <<<"$output")" true
  rm -rf backups "$XDG_STATE_HOME"
  run -0 --separate-stderr "$offsite" pull s3 --into backups
  run -0 verify --all
  run -0 "$offsite" restore s3 latest --source trades --target look
  cmp look/trades data/t.db
}

@test "a push that changes nothing asks the store a handful of questions, whatever the number of objects" {
  for i in 1 2 3 4; do head -c 17000000 /dev/urandom >"conf/big$i"; done
  take_one
  run -0 "$offsite" push
  before=$(requests)
  run -0 "$offsite" push
  asked=$(($(requests) - before))
  ((asked > 0 && asked <= 8)) || fail "$asked requests"
}

@test "variables of the AWS tools that somebody exported change nothing" {
  take_one
  AWS_CA_BUNDLE=/nonexistent AWS_ACCESS_KEY_ID=wrong AWS_SECRET_ACCESS_KEY=wrong run -0 "$offsite" push
}

@test "a wrong secret is exit 3 and says so" {
  sed -i 's/SECRET_ACCESS_KEY=.*/SECRET_ACCESS_KEY=wrong/' s3.env
  take_one
  run -3 --separate-stderr "$offsite" push
  assert_regex "$stderr" 'the credentials were refused'
  refute_regex "$stderr" 'wrong'
}

@test "a store that dies in mid copy shows no part of a snapshot; the next push completes it" {
  printf 'bandwidth = "4MB"\n' >>holdfast.toml
  for i in 1 2 3; do head -c 17000000 /dev/urandom >"conf/big$i"; done
  take_one
  code=0
  "$offsite" push 2>"$BATS_TEST_TMPDIR/said" 3>&- &
  pushing=$!
  sleep 6
  store kill
  wait "$pushing" || code=$?
  store restart
  assert_equal "$code" 8
  run -0 --separate-stderr "$offsite" status --json
  assert_equal "$(jq '.[0].snapshots' <<<"$output")" 0
  sed -i /bandwidth/d holdfast.toml
  run -0 "$offsite" push
  run -0 "$offsite" verify --all
}

@test "a clock that is 20 minutes off is told as such" {
  command -v faketime >/dev/null || skip "faketime is not installed: no test of a wrong clock"
  take_one
  store kill
  STORE_TIME='+20m' store restart
  code=0
  "$offsite" push 2>"$BATS_TEST_TMPDIR/said" || code=$?
  store kill
  store restart
  assert_equal "$code" 8
  assert_regex "$(<"$BATS_TEST_TMPDIR/said")" 'clock and that of the store differ'
  run -0 "$offsite" push
}

@test "a store behind nothing is exit 8 within a minute" {
  sed -i 's#ENDPOINT=.*#ENDPOINT=http://127.0.0.1:1#' s3.env
  take_one
  SECONDS=0
  run -8 "$offsite" push
  ((SECONDS < 60))
}

# docs/offsite.md, "A copy that a stolen host cannot delete", step by step.
@test "with a write-only account and object lock, whoever steals the host can delete no history" {
  take_one
  store user "writer-$bucket" "WRITER$bucket" writersecretwritersecret
  run -0 owner PUT "/$bucket" x-amz-bucket-object-lock-enabled:true </dev/null
  assert_line --index 0 200
  run -0 owner PUT "/$bucket?object-lock" <<<'<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>'
  assert_line --index 0 200
  run -0 owner GET "/$bucket?object-lock" # some stores say 200 above and do nothing
  assert_output --partial '<ObjectLockEnabled>Enabled'
  run -0 owner PUT "/$bucket?policy" <<<'{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/writer-'"$bucket"'"]},"Action":["s3:ListBucket","s3:GetBucketLocation"],"Resource":["arn:aws:s3:::'"$bucket"'"]},
    {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/writer-'"$bucket"'"]},"Action":["s3:PutObject","s3:GetObject","s3:AbortMultipartUpload"],"Resource":["arn:aws:s3:::'"$bucket"'/*"]}]}'
  assert_line --index 0 --regexp '^20[04]$'
  cp s3.env owner.env
  {
    grep -v KEY s3.env
    printf '%s\n' "S3_ACCESS_KEY_ID=WRITER$bucket" S3_SECRET_ACCESS_KEY=writersecretwritersecret
    printf 'RCLONE_CONFIG_STORE_%s\n' NO_CHECK_BUCKET=true ACL=bucket-owner-full-control
  } >writer.env
  cp writer.env s3.env
  run -0 "$offsite" push
  run -0 "$offsite" verify --all
  printf '[remote.retention]\nkeep_last = 1\nmin_keep = 1\ngrace = "0s"\n' >>holdfast.toml
  head -c 2000000 /dev/urandom >conf/blob
  run -0 snap
  run -0 "$offsite" push
  # The host is stolen: what its account can do.
  run "$offsite" prune s3
  assert_failure
  object=$(basename "$(find backups/objects -type f | head -n 1)")
  run s3 "WRITER$bucket" writersecretwritersecret DELETE "/$bucket/backups/trader1/objects/${object:0:2}/$object"
  assert_line --index 0 403
  run s3 "WRITER$bucket" writersecretwritersecret PUT "/$bucket?versioning" <<<'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status></VersioningConfiguration>'
  assert_line --index 0 --regexp '^40[39]$'
  # Not even the owner removes a version before its time.
  version=$(owner GET "/$bucket?versions&prefix=backups/trader1/objects/${object:0:2}/$object" | grep -o '<VersionId>[^<]*' | head -n 1 | cut -d '>' -f 2)
  run owner DELETE "/$bucket/backups/trader1/objects/${object:0:2}/$object?versionId=$version"
  assert_line --index 0 403
  # And with the owner's account, elsewhere, everything comes back.
  cp owner.env s3.env
  run -0 --separate-stderr "$offsite" pull s3 --into rescued
  XDG_STATE_HOME=$BATS_TEST_TMPDIR/other run -0 verify --all --repo rescued
  run -0 catalog list --repo rescued --format id
  assert_equal "${#lines[@]}" 2
}
