#!/usr/bin/env bats
# timers.bats - the units of systemd, and schedule_backups.sh --systemd. systemctl is a script that notes its calls,
# for no systemd runs where tests do; systemd-analyze is the real one.

load support

setup() {
  private_home
  schedule_backups=$HOLDFAST_SOURCE/scripts/schedule_backups.sh
  export HOLDFAST_UNIT_DIR=$BATS_TEST_TMPDIR/units calls=$BATS_TEST_TMPDIR/calls
  mkdir "$HOLDFAST_UNIT_DIR" "$BATS_TEST_TMPDIR/bin"
  cd "$BATS_TEST_TMPDIR" || return 1
  printf '[repository]\npath = "backups"\n[[source]]\nname = "lake"\nkind = "tree"\npath = "lake"\n[retention]\nkeep_daily = 7\n' >holdfast.toml
  printf '#!/bin/sh\n[ "$1" = is-system-running ] && { echo "${STATE:-running}"; exit; }\necho "$*" >>"$calls"\n' \
    >bin/systemctl
  # Nor is the table of whoever runs the tests touched.
  cat >bin/crontab <<END
#!/bin/sh
case \$1 in
  -l) cat $BATS_TEST_TMPDIR/table 2>/dev/null || { echo "no crontab for tests" >&2; exit 1; } ;;
  -) cat >$BATS_TEST_TMPDIR/table ;;
  -r) rm $BATS_TEST_TMPDIR/table ;;
esac
END
  chmod +x bin/*
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

plan() { "$schedule_backups" --systemd --quiet "$@"; }

# systemd-analyze says what it thinks of a unknown key or a missing program on standard error, and exits with 0.
assert_units_verify() { # <folder>
  cp "$1"/* "$BATS_TEST_TMPDIR/verify/"
  run -0 systemd-analyze verify --man=no "$BATS_TEST_TMPDIR"/verify/*
  assert_output ''
}

@test "units: systemd-analyze finds nothing wrong with the installed ones, and each names the prefix" {
  local prefix=$BATS_TEST_TMPDIR/prefix file
  mkdir verify
  run -0 cmake --install "${HOLDFAST_BIN%/bin}" --prefix "$prefix"
  assert_equal "$(cd "$prefix/share/holdfast/systemd" && ls)" "$(cd "$HOLDFAST_SOURCE/systemd" && ls)"
  run -1 grep -rF /usr/local/libexec "$prefix/share/holdfast"
  assert_units_verify "$prefix/share/holdfast/systemd"
  # And it would: a key that does not exist, a program that does not.
  sed -i 's/^ProtectClock=/ProtectClocks=/' verify/holdfast-prune.service
  run -0 systemd-analyze verify --man=no verify/holdfast-prune.service
  assert_output --partial ProtectClocks
}

@test "units: every service has a reason beside its settings, an alert when it fails, and a time limit" {
  local file setting
  for file in "$HOLDFAST_SOURCE"/systemd/*.service; do
    run -0 grep -E '^TimeoutStartSec=' "$file"
    for setting in 'NoNewPrivileges=yes' 'CapabilityBoundingSet='; do # set, or the file says why not
      run -0 grep -Pzq "(?m)^$setting|Not set on purpose:[^.]*${setting%yes}" "$file"
    done
    [[ $file == *alert@* ]] || run -0 grep -x 'OnFailure=holdfast-alert@%n.service' "$file"
  done
}

@test "units: what keeps alerts may write them wherever the spool lies, in a home as well" {
  run -1 grep -E '^ProtectHome=|^ProtectSystem=strict' "$HOLDFAST_SOURCE"/systemd/holdfast-{alert@,health}.service
}

@test "units: every timer names a zone, makes up for missed runs, and is not on the dot" {
  local file
  for file in "$HOLDFAST_SOURCE"/systemd/*.timer; do
    run -0 "$schedule_backups" lint "$file"
    run -0 grep -E '^RandomizedDelaySec=' "$file"
    run -0 grep -x 'WantedBy=timers.target' "$file"
    run -0 test -f "$HOLDFAST_SOURCE/systemd/$(sed -n 's/^Unit=//p' "$file" | sed 's/@.*\./@./')"
  done
}

@test "all: timers and services are written, pass systemd-analyze, and are started" {
  local name
  plan all --zone UTC
  mkdir verify
  assert_units_verify "$HOLDFAST_UNIT_DIR"
  for name in daily hourly verify prune drill cleanup-logs health; do
    assert grep -qx -- "--quiet enable holdfast-$name.timer" "$calls"
    assert grep -qx "restart holdfast-$name.timer" "$calls"
  done
  assert grep -qx daemon-reload "$calls"
  assert_equal "$(grep -h ExecStart= units/holdfast-backup@.service)" \
    "ExecStart=$HOLDFAST_SOURCE/scripts/run_job.sh --config $PWD/holdfast.toml %i"
  assert_equal "$(stat -c %a units/* | sort -u)" 644
}

@test "health: the shipped timer as it is, again without a change; other times by the calendar; only its own configuration" {
  plan health
  assert_equal "$(grep -E '^On|^Unit' units/holdfast-health.timer)" "$(grep -E '^On|^Unit' "$HOLDFAST_SOURCE/systemd/holdfast-health.timer")"
  assert_equal "$(sed -n 's/^ExecStart=//p' units/holdfast-health.service)" \
    "$HOLDFAST_SOURCE/scripts/health_monitor.sh --quiet --config $PWD/holdfast.toml --told once"
  : >"$calls"
  plan health
  run -1 grep daemon-reload "$calls"
  plan custom '*/20 9-17 * * *' --job health --name office --zone UTC
  assert_equal "$(grep -E '^(On|Pers|Unit)' units/holdfast-office.timer)" \
    $'OnCalendar=*-*-* 09..17:00,20,40:00 UTC\nPersistent=true\nUnit=holdfast-health.service'
  run -0 "$schedule_backups" lint units/holdfast-office.timer
  mkdir verify
  assert_units_verify "$HOLDFAST_UNIT_DIR"
  run -0 "$schedule_backups" list
  assert_output --regexp 'health +systemd +health +\*/5 \* \* \* \* +the host +20.*Z'
  mkdir other && cp holdfast.toml other/
  run -10 plan health --config other/holdfast.toml
}

@test "doing it again writes nothing and reloads nothing" {
  plan daily --zone UTC
  touch -d 2020-01-01 units/*
  : >"$calls"
  plan daily --zone UTC
  assert_equal "$(stat -c %Y units/* | sort -u)" "$(date -d 2020-01-01 +%s)"
  run -1 grep daemon-reload "$calls"
}

@test "a timer says in its zone what cron would say in two lines" {
  plan trading-hours --zone Asia/Kolkata
  assert_equal "$(grep OnCalendar units/holdfast-trading-hours.timer)" \
    $'OnCalendar=Mon..Fri *-*-* 09..15:15:00 Asia/Kolkata\nOnCalendar=Mon..Fri *-*-* 15:30:00 Asia/Kolkata'
  assert_equal "$(sed -n 's/^Unit=//p' units/holdfast-trading-hours.timer)" holdfast-backup@hourly.service
  run -0 plan custom '0 2 1-7 * 0'
  assert_equal "$(grep -c OnCalendar units/holdfast-custom.timer)" 2
  run -0 "$schedule_backups" list
  assert_output --regexp 'trading-hours +systemd +hourly +15 9-15 \* \* 1-5 +Asia/Kolkata +20.*Z'
}

@test "systemd elapses when cron would run, for expressions of every form" {
  local expression line expected found
  for expression in '0 2 * * *' '*/20 9-17 * * 1-5' '5,7 0 1,15 * *' '0 12 * feb,dec sun' '30 6 1 1,4,7,10 *' '0 0 * * 5-7'; do
    line=$(schedule calendar "$expression" --zone Europe/Berlin)
    expected=$(schedule next "$expression" --zone Europe/Berlin --after 2027-05-01 --count 8 --json |
      jq -r '.runs[].utc | sub("T"; " ") | sub(":00Z"; ":00 UTC")')
    found=$(systemd-analyze calendar --base-time='2027-05-01 00:00:00 UTC' --iterations=8 "$line" |
      grep -E '(elapse|Iter|in UTC)' | grep -oE '20[0-9-]+ [0-9:]+ UTC' | sort -u)
    assert_equal "$found" "$expected"
  done
}

@test "units of an administrator stay: a timer is refused, a service is used as it is" {
  echo '# mine' | tee units/holdfast-daily.timer >units/holdfast-verify.service
  run -10 plan daily --zone UTC
  run -0 plan verify --zone UTC
  assert_equal "$(cat units/holdfast-daily.timer units/holdfast-verify.service)" $'# mine\n# mine'
  run -0 "$schedule_backups" --quiet remove
  assert_equal "$(ls units)" $'holdfast-daily.timer\nholdfast-verify.service'
}

@test "another configuration does not take over services that are in use" {
  plan daily --zone UTC
  mkdir other && cp holdfast.toml other/
  run -10 plan hourly --config other/holdfast.toml
  assert grep -q -- "--config $PWD/holdfast.toml " units/holdfast-backup@.service
}

@test "remove: stops and removes what it wrote, and the services with the last timer" {
  plan daily --zone UTC
  plan hourly --zone UTC
  "$schedule_backups" --quiet remove daily
  assert_equal "$(ls units)" $'holdfast-alert@.service\nholdfast-backup@.service\nholdfast-hourly.timer'
  assert grep -qx -- '--quiet disable --now holdfast-daily.timer' "$calls"
  "$schedule_backups" --quiet remove
  assert_equal "$(ls -A units)" ''
}

@test "a schedule that moves between cron and systemd is never in both" {
  plan daily --zone UTC
  "$schedule_backups" --cron --quiet daily --zone UTC 2>/dev/null
  assert_file_not_exist units/holdfast-daily.timer
  assert_equal "$(wc -l <table)" 1
  plan daily --zone UTC
  assert_file_exist units/holdfast-daily.timer
  assert_file_not_exist table
}

@test "systemctl that fails is 8, and a refused timer leaves no services behind" {
  echo '# mine' >units/holdfast-daily.timer
  run -10 plan daily --zone UTC
  assert_equal "$(ls units)" holdfast-daily.timer
  printf '#!/bin/sh\n[ "$1" = is-system-running ] && { echo running; exit; }\nexit 5\n' >bin/systemctl
  run -8 plan hourly --zone UTC
}

@test "--dry-run writes nothing; where systemd does not run, or for a path that no unit can hold, it is refused" {
  run -0 plan all --dry-run
  assert_equal "$(ls -A units)" ''
  STATE=offline run -10 plan daily
  mkdir 'a b' && cp holdfast.toml 'a b/'
  run -3 plan daily --config 'a b/holdfast.toml'
  assert_equal "$(find units -name '*.timer')" ''
}

@test "lint: a timer without a zone and without Persistent is told, with its next five times" {
  printf '[Timer]\nOnCalendar=Mon-Fri 17:00\nAccuracySec=1h\n' >old.timer
  run -4 "$schedule_backups" lint old.timer
  assert_output --partial 'Iter. #5'
  assert_output --partial 'names no zone'
  assert_output --partial 'Persistent=true is missing'
  assert_output --partial 'hours late'
  run -6 "$schedule_backups" lint none.timer
}

@test "alert_unit.sh: tells syslog which unit failed, why, and its last words" {
  printf '#!/bin/sh\necho Result=exit-code; echo ExecMainStatus=5\n' >bin/systemctl
  printf '#!/bin/sh\necho "verify: error: object is damaged"\n' >bin/journalctl
  printf '#!/bin/sh\n[ -z "$BROKEN" ] || exit 1\necho "$*" >>"$calls"; cat >>"$calls"\n' >bin/logger
  chmod +x bin/*
  run -0 env -i PATH="$PATH" calls="$calls" "$HOLDFAST_SOURCE/scripts/alert_unit.sh" holdfast-verify.service
  assert_equal "$(<"$calls")" "--tag holdfast-alert --priority daemon.crit
ALERT: holdfast-verify.service failed: Result=exit-code ExecMainStatus=5 
verify: error: object is damaged"
  BROKEN=1 run -8 "$HOLDFAST_SOURCE/scripts/alert_unit.sh" holdfast-verify.service
  assert_output --partial 'holdfast-verify.service failed'
  run -2 "$HOLDFAST_SOURCE/scripts/alert_unit.sh"
}

# For tests of who is told: a channel that writes severity, key and title of each alert to $told.
tell_file() {
  told=$BATS_TEST_TMPDIR/told
  {
    printf '[alerts]\nspool = "%s/spool"\n[[alerts.channel]]\nname = "file"\nkind = "command"\n' "$BATS_TEST_TMPDIR"
    printf 'command = "jq -nr \\"env.HOLDFAST_ALERT | fromjson | [.severity, .key, .title, .text] | @tsv\\" >>%s"\n' "$told"
  } >>holdfast.toml
  chmod 0600 holdfast.toml
  : >"$told"
}

@test "alert_unit.sh: tells the channels of [alerts] too, by the key of the job, and syslog also if they are broken" {
  printf '#!/bin/sh\necho Result=exit-code; echo ExecMainStatus="${CODE:-5}"\n' >bin/systemctl
  printf '#!/bin/sh\necho "its last words"\n' >bin/journalctl
  printf '#!/bin/sh\ncat >>"$calls"\n' >bin/logger
  chmod +x bin/*
  tell_file
  export HOLDFAST_CONFIG=$PWD/holdfast.toml
  run -0 "$HOLDFAST_SOURCE/scripts/alert_unit.sh" holdfast-backup@full.service
  assert_output ''
  run -0 cat "$told"
  assert_output --regexp $'^critical\tbackup-full\tholdfast-backup@full.service failed\tResult=exit-code ExecMainStatus=5 .nits last words'
  # What the job told itself is held back; partial is a warning.
  run -0 alert send 'the job verify failed with 5' --key job-verify --severity critical
  run -0 "$HOLDFAST_SOURCE/scripts/alert_unit.sh" holdfast-verify.service
  CODE=4 run -0 "$HOLDFAST_SOURCE/scripts/alert_unit.sh" holdfast-health.service
  assert_equal "$(cut -f 1,2 "$told")" $'critical\tbackup-full\ncritical\tjob-verify\nwarning\tunit-holdfast-health'
  # Nothing of holdfast works: syslog is told all the same.
  : >"$calls"
  printf 'x = \n' >>holdfast.toml
  run -0 "$HOLDFAST_SOURCE/scripts/alert_unit.sh" holdfast-prune.service
  assert_output --partial 'were not all told'
  assert_regex "$(<"$calls")" 'holdfast-prune.service failed'
  HOLDFAST_CONFIG=/dev/null run -0 "$HOLDFAST_SOURCE/scripts/alert_unit.sh" holdfast-prune.service
  assert_output ''
}

@test "run_job.sh: the channels of [alerts] are told of a job that fails, and of its first good run after that" {
  tell_file
  printf '#!/bin/sh\n' >bin/logger
  chmod +x bin/logger
  run -6 "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet --config "$PWD/holdfast.toml" verify
  run -6 "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet --config "$PWD/holdfast.toml" verify
  mkdir lake
  touch lake/x
  init --config holdfast.toml >/dev/null
  snap --config holdfast.toml --quiet
  run -0 "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet --config "$PWD/holdfast.toml" verify
  run -0 "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet --config "$PWD/holdfast.toml" verify
  assert_equal "$(cut -f 1-3 "$told")" $'critical\tjob-verify\tthe job verify failed with 6\nok\tjob-verify\tthe job verify works again'
}

# What NoNewPrivileges= of a unit does to sendmail: a setgid program that drops mail into a folder of its group.
@test "mail: it waits where no program may gain rights, and the next call that may hands it over" {
  ((EUID == 0)) || skip 'setgid programs and users need root'
  local drop=$BATS_TEST_TMPDIR/maildrop
  mkdir -m 0730 "$drop"
  chgrp mail "$drop"
  cp "$(command -v tee)" "$BATS_TEST_TMPDIR/postdrop"
  chgrp mail "$BATS_TEST_TMPDIR/postdrop"
  chmod 2755 "$BATS_TEST_TMPDIR/postdrop"
  printf '#!/bin/sh\nexec %s/postdrop %s/mail >/dev/null\n' "$BATS_TEST_TMPDIR" "$drop" >bin/sendmail
  chmod +x bin/sendmail
  printf '[alerts]\nspool = "%s/spool"\n[[alerts.channel]]\nname = "ops"\nkind = "email"\nto = "ops@example.com"\n' \
    "$BATS_TEST_TMPDIR" >>holdfast.toml
  mkdir spool
  chown -R nobody holdfast.toml spool "$HOME"
  chmod o+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
  cp "$(command -v alert)" bin/
  as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
  run -4 as_nobody --no-new-privs alert --config holdfast.toml send 'it failed' --severity critical
  run -0 ls "$drop"
  assert_output ''
  run -0 as_nobody alert --config holdfast.toml flush
  run -0 cat "$drop/mail"
  assert_line 'To: ops@example.com'
}

@test "a job that fails under cron tells syslog; under systemd, and when it is only busy, nobody is woken" {
  printf '#!/bin/sh\necho "$*" >>"$calls"\n' >bin/logger
  chmod +x bin/logger
  run -6 env -u INVOCATION_ID "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet --config "$PWD/holdfast.toml" verify
  assert_regex "$(<"$calls")" '^--tag holdfast --priority user.crit -- job verify failed with exit 6; its log is /'
  : >"$calls"
  INVOCATION_ID=x run -6 "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet --config "$PWD/holdfast.toml" verify
  assert_equal "$(<"$calls")" ''
  mkdir -p logs/backups
  (exec 8>logs/backups/backup.lock && flock 8 && sleep 20) 3>&- &
  local holder=$!
  until ! flock --nonblock logs/backups/backup.lock true; do sleep 0.05; done
  BACKUP_LOCK_WAIT=0s run -7 env -u INVOCATION_ID "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet \
    --config "$PWD/holdfast.toml" full
  kill "$holder"
  assert_regex "$(<"$calls")" 'user.warning -- job full failed with exit 7'
}
