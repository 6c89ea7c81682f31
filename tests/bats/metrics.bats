#!/usr/bin/env bats
# metrics.bats - what Prometheus reads after each run, its alert rules, and every query of the dashboard.

load support
load repository

setup() {
  private_home
  repo=$BATS_TEST_TMPDIR/repo data=$BATS_TEST_TMPDIR/data file=$BATS_TEST_TMPDIR/textfile/holdfast.prom
  servers=()
  mkdir -p "$data/tree" "$BATS_TEST_TMPDIR/textfile"
  make_database "$data/t.db"
  echo one >"$data/tree/one"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    printf '[repository]\npath = "%s"\n[backup]\nlog_dir = "%s/logs"\n' "$repo" "$BATS_TEST_TMPDIR"
    printf '[[source]]\nname = "trades"\nkind = "sqlite"\npath = "%s/t.db"\n' "$data"
    printf '[[source]]\nname = "tree"\nkind = "tree"\npath = "%s/tree"\n' "$data"
    printf '[health]\nmin_free = "1MB"\nmax_used = "100%%"\nmetrics = "%s"\n' "$file"
  } >"$HOLDFAST_CONFIG"
  init >/dev/null
}

teardown() {
  local pid
  for pid in "${servers[@]}"; do
    kill "$pid" || true
    wait "$pid" || true
  done
}

backup() { # [argument]...
  "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet "$@"
}

value() { # <series>
  sed -n "s/^$1 //p" "$file"
}

@test "metrics: a run that was complete is on show, and promtool takes the file" {
  run -0 backup
  assert_equal "$(value backup_success_total)" 1
  assert_equal "$(value backup_failure_total)" 0
  assert_equal "$(value backup_last_run_exit_code)" 0
  assert_equal "$(value holdfast_health)" 0
  assert_equal "$(value backup_last_success_timestamp)" "$(value backup_last_run_timestamp)"
  grep -q '^backup_duration_seconds{type="full"} [0-9]' "$file"
  grep -q '^backup_size_bytes{component="database"} [1-9]' "$file"
  grep -q '^backup_verified_timestamp [1-9]' "$file"
  assert_equal "$(stat -c %a "$file")" 644
  run -0 promtool check metrics <"$file"
  assert_equal "$(ls "$BATS_TEST_TMPDIR/textfile")" holdfast.prom
}

@test "metrics: a partial, a failed and a refused run are told, and leave the time of the last success" {
  local success
  run -0 backup
  success=$(value backup_last_success_timestamp)
  sleep 1.1
  mv "$data/tree" "$data/away"
  run -4 backup
  assert_equal "$(value backup_partial_total)" 1
  assert_equal "$(value backup_last_run_exit_code)" 4
  assert_equal "$(value backup_last_success_timestamp)" "$success"
  mv "$repo" "$repo.away"
  run ! backup
  assert_equal "$(value backup_failure_total)" 1
  assert_equal "$(value holdfast_health)" 2
  assert_equal "$(value backup_last_run_exit_code)" 6
  assert_equal "$(value backup_last_success_timestamp)" "$success"
  mv "$repo.away" "$repo"
  mv "$data/away" "$data/tree"
  run -0 backup
  assert_equal "$(value backup_success_total)" 2
  (($(value backup_last_success_timestamp) > success))
}

@test "metrics: a snapshot that does not pass verification is no success, nor is an older one that has the same damage" {
  local first second
  run -0 backup
  first=$(value backup_last_success_timestamp)
  find "$repo/objects" -type f | sort >"$BATS_TEST_TMPDIR/of_the_first"
  sleep 1.1
  echo two >"$data/tree/two"
  run -0 backup
  second=$(value backup_last_success_timestamp)
  ((second > first))
  find "$repo/objects" -type f | sort | comm -13 "$BATS_TEST_TMPDIR/of_the_first" - | while read -r object; do flip_bit "$object"; done
  run -5 backup
  (($(value backup_last_success_timestamp) <= first))
  assert_equal "$(value backup_last_run_exit_code)" 5
  assert_equal "$(value holdfast_health)" 2
  while read -r object; do flip_bit "$object"; done <"$BATS_TEST_TMPDIR/of_the_first"
  run -5 backup
  assert_equal "$(value backup_last_success_timestamp)" ''
  assert_equal "$(value holdfast_health)" 2
}

@test "metrics: a file that cannot be written is removed with a warning, and the backup is still one" {
  run -0 backup
  # The temporary cannot be made, while the folder lets go of the old file.
  local text
  text=$(<"$file")
  rm "$file"
  mkdir "$file"
  touch "$file/x"
  run -0 --separate-stderr backup
  assert_regex "$stderr" 'metrics record: .*were not written'
  rm -r "$file"
  printf '%s\n' "$text" >"$file"
  mkdir -p "$XDG_STATE_HOME/holdfast"
  # The history of runs cannot be changed: no figures are better than old ones.
  find "$XDG_STATE_HOME/holdfast" -name 'runs-*.json.lock' -delete -exec mkdir {} ';'
  run -0 --separate-stderr backup
  assert_regex "$stderr" 'metrics file of the last time was removed'
  assert_file_not_exist "$file"
}

@test "metrics: a run that was killed shows as begun and not ended" {
  run -0 backup
  sleep 1.1
  run -0 metrics begin
  (($(value backup_last_start_timestamp) > $(value backup_last_run_timestamp)))
  run -1 healthcheck --check last_run
  assert_output --partial 'never ended'
}

@test "metrics: a run that finds another one at work is no failure, and does not hide that the other was killed" {
  printf '[[source]]\nname = "slow"\nkind = "command"\ncommand = "cd %s; touch started; until [ -e stop ]; do sleep 0.1; done"\n' "$BATS_TEST_TMPDIR" >>"$HOLDFAST_CONFIG"
  chmod 0600 "$HOLDFAST_CONFIG"
  "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet >/dev/null 2>&1 3>&- &
  local first=$!
  until [[ -e $BATS_TEST_TMPDIR/started ]]; do sleep 0.1; done
  sleep 1.1
  run -7 backup
  assert_equal "$(value backup_failure_total)" 0
  assert_equal "$(value backup_last_run_exit_code)" ''
  kill -9 "$first"
  wait "$first" || true
  run healthcheck --check last_run
  touch "$BATS_TEST_TMPDIR/stop"
  assert_output --partial 'never ended'
}

@test "metrics: a history that is damaged begins anew, and the newest complete snapshot is the last success" {
  run -0 backup
  find "$XDG_STATE_HOME/holdfast" -name 'runs-*.json' -exec sh -c 'printf garbage >"$1"' _ {} ';'
  run -0 metrics show
  assert_output --partial 'backup_success_total 0'
  assert_output --regexp 'backup_last_success_timestamp [1-9]'
  run -0 backup
  assert_equal "$(value backup_success_total)" 1
}

@test "metrics: backup.sh says nothing of it where no file is wanted, and counts all the same" {
  sed -i '/^metrics/d' "$HOLDFAST_CONFIG"
  run -0 --separate-stderr backup
  assert_equal "$stderr" ''
  run -0 healthcheck --prometheus "$file"
  assert_equal "$(value backup_success_total)" 1
}

@test "prometheus: the alert rules pass their tests" {
  run -0 promtool check rules "$HOLDFAST_SOURCE/prometheus/holdfast.rules.yml"
  cd "$HOLDFAST_SOURCE/prometheus"
  run -0 promtool test rules holdfast.test.yml
}

# What a person who imports the dashboard sees on a host with everything: a service, a stream, a channel, drills.
@test "prometheus: every query of the dashboard has an answer in a real Prometheus that scraped our file" {
  local port web base query answer up
  coproc ODD { exec python3 "$BATS_TEST_DIRNAME/odd_server.py" "$BATS_TEST_TMPDIR/taken" 3>&-; }
  servers+=("$ODD_PID")
  read -r -u "${ODD[0]}" port
  {
    printf '[[health.endpoint]]\nname = "api"\nurl = "http://127.0.0.1:%s/ok"\n' "$port"
    printf '[[health.stream]]\nname = "quotes"\nurl = "http://127.0.0.1:%s/sse"\n' "$port"
    printf '[[alerts.channel]]\nname = "ops"\nkind = "webhook"\nurl = "http://127.0.0.1:%s/ok"\n' "$port"
  } >>"$HOLDFAST_CONFIG"
  run -0 faketime -f -2d snap --type full
  sql "$data/t.db" "INSERT INTO trade SELECT NULL, 1, hex(randomblob(400)) FROM generate_series(1, 500)"
  run -0 backup
  python3 - "$repo/ledger.jsonl" <<'PYTHON'
import hashlib, json, sys
lines = open(sys.argv[1]).read().splitlines()
drill = {"time_utc": "2026-11-20T00:00:00Z", "event": "drilled", "drill_utc": "2026-11-20T00:00:00Z",
         "drill_result": "passed", "total_s": 12.5, "previous": hashlib.sha256(lines[-1].encode()).hexdigest()}
open(sys.argv[1], "a").write(json.dumps(drill) + "\n")
PYTHON
  run healthcheck --prometheus "$file"
  coproc WEB { exec python3 -c '
import http.server, os, sys
os.chdir(sys.argv[1])
class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {"": "text/plain"}
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
print(server.server_port, flush=True)
server.serve_forever()' "$BATS_TEST_TMPDIR/textfile" 3>&-; }
  servers+=("$WEB_PID")
  read -r -u "${WEB[0]}" web
  base=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  printf '%s\n' 'global: {scrape_interval: 1s}' 'scrape_configs:' '- job_name: host' '  metrics_path: /holdfast.prom' \
    "  static_configs: [{targets: ['127.0.0.1:$web']}]" >"$BATS_TEST_TMPDIR/prometheus.yml"
  prometheus --config.file="$BATS_TEST_TMPDIR/prometheus.yml" --storage.tsdb.path="$BATS_TEST_TMPDIR/tsdb" \
    --web.listen-address="127.0.0.1:$base" >"$BATS_TEST_TMPDIR/prometheus.log" 2>&1 3>&- &
  servers+=("$!")
  for _ in {1..100}; do
    up=$(curl -s "http://127.0.0.1:$base/api/v1/query" --data-urlencode 'query=count_over_time(up[1m])' |
      jq -r '.data.result[0].value[1] // 0' || true)
    if ((${up:-0} >= 3)); then break; fi
    sleep 0.3
  done
  run -0 curl -s "http://127.0.0.1:$base/api/v1/query" --data-urlencode 'query=up'
  assert_equal "$(jq -r '.data.result[0].value[1]' <<<"$output")" 1
  jq -r '.panels[].targets[].expr' "$HOLDFAST_SOURCE/prometheus/grafana-dashboard.json" >"$BATS_TEST_TMPDIR/queries"
  [[ $(wc -l <"$BATS_TEST_TMPDIR/queries") -gt 20 ]]
  while IFS= read -r query; do
    query=${query//\$instance/.*}
    # Of a healthy host this one has no rows; it must still be understood.
    answer=$(curl -s "http://127.0.0.1:$base/api/v1/query" --data-urlencode "query=${query/% > 0/ >= 0}")
    if [[ $(jq -r '.status, (.data.result | length > 0)' <<<"$answer") != $'success\ntrue' ]]; then
      fail "no answer to $query: $answer"
    fi
  done <"$BATS_TEST_TMPDIR/queries"
}

@test "metrics: a log folder that cannot be made is told by backup.sh, run_job.sh and offsite.sh, here and to people" {
  local told=$BATS_TEST_TMPDIR/told
  printf '[[remote]]\nname = "away"\nurl = "%s/away"\n[alerts]\nspool = "%s/spool"\n[[alerts.channel]]\nname = "file"\nkind = "command"\n' \
    "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" >>"$HOLDFAST_CONFIG"
  printf 'command = "echo \\"$HOLDFAST_ALERT\\" >>%s"\n' "$told" >>"$HOLDFAST_CONFIG"
  chmod 0600 "$HOLDFAST_CONFIG"
  run -0 backup
  mv "$BATS_TEST_TMPDIR/logs" "$BATS_TEST_TMPDIR/logs.x"
  : >"$BATS_TEST_TMPDIR/logs"
  run -8 backup
  assert_equal "$(value backup_last_run_exit_code)" 8
  run -8 "$HOLDFAST_SOURCE/scripts/run_job.sh" --quiet hourly
  run -8 "$HOLDFAST_SOURCE/scripts/offsite.sh" push --quiet
  assert_equal "$(jq -r .title "$told")" $'the full backup failed with 8\nthe hourly backup failed with 8\noffsite.sh push failed with 8'
  assert_equal "$(jq -r .text "$told" | grep . | sort -u)" "cannot make the log folder '$BATS_TEST_TMPDIR/logs'"
}
