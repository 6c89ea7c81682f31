#!/usr/bin/env bash
# servers.sh [SCALE [ROUNDS]] - measures dumps of PostgreSQL beside pg_dump -Fc, pg_dump | zstd and pgBackRest: time and size.
# A private server with pgbench data of that scale (16 MB each); it judges nothing. What is not installed is left out.
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C TZ=UTC
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
scale=${1:-20} rounds=${2:-3} level=${BENCH_LEVEL:-3}
PATH=${HOLDFAST_BIN:-$here/../build/bin}:$PATH
pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
work='' as=()

as_server() { (cd / && "${as[@]}" "$@"); }

finish() {
  as_server "$pg_bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf -- "${work:?}"
}

elapsed_ms() { # COMMAND...
  local begin end
  begin=$(date +%s%N)
  "$@" >/dev/null
  end=$(date +%s%N)
  printf '%s\n' $(((end - begin) / 1000000))
}
median_of() { # BEFORE COMMAND: the median of its runs, BEFORE ahead of each
  local i
  for ((i = 0; i < rounds; i++)); do
    "$1"
    elapsed_ms "$2"
  done | sort -n | sed -n "$(((rounds + 1) / 2))p"
}
row() { printf '%-44s %10s %12s %12s\n' "$@"; }
bytes() { du -sb --apparent-size -- "$1" | cut -f 1; }

clear_all() {
  rm -rf -- "${work:?}/repo" "$work/cache" "$work/state" "$work/out"
  mkdir "$work/out"
  init --repo "$work/repo" >/dev/null
}
nothing() { :; }
change_one_percent() {
  psql -XqAt -h "$work" -U owner shop -c "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid <= $((scale * 1000))" -c 'VACUUM pgbench_accounts'
}
snap_logical() { snap -q --config "$work/logical.toml" --repo "$work/repo"; }
snap_physical() { snap -q --accept-losses --config "$work/physical.toml" --repo "$work/repo"; }
dump_custom() { pg_dump -Fc -h "$work" -U owner -f "$work/out/custom" shop; }
dump_zstd() { pg_dump -h "$work" -U owner shop | zstd -q -f -T2 "-$level" -o "$work/out/zstd"; }
backrest() { as_server pgbackrest --config="$work/backrest.conf" --stanza=main --log-level-console=error "$@"; }
backrest_new() {
  rm -rf -- "${work:?}/backrest"
  as_server mkdir "$work/backrest"
  backrest --no-online stanza-create
}
backrest_full() { backrest --type=full backup; }
backrest_incremental() { backrest --type=incr backup; }

prepare() {
  work=$(mktemp -d /tmp/hf-bench.XXXXXX)
  trap finish EXIT
  if ((EUID == 0)); then
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    chown postgres "$work"
  fi
  as_server "$pg_bin/initdb" -D "$work/data" -U owner --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
  as_server "$pg_bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-c listen_addresses='' -c unix_socket_directories='$work' -c fsync=off -c wal_level=replica \
    -c archive_mode=on -c archive_command=/bin/true -c max_wal_size=4GB" start >/dev/null
  psql -XqAt -h "$work" -U owner postgres -c 'CREATE DATABASE shop'
  pgbench -q -i -s "$scale" -h "$work" -U owner shop >/dev/null 2>&1
  printf '[[source]]\nname = "pg"\nkind = "postgres"\nhost = "%s"\nuser = "owner"\ndatabase = "shop"\n' "$work" >"$work/logical.toml"
  printf '[[source]]\nname = "pg"\nkind = "postgres"\nhost = "%s"\nuser = "owner"\nmode = "physical"\n' "$work" >"$work/physical.toml"
  printf '[global]\nrepo1-path=%s/backrest\nlog-level-file=off\nlock-path=%s/lock\ncompress-type=zst\nprocess-max=2\narchive-check=n\n[main]\npg1-path=%s/data\npg1-socket-path=%s\npg1-user=owner\npg1-database=postgres\n' \
    "$work" "$work" "$work" "$work" >"$work/backrest.conf"
  chmod 644 "$work/backrest.conf"
  export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
}

main() {
  local a first
  prepare
  row "PostgreSQL, pgbench scale $scale, medians of $rounds" time bytes "1 % later"
  a=$(median_of clear_all snap_logical)
  first=$(bytes "$work/repo/objects")
  change_one_percent
  snap_logical >/dev/null
  row "snap, logical" "$a ms" "$first" "$(($(bytes "$work/repo/objects") - first))"
  row "snap, logical, 1 % later" "$(median_of change_one_percent snap_logical) ms" - -
  a=$(median_of nothing dump_custom)
  row "pg_dump -Fc" "$a ms" "$(bytes "$work/out/custom")" "the same"
  a=$(median_of nothing dump_zstd)
  row "pg_dump | zstd -T2 -$level" "$a ms" "$(bytes "$work/out/zstd")" "the same"
  a=$(median_of clear_all snap_physical)
  first=$(bytes "$work/repo/objects")
  change_one_percent
  snap_physical >/dev/null
  row "snap, physical" "$a ms" "$first" "$(($(bytes "$work/repo/objects") - first))"
  if command -v pgbackrest >/dev/null; then
    a=$(median_of backrest_new backrest_full)
    first=$(bytes "$work/backrest")
    change_one_percent
    backrest_incremental >/dev/null
    row "pgBackRest, zstd, 2 processes" "$a ms" "$first" "$(($(bytes "$work/backrest") - first))"
  fi
}

main "$@"
