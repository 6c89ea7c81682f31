#!/usr/bin/env bats
# health_probes.bats - endpoints and event streams of servers that behave, and of servers that do not.

load support

setup() {
  private_home
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  servers=()
}

teardown() {
  local pid
  for pid in "${servers[@]}"; do
    kill "$pid" || true
    wait "$pid" || true
  done
}

serve() { # [certificate] [key]: sets `port`
  coproc SERVER { exec python3 "$BATS_TEST_DIRNAME/odd_server.py" "$BATS_TEST_TMPDIR/taken" "$@" 3>&-; }
  servers+=("$SERVER_PID")
  read -r -u "${SERVER[0]}" port
}

probe() { # <endpoint | stream> <url> [line]...
  {
    printf '[repository]\npath = "%s/none"\n' "$BATS_TEST_TMPDIR"
    printf '[[health.%s]]\nname = "api"\nurl = "%s"\n' "$1" "$2"
    printf '%s\n' "${@:3}"
  } >"$HOLDFAST_CONFIG"
  run --separate-stderr healthcheck --check "$1"
}

@test "endpoint: an answer in time is healthy, a slow one degraded, another status unhealthy" {
  serve
  probe endpoint "http://127.0.0.1:$port/ok"
  assert_equal "$status" 0
  probe endpoint "http://127.0.0.1:$port/halfopen" 'timeout = "500ms"'
  assert_equal "$status" 2
  probe endpoint "http://127.0.0.1:$port/error"
  assert_equal "$status" 2
  assert_output --partial 'answered 500, not 200'
  probe endpoint "http://127.0.0.1:$port/error" 'status = 500'
  assert_equal "$status" 0
}

@test "endpoint: silence, garbage, a closed port and an endless answer end in time and are told" {
  local path
  serve
  SECONDS=0
  for path in slow garbage close; do
    probe endpoint "http://127.0.0.1:$port/$path" 'timeout = "1s"'
    assert_equal "$status" 2
    assert_output --partial 'next: '
  done
  probe endpoint http://127.0.0.1:1/
  assert_equal "$status" 2
  probe endpoint "http://127.0.0.1:$port/endless" 'timeout = "5s"' 'max_latency = "5s"'
  assert_equal "$status" 0
  ((SECONDS < 15))
}

@test "endpoint: a redirect is not followed, and secrets in an address are not told" {
  serve
  probe endpoint "http://127.0.0.1:$port/redirect?token=s3cret"
  assert_equal "$status" 2
  assert_output --partial 'answered 307'
  refute_output --partial s3cret
  run -1 grep stolen "$BATS_TEST_TMPDIR/taken"
  probe endpoint 'http://127.0.0.1:1/?token=s3cret'
  refute_output --partial s3cret
}

@test "endpoint: a wrong certificate is refused, the right one taken" {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/cert" 2>/dev/null
  serve "$BATS_TEST_TMPDIR/cert" "$BATS_TEST_TMPDIR/key"
  probe endpoint "https://localhost:$port/ok"
  assert_equal "$status" 2
  assert_output --partial certificate
  probe endpoint "https://localhost:$port/ok" "ca_file = \"$BATS_TEST_TMPDIR/cert\""
  assert_equal "$status" 0
}

@test "stream: an event in time is healthy; comments alone, another type and an error are not" {
  serve
  SECONDS=0
  probe stream "http://127.0.0.1:$port/sse" 'within = "5s"'
  assert_equal "$status" 0
  assert_output --partial 'an event after'
  ((SECONDS < 5)) # it ends with the first event
  probe stream "http://127.0.0.1:$port/silent" 'within = "1s"'
  assert_equal "$status" 2
  assert_output --partial 'no event within 1000 ms'
  probe stream "http://127.0.0.1:$port/ok"
  assert_equal "$status" 2
  assert_output --partial 'no event stream'
  probe stream "http://127.0.0.1:$port/error"
  assert_output --partial 'answered 500'
  probe stream http://127.0.0.1:1/
  assert_equal "$status" 2
}

@test "probes: several that hang take as long as one" {
  local i
  serve
  printf '[repository]\npath = "%s/none"\n' "$BATS_TEST_TMPDIR" >"$HOLDFAST_CONFIG"
  for i in 1 2 3 4 5 6; do
    printf '[[health.endpoint]]\nname = "e%s"\nurl = "http://127.0.0.1:%s/slow"\ntimeout = "2s"\n' "$i" "$port" \
      >>"$HOLDFAST_CONFIG"
  done
  SECONDS=0
  run -2 healthcheck --check endpoint
  ((SECONDS < 6))
}
