#!/usr/bin/env bats
# healthcheck.bats - healthcheck is green only if everything works, and says what to do where it does not.

load support
load repository

# A repository with one snapshot of a database and a tree, and a configuration that names them.
setup() {
  private_home
  repo=$BATS_TEST_TMPDIR/repo data=$BATS_TEST_TMPDIR/data
  mkdir -p "$data/tree"
  make_database "$data/t.db"
  echo one >"$data/tree/one"
  configure
  init >/dev/null
  take --type full
}

configure() { # [line]... of [health] and what follows
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    printf '[repository]\npath = "%s"\n[backup]\nlog_dir = "%s/logs"\n' "$repo" "$BATS_TEST_TMPDIR"
    printf '[[source]]\nname = "trades"\nkind = "sqlite"\npath = "%s/t.db"\n' "$data"
    printf '[[source]]\nname = "tree"\nkind = "tree"\npath = "%s/tree"\n' "$data"
    printf '[health]\nmin_free = "1MB"\nmax_used = "100%%"\n'
    printf '%s\n' "$@"
  } >"$HOLDFAST_CONFIG"
}

# The level of one check, with what it says in $said and what to do in $next.
judge() { # <check>
  local worst='.checks | map(select(.status != "healthy")) | (.[0] // {message: "", next: ""})'
  run --separate-stderr healthcheck --check "$1" --json
  said=$(jq -r "$worst.message" <<<"$output") next=$(jq -r "$worst.next" <<<"$output")
  level=$(jq -r .status <<<"$output")
}

assert_level() { # <check> <level> [part of the message]
  judge "$1"
  assert_equal "$level" "$2"
  case $2 in
    healthy) assert_equal "$status" 0 ;;
    degraded) assert_equal "$status" 1 ;;
    unhealthy) assert_equal "$status" 2 ;;
    unknown) assert_equal "$status" 3 ;;
  esac
  if (($# > 2)); then assert_regex "$said" "$3"; fi
  if [[ $2 != healthy ]]; then assert_regex "$next" '....'; fi
}

@test "healthcheck: a host where everything works is healthy, in text and in JSON, and nothing is changed" {
  fingerprint "$data" >"$BATS_TEST_TMPDIR/before"
  fingerprint "$repo" >>"$BATS_TEST_TMPDIR/before"
  run -0 --separate-stderr healthcheck
  assert_line --index 0 healthy
  assert_equal "$stderr" ''
  run -0 healthcheck --json
  assert_equal "$(jq -r '.status, (.checks | map(.status) | unique[])' <<<"$output")" $'healthy\nhealthy'
  fingerprint "$data" >"$BATS_TEST_TMPDIR/after"
  fingerprint "$repo" >>"$BATS_TEST_TMPDIR/after"
  run -0 diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "healthcheck: nonsense is 3, never healthy: options, checks, configurations, a closed output" {
  run -3 healthcheck --chekc disk
  run -3 healthcheck --check nonsense
  run -3 healthcheck extra
  run -3 healthcheck --check
  run -3 healthcheck --config /nonexistent
  run -3 bash -c 'healthcheck >/dev/full'
  run -3 bash -c 'healthcheck >&-'
  configure 'max_aeg = "1h"'
  run -3 healthcheck
  configure
  run -3 healthcheck --check stream
  assert_output --partial 'there is nothing to look at'
  run -0 healthcheck --help
  run -0 healthcheck --list
  assert_output --partial backup_age
}

@test "healthcheck: each check can be called alone, and what is skipped is not looked at" {
  local name
  while read -r name; do
    case $name in endpoint | stream) continue ;; esac
    run -0 healthcheck --check "$name" --json
    assert_equal "$(jq -r '.checks | map(.check) | unique[]' <<<"$output")" "$name"
  done < <(healthcheck --list | sed 1d | cut -d' ' -f1)
  run -0 healthcheck --skip database --skip network --json
  assert_equal "$(jq '[.checks[] | select(.check == "database")] | length' <<<"$output")" 0
}

@test "healthcheck: a repository that is gone is told once, and what needs none is still looked at" {
  mv "$repo" "$repo.away"
  run -2 --separate-stderr healthcheck --json
  assert_equal "$(jq -r '[.checks[] | select(.status == "unhealthy") | .check] | join(" ")' <<<"$output")" repository
  assert_equal "$(jq -r '[.checks[] | select(.check == "database") | .status] | join(" ")' <<<"$output")" healthy
  assert_level backup_age unhealthy 'does not exist'
}

@test "healthcheck: no snapshot, an old one and one from the future are unhealthy" {
  assert_level backup_age healthy
  run -2 faketime -f +26h healthcheck --check backup_age
  assert_output --partial "is 26 h old, more than 25 h"
  run -2 faketime -f -1h healthcheck --check clock
  assert_output --partial 'from the future'
  run -2 faketime '2019-01-01' healthcheck --check clock
  rm -r "$repo"
  init >/dev/null
  assert_level backup_age unhealthy 'there is no backup'
}

@test "healthcheck: a type that has its own limit is missed" {
  configure '[health.max_age_of]' 'hourly = "2h"'
  assert_level backup_age unhealthy "no backup of 'hourly'"
  take --type hourly
  assert_level backup_age healthy
  run -2 faketime -f +3h healthcheck --check backup_age
}

@test "healthcheck: an emergency snapshot does not make old backups young" {
  export FAKETIME=+26h
  run -0 faketime -f +26h snap --type emergency
  run -2 faketime -f +26h healthcheck --check backup_age
}

@test "healthcheck: a source that is new, empty or gone is told" {
  rm -r "$data/tree"
  assert_level sources unhealthy 'does not exist'
  mkdir "$data/tree"
  assert_level sources degraded 'is empty'
  printf '[[source]]\nname = "new"\nkind = "tree"\npath = "%s"\n' "$data" >>"$HOLDFAST_CONFIG"
  assert_level backup_age unhealthy "there is no backup of 'new'"
}

@test "healthcheck: a partial and a suspect snapshot are degraded" {
  mv "$data/tree" "$data/away"
  run -4 --separate-stderr snap
  assert_level last_run degraded 'is partial'
  mkdir "$data/tree"
  run -4 --separate-stderr snap
  assert_level last_run degraded 'looks wrong'
}

@test "healthcheck: objects that are missing or empty are unhealthy" {
  local object
  object=$(find "$repo/objects" -type f | head -n 1)
  cp "$object" "$BATS_TEST_TMPDIR/copy"
  : >"$object"
  assert_level objects unhealthy 'lacks 1 of its'
  rm "$object"
  assert_level objects unhealthy 'lacks 1 of its'
}

@test "healthcheck: a snapshot that vanished, a rolled back repository and a forged ledger are unhealthy" {
  cp -a "$repo" "$BATS_TEST_TMPDIR/old"
  echo two >"$data/tree/two"
  take
  assert_level history healthy
  mv "$repo" "$BATS_TEST_TMPDIR/new"
  cp -a "$BATS_TEST_TMPDIR/old" "$repo"
  assert_level history unhealthy 'rolled back or replaced'
  rm -r "$repo"
  cp -a "$BATS_TEST_TMPDIR/new" "$repo"
  rm -r "$repo/snapshots/$id"
  assert_level history unhealthy 'vanished'
  rm -r "$repo"
  cp -a "$BATS_TEST_TMPDIR/new" "$repo"
  sed -i '2s/snapshot/snapshor/' "$repo/ledger.jsonl"
  assert_level history unhealthy 'does not follow'
}

@test "healthcheck: verification is missed in time, and damage that verify found stays until it is gone" {
  assert_level verification healthy
  run -1 faketime -f +9d healthcheck --check verification
  assert_output --partial 'never verified'
  verify >/dev/null
  run -0 faketime -f +7d healthcheck --check verification
  flip_bit "$(find "$repo/objects" -type f -size +1k | head -n 1)"
  run -5 verify
  assert_level verification unhealthy 'is damaged'
  run -5 verify --quarantine
  assert_level quarantine degraded 'damaged objects were set aside'
}

@test "healthcheck: a drill is missed after a quarter" {
  assert_level drill healthy
  run -1 faketime -f +101d healthcheck --check drill
  assert_output --partial 'never drilled'
}

@test "healthcheck: a database that is damaged, busy or not readable is told, and no sidecar is left" {
  rm "$data/t.db"
  make_database "$data/t.db" 'PRAGMA journal_mode=WAL'
  assert_level database healthy
  assert_equal "$(ls "$data")" $'t.db\ntree'
  coproc LOCK { exec sqlite3 -batch "$data/t.db" 2>&1 3>&-; }
  echo "PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE; SELECT 'locked';" >&"${LOCK[1]}"
  local line=''
  until [[ $line == locked ]]; do read -r line <&"${LOCK[0]}"; done
  assert_level database degraded 'stayed locked'
  echo .quit >&"${LOCK[1]}"
  wait "$LOCK_PID" || true
  sql "$data/t.db" VACUUM
  printf 'garbage garbage garbage' | dd of="$data/t.db" bs=1 seek=8192 conv=notrunc status=none
  assert_level database unhealthy 'quick_check|malformed'
  printf 'this is no database at all' >"$data/t.db"
  assert_level database unhealthy 'not a database'
  rm "$data/t.db"
  mkdir "$data/t.db"
  assert_level database unhealthy 'no regular file'
}

@test "healthcheck: a WAL beyond its limit is degraded" {
  configure 'max_wal = "4KiB"'
  sql "$data/t.db" 'PRAGMA journal_mode=WAL' >/dev/null
  coproc READER { exec sqlite3 -batch "$data/t.db" 2>&1 3>&-; }
  echo "BEGIN; SELECT 'reads' FROM book LIMIT 1;" >&"${READER[1]}"
  local line=''
  until [[ $line == reads ]]; do read -r line <&"${READER[0]}"; done
  sql "$data/t.db" "UPDATE trade SET note = 'x'"
  assert_level database degraded 'its WAL has'
  echo .quit >&"${READER[1]}"
  wait "$READER_PID" || true
}

@test "healthcheck: a large database is looked at for the time it may take, not longer" {
  configure 'quick_check = "20ms"'
  sql "$data/t.db" "INSERT INTO trade SELECT NULL, 1, hex(randomblob(400)) FROM generate_series(1, 60000)"
  run -0 healthcheck --check database
  assert_output --partial 'quick_check not finished in its time'
  configure 'quick_check = "1m"'
  run -0 healthcheck --check database
  refute_output --partial 'not finished'
}

@test "healthcheck: modes that let others in are told" {
  chmod 0750 "$repo"
  assert_level repository degraded 'others may look into it'
  chmod 0770 "$repo"
  assert_level repository unhealthy 'others may write it'
}

@test "healthcheck: limits of the disk are judged" {
  configure
  sed -i 's/min_free = .*/min_free = "8000TB"/' "$HOLDFAST_CONFIG"
  assert_level disk unhealthy 'free'
  sed -i 's/min_free = .*/min_free = "0"/; s/max_used = .*/max_used = "0.0001%"/' "$HOLDFAST_CONFIG"
  assert_level disk degraded 'used, the most is'
}

@test "healthcheck: whoever holds the repository is named, and history is not judged while prune works" {
  # shellcheck disable=SC2034 # its process id is used
  coproc HOLDER { exec flock --no-fork "$repo/lock" sleep 60 3>&-; }
  run -0 healthcheck --check lock
  until [[ $output == *"held by process"* ]]; do
    sleep 0.1
    run -0 healthcheck --check lock
  done
  assert_output --partial "held by process $HOLDER_PID"
  run -0 healthcheck --check history
  assert_output --partial 'prune is at work'
  # shellcheck disable=SC2153 # set by coproc
  kill "$HOLDER_PID"
}

@test "healthcheck: a restore in place that nobody accepted, or that was interrupted, is told" {
  restore latest --source tree --in-place --yes >/dev/null 2>&1 || restore latest --source tree --in-place >/dev/null 2>&1
  assert_level restores healthy
  run -1 faketime -f +8d healthcheck --check restores
  assert_output --partial 'never accepted'
  sed -i 's/"state": "restored"/"state": "swapping"/' "$XDG_STATE_HOME"/holdfast/*.restores/*.json
  assert_level restores unhealthy 'interrupted half-way'
}

@test "healthcheck: alerts that wait, a ping that failed and a secret that others may read are told" {
  printf '[alerts]\nspool = "%s/spool"\nping = "http://127.0.0.1:1/x"\n' "$BATS_TEST_TMPDIR" >>"$HOLDFAST_CONFIG"
  printf '[[alerts.channel]]\nname = "ops"\nkind = "webhook"\nurl = "http://127.0.0.1:1/"\nsecret_file = "%s"\n' \
    "$BATS_TEST_TMPDIR/secret" >>"$HOLDFAST_CONFIG"
  printf 'a secret\n' >"$BATS_TEST_TMPDIR/secret"
  chmod 0600 "$BATS_TEST_TMPDIR/secret"
  assert_level alerts healthy
  chmod 0644 "$BATS_TEST_TMPDIR/secret"
  assert_level alerts degraded 'others may read it'
  chmod 0600 "$BATS_TEST_TMPDIR/secret"
  run -8 alert ping success
  assert_level alerts degraded 'the last ping failed'
  rm "$BATS_TEST_TMPDIR/spool/ping.json"
  sed -i 's/secret_file = .*//' "$HOLDFAST_CONFIG"
  run -4 alert send 'x'
  assert_level alerts degraded '1 wait to be delivered'
}

@test "healthcheck: a buffer of alerts that cannot be looked at is unknown, and every other check is told" {
  ln -s loop "$BATS_TEST_TMPDIR/loop"
  configure '[alerts]' "spool = \"$BATS_TEST_TMPDIR/loop/spool\"" '[[alerts.channel]]' 'name = "ops"' 'kind = "webhook"' 'url = "http://127.0.0.1:9/"'
  run -3 --separate-stderr healthcheck --json --prometheus "$BATS_TEST_TMPDIR/holdfast.prom"
  assert_equal "$(jq -r '[.checks[] | select(.status != "healthy") | "\(.check) \(.status)"] | join(", ")' <<<"$output")" 'alerts unknown'
  assert_equal "$(jq '[.checks[].check] | unique | length > 10' <<<"$output")" true
  grep -q '^holdfast_check{check="alerts",subject=""} 3$' "$BATS_TEST_TMPDIR/holdfast.prom"
}

@test "healthcheck: a schedule is expected only if the configuration says so; a timer that is off is told" {
  export HOLDFAST_UNIT_DIR=$BATS_TEST_TMPDIR/units
  mkdir -p "$HOLDFAST_UNIT_DIR/timers.target.wants" "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/crontab"
  chmod +x "$BATS_TEST_TMPDIR/bin/crontab"
  export PATH=$BATS_TEST_TMPDIR/bin:$PATH
  assert_level schedule healthy
  configure 'schedule = true'
  if [[ ! -e /etc/cron.d/holdfast ]]; then assert_level schedule unhealthy 'no backup is scheduled'; fi
  printf '[Timer]\nUnit=holdfast-backup@full.service\n' >"$HOLDFAST_UNIT_DIR/holdfast-daily.timer"
  assert_level schedule unhealthy 'is not enabled'
  ln -s ../holdfast-daily.timer "$HOLDFAST_UNIT_DIR/timers.target.wants/holdfast-daily.timer"
  assert_level schedule degraded 'no run has left a log'
  mkdir -p "$BATS_TEST_TMPDIR/logs"
  touch "$BATS_TEST_TMPDIR/logs/backup_$(date -u +%Y%m%d_%H%M%S).log"
  assert_level schedule healthy
  printf '#!/bin/sh\necho "0 2 * * * bash /x/run_job.sh --quiet --config /c full # holdfast: nightly"\n' \
    >"$BATS_TEST_TMPDIR/bin/crontab"
  run -0 healthcheck --check schedule
  assert_output --partial 'cron: nightly'
}

@test "healthcheck: hostile names are shown, not obeyed" {
  local name=$'evil\e[31m\nhealthy'
  mkdir "$data/tree/x"
  printf '[[source]]\nname = "evil"\nkind = "sqlite"\npath = "%s/evil\\u001b[31m\\nhealthy\\u0085.db"\n' "$data" >>"$HOLDFAST_CONFIG"
  printf 'no database' >"$data/$name"$'\xc2\x85.db'
  run -2 --separate-stderr healthcheck
  refute_output --partial $'\e'
  assert_output --partial '\x1b[31m\x0ahealthy'
  run -2 healthcheck --json
  jq -e . <<<"$output" >/dev/null
}

@test "healthcheck: a file system that turned read-only is unhealthy" {
  ((EUID == 0)) || skip 'mounting needs root'
  local medium=$BATS_TEST_TMPDIR/medium
  mkdir "$medium"
  mount -t tmpfs tmpfs "$medium" || skip 'cannot mount'
  cp -a "$repo" "$medium/repo"
  mount -o remount,ro "$medium"
  run -2 healthcheck --repo "$medium/repo"
  umount "$medium"
  assert_output --partial 'the file system is read-only'
}
