# shellcheck shell=bash
# incident.bash - for suites about restore.sh (`load incident` after `load repository`): a small system that is alive. Two
# services hold its database open; systemctl is a fake one, for no systemd runs here, but what it starts and stops is real.

# `live` has the database, the configuration and logs; one snapshot holds them as they were good.
make_system() {
  private_home
  live=$BATS_TEST_TMPDIR/live calls=$BATS_TEST_TMPDIR/calls services_dir=$BATS_TEST_TMPDIR/services
  script=$HOLDFAST_SOURCE/scripts/restore.sh
  mkdir -p "$live/conf" "$live/applogs" "$services_dir" "$BATS_TEST_TMPDIR/bin"
  cd "$live" || return 1
  make_database "$live/t.db" 'PRAGMA journal_mode = WAL'
  echo 'setting: good' >conf/a.yaml
  echo 'good log' >applogs/app.log
  install -m 755 "$BATS_TEST_DIRNAME/fake_systemctl.bash" "$BATS_TEST_TMPDIR/bin/systemctl"
  export PATH=$BATS_TEST_TMPDIR/bin:$PATH FAKE_SERVICES=$services_dir FAKE_DATABASE=$live/t.db FAKE_CALLS=$calls
  write_config 'health = "sqlite3 '"$live"'/t.db \"SELECT 1 FROM book LIMIT 1\" | grep -q 1"' 'health_timeout = "2s"'
  init >/dev/null
  good=$("$HOLDFAST_SOURCE/scripts/backup.sh" --quiet)
  systemctl start dash
  systemctl start trading
  : >"$calls"
}

write_config() { # [line of [services]]...
  {
    printf '[repository]\npath = "backups"\n[services]\nnames = ["trading", "dash"]\ntimeout = "3s"\n'
    printf '%s\n' "$@"
    printf '[[source]]\nname = "%s"\nkind = "%s"\nclass = "%s"\npath = "%s"\n' trades sqlite database t.db \
      settings tree config conf logs tree logs applogs
  } >holdfast.toml
}

# The newest trade is of 2026-11-20T14:00:00Z, and the configuration says how to ask for it.
ask_for_newest_row() {
  sql "$live/t.db" 'ALTER TABLE trade ADD COLUMN at TEXT' "UPDATE trade SET at = '2026-11-20T14:00:00' WHERE id = 1500"
  printf '[[source.check]]\nsql = "SELECT max(at) FROM trade"\nmax_age = "forever"\n' >"$live/check"
  sed -i "/path = \"t.db\"/r $live/check" "$live/holdfast.toml"
  rm "$live/check"
}

stop_system() { # for teardown
  local file
  for file in "$services_dir"/*.pid; do
    if [[ -f $file ]]; then kill -KILL -- "-$(<"$file")" 2>/dev/null || true; fi
  done
}

# Somebody deletes what counts, in both of them.
lose_data() {
  sql "$live/t.db" 'DELETE FROM trade'
  echo 'setting: bad' >"$live/conf/a.yaml"
}

assert_good() {
  assert_equal "$(sql "$live/t.db" 'SELECT count(*) FROM trade')" 1500
  assert_equal "$(<"$live/conf/a.yaml")" 'setting: good'
  assert_sound "$live/t.db"
}

assert_lost() {
  assert_equal "$(sql "$live/t.db" 'SELECT count(*) FROM trade')" 0
  assert_equal "$(<"$live/conf/a.yaml")" 'setting: bad'
}

assert_up() {
  assert_equal "$(systemctl is-active trading || true) $(systemctl is-active dash || true)" 'active active'
}

calls_of() { # <verb>: the services, in order
  sed -n "s/^$1 //p" "$calls" | paste -sd ' '
}

record() { # the one Markdown record
  local files=("$live"/logs/backups/incident_*.md)
  assert_equal "${#files[@]}" 1
  cat "${files[0]}"
}

record_json() { # <jq filter>
  jq -r "$1" "$live"/logs/backups/incident_*.json
}

wait_until() { # <command> [arg...]: up to ten seconds
  local i
  for ((i = 0; i < 100; i++)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  fail "never came true: $*"
}
