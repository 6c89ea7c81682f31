#!/usr/bin/env bats
# restore_sh_edges.bats - scripts/restore.sh where it is easily wrong: said twice, tried out, forced, with the surroundings of a person,
# on a disk that is full.

load support
load repository
load incident

setup() {
  make_system
  be_patient
  lose_data
}

be_patient() { # what is meant here does not hang on how fast the machine is
  sed -i 's/^timeout = "3s"/timeout = "60s"/; s/^health_timeout = "2s"/health_timeout = "60s"/' holdfast.toml
}

teardown() {
  stop_system
}

on_call() { # <name> <verb> <shell line that the fake systemctl runs first>
  printf '%s\n' "$3" >"$services_dir/$1.$2"
}

trades() { sql "$live/t.db" 'SELECT count(*) FROM trade'; }

@test "restore.sh: --undo said twice takes back one restore; an older one goes by its id" {
  local first
  "$script" latest --yes --quiet
  first=$(restore --pending --json | jq -r '.[0].restore')
  sql t.db 'DELETE FROM trade WHERE id > 700'
  "$script" latest --yes --quiet
  run -0 "$script" --undo --yes
  assert_equal "$(trades)" 700
  : >"$calls"
  run -6 "$script" --undo --yes
  assert_output --partial 'an older one is taken back by its id'
  assert_equal "$(trades)" 700
  assert_equal "$(<"$calls")" ''
  run -0 "$script" --undo "$first" --yes
  assert_equal "$(trades)" 0
}

@test "restore.sh: --accept as a dry run lists what is kept, and the way back stays" {
  "$script" latest --yes --quiet
  run -0 "$script" --accept --dry-run
  assert_output --partial "$live/t.db"
  DRY_RUN=true run -0 "$script" --accept
  run -0 "$script" --accept --dry-run "$(restore --pending --json | jq -r '.[0].restore')"
  assert_output --partial "$live/t.db"
  run -6 "$script" --accept --dry-run nosuch
  assert_output --partial "there is no restore 'nosuch' to accept"
  run -0 "$script" --undo --yes
  assert_lost
}

@test "restore.sh: a damaged journal of another restore does not stand in the way of --undo" {
  "$script" latest --yes --quiet
  printf '{"restore": "2020' >"$(echo "$XDG_STATE_HOME"/holdfast/*.restores)/20200101T000000Z-abcdef.json"
  run -0 "$script" --undo --yes
  assert_output --partial '20200101T000000Z-abcdef.json'
  assert_lost
}

@test "restore.sh: who had the data open when --force was given does not keep it from rolling back" {
  write_config 'health = ["false"]' 'health_timeout = "1s"'
  be_patient
  sqlite3 t.db <<<$'SELECT count(*) FROM book;\n.shell touch open; exec sleep 60' >/dev/null 3>&- &
  wait_until test -e open
  run -8 "$script" latest --yes --force
  kill "$!" && pkill -P "$!" || true
  assert_output --partial 'ROLLED BACK'
  assert_lost
}

@test "restore.sh: no service and no hook finds the secret of the alerts in its environment" {
  on_call trading start "env >$live/seen"
  ALERT_WEBHOOK_URL=http://127.0.0.1:9/hidden ALERT_WEBHOOK_SECRET=hidden "$script" latest --yes --quiet
  assert_file_exist "$live/seen"
  refute grep -a hidden "$live/seen"
}

@test "restore.sh: services start with the umask, zone and language of the person, and without the tools in PATH" {
  on_call trading start "printf '%s\n' \"\$(umask) \${TZ-none} \${LC_ALL-none} \$(type -P catalog || echo none)\" >$live/seen"
  PATH=${PATH//"$HOLDFAST_BIN:"/}
  (umask 022 && TZ=Asia/Kolkata LC_ALL=C.UTF-8 "$script" latest --yes --quiet)
  assert_equal "$(<seen)" '0022 Asia/Kolkata C.UTF-8 none'
  assert_equal "$(stat -c %a logs/backups/incident_*.md)" 600
  (unset TZ LC_ALL && "$script" latest --yes --quiet)
  assert_regex "$(<seen)" ' none none none$'
}

@test "restore.sh: a full disk of temporary files is no obstacle, however long the configuration is" {
  ((EUID == 0)) || skip 'needs root to mount'
  write_config 'health = "seq 30000"'
  be_patient
  printf 'exclude = [%s]\n' "$(seq -s , -f '"cache/of/nobody/%05.0f/**"' 4000)" >>holdfast.toml
  export full=$BATS_TEST_TMPDIR/full script
  mkdir "$full"
  # shellcheck disable=SC2016 # for the inner shell
  run -0 unshare -m bash -c 'mount -t tmpfs -o size=4k,nr_inodes=1 none "$full" && TMPDIR=$full exec "$script" latest --yes'
  assert_good
  assert_up
}

@test "restore.sh: a place that the configuration has now is live, wherever the snapshot is from" {
  mkdir new
  sed -i 's|"t.db"|"new/t.db"|' holdfast.toml
  cp t.db new/t.db
  run -0 "$script" latest --to new/t.db --dry-run
  assert_output --partial 'Stopped meanwhile: trading dash'
  run -0 "$script" latest --to new/other.db --dry-run
  assert_output --partial 'No service is stopped.'
}

@test "restore.sh: if the newest snapshot lacks a source, the newest that holds it is named" {
  "$HOLDFAST_SOURCE/scripts/backup.sh" hourly --quiet --accept-losses trades
  run -6 "$script" latest --source settings --dry-run
  assert_output --partial "holds no source 'settings'; the newest that does is $good"
}

@test "restore.sh: called by a link, it finds its parts" {
  ln -s "$script" "$BATS_TEST_TMPDIR/bin/bring-back"
  run -0 "$BATS_TEST_TMPDIR/bin/bring-back" list
  assert_output --partial "$good"
}

@test "restore.sh: RESTORE_DATA leaves out data, as BACKUP_DATA does" {
  sed -i 's|class = "config"|class = "data"|' holdfast.toml
  "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet --accept-losses
  echo 'setting: worse' >conf/a.yaml
  RESTORE_DATA=false run -0 "$script" latest --yes
  assert_equal "$(<conf/a.yaml)" 'setting: worse'
}

@test "restore.sh: a database whose folder has a line end in its name is live, and what its first line names is not" {
  local odd=$live/$'logs\nfolder'
  mkdir "$odd"
  cp t.db "$odd/o.db"
  printf '[[source]]\nname = "odd"\nkind = "sqlite"\npath = "logs\\nfolder/o.db"\n' >>holdfast.toml
  "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet --accept-losses
  sql "$odd/o.db" 'DELETE FROM book'
  : >"$calls"
  run -0 "$script" latest --source odd --yes
  refute_output --partial 'is not used' # the log folder lies in logs, which is not replaced
  assert_equal "$(calls_of stop)" 'trading dash'
  assert [ "$(sql "$odd/o.db" 'SELECT count(*) FROM book')" -gt 0 ]
  : >"$calls"
  run -0 "$script" --undo --yes
  assert_equal "$(calls_of stop)" 'trading dash'
  assert_equal "$(sql "$odd/o.db" 'SELECT count(*) FROM book')" 0
}

@test "restore.sh: --no-emergency takes no snapshot of what is replaced, and --undo brings that back all the same" {
  run -0 "$script" latest --yes --no-emergency
  assert_good
  refute_output --partial 'emergency snapshot'
  assert_equal "$(catalog list --json | jq -r 'map(.type) | index("emergency")')" null
  run -2 "$script" --undo --yes --no-emergency
  run -0 "$script" --undo --yes
  assert_lost
}
