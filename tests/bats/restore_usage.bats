#!/usr/bin/env bats
# restore_usage.bats - what is said to restore and restore.sh and has no meaning there is wrong usage: nothing is done, for what is
# ignored looks as if it were done.

load support
load repository
load incident

setup() {
  make_system
  lose_data
  "$script" latest --yes --quiet
  was=$(sql t.db 'SELECT count(*) FROM trade')
  : >"$calls"
}

teardown() {
  stop_system
}

# The restore can still be taken back, and nothing was stopped.
assert_nothing_done() {
  assert_equal "$(restore --pending --json | jq -r 'map(.state) | unique | join(" ")')" restored
  assert_equal "$(sql t.db 'SELECT count(*) FROM trade')" "$was"
  assert_equal "$(<"$calls")" ''
}

@test "restore: --undo, --resume and --accept refuse each option that means nothing there, and the way back stays" {
  local verb option
  for verb in --undo --resume --accept --pending; do
    for option in --dry-run '--target out' --stdout --overwrite '--source trades' '--component trades' '--path x'; do
      # shellcheck disable=SC2086 # two words each
      run -2 --separate-stderr restore "$verb" $option
      assert_equal "$output" ''
      assert_regex "$stderr" "${option%% *} means nothing with $verb; nothing was done"
    done
    run -2 restore "$verb" --to t.db
    run -2 restore "$verb" --online
  done
  run -2 restore --accept --no-emergency
  run -2 restore --pending --force
  assert_nothing_done
}

@test "restore: --undo takes what has a meaning there" {
  run -0 --separate-stderr restore --undo --json --quiet --force --no-emergency --repo backups --config holdfast.toml --lock-wait 5s
  assert_equal "$(jq -r .state <<<"$output")" undone
  run -0 restore --accept --force --quiet --lock-wait 5s
}

@test "restore: --from-export refuses each option that means nothing there, and makes no database" {
  local option
  "$HOLDFAST_BIN/export" -q --db t.db --format csv --out exported
  for option in --dry-run --undo --in-place '--source trades' '--path x'; do
    # shellcheck disable=SC2086
    run -2 --separate-stderr restore --from-export exported --target new.db $option
    assert_regex "$stderr" "$option means nothing with --from-export|${option%% *} means nothing with --from-export|[Ee]xclude"
    assert_file_not_exists new.db
  done
}

@test "restore.sh: --undo, --resume, --accept, list and --target refuse each option that means nothing there" {
  local verb option
  for verb in --undo --resume --accept; do
    for option in '--source trades' '--to t.db' --online '--at 2026-11-20' '--target out'; do
      # shellcheck disable=SC2086
      run -2 --separate-stderr "$script" "$verb" --yes $option
      assert_regex "$stderr" "${option%% *} means nothing with $verb; nothing was done"
    done
  done
  run -2 "$script" --accept --force
  run -2 "$script" --undo --no-rollback --yes
  run -2 "$script" list --online
  run -2 "$script" latest --target out --force
  assert_file_not_exists out
  assert_nothing_done
}

@test "restore.sh: --accept --quiet says nothing but errors" {
  run -0 --separate-stderr "$script" --accept --quiet
  assert_equal "$stderr" ''
  assert_equal "$(restore --pending --json)" '[]'
}

@test "restore.sh: --quiet says nothing of a restore that went well" {
  restore --accept --quiet
  lose_data
  run -0 --separate-stderr "$script" latest --yes --quiet
  assert_equal "$stderr" ''
}

@test "restore.sh: settings that mean nothing with --undo are named, and so is that all of it is taken back" {
  DB_PATH=other.db RESTORE_CONFIG=false run -0 --separate-stderr "$script" --undo --yes --quiet
  assert_regex "$stderr" 'warn: DB_PATH means nothing with --undo'
  assert_regex "$stderr" 'warn: RESTORE_CONFIG=false leaves out nothing'
  assert_equal "$(<conf/a.yaml)" 'setting: bad'
}
