#!/usr/bin/env bats
# status_page.bats - the status page in a real browser: light and dark, phone and desk, with JavaScript and without.
#
# PAGE_PICTURES=FOLDER keeps pictures of the pages, for people to look at.

load support
load repository

setup_file() {
  "$HOLDFAST_SOURCE/scripts/dev/node.sh"
}

# A repository with some snapshots of a database and a tree, and a configuration that names them.
setup() {
  private_home
  repo=$BATS_TEST_TMPDIR/repo data=$BATS_TEST_TMPDIR/data page=$BATS_TEST_TMPDIR/page.html
  mkdir -p "$data/tree"
  make_database "$data/t.db"
  echo one >"$data/tree/one"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    printf '[repository]\npath = "%s"\n[backup]\nlog_dir = "%s/logs"\n' "$repo" "$BATS_TEST_TMPDIR"
    printf '[[source]]\nname = "trades"\nkind = "sqlite"\npath = "%s/t.db"\n' "$data"
    printf '[[source]]\nname = "tree"\nkind = "tree"\npath = "%s/tree"\n' "$data"
    printf '[retention]\nkeep_last = 2\nmin_keep = 1\n[health]\nmin_free = "1MB"\nmax_used = "100%%"\n'
  } >"$HOLDFAST_CONFIG"
  init >/dev/null
}

fill() { # <days>: a snapshot each day until now
  local day
  for ((day = $1 - 1; day >= 0; day--)); do
    sql "$data/t.db" "INSERT INTO trade SELECT NULL, 1, hex(randomblob(60)) FROM generate_series(1, $((20 + day * 7 % 30)))"
    faketime -f "-${day}d" snap -q --type full >/dev/null
  done
}

look_at() { # <name of the picture> <page>
  local copy=$BATS_TEST_TMPDIR/$1.html
  cp "$2" "$copy"
  run node "$HOLDFAST_SOURCE/tests/node/look_at_page.mjs" ${PAGE_PICTURES:+--pictures "$PAGE_PICTURES"} "$copy"
  assert_output ''
  assert_equal "$status" 0
}

assert_on_page() { # <text>...
  local text
  for text; do
    grep -qF -- "$text" "$page" || fail "the page has no '$text'"
  done
}

@test "look_at_page: tells messages, requests, dialogs, what is too wide, foreign elements and broken rules of axe" {
  local odd=$BATS_TEST_TMPDIR/odd.html
  printf '%s\n' '<!doctype html><html lang="en"><title>x</title><main><h1>x</h1>' \
    '<p style="width:2000px">wide</p><p style="color:#ccc;background:#fff">pale</p><img src="http://127.0.0.1:1/x.png">' \
    '<script>console.log("said"); alert("hello")</script></main>' >"$odd"
  run -1 node "$HOLDFAST_SOURCE/tests/node/look_at_page.mjs" "$odd"
  assert_line --partial 'console: said'
  assert_line --partial 'dialog: hello'
  assert_line --partial 'request: http://127.0.0.1:1/x.png'
  assert_line --partial 'phone, JavaScript off: the page is 2'
  assert_line --partial 'the page has <script>'
  assert_line --partial 'axe: color-contrast'
  assert_line --partial 'axe: image-alt'
}

@test "status_page: a healthy host has a page without a fault, with its sources, its year, proofs and what prune would do" {
  fill 5
  verify -q --deep latest
  run -0 --separate-stderr healthcheck --html "$page"
  assert_line --index 0 healthy
  assert_equal "$stderr" ''
  assert_on_page ' is healthy</h1>' 'trades' 'Size of trades: from' 'What prune would do' '1 verified deep' \
    'keep <strong>2</strong> and remove <strong>3</strong>'
  look_at healthy "$page"
}

@test "status_page: what it says of prune is what prune says" {
  fill 5
  healthcheck --html "$page" >/dev/null
  prune --plan | sed 1d | while IFS=$'\t' read -r id verdict reason _; do
    # In a row of its table, after the heading of that table.
    awk -v id="$id" '/<caption>Removed/ { at = "remove" } /<caption>Kept/ { at = "keep" } index($0, id) { print at }' "$page" |
      grep -qx "$verdict" || fail "$id: $verdict ($reason)"
  done
  sed -i '/^keep_last/d; /^min_keep/d; s/^\[retention\]$//' "$HOLDFAST_CONFIG"
  healthcheck --html "$page" >/dev/null
  assert_on_page 'nothing is ever removed'
}

@test "status_page: a host in trouble says first what is wrong and what to do, and the page has no fault" {
  fill 3
  local object
  verify -q latest
  object=$(find "$repo/objects" -type f -size +1k | head -n 1)
  flip_bit "$object"
  run verify -q --all
  mv "$data/tree" "$data/away"
  run -4 snap -q
  chmod 0750 "$repo"
  printf '[[health.endpoint]]\nname = "api"\nurl = "http://127.0.0.1:1/health"\n' >>"$HOLDFAST_CONFIG"
  run -2 --separate-stderr healthcheck --html "$page"
  assert_on_page ' is unhealthy</h1>' 'Look at it now' '<strong>Next:</strong> chmod' 'is damaged' '127.0.0.1' 'damage found'
  look_at unhealthy "$page"
  # Each finding of the text is on the page, in its order.
  healthcheck --json | jq -r '.checks[] | select(.status != "healthy") | .check' | sort >"$BATS_TEST_TMPDIR/expected"
  sed -n '/class="findings"/,/<\/ul>/p' "$page" | grep -o '<code>[a-z_]*</code>' | sed 's/<[^>]*>//g' | sort >"$BATS_TEST_TMPDIR/found"
  diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
}

@test "status_page: a degraded host is called so" {
  fill 2
  chmod 0750 "$repo"
  run -1 --separate-stderr healthcheck --html "$page"
  assert_on_page ' is degraded</h1>' 'look at it today'
  look_at degraded "$page"
}

@test "status_page: an empty repository, and one that is gone, have pages too" {
  run -2 healthcheck --html "$page"
  assert_on_page 'there is no backup' 'nothing to keep or to remove yet' 'There is no snapshot yet'
  look_at empty "$page"
  rm -r "$repo"
  run -2 healthcheck --html "$page"
  assert_on_page 'does not exist' 'Not shown on this page'
  look_at gone "$page"
}

@test "status_page: names that are markup, too long, or no text are shown, and nothing of them runs" {
  local name=$'<script>alert(1)<' long
  long=$(printf 'x%.0s' {1..200})
  mkdir -p "$data/$name/script>" "$data/\"><img src=x onerror=alert(2)>" "$data/$long"
  touch "$data/$name/script>/f" "$data/\"><img src=x onerror=alert(2)>/f" "$data/$long/f"
  snap -q --config /dev/null --repo "$repo" --tree "$data/$name/script>" --tree "$data/\"><img src=x onerror=alert(2)>" --tree "$data/$long"
  printf '[[source]]\nname = "evil"\nkind = "sqlite"\npath = "%s/<script>alert(3)</script>\\u001b[31m\\u202e.db"\n' "$data" >>"$HOLDFAST_CONFIG"
  printf '[[health.endpoint]]\nname = "</style><svg onload=alert(4)>"\nurl = "http://127.0.0.1:1/\\" onclick=\\"alert(5)"\n' >>"$HOLDFAST_CONFIG"
  run -2 healthcheck --html "$page"
  assert_on_page '&quot;&gt;&lt;img src=x onerror=alert(2)&gt;' '&lt;script&gt;alert(3)&lt;/script&gt;' '&lt;/style&gt;&lt;svg onload=alert(4)&gt;' "$long"
  look_at hostile "$page"
}

@test "status_page: the file is for its folder's group, replaced as a whole, and removed when it cannot be brought up to date" {
  mkdir "$BATS_TEST_TMPDIR/web"
  page=$BATS_TEST_TMPDIR/web/index.html
  if ((EUID == 0)); then chgrp www-data "$BATS_TEST_TMPDIR/web" && chmod 2750 "$BATS_TEST_TMPDIR/web"; fi
  fill 1
  umask 077
  run -0 healthcheck --html "$page"
  assert_equal "$(stat -c %a "$page")" 640
  if ((EUID == 0)); then assert_equal "$(stat -c %G "$page")" www-data; fi
  assert_equal "$(ls "$BATS_TEST_TMPDIR/web")" index.html
  run -3 healthcheck --html "$BATS_TEST_TMPDIR/nowhere/index.html"
  assert_line --index 0 unknown
  assert_output --partial 'the status page was not written'
  # A full disk: the temporary cannot be written, and the old page goes.
  run -3 bash -c 'ulimit -f 4; trap "" XFSZ; healthcheck --html "$1"' _ "$page"
  assert_output --partial 'that of the last time was removed'
  assert_equal "$(ls "$BATS_TEST_TMPDIR/web")" ''
}

@test "status_page: one of two files that cannot be written does not keep the other from being written" {
  fill 1
  run -3 healthcheck --prometheus "$BATS_TEST_TMPDIR/nowhere/x.prom" --html "$page"
  assert_output --partial 'metrics were not written'
  assert_on_page ' is unknown</h1>' 'metrics were not written'
}

@test "status_page: - prints it instead of the text, and does not go with --json" {
  fill 1
  run -0 --separate-stderr healthcheck --html -
  assert_line --index 0 '<!doctype html>'
  refute_line healthy
  run -3 --separate-stderr healthcheck --html - --json
  assert_output ''
}

@test "status_page: health_monitor.sh refreshes the page of the configuration, but not with half a look" {
  printf 'page = "web/index.html"\n' >>"$HOLDFAST_CONFIG"
  page=$BATS_TEST_TMPDIR/web/index.html
  mkdir "$BATS_TEST_TMPDIR/web"
  fill 1
  run -0 "$HOLDFAST_SOURCE/scripts/health_monitor.sh" once
  assert_on_page ' is healthy</h1>'
  rm "$page"
  run -0 "$HOLDFAST_SOURCE/scripts/health_monitor.sh" health-only
  assert_file_not_exist "$page"
  sed -i 's|^page = .*|page = "web/index.txt"|' "$HOLDFAST_CONFIG"
  run -3 --separate-stderr healthcheck
  assert_regex "$stderr" 'does not end with .html'
}

@test "drill_page: the page of a drill that passed, and of one that failed, has no fault" {
  fill 1
  printf '[drill]\nreport_dir = "%s"\n[drill.target]\nrestore = "1m"\n' "$BATS_TEST_TMPDIR/drills" >>"$HOLDFAST_CONFIG"
  run -0 drill
  look_at drill "$(find "$BATS_TEST_TMPDIR/drills" -name '*.html')"
  find "$repo/objects" -type f -delete
  run drill
  look_at drill-failed "$(find "$BATS_TEST_TMPDIR/drills" -name '*_2.html')"
}
