#!/usr/bin/env bats
# anomaly.bats - a snapshot that looks wrong is kept, marked, and told of.

load support

setup() {
  private_home
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir conf
  sqlite3 t.db 'CREATE TABLE orders(a); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
    INSERT INTO orders SELECT x FROM n;'
  echo 'setting: 1' >conf/a.yaml
  cat >holdfast.toml <<'END'
[repository]
path = "backups"
[[source]]
name = "trades"
kind = "sqlite"
path = "t.db"
[[source]]
name = "conf"
kind = "tree"
path = "conf/*.yaml"
END
  init >/dev/null
}

@test "snap: a loss is exit 4 with its reason, stays one until it is undone or agreed to, and hides nothing" {
  echo 'setting: 2' >conf/b.yaml
  snap --quiet
  sqlite3 t.db 'DELETE FROM orders WHERE a > 200'
  rm conf/b.yaml
  for _ in 1 2; do
    run -4 --separate-stderr snap
    assert_regex "$stderr" "suspect: trades: table 'orders' has 200 rows, had 500 \(60% less, max_shrink is 50%\)"
    assert_regex "$stderr" 'suspect: conf/b.yaml: not there any more'
  done
  assert_equal "$(catalog show --json latest | jq -r '.state, (.suspect | length)')" $'suspect\n2'
  run -0 catalog show latest
  assert_output --partial 'suspect   conf/b.yaml: not there any more'
  assert_regex "$stderr" 'hint: .* snap --accept-losses'
  run -0 snap --accept-losses
  run -0 snap
}
