# shellcheck shell=bash
# keys.bash - for suites about encryption (`load keys` after `load support` and `load repository`): keyrings of people, made
# once for the file, and a keyring of the host that is empty.

# Sets and exports $people: a folder of keyrings, its path short enough for the sockets of agents, and the fingerprints.
make_people() {
  people=$(mktemp -d /tmp/hf-XXXXXX)
  export people
  mkdir -m 700 "$people"/{host,ops,escrow,all}
  OPS=$(new_key all 'Ops <ops@example.com>')
  ESCROW=$(new_rsa_key all 'Escrow <escrow@example.com>')
  HOST=$(new_key all 'Host <host@example.com>')
  export OPS ESCROW HOST
  move_secret "$OPS" ops
  move_secret "$ESCROW" escrow
  gpg_of all --armor --export "$OPS" "$ESCROW" >"$people/public"
  know_people host
}

# Ends the agents of these keyrings and no others.
remove_people() {
  local home
  for home in "$people"/*/; do gpgconf --homedir "$home" --kill all 2>/dev/null || true; done
  rm -rf -- "${people:?}"
}

gpg_of() { # <keyring> <argument>...
  gpg --homedir "$people/$1" --batch --yes --quiet --disable-dirmngr "${@:2}" 2>"$people/gpg.err" ||
    { cat "$people/gpg.err" >&2 && return 1; }
}

new_key() { # <keyring> <user> [option]...: prints the fingerprint
  gpg_of "$1" --passphrase '' "${@:3}" --status-fd 1 --quick-gen-key "$2" future-default default never |
    sed -n 's/.*KEY_CREATED . //p'
}

new_rsa_key() { # <keyring> <user>: prints the fingerprint
  local key
  key=$(gpg_of "$1" --passphrase '' --status-fd 1 --quick-gen-key "$2" rsa2048 sign,cert never | sed -n 's/.*KEY_CREATED . //p')
  gpg_of "$1" --passphrase '' --quick-add-key "$key" rsa2048 encr never
  printf '%s\n' "$key"
}

move_secret() { # <fingerprint> <keyring>: a copy, from the keyring that made them all
  gpg_of all --armor --export-secret-keys "$1" >"$people/secret"
  gpg_of "$2" --import "$people/secret"
  rm "$people/secret"
}

know_people() { # <keyring>: their public keys are there, as after gpg --import
  gpg_of "$1" --import "$people/public"
}

# What follows runs as somebody with this keyring.
become() { # <keyring>; nobody is asked by a window
  unset DISPLAY WAYLAND_DISPLAY GPG_TTY
  export GNUPGHOME=$people/$1
}

# shellcheck disable=SC2120 # a suite passes arguments
# A sealed repository made by a host that knows the public keys of Ops and Escrow by their fingerprints; sets `repo`.
sealed_repository() { # [argument of init]...
  private_home
  repo=$BATS_TEST_TMPDIR/repo
  export HOLDFAST_REPO=$repo HOLDFAST_CONFIG=/dev/null
  become host
  run -0 --separate-stderr init --recipient "$OPS" --recipient "$ESCROW" "$@"
}

# The same with a snapshot `id` of the database `db` and a tree, whose restored form must have `wanted` as its fingerprint.
sealed_snapshot() {
  sealed_repository
  source_dir=$BATS_TEST_TMPDIR/source
  mkdir -p "$source_dir/tree"
  db=$source_dir/t.db
  make_database "$db"
  seq 1 40000 >"$source_dir/tree/numbers"
  take --sqlite "$db" --tree "$source_dir/tree"
}

# Restores with the present keyring and compares with the source.
assert_restores() { # [argument of restore]...
  local target file
  target=$(mktemp -d -u "$BATS_TEST_TMPDIR/restored.XXXXXX")
  run -0 --separate-stderr restore "${id:?}" --target "$target" "$@"
  cmp "$source_dir/tree/numbers" "$target/tree/numbers"
  for file in "$db" "$target/t.db"; do sql "$file" 'SELECT * FROM trade ORDER BY id' >"$file.rows"; done
  cmp "$db.rows" "$target/t.db.rows"
}

current_certificate() {
  jq -r .certificate "$repo/format.json"
}
