#!/usr/bin/env bats
# drill.bats - drill and scripts/dr_drill.sh: recovery rehearsed on real data, and what each outcome leaves.

load support
load repository

setup() {
  private_home
  script=$HOLDFAST_SOURCE/scripts/dr_drill.sh
  system=$BATS_TEST_TMPDIR/system
  mkdir -p "$system/data" "$system/conf" "$system/lake/t/_delta_log"
  cd "$system" || return 1
  make_database data/t.db 'PRAGMA journal_mode = WAL'
  echo 'setting: 1' >conf/a.yaml
  echo secret >conf/.env
  printf abcd >lake/t/a.parquet
  printf '{"add":{"path":"a.parquet","size":4}}\n' >lake/t/_delta_log/00000000000000000000.json
  cat >holdfast.toml <<'END'
[repository]
path = "backups"
[[source]]
name = "trades"
kind = "sqlite"
path = "data/t.db"
[[source.check]]
name = "no lost books"
sql = "SELECT count(*) FROM trade WHERE book NOT IN (SELECT id FROM book)"
expect = "0"
[[source]]
name = "lake"
kind = "tree"
path = "lake"
[[source]]
name = "conf"
kind = "tree"
class = "config"
path = ["conf/a.yaml", "conf/.env"]
[[source.check]]
command = "test -s \"$HOLDFAST_RESTORED\""
END
  chmod go-w . holdfast.toml
  init >/dev/null
  id=$(snap --quiet)
}

teardown() {
  umount -l small 2>/dev/null || true
}

# Nothing is left of a drill but its records and its log.
assert_nothing_left() {
  assert_equal "$(find "$system" -maxdepth 1 -name 'holdfast-drill.*')" ''
  assert_equal "$(find "$system/backups/tmp" -type f)" ''
}

report() { # <jq filter>: of the newest record
  jq -r "$1" "$(find logs -name 'recovery_test_*.json' | sort | tail -n 1)"
}

@test "a drill passes, leaves its record, a page, metrics and a ledger line, and nothing in scratch" {
  run -0 --separate-stderr "$script"
  local day
  day=$(date -u +%Y%m%d)
  assert_output "$system/logs/recovery_test_$day.md"
  assert_file_exist "logs/recovery_test_$day.html"
  assert_file_contains "$output" 'PASSED'
  assert_equal "$(report '.result, .exit_code, (.sources | map(.source) | join(" "))')" \
    $'passed\n0\ntrades lake conf'
  assert_equal "$(report '[.sources[].checks[] | select(.state == "passed")] | length')" 7
  assert_file_contains logs/holdfast_drill.prom '^holdfast_drill_passed 1$'
  assert_equal "$(tail -n 1 backups/ledger.jsonl | jq -r '.event, .snapshot, .result')" $'drilled\n'"$id"$'\nok'
  assert_equal "$(catalog --json | jq -r '.[0].trust')" drilled
  assert_regex "$(tail -n 1 logs/backups/drill_*.log)" 'state=complete code=0 record=/'
  assert_nothing_left
  assert_whole
}

@test "the page is well-formed, and its pictures can be drawn" {
  run -0 "$script"
  local page
  page=$(find logs -name '*.html')
  run -0 python3 -c '
import re, sys, xml.dom.minidom
pictures = re.findall("<svg.*?</svg>", open(sys.argv[1]).read(), re.S)
for picture in pictures: xml.dom.minidom.parseString(picture)
print(len(pictures), sum("<rect" in p for p in pictures))' "$page"
  assert_output '8 7' # a sign; five phases, their total and the loss of data; drills so far
  run -1 grep -nE '(src|href)=.[^d]|https?:' "$page"
}

@test "a second drill of the day has a record of its own" {
  run -0 --separate-stderr "$script"
  local first=$output sum
  sum=$(sha256sum "$first")
  run -0 --separate-stderr "$script"
  assert_output "${first%.md}_2.md"
  assert_equal "$(sha256sum "$first")" "$sum"
  assert_equal "$(report '.history | length')" 2
}

@test "a target that is missed gives 10, and the record says which" {
  printf '[drill]\nstart = "sleep 1.3"\n[drill.target]\nstart = "1s"\ntotal = "1h"\n' >>holdfast.toml
  run -10 --separate-stderr "$script"
  assert_file_contains "$output" 'MISSED'
  assert_equal "$(report '.missed | map(.what) | join(",")')" start
  assert_regex "$stderr" 'target missed: start is 1\.[0-9] s, allowed 1\.0 s'
  assert_nothing_left
}

@test "a flipped bit gives 5, the record names the object, and the other sources are drilled all the same" {
  local object
  object=$(find backups/objects -type f -size +4k | sed -n 1p)
  flip_bit "$object"
  run -5 --separate-stderr "$script"
  assert_file_contains "$output" 'FAILED'
  assert_file_contains "$output" "${object##*/}"
  assert_equal "$(report '.sources | length')" 3
  assert_equal "$(catalog --json | jq -r '.[0].trust')" damaged
  assert_nothing_left
}

@test "a failed assertion gives 5, and the record has the answer" {
  sed -i 's/^expect = "0"/expect = "1"/' holdfast.toml
  run -5 --separate-stderr "$script"
  assert_file_contains "$output" "the answer is '0', expected '1'"
  assert_regex "$stderr" "check 'no lost books' failed"
  assert_nothing_left
}

@test "a configured source that no snapshot holds gives 6" {
  printf '[[source]]\nname = "orders"\nkind = "sqlite"\npath = "orders.db"\n' >>holdfast.toml
  run -6 --separate-stderr "$script"
  assert_equal "$(report '.sources[] | select(.result == "failed") | .source')" orders
}

@test "simulated loss: a copy is backed up, deleted, restored and the same; the live data is only read" {
  local before
  before=$(fingerprint data && fingerprint conf && fingerprint lake)
  run -0 --separate-stderr "$script" --simulate-loss
  assert_equal "$(report '[.sources[].checks[] | select(.name == "same as the original") | .state] | join(" ")')" \
    'passed passed passed passed'
  assert_equal "$(report .rehearsal)" true
  assert_equal "$(fingerprint data && fingerprint conf && fingerprint lake)" "$before"
  assert_equal "$(catalog --json | jq length)" 1
  assert_file_not_exist logs/holdfast_drill.prom
  assert_nothing_left
}

@test "simulated loss as a dry run says of which sources and where; nothing is written" {
  run -0 --separate-stderr "$script" --simulate-loss --dry-run --source trades --scratch "$PWD/elsewhere"
  assert_line 'trades: a copy of the live data would be backed up, deleted, restored and compared'
  assert_line --partial "below $PWD/elsewhere, which needs"
  refute_output --partial lake
  assert_not_exists elsewhere
}

@test "simulated loss of one source, with checks and commands whose words need quoting" {
  cat >>holdfast.toml <<'END'
[[source]]
name = "odd"
kind = "tree"
path = "od[d] \"dir"
[[source.check]]
command = ["bash", "-c", "test \"$1\" = $'a\\nb \"c\" \\\\'", "x", "a\nb \"c\" \\"]
END
  mkdir 'odd "dir'
  echo x >'odd "dir/file'
  run -0 --separate-stderr "$script" --simulate-loss --source odd
  assert_equal "$(report '[.sources[].checks[].state] | join(" ")')" 'passed passed'
}

@test "stock tools: recover.sh alone restores, and the same checks pass" {
  run -0 --separate-stderr "$script" --stock-tools
  assert_file_contains "$output" 'recover.sh with stock tools only'
  assert_equal "$(report '.stock_tools, ([.sources[].checks[] | select(.state == "passed")] | length)')" $'true\n7'
  assert_nothing_left
}

@test "a record that cannot be written is known before the work: 8, and nothing is restored" {
  touch blocked
  run -8 --separate-stderr "$script" --report-dir "$system/blocked/reports"
  assert_output ''
  assert_equal "$(grep -c drilled backups/ledger.jsonl)" 0
  assert_nothing_left
}

@test "the oldest and a named snapshot are restored, with the age of the data not judged" {
  sql data/t.db 'DELETE FROM trade WHERE id > 1000'
  local second
  second=$(snap --quiet trades) || true
  run -0 "$script" --oldest --source trades
  assert_equal "$(report '.sources[0].snapshot, .data_loss_s')" "$id"$'\nnull'
  run -0 "$script" --snapshot "$second"
  assert_equal "$(report '.sources[0].snapshot, (.sources | length)')" "$second"$'\n1'
}

@test "--keep leaves what was restored, and says where" {
  run -0 --separate-stderr "$script" --keep --scratch "$BATS_TEST_TMPDIR/scratch" --source conf
  local kept
  kept=$(report .kept)
  assert_equal "$(cat "$kept/conf/a.yaml")" 'setting: 1'
  assert_regex "$stderr" "is kept in '$kept'"
}

@test "--dry-run says what would be restored and writes nothing" {
  run -0 --separate-stderr "$script" --dry-run
  assert_line --regexp "^trades +$id"
  assert_dir_not_exist logs
}

@test "works from cron's environment, and only one drill at a time" {
  run -0 env -i HOLDFAST_BIN="$HOLDFAST_BIN" HOME="$HOME" XDG_CACHE_HOME="$XDG_CACHE_HOME" \
    XDG_STATE_HOME="$XDG_STATE_HOME" PATH=/usr/bin:/bin /bin/sh -c 'cd / && exec "$0" --quiet --config "$1"' \
    "$script" "$system/holdfast.toml"
  exec {lock}>>logs/backups/drill.lock
  flock "$lock"
  run -7 --separate-stderr "$script"
  exec {lock}>&-
}

# Once the hook has begun, TERM ends it with 143.
assert_stops() { # <pid>
  local i status=0
  for ((i = 0; i < 200; i++)); do
    if [[ -e started ]]; then break; fi
    sleep 0.1
  done
  assert_file_exist started
  kill -TERM "$1"
  wait "$1" || status=$?
  assert_equal "$status" 143
}

@test "a drill that is stopped leaves nothing in scratch, and says so in its log" {
  printf '[drill]\nstart = "touch started; sleep 30"\n' >>holdfast.toml
  "$script" --quiet >/dev/null 2>&1 &
  assert_stops "$!"
  assert_regex "$(tail -n 1 logs/backups/drill_*.log)" 'state=failed code=143'
  assert_nothing_left
}

@test "a simulated loss that is stopped leaves no copy of the data behind" {
  printf '[drill]\nstart = "touch %s/started; sleep 30"\n' "$system" >>holdfast.toml
  "$script" --quiet --simulate-loss >/dev/null 2>&1 &
  assert_stops "$!"
  assert_nothing_left
}

@test "a configuration with commands that others may write is refused" {
  chmod o+w holdfast.toml
  run -10 --separate-stderr drill
  assert_regex "$stderr" 'names commands, and they do not run'
}

@test "wrong usage does nothing" {
  run -2 "$script" --snapshot
  run -2 "$script" --oldest --random
  run -2 "$script" --simulate-loss --oldest
  run -2 "$script" --simulate-loss --keep # nothing of it can be kept
  run -2 "$script" trades
  run -2 drill --oldest --random
  assert_equal "$(grep -c drilled backups/ledger.jsonl)" 0
}

@test "--oldest and --random never take an emergency snapshot, which holds what was to be replaced; by its id it is drilled" {
  local emergency i
  rm -rf backups
  init >/dev/null
  emergency=$(snap --quiet --type emergency)
  run -6 --separate-stderr drill --oldest --quiet
  assert_regex "$stderr" 'no snapshot but emergency ones holds a source named'
  id=$(snap --quiet)
  for i in --oldest --random --random --random --random --random --random; do
    run -0 --separate-stderr drill "$i" --quiet --json
    assert_equal "$(jq -r '[.sources[].snapshot] | unique | .[]' <<<"$output")" "$id"
  done
  run -0 --separate-stderr drill "$emergency" --quiet --json
  assert_equal "$(jq -r '[.sources[].snapshot] | unique | .[]' <<<"$output")" "$emergency"
}

@test "a full scratch disk is a clean failure of that source: 8, the others are drilled, and the scratch disk gets its space back" {
  ((EUID == 0)) || skip 'mounting needs root'
  local i how free code said
  for i in {1..600}; do echo "$i" >"lake/$i"; done # each takes a page of the disk, which the look ahead does not know
  id=$(snap --quiet)
  mkdir small
  mount -t tmpfs -o size=1m,mode=700 tmpfs small 2>/dev/null || skip 'cannot mount'
  free=$(df --output=avail small | tail -n 1)
  for how in --quiet --stock-tools; do
    # shellcheck disable=SC2154 # bats sets them
    run --separate-stderr drill --scratch "$PWD/small" --json "$how"
    code=$status said=$stderr
    assert_equal "$(df --output=avail small | tail -n 1) $(ls -A small)" "$free "
    assert_equal "$code" 8
    assert_equal "$(jq -r '.result, (.sources[] | "\(.source) \(.failure.phase // "passed")")' <<<"$output" | paste -sd ' ')" \
      'failed trades passed lake restore conf passed'
    assert_regex "$said" 'No space left on device|write to .* failed|could not be written'
    run -1 grep -e 'does not decode' -e damaged <<<"$said" # nothing is wrong with what is stored
    assert_equal "$(tail -n 1 backups/ledger.jsonl | jq -r '.event, .result')" $'drilled\nfailed'
    assert_nothing_left
  done
}

@test "a scratch disk on which not even a folder can be made is 8 before anything is done" {
  ((EUID == 0)) || skip 'mounting needs root'
  mkdir small
  mount -t tmpfs -o size=1m,nr_inodes=1,mode=700 tmpfs small 2>/dev/null || skip 'cannot mount'
  run --separate-stderr drill --scratch "$PWD/small"
  umount small
  assert_equal "$status" 8
  assert_clean_failure
  assert_equal "$(grep -c drilled backups/ledger.jsonl)" 0
}
