#!/usr/bin/env bats
# healthcheck_keys.bats - the keys of people: healthcheck says who can still open the backups, and who soon cannot.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

# A sealed repository that a configuration names; more lines of [health] are arguments.
configured() { # [recipient]... -- [line]...
  local recipients=()
  private_home
  become host
  repo=$BATS_TEST_TMPDIR/repo
  while (($#)) && [[ $1 != -- ]]; do recipients+=(--recipient "$1") && shift; done
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  printf '[repository]\npath = "%s"\n[health]\n' "$repo" >"$HOLDFAST_CONFIG"
  if (($# > 1)); then printf '%s\n' "${@:2}" >>"$HOLDFAST_CONFIG"; fi
  init -q "${recipients[@]}" --no-escrow >/dev/null
}

judge() { # <exit code> [part of the message]...
  local part
  run -"$1" --separate-stderr healthcheck --check keys --json
  said=$(jq -r '[.checks[] | .message, .next] | join("\n")' <<<"$output")
  for part in "${@:2}"; do [[ $said == *"$part"* ]] || fail "$said"; done
}

@test "healthcheck: two people whose keys can be used are healthy; no keys at all is, too" {
  configured "$OPS" "$ESCROW"
  judge 0 '2 keys open certificate'
  rm -r "$repo"
  unset HOLDFAST_CONFIG
  fresh_repository
  judge 0 'neither encrypted nor signed'
}

@test "healthcheck: one person alone is degraded, with what to do, unless min_recipients says that one is enough" {
  configured "$OPS"
  judge 1 '1 key can open the backups for certain, the least is 2' 'init --rekey' 'min_recipients = 1'
  echo 'min_recipients = 1' >>"$HOLDFAST_CONFIG"
  judge 0 '1 key opens'
  sed -i 's/min_recipients = 1/min_recipients = 0/' "$HOLDFAST_CONFIG"
  run -3 --separate-stderr healthcheck --check keys
  [[ $stderr == *min_recipients* ]]
}

@test "healthcheck: a recipient's key that soon expires, that has expired, and one that was revoked are named" {
  ending=$(gpg_of all --passphrase '' --status-fd 1 --quick-gen-key 'Ending <ending@example.com>' future-default default 20d |
    sed -n 's/.*KEY_CREATED . //p')
  gpg_of all --armor --export "$ending" | gpg_of host --import
  configured "$OPS" "$ending"
  judge 1 "key $ending (Ending <ending@example.com>) expires in " 'ask its owner to renew it'
  printf 'min_key_left = "10d"\n' >>"$HOLDFAST_CONFIG"
  judge 0
  run -1 --separate-stderr faketime -f +21d healthcheck --check keys --json
  said=$(jq -r '[.checks[] | .message, .next] | join("\n")' <<<"$output")
  [[ $said == *"$ending"*'expired on '* && $said == *'1 key can open the backups for certain'* ]]
  sed 's/^:-----BEGIN/-----BEGIN/' "$people/all/openpgp-revocs.d/$ending.rev" | gpg_of host --import
  judge 1 "$ending (Ending <ending@example.com>) was revoked" 'init --rekey'
}

@test "healthcheck: a key that this host does not know, and a recovery key that is gone, are told" {
  configured "$OPS" "$ESCROW"
  mkdir -m 700 "$people/nobody"
  become nobody
  judge 1 "key $OPS (Ops <ops@example.com>) is not in this keyring" 'gpg --import'
  become host
  rm "$repo/keys/"*.key.asc
  judge 2 'is missing' 'recovery kit'
}

@test "healthcheck: a signing key that cannot sign is unhealthy before a backup fails of it" {
  fresh_repository
  become all
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  printf '[repository]\npath = "%s"\nsigning_key = "%s"\n' "$repo" "$HOST" >"$HOLDFAST_CONFIG"
  judge 0 "$HOST can sign"
  become ops
  judge 2 'no backup can be signed'
  GNUPGHOME=/nonexistent judge 3 "gpg's home '/nonexistent' does not exist"
}
