#!/usr/bin/env bats
# schedule.bats - scripts/schedule_backups.sh with the real crontab(1), on the table of a user made for it.

load support

setup_file() {
  export TEST_USER=hf-test-$$
  if ((EUID != 0)); then return; fi
  useradd --no-create-home --home-dir /nonexistent --shell /bin/bash "$TEST_USER"
}

teardown_file() {
  if ((EUID != 0)); then return; fi
  crontab -u "$TEST_USER" -r 2>/dev/null || true
  userdel "$TEST_USER"
}

setup() {
  private_home
  ((EUID == 0)) || skip 'makes a user, so it needs root'
  schedule_backups=$HOLDFAST_SOURCE/scripts/schedule_backups.sh
  table=/var/spool/cron/crontabs/$TEST_USER
  rm -f "$table"
  export HOLDFAST_UNIT_DIR=$BATS_TEST_TMPDIR/units # not those of this host
  mkdir "$HOLDFAST_UNIT_DIR"
  system=$BATS_TEST_TMPDIR/system
  mkdir -p "$system/lake"
  cd "$system" || return 1
  echo part >lake/file
  sqlite3 t.db 'CREATE TABLE t(x); INSERT INTO t VALUES(1)'
  cat >holdfast.toml <<'END'
[repository]
path = "backups"
[[source]]
name = "trades"
kind = "sqlite"
path = "t.db"
[[source]]
name = "lake"
kind = "tree"
path = "lake"
[retention]
keep_daily = 7
END
}

plan() { # <argument>...: schedule_backups.sh for the user of this suite
  "$schedule_backups" --user "$TEST_USER" --quiet "$@"
}

lines() { crontab -u "$TEST_USER" -l 2>/dev/null || true; }

# The table as it lies on the disk, without the header of crontab(1).
bytes() { sed '1,3{/^# \(DO NOT EDIT\|(.* installed on\|(Cron version\)/d}' "$table"; }

install_table() { crontab -u "$TEST_USER" -; }

command_of() { # <name>: what cron gives to the shell
  lines | grep "# holdfast: $1\$" | sed -E 's/^([^ ]+ ){5}//; s/\\%/%/g'
}

as_cron() { # <command>
  env -i HOME=/ LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin HOLDFAST_BIN="$HOLDFAST_BIN" \
    XDG_STATE_HOME="$XDG_STATE_HOME" XDG_CACHE_HOME="$XDG_CACHE_HOME" /bin/sh -c "$1" </dev/null
}

# A crontab first in PATH that runs a hook before the real one.
hook_crontab() { # <shell line>: $calls counts the calls, $1 is the first argument after -u NAME
  mkdir -p "$BATS_TEST_TMPDIR/hook"
  printf '#!/usr/bin/env bash\ncalls=$(($(cat "%s/calls" 2>/dev/null || echo 0) + 1)); echo "$calls" >"%s/calls"\n%s\nexec %s "$@"\n' \
    "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" "$1" "$(command -v crontab)" >"$BATS_TEST_TMPDIR/hook/crontab"
  chmod +x "$BATS_TEST_TMPDIR/hook/crontab"
  PATH=$BATS_TEST_TMPDIR/hook:$PATH
}

@test "daily: one marked line at 02:00 with absolute paths; again changes nothing, not even the file" {
  plan daily
  assert_equal "$(lines)" "0 2 * * * $(command -v bash) $HOLDFAST_SOURCE/scripts/run_job.sh --quiet --config $system/holdfast.toml full # holdfast: daily"
  touch -d '2020-01-01' "$table"
  plan daily
  assert_equal "$(stat -c %Y "$table")" "$(date -d 2020-01-01 +%s)"
}

# WAL is received by hosts that say so, and watched there: no schedule of `all`.
timers_of_all() {
  find "$HOLDFAST_SOURCE/systemd" -name '*.timer' ! -name holdfast-wal-check.timer
}

@test "all: the same schedules as cron/holdfast.cron and the timers, and no others" {
  printf '[[remote]]\nname = "usb"\nurl = "/mnt"\n' >>holdfast.toml
  plan all
  assert_equal "$(lines | sed -E 's/^(([^ ]+ ){5}).* ([a-z-]+) # .*/\1\3/' | sort)" \
    "$(grep -E '^[0-9*]' "$HOLDFAST_SOURCE/cron/holdfast.cron" | sed -E 's/ +/ /g; s/root .* //' | sort)"
  "$schedule_backups" all --dry-run --systemd --zone UTC >timers
  assert_equal "$(grep -E '^(OnCalendar|Unit|Persistent|Random)' timers | sort)" \
    "$(timers_of_all | xargs grep -hE '^(OnCalendar|Unit|Persistent|Random)' | sort)"
  assert_equal "$(grep -c '^--- ' timers)" "$(timers_of_all | wc -l)"
}

@test "lines of others stay byte for byte: environment, %, tabs, carriage returns, control bytes, comments" {
  printf '# mine\n# and mine\nMAILTO=ops\nA="50%%"\n\n0 1 * * * tar c%%x \\%% \t\xc3\xa9\x01 \\r \r\n#0 2 * * * off # holdfast: daily\r\n@reboot x' >own
  echo >>own
  install_table <own
  cmp <(bytes) own
  plan all
  cmp <(bytes | head -n "$(wc -l <own)") own
  plan weekly
  plan remove weekly
  plan remove
  cmp <(bytes) own
}

@test "a table that was written by hand, without crontab's header, keeps its first comments" {
  printf '# one\n# two\n# three\n# four\n0 1 * * * x\n' >"$table"
  plan daily
  assert_equal "$(bytes | head -n 5)" $'# one\n# two\n# three\n# four\n0 1 * * * x'
  plan remove
  assert_equal "$(bytes)" $'# one\n# two\n# three\n# four\n0 1 * * * x'
}

@test "a table without a line end at its end gets one, so that the last line of others stays whole" {
  printf '0 1 * * * x' >"$table"
  plan daily
  assert_equal "$(bytes | head -n 1)" '0 1 * * * x'
  assert_equal "$(bytes | wc -l)" 2
}

@test "a schedule that changes keeps its place, for environment lines count from where they stand" {
  plan custom '0 */6 * * *'
  { lines && printf 'HOME=/elsewhere\n0 1 * * * x\n'; } | install_table
  plan custom '0 */4 * * *'
  assert_regex "$(lines | sed -n 1p)" '^0 \*/4 \* \* \* .* # holdfast: custom$'
  assert_equal "$(lines | sed -n '2,$p')" $'HOME=/elsewhere\n0 1 * * * x'
}

@test "prune: without a policy it would fail every day, so it is refused, and left out of groups" {
  sed -i '/retention/,$d' holdfast.toml
  run -3 plan prune
  assert_output --partial 'no [retention]'
  run -0 plan all
  assert_output --partial 'prune is left out'
  run -1 grep prune "$table"
}

@test "remove: by name or all, of an empty table nothing is left, and an unknown name is 6" {
  plan maintenance
  plan remove prune
  assert_equal "$(lines | grep -o 'holdfast: .*')" $'holdfast: verify\nholdfast: drill\nholdfast: cleanup-logs'
  run -6 plan remove prune
  run -0 plan remove
  run -1 crontab -u "$TEST_USER" -l
  run -0 plan remove all
}

@test "remove: a name is no pattern" {
  plan daily
  plan drill
  run -6 plan remove 'd.*'
  run -6 plan remove 'daily|drill'
  assert_equal "$(lines | wc -l)" 2
}

@test "a comment or a line of others that speaks of holdfast is not ours" {
  printf '#0 2 * * * run_job.sh # holdfast: daily\n0 1 * * * /x/backup.sh # holdfast: daily\n5 5 * * * echo # holdfast: weekly x\n' >own
  install_table <own
  plan daily
  assert_equal "$(lines | wc -l)" 4
  plan remove
  cmp <(bytes) own
}

@test "eight at once: every line arrives" {
  local i
  for i in 1 2 3 4 5 6 7 8; do plan custom "$i 3 * * *" --name "n$i" 2>/dev/null 3>&- & done
  wait
  assert_equal "$(lines | grep -o 'holdfast: .*' | sort | tr '\n' ' ')" \
    "$(printf 'holdfast: n%s ' 1 2 3 4 5 6 7 8)"
}

@test "what somebody else writes between our reading and our writing is kept" {
  printf '0 1 * * * x\n' | install_table
  # The second call is the comparison before the table is written.
  hook_crontab "if ((calls == 2)); then printf '0 1 * * * x\\n5 5 * * * theirs\\n' | $(command -v crontab) -u $TEST_USER -; fi"
  plan daily
  assert_equal "$(lines | sed -n 1,2p)" $'0 1 * * * x\n5 5 * * * theirs'
  assert_regex "$(lines | sed -n 3p)" 'holdfast: daily$'
}

@test "a table that changes whenever we look is left alone: 7" {
  hook_crontab "if [[ \$3 == -l ]]; then printf '0 1 * * * %s\\n' \"\$calls\" | $(command -v crontab) -u $TEST_USER -; fi"
  run -7 plan daily
  run -1 grep -c holdfast "$table"
}

@test "a table that crontab refuses, or cannot show, is an error, and stays as it is" {
  printf '99 99 * * * not valid\n' >"$table"
  run -3 plan daily
  assert_output --partial 'the old one is untouched'
  assert_equal "$(<"$table")" '99 99 * * * not valid'
  hook_crontab 'echo "you are not allowed to use this program" >&2; exit 1'
  run -8 plan daily
  assert_output --partial 'not allowed'
}

# Runs in a mount namespace whose /usr/bin has everything but crontab: base.sh looks there whatever PATH says.
without_crontab() { # <command> [arg...]
  mkdir -p "$BATS_TEST_TMPDIR/real" "$BATS_TEST_TMPDIR/links"
  find /usr/bin -mindepth 1 -maxdepth 1 ! -name crontab -printf "$BATS_TEST_TMPDIR/real/%f\\0" |
    xargs -0 ln -s -t "$BATS_TEST_TMPDIR/links"
  run unshare --mount true
  ((status == 0)) || skip 'no mount namespaces here'
  unshare --mount bash -c 'mount --bind /usr/bin "$0/real" && mount --bind "$0/links" /usr/bin && exec "$@"' \
    "$BATS_TEST_TMPDIR" "$@"
}

@test "without crontab(1): 3 with a hint; list and remove do without" {
  run -3 without_crontab "$schedule_backups" daily
  assert_output --partial 'crontab is not installed'
  assert_output --partial 'install the package cron'
  rm -r "$BATS_TEST_TMPDIR/links"
  run -0 without_crontab "$schedule_backups" list
}

@test "the line runs in cron's environment, also from a folder with blanks, quotes and %" {
  local odd="$system/it's 100% odd"
  mkdir "$odd"
  sed "s#^path = \"#&$system/#" holdfast.toml >"$odd/holdfast.toml"
  init --config "$odd/holdfast.toml" >/dev/null
  plan daily --config "$odd/holdfast.toml"
  run -0 as_cron "$(command_of daily)"
  assert_output ''
  assert_equal "$(catalog --json | jq -r '.[0] | .type, (.sources | join(" "))')" $'full\nlake trades'
  assert_file_exist "$odd"/logs/backups/backup_*.log
}

@test "installed in a folder with blanks, its line is known again: one line, listed and removed" {
  mkdir "$system/a b"
  cp -r "$HOLDFAST_SOURCE/scripts" "$system/a b/"
  schedule_backups="$system/a b/scripts/schedule_backups.sh"
  plan daily
  plan daily
  assert_regex "$(lines)" "^0 2 [^']* '$system/a b/scripts/run_job.sh' [^']* full # holdfast: daily\$"
  run -0 plan list
  assert_regex "${lines[1]}" '^daily +cron +full '
  plan remove daily
  assert_equal "$(lines)" ''
}

@test "the environment of a crontab cannot turn backups into dry runs, and a wrong PATH does not matter" {
  init >/dev/null
  plan daily
  run -0 as_cron "export DRY_RUN=true BACKUP_TYPE=nonsense PATH=/nowhere; $(command_of daily)"
  assert_equal "$(catalog --json | jq -r '.[0].type')" full
}

@test "hourly: databases only, as type hourly" {
  init >/dev/null
  plan hourly
  run -0 as_cron "$(command_of hourly)"
  assert_equal "$(catalog --json | jq -r '.[0] | .type, (.sources | join(" "))')" $'hourly\ntrades'
}

@test "drill: runs without a terminal and leaves its record" {
  init >/dev/null
  snap >/dev/null
  plan drill
  run -0 as_cron "$(command_of drill)"
  assert_output ''
  assert_file_exist "$(find logs -name "recovery_test_*.md")"
}

@test "verify, prune and cleanup-logs: run, and each leaves a log with one terminal state" {
  local job
  init >/dev/null
  snap >/dev/null
  plan maintenance
  for job in verify prune cleanup-logs; do
    run -0 as_cron "$(command_of "$job")"
    assert_output ''
    assert_regex "$(tail -n 1 logs/backups/"${job}"_*.log)" 'state=complete code=0$'
  done
}

@test "health: every five minutes in any zone; not healthy is no failure of the job, a look that cannot be made is" {
  local zone
  for zone in UTC Asia/Kolkata Australia/Eucla; do
    plan health --zone "$zone"
    run -0 lines
    assert_regex "$output" '^(\*/5|0,5,10,15,20,25,30,35,40,45,50,55) \* \* \* \* /.* health # holdfast: health$'
  done
  plan health
  run -0 as_cron "$(command_of health)" # no repository yet: unhealthy, which is what it is for
  assert_equal "$(jq -r .status logs/backups/health.json)" unhealthy
  echo 'x = 1' >>holdfast.toml
  run -3 as_cron "$(command_of health)"
  assert_output --partial 'holdfast.toml'
}

@test "list: a line that somebody changed to @daily or @reboot is shown as it is, and when it runs next" {
  plan daily
  plan hourly
  lines | sed -E '/# holdfast: daily$/s/^([^ ]+ ){5}/@daily /; /# holdfast: hourly$/s/^([^ ]+ ){5}/@reboot\t/' | install_table
  run -0 --separate-stderr plan list
  assert_equal "$stderr" ''
  assert_regex "${lines[1]}" '^daily +cron +full +@daily +the host +20[0-9-]+T00:00:00Z$'
  assert_regex "${lines[2]}" '^hourly +cron +hourly +@reboot +the host +at boot$'
}

@test "options that mean nothing for an action are wrong usage, and nothing is changed" {
  plan daily
  before=$(bytes)
  run -2 plan daily --systemd
  assert_output --partial 'it excludes --systemd'
  run -2 "$schedule_backups" --systemd --user "$TEST_USER" hourly
  run -2 plan hourly --from 10:00
  assert_output --partial -- '--from means nothing with hourly; nothing was done'
  run -2 plan hourly --job verify
  run -2 plan remove --name lake # was: all of them
  run -2 plan remove --cron
  run -2 plan list --zone UTC
  assert_equal "$(bytes)" "$before"
}

@test "a folder for temporary files that is missing or full is said, with exit 8" {
  plan daily
  TMPDIR=$system/nowhere run -8 --separate-stderr plan list
  assert_clean_message "cannot make a folder for temporary files in '$system/nowhere'"
  mkdir small
  export system
  run --separate-stderr unshare --mount bash -c 'mount -t tmpfs -o size=4k,nr_inodes=1 none "$system/small" && TMPDIR=$system/small exec "$@"' - \
    "$schedule_backups" --user "$TEST_USER" list
  ((status != 1)) || [[ $stderr != *mount* ]] || skip 'cannot mount'
  assert_equal "$status" 8
  assert_clean_message "cannot make a folder for temporary files in '$system/small'"
}

assert_clean_message() { # <text>: once, with a hint, and nothing of bash
  assert_equal "$output" ''
  assert_regex "$stderr" "$1.*hint: .*TMPDIR=DIR"
  assert_equal "$(wc -l <<<"$stderr")" 2
}

@test "a job that fails says so on standard error and in its log, with its exit code" {
  init >/dev/null
  snap >/dev/null
  find backups/objects -type f -exec truncate --size=10 {} +
  plan verify
  run -5 as_cron "$(command_of verify)"
  assert_output --partial 'verify: '
  assert_regex "$(tail -n 1 logs/backups/verify_*.log)" 'state=failed code=5$'
}

@test "a job that is told to stop takes its backup with it, which says how it ended" {
  init >/dev/null
  sed -i 's/^\[retention\]/[[source]]\nname = "slow"\nkind = "command"\ncommand = "touch started; sleep 60"\n&/' holdfast.toml
  "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet --config "$system/holdfast.toml" full 2>err 3>&- &
  local job=$! i code
  for ((i = 0; i < 200; i++)); do
    if [[ -e started ]]; then break; fi
    sleep 0.05
  done
  assert_file_exist started
  kill -TERM "$job"
  code=0
  wait "$job" || code=$?
  assert_equal "$code" 143
  assert_regex "$(tail -n 1 logs/backups/backup_*.log)" 'state=failed code=143'
  run -0 flock --nonblock logs/backups/backup.lock true
}

@test "trading-hours: every hour of the window and at its end, Monday to Friday" {
  plan trading-hours --from 09:15 --to 15:30
  assert_equal "$(lines | cut -d' ' -f1-5)" $'15 9-15 * * 1-5\n30 15 * * 1-5'
  plan trading-hours --from 09:00 --to 17:00
  assert_equal "$(lines | cut -d' ' -f1-5)" '0 9-17 * * 1-5'
  plan trading-hours --from 08:50 --to 10:05
  assert_equal "$(lines | cut -d' ' -f1-5)" $'50 8-9 * * 1-5\n5 10 * * 1-5'
  run -2 plan trading-hours --from 22:00 --to 04:00
  run -2 plan trading-hours --from 9:15
}

@test "trading-hours of another zone: cron wakes often, and the job starts in the zone's hours only" {
  init >/dev/null
  plan trading-hours --zone Asia/Kolkata
  assert_equal "$(lines | cut -d' ' -f1-5 | sort -u)" '0,15,30,45 * * * *'
  assert_equal "$(plan list | grep -c ' Asia/Kolkata .*:00Z$')" 2
  local command
  command=$(command_of trading-hours | sed -n 1p)
  run -0 faketime '2026-11-20 03:44:30' bash -c "$command"
  run -0 faketime '2026-11-21 03:45:30' bash -c "$command" # a Saturday
  assert_equal "$(catalog --format id)" ''
  run -0 faketime '2026-11-20 03:45:30' bash -c "$command"
  assert_equal "$(catalog --json | jq -r '.[].type')" hourly
}

@test "custom: what is wrong or never runs is refused, what may surprise is said and scheduled" {
  run -2 plan custom '0 2 * *'
  run -2 plan custom
  run -6 plan custom '30 2 30 2 *'
  run -3 plan custom '0 2 * * *' --zone Mars/Base
  run -2 plan custom '0 2 * * *' --job 'x; rm -rf /'
  run -2 plan custom '0 2 * * *' --name 'a b'
  assert_equal "$(lines)" ''
  run -0 plan custom '0 2 1-7 * 0' --job verify --name sundays
  assert_output --partial 'when either matches'
  assert_regex "$(lines)" '^0 2 1-7 \* 0 .* verify # holdfast: sundays$'
}

@test "what is scheduled elsewhere as well is said" {
  echo '[Timer]' >"$HOLDFAST_UNIT_DIR/holdfast-daily.timer"
  printf 'CRON_TZ=Asia/Tokyo\n' | install_table
  run -0 plan daily
  assert_output --partial 'sets CRON_TZ'
  assert_output --partial "$HOLDFAST_UNIT_DIR/holdfast-daily.timer schedules it as well"
}

@test "two configurations: the second one never takes the place of the first, and can have names of its own" {
  mkdir other
  cp holdfast.toml other/
  plan daily
  cp "$table" before
  run -10 plan daily --config other/holdfast.toml
  assert_output --partial 'for another configuration'
  cmp before "$table"
  plan all --name b --config other/holdfast.toml
  assert_equal "$(lines | grep -c "other/holdfast.toml .* # holdfast: b-")" 7
  plan daily
  plan remove b-daily
  assert_equal "$(lines | grep -c ' full # ')" 1
}

@test "a stated zone stays with the line: it is listed, and a host that moved is told" {
  init >/dev/null
  plan daily --zone UTC
  assert_regex "$(plan list | tail -n 1)" '^daily +cron +full +0 2 \* \* \* +UTC +20[0-9-]+T02:00:00Z$'
  lines | sed 's/--zone UTC/--zone Asia\/Kolkata/' | install_table
  run -0 as_cron "$(command_of daily)"
  assert_output --partial 'made for Asia/Kolkata, but the host has another zone by now'
  assert_equal "$(catalog --format id | wc -l)" 1
}

@test "--dry-run and DRY_RUN print the lines and write nothing" {
  run -0 plan all --dry-run
  assert_equal "${#lines[@]}" 7
  DRY_RUN=true run -0 plan daily
  assert_file_not_exist "$table"
  plan daily
  run -0 "$schedule_backups" --user "$TEST_USER" remove --dry-run
  assert_output --partial 'would be removed'
  refute_output --partial 'not scheduled any more'
  assert_file_exist "$table"
}

@test "lint: every line of a crontab is explained, and an old mistake is found: exit 4" {
  printf 'MAILTO=ops\n0 2 1-7 * 0 [ $(date +%%u) = 7 ] && /x/backup.sh\n@reboot y\n0 4 * * * z\n' | install_table
  run -4 plan lint
  assert_output --partial 'when either matches'
  assert_output --partial 'the command has a %'
  assert_equal "$(grep -c '^warning: ' <<<"$output")" 2
  plan daily
  plan remove
  printf '0 4 * * * z\n' | install_table
  run -0 plan lint
  run -4 plan lint '0 2 29 2 *'
  run -2 plan lint 'soon'
}

@test "a plain user schedules for himself" {
  local dir
  for dir in "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"; do chmod o+rx "$dir"; done
  runuser -u "$TEST_USER" -- test -r "$system/holdfast.toml" || skip 'the temporary folder is closed to other users'
  run -0 cmake --install "${HOLDFAST_BIN%/bin}" --prefix "$BATS_TEST_TMPDIR/prefix"
  mkdir -m 0777 "$BATS_TEST_TMPDIR/users"
  run -0 env -u HOLDFAST_BIN TMPDIR="$BATS_TEST_TMPDIR/users" runuser -u "$TEST_USER" -- \
    "$BATS_TEST_TMPDIR/prefix/libexec/holdfast/scripts/schedule_backups.sh" daily --config "$system/holdfast.toml"
  assert_regex "$(lines)" "$BATS_TEST_TMPDIR/prefix/libexec/holdfast/scripts/run_job.sh .* # holdfast: daily\$"
  run -0 env -u HOLDFAST_BIN TMPDIR="$BATS_TEST_TMPDIR/users" runuser -u "$TEST_USER" -- \
    "$BATS_TEST_TMPDIR/prefix/libexec/holdfast/scripts/schedule_backups.sh" remove
  assert_equal "$(lines)" ''
}
