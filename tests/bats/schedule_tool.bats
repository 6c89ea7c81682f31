#!/usr/bin/env bats
# schedule_tool.bats - the tool schedule: when an expression runs, what is odd about it, and its other forms.

load support

@test "schedule next: local time and UTC, as a table and as JSON" {
  run -0 schedule next '15 9 * * 1-5' --zone Asia/Kolkata --after 2026-11-20T12:00 --count 2
  assert_output "Asia/Kolkata          UTC
Mon 2026-11-23 09:15  2026-11-23T03:45:00Z
Tue 2026-11-24 09:15  2026-11-24T03:45:00Z"
  assert_equal "$(schedule next @daily --after 2026-11-20T12:00 --json --zone UTC | jq -c '[.expression, .zone, .runs[0].utc]')" \
    '["0 0 * * *","UTC","2026-11-21T00:00:00Z"]'
}

@test "schedule: exit codes: 0 clean, 4 warnings, 2 no expression, 3 no zone, 6 never" {
  run -0 schedule lint '0 2 * * *' --zone UTC
  refute_output --partial warning
  run -4 schedule lint '0 2 1-7 * 0' --zone UTC
  run -2 schedule lint '0 2 * *'
  run -2 schedule next '0 2 * * *' --after soon
  run -2 schedule
  run -3 schedule next '0 2 * * *' --zone Mars/Base
  run -6 schedule next '0 0 31 2 *'
}

@test "schedule: an error names the field and says what to write" {
  run -2 --separate-stderr schedule next '0 0 * * fri-sun'
  assert_equal "$output" ''
  assert_equal "$stderr" "schedule: error: the day of week 'fri-sun' of '0 0 * * fri-sun' has a range that runs backwards: crontab takes it and never runs the line
schedule: hint: Sunday is 7 as well as 0: write 5-7, or fri,sat,sun"
}

@test "schedule lint --json: warnings by word, with the next runs" {
  run -4 schedule lint '30 2 * * *' --host Europe/Berlin --after 2026-11-20 --command 'date +%F' --json
  assert_equal "$(jq -c '[.warnings[].what], (.runs | length)' <<<"$output")" '["percent","gap","repeat","zone"]
5'
}

@test "schedule cron: the fields themselves where the clocks agree, else when to wake; due says yes once" {
  assert_equal "$(schedule cron '0 2 * * *' --zone Asia/Calcutta --host Asia/Kolkata)" $'exact\t0 2 * * *'
  assert_equal "$(schedule cron '7 2 * * *' --zone Asia/Kolkata --host UTC)" $'wake\t7,22,37,52 * * * *'
  assert_equal "$(for minute in 07 22 37 52; do schedule due '7 2 * * *' --zone Asia/Kolkata --after "2026-11-19T20:$minute:03"; done)" \
    $'no\nno\nyes\nno'
}

@test "schedule calendar: what systemd-analyze takes" {
  run -0 schedule calendar '0 2 1-7 * 0' --zone Europe/Berlin
  assert_output $'*-*-01..07 02:00:00 Europe/Berlin\nSun *-*-* 02:00:00 Europe/Berlin'
}

@test "schedule: the zone of the host is that of /etc/localtime, as for cron, whatever TZ says" {
  local name
  name=$(readlink -f /etc/localtime)
  TZ=Pacific/Auckland run -0 schedule next @daily --json
  assert_equal "$(jq -r .zone <<<"$output")" "${name#*/zoneinfo/}"
}
