#!/usr/bin/env bats
# health_monitor.bats - a change of health is told once, in order, and a recovery too.

load support
load repository

setup() {
  private_home
  repo=$BATS_TEST_TMPDIR/repo data=$BATS_TEST_TMPDIR/data told=$BATS_TEST_TMPDIR/told
  mkdir -p "$data"
  echo one >"$data/one"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    printf '[repository]\npath = "%s"\n[backup]\nlog_dir = "%s/logs"\n' "$repo" "$BATS_TEST_TMPDIR"
    printf '[[source]]\nname = "tree"\nkind = "tree"\npath = "%s"\n' "$data"
    printf '[health]\nmin_free = "1MB"\nmax_used = "100%%"\n'
    printf '[alerts]\nspool = "%s/spool"\n[[alerts.channel]]\nname = "file"\nkind = "command"\n' "$BATS_TEST_TMPDIR"
    printf 'command = "echo \\"$HOLDFAST_ALERT\\" >>%s"\n' "$told"
  } >"$HOLDFAST_CONFIG"
  chmod 0600 "$HOLDFAST_CONFIG"
  : >"$told"
  init >/dev/null
  take --type full
}

monitor() { # [argument]...
  "$HOLDFAST_SOURCE/scripts/health_monitor.sh" "$@"
}

titles() { # severity and title of what was told
  jq -r '"\(.severity) \(.title)"' "$told"
}

@test "health_monitor: a healthy host tells nobody; a change is told once, and so is the recovery" {
  run -0 monitor once
  assert_equal "$(titles)" ''
  chmod 0770 "$repo"
  run -2 monitor once
  assert_equal "$(titles)" "critical repository $repo: unhealthy"
  run -2 monitor once
  assert_equal "$(titles | wc -l)" 1
  chmod 0750 "$repo"
  run -1 monitor once
  chmod 0700 "$repo"
  run -0 monitor once
  assert_equal "$(titles)" "critical repository $repo: unhealthy
warning repository $repo: degraded
ok repository $repo: healthy"
  jq -r .text "$told" | grep -q 'next: chmod'
}

@test "health_monitor: a repository that is gone does not make older trouble well" {
  rm "$data/one"
  run -1 monitor once
  assert_equal "$(titles)" "warning sources tree: degraded"
  mkdir "$repo/quarantine" 2>/dev/null || true
  touch "$repo/quarantine/x"
  run -1 monitor once
  mv "$repo" "$repo.away"
  run -2 monitor once
  run -0 grep -c quarantine "$told"
  assert_output 1
  mv "$repo.away" "$repo"
  rm "$repo/quarantine/x"
  run -1 monitor once
  titles | grep -qx 'ok quarantine: healthy'
}

@test "health_monitor: what stays bad is told again a day later, with since when, and not more often than that" {
  chmod 0770 "$repo"
  run -2 monitor once
  run -2 faketime -f +23h "$HOLDFAST_SOURCE/scripts/health_monitor.sh" once
  assert_equal "$(titles | grep -c repository)" 1
  run -2 faketime -f +25h "$HOLDFAST_SOURCE/scripts/health_monitor.sh" once
  assert_equal "$(titles | tail -n 1)" "critical repository $repo: still unhealthy"
  run -0 jq -rs '.[-1].text' "$told"
  assert_line --regexp '^since: 20'
  assert_line --regexp '^next: chmod'
  run -2 faketime -f +26h "$HOLDFAST_SOURCE/scripts/health_monitor.sh" once
  assert_equal "$(titles | grep -c repository)" 2
  chmod 0700 "$repo"
  run faketime -f +27h "$HOLDFAST_SOURCE/scripts/health_monitor.sh" once
  assert_equal "$(titles | grep repository | tail -n 1)" "ok repository $repo: healthy"
}

@test "health_monitor: with remind_after = forever nothing is told twice" {
  sed -i 's/^\[health\]/&\nremind_after = "forever"/' "$HOLDFAST_CONFIG"
  chmod 0770 "$repo"
  run -2 monitor once
  run -2 faketime -f +3000h "$HOLDFAST_SOURCE/scripts/health_monitor.sh" once
  assert_equal "$(titles | grep -c repository)" 1
}

@test "health_monitor: a healthcheck that fails itself does not make older trouble well" {
  chmod 0770 "$repo"
  run -2 monitor once
  mkdir "$BATS_TEST_TMPDIR/bin"
  cp "$HOLDFAST_BIN"/* "$BATS_TEST_TMPDIR/bin/"
  printf '#!/bin/sh\nexit 139\n' >"$BATS_TEST_TMPDIR/bin/healthcheck"
  HOLDFAST_BIN=$BATS_TEST_TMPDIR/bin run -2 monitor once
  assert_equal "$(titles)" "critical repository $repo: unhealthy
warning healthcheck: unknown"
  chmod 0700 "$repo"
  run -0 monitor once
  assert_equal "$(titles | tail -n 2)" "ok repository $repo: healthy
ok healthcheck: healthy"
}

@test "health_monitor: a file that cannot be written is told, beside everything else" {
  sed -i "s|^\[health\]|&\npage = \"nowhere/x.html\"|" "$HOLDFAST_CONFIG"
  chmod 0750 "$repo"
  run -3 monitor once
  assert_equal "$(titles | sort)" "warning healthcheck $BATS_TEST_TMPDIR/nowhere/x.html: unknown
warning repository $repo: degraded"
}

@test "health_monitor: status tells the last result with its exit, and unknown when it is old or there is none" {
  run -3 monitor status
  run -0 monitor once
  run -0 monitor status
  assert_line --index 0 --regexp '^healthy 20'
  run -3 faketime -f +20m "$HOLDFAST_SOURCE/scripts/health_monitor.sh" status
  run -3 faketime -f -2h "$HOLDFAST_SOURCE/scripts/health_monitor.sh" status # a result from the future proves nothing
}

@test "health_monitor: status is unknown when only the streams, or only the rest, were looked at of late" {
  coproc ODD { exec python3 "$BATS_TEST_DIRNAME/odd_server.py" "$BATS_TEST_TMPDIR/taken" 3>&-; }
  local port
  read -r -u "${ODD[0]}" port
  printf '[[health.stream]]\nname = "quotes"\nurl = "http://127.0.0.1:%s/sse"\n' "$port" >>"$HOLDFAST_CONFIG"
  run -0 monitor once
  local state=$BATS_TEST_TMPDIR/logs/health.json
  jq '.looked.rest = (now - 1200 | todate)' "$state" >"$BATS_TEST_TMPDIR/old"
  mv "$BATS_TEST_TMPDIR/old" "$state"
  run -0 monitor sse-only
  run -3 monitor status
  run -0 monitor health-only
  run -0 monitor status
  kill "$ODD_PID"
}

@test "health_monitor: a full disk of temporary files keeps no change from being told" {
  ((EUID == 0)) || skip 'mounting needs root'
  mkdir "$BATS_TEST_TMPDIR/full"
  mount -t tmpfs -o size=64k tmpfs "$BATS_TEST_TMPDIR/full" || skip 'cannot mount'
  head -c 1m /dev/zero >"$BATS_TEST_TMPDIR/full/fill" 2>/dev/null || true
  chmod 0770 "$repo"
  TMPDIR=$BATS_TEST_TMPDIR/full run -2 monitor once
  umount "$BATS_TEST_TMPDIR/full"
  assert_equal "$(titles)" "critical repository $repo: unhealthy"
}

@test "health_monitor: what breaks in the script itself is unknown, never degraded or unhealthy" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\ncase $* in *mode*) exit 2 ;; esac\nexec %s "$@"\n' "$(command -v jq)" >"$BATS_TEST_TMPDIR/bin/jq"
  chmod +x "$BATS_TEST_TMPDIR/bin/jq"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run -3 monitor once
  assert_output --partial 'error: line '
}

@test "health_monitor: hostile names are shown, not obeyed" {
  printf '[[source]]\nname = "evil"\nkind = "sqlite"\npath = "%s/\\u001b[31m\\u202e\\u009b.db"\n' "$data" >>"$HOLDFAST_CONFIG"
  local odd=$'\e|\xe2\x80\xae|\xc2\x9b'
  printf 'no database' >"$data"/$'\e[31m\xe2\x80\xae\xc2\x9b.db'
  run -2 monitor once
  assert_output --partial 'database "'
  refute_output --regexp "$odd"
  refute_regex "$(jq -r '.title, .text' "$told")" "$odd"
  titles | grep -q 'critical database .*: unhealthy'
}

@test "health_monitor: of two results of one name the worse counts, whichever came first" {
  # shellcheck source=../../scripts/lib/health_changes.sh
  source "$HOLDFAST_SOURCE/scripts/lib/health_changes.sh"
  local order
  for order in . reverse; do
    run -0 jq -nc --arg mode once --argjson remind 60 --argjson old '{}' \
      --argjson new "$(jq -nc "{checks: ([\"unknown\", \"unhealthy\", \"healthy\"] | $order | map({check: \"a\", subject: \"b\", status: .}))}")" \
      "$merge | [.status, (.checks[] | .status)]"
    assert_output '["unhealthy","unhealthy"]'
  done
}

@test "health_monitor: two halves that are started in the same minute follow each other" {
  mkdir -p "$BATS_TEST_TMPDIR/logs"
  # shellcheck disable=SC2034 # it is waited for by the lock
  coproc HOLDER { exec flock --no-fork "$BATS_TEST_TMPDIR/logs/health.lock" sleep 1 3>&-; }
  until ! flock --nonblock "$BATS_TEST_TMPDIR/logs/health.lock" true; do sleep 0.05; done
  run -0 monitor health-only
}

@test "health_monitor: sse-only looks at streams alone and keeps the rest; health-only leaves them out" {
  coproc ODD { exec python3 "$BATS_TEST_DIRNAME/odd_server.py" "$BATS_TEST_TMPDIR/taken" 3>&-; }
  local port
  read -r -u "${ODD[0]}" port
  printf '[[health.stream]]\nname = "quotes"\nurl = "http://127.0.0.1:%s/silent"\nwithin = "500ms"\n' "$port" >>"$HOLDFAST_CONFIG"
  run -0 monitor health-only
  run -2 monitor sse-only
  assert_output --partial 'backup_age'
  assert_equal "$(titles)" 'critical stream quotes: unhealthy'
  run -2 monitor health-only
  sed -i 's|/silent|/sse|' "$HOLDFAST_CONFIG"
  run -0 monitor sse-only
  assert_equal "$(titles | tail -n 1)" 'ok stream quotes: healthy'
  kill "$ODD_PID"
}

break_alerts() { # neither the buffer nor the channel takes any
  sed -i.whole "s|^spool = .*|spool = \"$BATS_TEST_TMPDIR/notafolder\"|; s|^command = .*|command = \"false\"|" "$HOLDFAST_CONFIG"
  touch "$BATS_TEST_TMPDIR/notafolder"
}

mend_alerts() {
  mv "$HOLDFAST_CONFIG.whole" "$HOLDFAST_CONFIG"
}

@test "health_monitor: an alert that is neither kept nor delivered is told by the next look" {
  break_alerts
  chmod 0770 "$repo"
  run -2 --separate-stderr monitor once
  assert_regex "$stderr" 'could not be kept'
  mend_alerts
  run -2 monitor once
  assert_equal "$(titles | grep -c repository)" 1
}

@test "health_monitor: a channel whose buffer is full makes no other hear of a change twice, nor miss the recovery" {
  sed -i 's/^\[alerts\]/&\nmax_buffered = 1/' "$HOLDFAST_CONFIG"
  printf '[[alerts.channel]]\nname = "dead"\nkind = "command"\ncommand = "false"\n' >>"$HOLDFAST_CONFIG"
  run -4 alert send before
  : >"$told"
  chmod 0770 "$repo"
  run -0 monitor --told once
  run -0 monitor --told once
  chmod 0700 "$repo"
  run -0 monitor --told once
  assert_equal "$(titles | grep repository | cut -d' ' -f1 | paste -sd' ')" 'critical ok'
}

@test "health_monitor: with --told whatever was found and told is exit 0; 3 is that nobody could look or be told" {
  chmod 0770 "$repo"
  run -0 monitor --told once
  chmod 0700 "$repo"
  sed -i "s|^\[health\]|&\npage = \"nowhere/x.html\"|" "$HOLDFAST_CONFIG"
  run -0 monitor --told once
  assert_output --partial 'unknown'
  assert_equal "$(titles | tail -n 1)" "warning healthcheck $BATS_TEST_TMPDIR/nowhere/x.html: unknown"
  sed -i '/^\[\[alerts.channel/,$d' "$HOLDFAST_CONFIG" # nobody to tell of what nobody could see
  run -3 monitor --told once
  chmod 0770 "$repo"
  run -0 monitor --told once # unhealthy is an answer
  run -3 monitor --told watch
}

@test "health_monitor: with --told an alert that cannot be kept is a failure, and another one at work is 7" {
  break_alerts
  chmod 0770 "$repo"
  run -3 monitor --told once
  mend_alerts
  run -0 monitor --told once
  # shellcheck disable=SC2034 # its process id is used
  coproc HOLDER { exec flock --no-fork "$BATS_TEST_TMPDIR/logs/health.lock" sleep 60 3>&-; }
  until ! flock --nonblock "$BATS_TEST_TMPDIR/logs/health.lock" true; do sleep 0.05; done
  run -7 monitor --told once
  kill "$HOLDER_PID"
}

@test "run_job.sh health: a monitor that broke is told once, and that it works again, but no success of every five minutes" {
  sed -i 's/^\[alerts\]/&\non_success = true/; s/^name = "file"/&\nat_least = "info"/' "$HOLDFAST_CONFIG"
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\ncase $* in *mode*) exit 2 ;; esac\nexec %s "$@"\n' "$(command -v jq)" >"$BATS_TEST_TMPDIR/bin/jq"
  chmod +x "$BATS_TEST_TMPDIR/bin/jq"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run -3 "$HOLDFAST_SOURCE/scripts/run_job.sh" health
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run -3 "$HOLDFAST_SOURCE/scripts/run_job.sh" health
  run -0 "$HOLDFAST_SOURCE/scripts/run_job.sh" health
  run -0 "$HOLDFAST_SOURCE/scripts/run_job.sh" health
  assert_equal "$(titles)" $'critical the job health failed with 3\nok the job health works again'
}

@test "health_monitor: nonsense, a wrong configuration and a second one at work are unknown" {
  run -3 monitor
  run -3 monitor nonsense
  run -3 monitor once watch
  run -3 monitor --interval 5 watch
  mkdir -p "$BATS_TEST_TMPDIR/logs"
  # shellcheck disable=SC2034 # its process id is used
  coproc HOLDER { exec flock --no-fork "$BATS_TEST_TMPDIR/logs/health.lock" sleep 60 3>&-; }
  until ! flock --nonblock "$BATS_TEST_TMPDIR/logs/health.lock" true; do sleep 0.05; done
  run -3 --separate-stderr monitor once
  assert_regex "$stderr" 'another health_monitor.sh'
  kill "$HOLDER_PID"
  printf 'x = 1\n' >>"$HOLDFAST_CONFIG"
  run -3 monitor once
}

@test "health_monitor: watch looks again and ends at once when told" {
  local state=$BATS_TEST_TMPDIR/logs/health.json first pid
  "$HOLDFAST_SOURCE/scripts/health_monitor.sh" --interval 1s watch >/dev/null 2>&1 3>&- &
  pid=$!
  until [[ -e $state ]]; do sleep 0.1; done
  first=$(stat -c %i.%Y.%Z "$state")
  for _ in {1..100}; do
    [[ $(stat -c %i.%Y.%Z "$state" 2>/dev/null) == "$first" ]] || break
    sleep 0.1
  done
  [[ $(stat -c %i.%Y.%Z "$state") != "$first" ]]
  kill "$pid"
  SECONDS=0
  wait "$pid" || true
  ((SECONDS < 4))
}
