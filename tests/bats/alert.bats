#!/usr/bin/env bats
# alert.bats - alerts arrive, signed and in order, or wait on disk until they do.

load support
load injection

setup() {
  private_home
  spool=$BATS_TEST_TMPDIR/spool taken=$BATS_TEST_TMPDIR/taken
  printf 'a secret of 32 characters or more\n' >"$BATS_TEST_TMPDIR/secret"
  chmod 0600 "$BATS_TEST_TMPDIR/secret"
  servers=()
  : >"$taken"
}

teardown() {
  local pid
  if mountpoint -q "$spool"; then umount "$spool"; fi
  for pid in "${servers[@]}"; do
    kill "$pid" || true
    wait "$pid" || true
  done
}

# Starts a server that prints its port; sets `port`.
serve() { # <program> [argument]...
  coproc SERVER { exec python3 "$@" 3>&-; }
  servers+=("$SERVER_PID")
  read -r -u "${SERVER[0]}" port
}

serve_receiver() {
  serve "$HOLDFAST_SOURCE/examples/alerts/receiver.py" "$BATS_TEST_TMPDIR/secret" "$taken"
}

serve_odd() { # [certificate] [key]
  serve "$BATS_TEST_DIRNAME/odd_server.py" "$taken" "$@"
}

configure() { # <url of the channel> [line of the channel]...
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  {
    printf '[alerts]\nspool = "%s"\n%s\n[[alerts.channel]]\nname = "ops"\nkind = "webhook"\nurl = "%s"\n' "$spool" "${alerts:-}" "$1"
    printf '%s\n' "${@:2}"
  } >"$HOLDFAST_CONFIG"
  chmod 0600 "$HOLDFAST_CONFIG"
}

secret_line() {
  printf 'secret_file = "%s"' "$BATS_TEST_TMPDIR/secret"
}

titles() {
  jq -r .title "$taken"
}

@test "alert: a signed alert is taken by the receiver of the documentation, once, with every byte" {
  serve_receiver
  configure "http://127.0.0.1:$port/hook" "$(secret_line)"
  printf 'line 1\n"quoted" \\ \xff \x1b[31m ünï\n' >"$BATS_TEST_TMPDIR/text"
  run -0 --separate-stderr alert send 'backup failed' --severity critical --text - <"$BATS_TEST_TMPDIR/text"
  assert_equal "$(titles)" 'backup failed'
  assert_equal "$(jq -r .severity "$taken")" critical
  jq -r .text "$taken" | grep -q ünï
  assert_equal "$(wc -c <"$spool/ops.jsonl")" 0
  run -0 alert test
  assert_equal "$(titles | sed -n 2p)" 'test alert'
}

@test "alert: a wrong secret is refused by the receiver, and the alert waits" {
  serve_receiver
  printf 'another secret\n' >"$BATS_TEST_TMPDIR/other"
  chmod 0600 "$BATS_TEST_TMPDIR/other"
  configure "http://127.0.0.1:$port/hook" "secret_file = \"$BATS_TEST_TMPDIR/other\"" 'timeout = "1s"'
  run -4 --separate-stderr alert send 'backup failed'
  assert_regex "$output" '401'
  assert_equal "$(titles)" ''
  run -4 alert buffer-status
}

@test "alert: what nobody took waits on disk, is told by buffer-status, and arrives in order before anything newer" {
  configure "http://127.0.0.1:9/hook" "$(secret_line)"
  run -4 --separate-stderr alert send first
  run -4 --separate-stderr alert send second
  run -4 --separate-stderr alert buffer-status --json
  assert_equal "$(jq -r '.channels[0] | "\(.channel) \(.waiting) \(.oldest_utc != null)"' <<<"$output")" 'ops 2 true'
  serve_receiver
  configure "http://127.0.0.1:$port/hook" "$(secret_line)"
  run -0 alert send third
  assert_equal "$(titles)" $'first\nsecond\nthird'
  run -0 alert buffer-status
}

@test "alert: killed at any write, sync, rename or send, no alert that was acknowledged is lost, and the order stays" {
  local call nth n=0
  serve_receiver
  configure "http://127.0.0.1:$port/hook" "$(secret_line)"
  for call in fsync write ftruncate rename sendto; do
    for ((nth = 1; nth < 30; nth++)); do
      n=$((n + 1))
      under "$call:signal=KILL:when=$nth" alert send "$(printf '%03d 1 before' "$n")"
      if [[ $injected == no ]]; then break; fi
      run -0 alert send "$(printf '%03d 2 after' "$n")"
      printf '%03d 2 after\n' "$n" >>"$BATS_TEST_TMPDIR/acknowledged"
    done
  done
  titles >"$BATS_TEST_TMPDIR/titles"
  sort -c -u "$BATS_TEST_TMPDIR/titles" # in order, each once
  assert_equal "$(comm -13 "$BATS_TEST_TMPDIR/titles" "$BATS_TEST_TMPDIR/acknowledged")" ''
  (($(wc -l <"$BATS_TEST_TMPDIR/acknowledged") > 5))
}

@test "alert: a killed send whose alert reached the disk is delivered by the next call, and only once per id" {
  serve_odd
  configure "http://127.0.0.1:$port/ok"
  under 'ftruncate:signal=KILL' alert send 'taken, but not crossed out'
  assert_equal "$status" 137
  run -0 alert flush
  assert_equal "$(cut -d' ' -f3 "$taken" | sort | uniq -c | awk '{print $1}')" 2 # one id, sent twice
}

@test "alert: the same again is held back and counted, worse is told, a recovery is announced once" {
  serve_receiver
  alerts='repeat_after = "1h"'
  configure "http://127.0.0.1:$port/hook" "$(secret_line)"
  run -0 alert send 'works again' --key backup --severity ok # nothing was wrong
  run -0 alert send failed --key backup
  run -0 --separate-stderr alert send failed --key backup
  assert_regex "$stderr" 'not sent'
  run -0 alert send 'failed worse' --key backup --severity critical
  run -0 alert send other --key disk
  run -0 alert send 'works again' --key backup --severity ok
  run -0 alert send 'works again' --key backup --severity ok
  assert_equal "$(titles)" $'failed\nfailed worse\nother\nworks again'
  assert_equal "$(jq -c .repeated "$taken" | paste -sd' ')" '0 1 0 0'
}

@test "alert: a channel hears only what it asked for, and the recovery of what it heard" {
  serve_odd
  configure "http://127.0.0.1:$port/ok" 'at_least = "critical"'
  run -0 alert send small --key a --severity warning
  run -0 alert send 'small again well' --key a --severity ok
  run -0 alert send big --key b --severity critical
  run -0 alert send 'big again well' --key b --severity ok
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken")" $'"title":"big"\n"title":"big again well"'
}

@test "alert: of a long output the end is sent, whatever bytes it begins with" {
  serve_odd
  configure "http://127.0.0.1:$port/ok"
  { printf '\xff\xfe\n' && seq 1 20000 && echo 'the error'; } >"$BATS_TEST_TMPDIR/output"
  run -0 alert send failed --text - <"$BATS_TEST_TMPDIR/output"
  sed 's/^[^{]*//' "$taken" | jq -j .text >"$BATS_TEST_TMPDIR/text"
  assert_equal "$(tail -n 2 "$BATS_TEST_TMPDIR/text")" $'20000\nthe error'
  assert_regex "$(head -n 1 "$BATS_TEST_TMPDIR/text")" '^\.\.\. [0-9]*$'
}

@test "alert: what the receiver refuses for what it is goes aside, is told, and holds up nothing; it can be sent again" {
  serve_odd
  configure "http://127.0.0.1:$port/picky"
  run -4 --separate-stderr alert send unwanted
  assert_regex "$stderr" 'ops: 1 were refused .* set aside'
  run -0 alert send wanted
  run -4 --separate-stderr alert buffer-status --json
  assert_equal "$(jq -c '.channels[0] | [.waiting, .refused]' <<<"$output")" '[0,1]'
  assert_equal "$(jq -r .title "$spool/ops.refused.jsonl")" unwanted
  run -0 alert flush
  assert_equal "$(grep -c unwanted "$taken")" 1
  run -4 alert flush --refused
  configure "http://127.0.0.1:$port/ok"
  run -0 alert flush --refused
  assert_not_exist "$spool/ops.refused.jsonl"
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken" | tail -n 1)" '"title":"unwanted"'
  run -0 alert buffer-status
}

@test "alert: what many runs at once have said is remembered, all of it" {
  local i pids=()
  configure "http://127.0.0.1:9/hook" 'timeout = "1s"'
  for ((i = 0; i < 24; i++)); do
    alert send "number $i" --quiet >/dev/null 2>&1 3>&- &
    pids+=("$!")
  done
  for i in "${pids[@]}"; do wait "$i" || true; done
  assert_equal "$(jq length "$spool/damping.json")" 24
}

@test "alert: who heard of the worst hears of the recovery, also when it became better on the way" {
  serve_odd
  configure "http://127.0.0.1:$port/ok" 'at_least = "critical"'
  run -0 alert send worst --key a --severity critical
  run -0 alert send better --key a --severity warning
  run -0 alert send well --key a --severity ok
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken")" $'"title":"worst"\n"title":"well"'
}

@test "alert: whatever a receiver does, the call ends in time, nothing is lost and a redirect is not followed" {
  serve_odd
  for path in error redirect later garbage close halfopen slow; do
    rm -rf "$spool"
    : >"$taken"
    configure "http://127.0.0.1:$port/$path" 'timeout = "1s"'
    SECONDS=0
    run -4 --separate-stderr alert send "for $path"
    ((SECONDS < 12)) || fail "$path took $SECONDS s"
    run -4 --separate-stderr alert buffer-status --json
    assert_equal "$(jq '.channels[0].waiting' <<<"$output")" 1
    refute grep -q stolen "$taken"
  done
  configure "http://127.0.0.1:$port/endless" 'timeout = "5s"'
  rm -rf "$spool"
  SECONDS=0
  run -0 alert send endless # it said 200, and no more than 64 KiB are read
  ((SECONDS < 4))
}

@test "alert: a certificate that nobody vouches for is refused; with ca_file it is trusted" {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/cert" -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
  serve_odd "$BATS_TEST_TMPDIR/cert" "$BATS_TEST_TMPDIR/key"
  configure "https://127.0.0.1:$port/ok"
  run -4 --separate-stderr alert send secret
  assert_regex "$output" 'certificate'
  assert_equal "$(<"$taken")" ''
  configure "https://127.0.0.1:$port/ok" "ca_file = \"$BATS_TEST_TMPDIR/cert\""
  run -0 alert flush
  grep -q '"title":"secret"' "$taken"
}

@test "alert: works on a full disk, by a reserve; when that is gone too, it says so and fails" {
  ((EUID == 0)) || skip 'mounting needs root'
  mkdir "$spool"
  mount -t tmpfs -o size=1m tmpfs "$spool" || skip 'cannot mount'
  configure "http://127.0.0.1:9/hook"
  serve_odd
  sed -i "s|http://127.0.0.1:9/hook|http://127.0.0.1:$port/ok|" "$HOLDFAST_CONFIG"
  run -0 alert send 'makes the reserve'
  assert_exist "$spool/reserve"
  configure "http://127.0.0.1:9/hook"
  head -c 2m /dev/zero >"$spool/fill" 2>/dev/null || true
  run -4 --separate-stderr alert send 'disk full'
  assert_not_exist "$spool/reserve"
  head -c 2m /dev/zero >"$spool/fill2" 2>/dev/null || true
  for ((i = 0; i < 40; i++)); do
    run --separate-stderr alert send "filling $i" --text "$(printf '%06000d' 0)"
    if ((status == 8)); then break; fi
  done
  assert_equal "$status" 8
  assert_regex "$stderr" 'error: not kept for ops'
  configure "http://127.0.0.1:$port/ok"
  run -0 alert flush
  grep -q '"title":"disk full"' "$taken"
  umount "$spool"
}

@test "alert: on a full disk a backlog larger than the reserve is sent once, and is gone then" {
  ((EUID == 0)) || skip 'mounting needs root'
  mkdir "$spool"
  mount -t tmpfs -o size=2m tmpfs "$spool" || skip 'cannot mount'
  configure "http://127.0.0.1:9/hook"
  run -4 alert send first --text "$(printf '%010000d' 0)"
  first=$(<"$spool/ops.jsonl")
  for ((i = 0; i < 60; i++)); do jq -c --arg i "$i" '.id += $i | .title = "number \($i)"' <<<"$first"; done >"$spool/ops.jsonl"
  head -c 4m /dev/zero >"$spool/fill" 2>/dev/null || true
  serve_odd
  configure "http://127.0.0.1:$port/ok"
  run -0 alert flush
  run -0 alert flush
  run -0 alert buffer-status
  umount "$spool"
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken")" "$(printf '"title":"number %s"\n' {0..59})"
}

@test "alert: the reserve is made when the buffer is first used, not when the first alert was taken" {
  configure "http://127.0.0.1:9/hook"
  run -4 alert send first
  assert_equal "$(stat -c %s "$spool/reserve")" 262144
}

@test "alert: a line of the buffer that cannot be read stays to be looked at, and holds up nothing" {
  serve_odd
  configure "http://127.0.0.1:9/hook"
  run -4 alert send first
  printf '{"id": "torn\n' >>"$spool/ops.jsonl"
  run -4 alert send second
  configure "http://127.0.0.1:$port/ok"
  run -0 --separate-stderr alert flush
  assert_regex "$stderr" 'ops: 1 lines of the buffer cannot be read'
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken")" $'"title":"first"\n"title":"second"'
  assert_equal "$(<"$spool/ops.jsonl")" '{"id": "torn'
}

@test "alert: the buffer is bounded; the oldest stay and what is dropped is an error" {
  alerts='max_buffered = 2'
  configure "http://127.0.0.1:9/hook"
  run -4 alert send one
  run -4 alert send two
  run -8 --separate-stderr alert send three
  assert_regex "$stderr" 'this one is not kept'
  run -2 healthcheck --repo "$BATS_TEST_TMPDIR/repo" --check alerts
  assert_output --partial 'no more may wait'
  assert_equal "$(jq -r .title "$spool/ops.jsonl" | paste -sd' ')" 'one two'
}

@test "alert: a buffer that became read-only loses nothing while the receiver is there, and healthcheck tells of it" {
  ((EUID == 0)) || skip 'mounting needs root'
  serve_odd
  configure "http://127.0.0.1:$port/ok"
  run -0 healthcheck --repo "$BATS_TEST_TMPDIR/repo" --check alerts
  mkdir "$spool"
  mount --bind "$spool" "$spool" && mount -o remount,ro,bind "$spool" || skip 'cannot mount'
  run -0 --separate-stderr alert send 'spool is gone' --json
  assert_regex "$stderr" 'warning: not kept for ops: .*delivered at once'
  assert_equal "$(jq -c '[.kept, .channels[0].lost]' <<<"$output")" '[1,false]'
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken")" '"title":"spool is gone"'
  run -1 healthcheck --repo "$BATS_TEST_TMPDIR/repo" --check alerts
  assert_output --partial 'an alert could not be kept'
  configure "http://127.0.0.1:9/hook"
  run -8 --separate-stderr alert send 'nobody takes it' --json
  assert_regex "$stderr" 'error: not kept for ops: .*nor delivered'
  assert_equal "$(jq -c '[.kept, .channels[0].lost]' <<<"$output")" '[0,true]'
  umount "$spool"
}

@test "alert: on a full disk without a reserve what is new is tried at once, and healthcheck tells of it" {
  ((EUID == 0)) || skip 'mounting needs root'
  mkdir "$spool"
  mount -t tmpfs -o size=1m tmpfs "$spool" || skip 'cannot mount'
  head -c 2m /dev/zero >"$spool/fill" 2>/dev/null || true
  serve_odd
  configure "http://127.0.0.1:$port/ok"
  run -0 alert send 'disk full'
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken")" '"title":"disk full"'
  run -1 healthcheck --repo "$BATS_TEST_TMPDIR/repo" --check alerts
  assert_output --partial 'is full, and the reserve is used up'
  umount "$spool"
}

@test "alert: a secret that others may read is refused, and no secret appears in arguments, output or the buffer" {
  serve_receiver
  configure "http://127.0.0.1:$port/hook?token=hidden" "$(secret_line)" 'timeout = "1s"'
  chmod 0644 "$BATS_TEST_TMPDIR/secret"
  run -4 --separate-stderr alert send x
  assert_regex "$output" 'others may read'
  chmod 0600 "$BATS_TEST_TMPDIR/secret"
  sed -i "s|:$port/|:9/|" "$HOLDFAST_CONFIG"
  run -4 --separate-stderr alert send y
  refute_regex "$output$stderr$(cat "$spool"/*)" 'hidden|a secret of 32'
  run -0 snap --print-config --json
  refute_output --partial hidden
}

@test "alert: commands and mail get the alert; slack and ntfy their own form" {
  serve_odd
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\ncat >"%s"\n' "$BATS_TEST_TMPDIR/mail" >"$BATS_TEST_TMPDIR/bin/sendmail"
  chmod +x "$BATS_TEST_TMPDIR/bin/sendmail"
  configure "http://127.0.0.1:$port/ok"
  cat >>"$HOLDFAST_CONFIG" <<TOML
[[alerts.channel]]
name = "program"
kind = "command"
command = "jq -r .title <<<\"\$HOLDFAST_ALERT\" >$BATS_TEST_TMPDIR/program"
[[alerts.channel]]
name = "mail"
kind = "email"
to = "ops@example.com"
[[alerts.channel]]
name = "chat"
kind = "slack"
url = "http://127.0.0.1:$port/slack"
[[alerts.channel]]
name = "push"
kind = "ntfy"
url = "http://127.0.0.1:$port/ntfy"
TOML
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run -0 alert send 'disk <full> & more' --severity critical --text details
  assert_equal "$(<"$BATS_TEST_TMPDIR/program")" 'disk <full> & more'
  grep -qx 'To: ops@example.com' "$BATS_TEST_TMPDIR/mail"
  grep -q '^Subject: \[CRITICAL\] disk <full> & more' "$BATS_TEST_TMPDIR/mail"
  grep 'POST /slack' "$taken" | grep -q 'disk &lt;full&gt; &amp; more'
  grep 'POST /ntfy' "$taken" | grep -q ' details$'
}

@test "alert: ALERT_WEBHOOK_URL and ALERT_WEBHOOK_SECRET are enough without a configuration; without both it says what to do" {
  serve_receiver
  export HOLDFAST_CONFIG=/dev/null
  run -3 --separate-stderr alert send x
  assert_regex "$stderr" 'hint: add \[\[alerts.channel\]\]'
  ALERT_WEBHOOK_URL=http://127.0.0.1:$port/ ALERT_WEBHOOK_SECRET='a secret of 32 characters or more' run -0 alert send 'from the environment'
  assert_equal "$(titles)" 'from the environment'
}

@test "alert: a channel is not called like the ping or the channel of the environment: one would hide the other" {
  for name in ping environment; do
    configure "http://127.0.0.1:9/"
    sed -i "s/^name = .*/name = \"$name\"/" "$HOLDFAST_CONFIG"
    run -3 --separate-stderr alert buffer-status
    assert_regex "$stderr" "cannot be '$name'"
  done
}

@test "alert: while one is sent, neither secret nor address is among the arguments; a source's command finds neither in its environment" {
  local pid
  serve_odd
  configure "http://127.0.0.1:$port/slow?token=hidden" "$(secret_line)" 'timeout = "5s"'
  alert send x >/dev/null 2>&1 3>&- &
  pid=$!
  until grep -q token "$taken"; do sleep 0.05; done
  ps -eo args >"$BATS_TEST_TMPDIR/ps"
  kill "$pid"
  grep -q 'alert send x' "$BATS_TEST_TMPDIR/ps"
  refute grep -E 'token=hidden|a secret of 32' "$BATS_TEST_TMPDIR/ps"
  printf '[repository]\npath = "%s/repo"\n[[source]]\nname = "env"\nkind = "command"\ncommand = "env | tee %s/env"\n' \
    "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" >>"$HOLDFAST_CONFIG"
  "$HOLDFAST_BIN/init" >/dev/null
  ALERT_WEBHOOK_URL=http://127.0.0.1:9/hidden ALERT_WEBHOOK_SECRET=hidden run -0 snap
  grep -q '^PATH=' "$BATS_TEST_TMPDIR/env"
  refute grep hidden "$BATS_TEST_TMPDIR/env"
}

@test "alert: pings start, success, failure and exit status in the convention of Healthchecks" {
  serve_odd
  alerts="ping = \"http://127.0.0.1:$port/ok/uuid\""
  configure "http://127.0.0.1:$port/ok"
  rid=01234567-89ab-cdef-0123-456789abcdef
  run -0 alert ping start --rid "$rid"
  run -0 alert ping success --rid "$rid"
  run -0 alert ping fail
  run -0 alert ping 7
  assert_equal "$(cut -d' ' -f2 "$taken")" "/ok/uuid/start?rid=$rid
/ok/uuid?rid=$rid
/ok/uuid/fail
/ok/uuid/7"
  run -2 alert ping nonsense
  run -2 alert ping 256
  alerts='ping = "http://127.0.0.1:9/x"'
  configure "http://127.0.0.1:$port/ok"
  run -8 alert ping start
  assert_equal "$(jq -r '.why != null' "$spool/ping.json")" true
}

@test "backup.sh: a failure is told once, the first good run after it too, and the dead man's switch hears of every run" {
  mkdir "$BATS_TEST_TMPDIR/data"
  printf 'a line\n' >"$BATS_TEST_TMPDIR/data/file"
  serve_odd
  alerts="ping = \"http://127.0.0.1:$port/ok/uuid\""
  configure "http://127.0.0.1:$port/ok"
  printf '[repository]\npath = "%s/repo"\n[[source]]\nname = "data"\nkind = "tree"\npath = "%s/data"\n' \
    "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" >>"$HOLDFAST_CONFIG"
  "$HOLDFAST_BIN/init" >/dev/null
  mv "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/away"
  run -6 --separate-stderr "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  run -6 --separate-stderr "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  mv "$BATS_TEST_TMPDIR/away" "$BATS_TEST_TMPDIR/data"
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  assert_equal "$(grep -o '"title":"[^"]*"' "$taken")" $'"title":"the full backup failed with 6"\n"title":"the full backup works again"'
  assert_equal "$(grep -c '/ok/uuid/start?rid=' "$taken")" 3
  assert_equal "$(grep -c '/ok/uuid/6?rid=' "$taken")" 2
  assert_equal "$(grep -c '/ok/uuid/0?rid=' "$taken")" 1
}

@test "backup.sh: an unreachable receiver neither fails nor holds up a backup; the alert waits" {
  mkdir "$BATS_TEST_TMPDIR/data"
  printf 'a line\n' >"$BATS_TEST_TMPDIR/data/file"
  alerts='on_success = true'
  configure "http://127.0.0.1:9/hook" 'at_least = "info"'
  printf '[repository]\npath = "%s/repo"\n[[source]]\nname = "data"\nkind = "tree"\npath = "%s/data"\n' \
    "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" >>"$HOLDFAST_CONFIG"
  "$HOLDFAST_BIN/init" >/dev/null
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  assert_equal "$(jq -r .title "$spool/ops.jsonl")" 'the full backup complete'
  printf 'spool a file\n' >"$BATS_TEST_TMPDIR/file"
  sed -i "s|^spool = .*|spool = \"$BATS_TEST_TMPDIR/file/below\"|" "$HOLDFAST_CONFIG"
  run -0 --separate-stderr "$HOLDFAST_SOURCE/scripts/backup.sh" --quiet
  assert_regex "$stderr" "warn: alert: 'send' ended with 8: alert: error: not kept for ops: "
}
