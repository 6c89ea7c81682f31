#!/usr/bin/env bash
# sealed.sh [DB_MIB [ROUNDS]] - what encryption costs: the same snapshot and restore with and without it, in turn, warm caches.
# gpg and its agent run in a keyring that is made for this and removed. Figures are medians; it judges nothing.
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C TZ=UTC
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly here
db_mib=${1:-1024} rounds=${2:-3} level=${BENCH_LEVEL:-3}
bin=${HOLDFAST_BIN:-$here/../build/bin}
work=${BENCH_DIR:-$here/../build/bench_sealed}

# shellcheck source=measure.sh
source "$here/measure.sh"

gpg_quietly() { gpg --batch --quiet --disable-dirmngr --passphrase '' "$@" 2>/dev/null; }

make_keyring() { # its path is short: the agent's socket lies in it
  GNUPGHOME=$(mktemp -d /tmp/hf-XXXXXX)
  export GNUPGHOME
  trap 'gpgconf --kill all; rm -rf -- "$GNUPGHOME"' EXIT
  recipient=$(gpg_quietly --status-fd 1 --quick-gen-key 'Bench <bench@example.com>' future-default default never |
    sed -n 's/.*KEY_CREATED . //p')
}

new_repositories() {
  rm -rf -- "${work:?}/plain" "$work/sealed" "$work/cache" "$work/state"
  init -q --repo "$work/plain" >/dev/null
  init -q --repo "$work/sealed" --recipient "$recipient" --no-escrow >/dev/null
  sync -f "$work"
}
change_some() {
  sqlite3 "$work/trades.db" "UPDATE trades SET pnl = pnl + 1 WHERE id % 100 = $((RANDOM % 100)); PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
  cat "$work/trades.db" >/dev/null
}
clear_out() { rm -rf -- "${work:?}/out" && mkdir "$work/out" && sync -f "$work"; }
snap_into() { snap -q --repo "$work/$1" --level "$level" --sqlite "$work/trades.db"; }
snap_sealed() { snap_into sealed; }
snap_plain() { snap_into plain; }
restore_from() { restore -q --repo "$work/$1" latest:trades.db --target "$work/out"; }
restore_sealed() { restore_from sealed; }
restore_plain() { restore_from plain; }
verify_from() { verify -q --deep --repo "$work/$1" latest; }
verify_sealed() { verify_from sealed; }
verify_plain() { verify_from plain; }

main() {
  export PATH=$bin:$PATH XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
  rm -rf -- "${work:?}"
  mkdir -p "$work"
  log "making a database of about $db_mib MiB in $work; the load is $(cut -d' ' -f1 /proc/loadavg) on $(nproc) cores"
  make_keyring
  make_database
  cat "$work/trades.db" >/dev/null
  local a b
  row "what (level $level, medians of $rounds)" sealed plain ratio target
  read -r a b < <(pair new_repositories snap_sealed snap_plain)
  report "first snapshot" "$a" "$b" "<= 1.15"
  new_repositories
  snap_sealed >/dev/null
  snap_plain >/dev/null
  read -r a b < <(pair change_some snap_sealed snap_plain)
  report "1 % of rows changed" "$a" "$b" "<= 1.15"
  read -r a b < <(pair clear_out restore_sealed restore_plain)
  report "restore, one gpg decryption included" "$a" "$b" "<= 1.15"
  read -r a b < <(pair clear_out verify_sealed verify_plain)
  report "verify --deep" "$a" "$b" "-"
  rm -rf -- "${work:?}"
}

main "$@"
