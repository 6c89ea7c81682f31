#!/usr/bin/env bats
# keys.bats - who can read a sealed repository, from init to restore: OpenPGP recipients, key files, new people, new keys.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

@test "keys: a host without any secret key takes, verifies and lists snapshots; each recipient alone restores them" {
  sealed_snapshot
  run -0 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  run -0 --separate-stderr verify --all
  run -0 --separate-stderr catalog --format id
  ((${#lines[@]} == 2))
  for person in ops escrow; do
    become "$person"
    assert_restores
    run -0 --separate-stderr verify --deep latest
  done
}

@test "keys: without a key a restore ends in exit 9 in seconds, names the keys that would do, and writes nothing" {
  sealed_snapshot
  mkdir "$BATS_TEST_TMPDIR/out"
  SECONDS=0
  run -9 --separate-stderr setsid --wait restore "$id" --target "$BATS_TEST_TMPDIR/out" </dev/null
  ((SECONDS < 10))
  assert_equal "$output" ''
  [[ $stderr == *"no usable secret key in $people/host; it is encrypted to "* ]]
  # shellcheck disable=SC2154  # bats sets stderr
  for key in "$OPS" "$ESCROW"; do
    [[ $stderr == *"$(gpg_of all --with-colons --list-keys "$key" | awk -F: '$1 == "sub" { print $5 }')"* ]]
  done
  [[ $stderr == *'--key-file'* ]]
  assert_equal "$(ls -A "$BATS_TEST_TMPDIR/out")" ''
}

@test "keys: a home of gpg that cannot be used is named as what is wrong, by whatever needs it" {
  sealed_snapshot
  : >"$BATS_TEST_TMPDIR/file"
  refused() { # <part of the message>
    run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
    [[ $stderr == *"$1"*'--key-file'* && $stderr != *'no OpenPGP message'* ]] || fail "$stderr"
    run -9 --separate-stderr init --repo "$BATS_TEST_TMPDIR/new" --recipient "$OPS" --recipient "$ESCROW"
    [[ $stderr == *"recipient '$OPS': $1"* ]] || fail "$stderr"
    assert_not_exists "$BATS_TEST_TMPDIR/new"
  }
  GNUPGHOME=$BATS_TEST_TMPDIR/nowhere refused "gpg's home '$BATS_TEST_TMPDIR/nowhere' does not exist"
  GNUPGHOME=$BATS_TEST_TMPDIR/file refused "gpg's home '$BATS_TEST_TMPDIR/file' is not a folder"
  unset GNUPGHOME
  HOME=/nonexistent refused "gpg's home '/nonexistent/.gnupg' does not exist"
  # One that gpg can make is made, and has no key.
  run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  [[ $stderr == *'no usable secret key in ~/.gnupg'* ]]
}

@test "keys: the emergency snapshot of a restore in place hides the names that private_names hides" {
  sealed_repository
  source_dir=$BATS_TEST_TMPDIR/source db=$BATS_TEST_TMPDIR/source/unmistakable.db
  mkdir -p "$source_dir"
  make_database "$db"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  printf '[repository]\npath = "%s"\nprivate_names = true\n[[source]]\nname = "unmistakable"\nkind = "sqlite"\npath = "%s"\n' \
    "$repo" "$db" >"$HOLDFAST_CONFIG"
  take
  sql "$db" "DELETE FROM trade"
  become ops
  run -0 --separate-stderr restore latest --in-place --json
  emergency=$(jq -r .emergency <<<"$output")
  [[ -d $repo/snapshots/$emergency ]]
  grep -rF unmistakable "$repo" || true
  run -1 grep -rF unmistakable "$repo/snapshots" "$repo/ledger.jsonl"

  run -0 --separate-stderr restore "$emergency" --target "$BATS_TEST_TMPDIR/back"
  assert_equal "$(sql "$BATS_TEST_TMPDIR/back/unmistakable" 'SELECT count(*) FROM trade')" 0
}

@test "keys: a restore of hundreds of objects asks gpg once" {
  sealed_snapshot
  for i in 1 2 3; do
    head -c 3000000 /dev/urandom | base64 >"$source_dir/tree/data$i"
    take --sqlite "$db" --tree "$source_dir/tree"
  done
  become ops
  gpgconf --homedir "$people/ops" --launch gpg-agent # or strace waits for it, too
  run -0 strace -f -qq -s 200 -o "$BATS_TEST_TMPDIR/strace" -e trace=execve restore "$id" --target "$BATS_TEST_TMPDIR/out"
  assert_equal "$(grep -c 'execve(.*/gpg", .*"--decrypt"' "$BATS_TEST_TMPDIR/strace")" 1
}

@test "keys: the key that gpg prints opens the backups from a file, by flag or environment, without gpg" {
  sealed_snapshot
  become ops
  gpg --batch --quiet --decrypt "$repo/keys/$(current_certificate).key.asc" >"$BATS_TEST_TMPDIR/key.pem" 2>/dev/null
  chmod 600 "$BATS_TEST_TMPDIR/key.pem"
  become host
  assert_restores --key-file "$BATS_TEST_TMPDIR/key.pem"
  HOLDFAST_KEY_FILE=$BATS_TEST_TMPDIR/key.pem assert_restores
  HOLDFAST_KEY_FILE=$BATS_TEST_TMPDIR/key.pem run -0 catalog files "$id" tree
  [[ $output == *numbers* ]]
  run -0 --separate-stderr verify --deep --key-file "$BATS_TEST_TMPDIR/key.pem" "$id"
  # A pipe is a file, too.
  assert_restores --key-file <(cat "$BATS_TEST_TMPDIR/key.pem")
}

@test "keys: a key file that others can read, holds another key or none is refused by its name" {
  sealed_snapshot
  key=$BATS_TEST_TMPDIR/key.pem
  (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key" 2>/dev/null)
  refused() { # <part of the message>
    run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out" --key-file "$key"
    [[ $stderr == *"$key"*"$1"* ]]
    assert_not_exists "$BATS_TEST_TMPDIR/out/t.db"
  }
  refused "holds another key than that of certificate $(current_certificate)"
  chmod 644 "$key"
  refused 'may be read by others'
  : >"$key" && chmod 600 "$key"
  refused 'holds no private key'
  rm "$key"
  refused 'cannot be read'
}

@test "keys: init refuses one recipient alone, unknown and expired keys, and leaves nothing behind" {
  private_home
  export HOLDFAST_CONFIG=/dev/null
  become host
  repo=$BATS_TEST_TMPDIR/new
  gpg_of all --faked-system-time 20200101T000000 --passphrase '' --quick-gen-key old@example.com future-default default 2021-01-01
  gpg_of all --armor --export old@example.com | gpg_of host --import
  run -10 --separate-stderr init --repo "$repo" --recipient "$OPS"
  [[ $stderr == *'only one key could open the backups'*'--no-escrow'* ]]
  run -10 --separate-stderr init --repo "$repo" --recipient "$OPS" --recipient "0x$OPS"
  run -9 --separate-stderr init --repo "$repo" --recipient "$OPS" --recipient nobody@example.com
  [[ $stderr == *"recipient 'nobody@example.com': the keyring $people/host has no such key"* ]]
  run -9 --separate-stderr init --repo "$repo" --recipient "$OPS" --recipient old@example.com
  [[ $stderr == *'expired on 2021-01-01'* ]]
  # An address that anybody can put on a key proves nothing.
  run -9 --separate-stderr init --repo "$repo" --recipient ops@example.com --recipient "$ESCROW"
  [[ $stderr == *"key $OPS (Ops <ops@example.com>) is not known to belong to that person"* ]]
  run -2 --separate-stderr init --repo "$repo" --recipient Ops --recipient "$ESCROW"
  run -2 --separate-stderr init --repo "$repo" --no-escrow
  run -2 --separate-stderr init --repo "$repo" --rekey
  assert_not_exists "$repo"
  run -0 --separate-stderr init --repo "$repo" --recipient "$OPS" --no-escrow
  run -10 --separate-stderr init --repo "$repo" --recipient "$OPS" --recipient "$ESCROW"
  [[ $stderr == *'is already a repository'* ]]
}

@test "keys: a folder of keys is private whatever the umask, and init that is killed leaves no repository" {
  private_home
  export HOLDFAST_CONFIG=/dev/null
  become host
  (umask 000 && init -q --repo "$BATS_TEST_TMPDIR/open" --recipient "$OPS" --recipient "$ESCROW" >/dev/null)
  run -0 find "$BATS_TEST_TMPDIR/open" -perm /077
  assert_equal "$output" ''
  repo=$BATS_TEST_TMPDIR/killed
  for when in 1 3 5 6 7 8; do
    run strace -f -qq -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=$when \
      init -q --repo "$repo" --recipient "$OPS" --recipient "$ESCROW"
    [[ -e $repo/format.json ]] || run -6 --separate-stderr verify --repo "$repo"
  done
  run init -q --repo "$repo" --recipient "$OPS" --recipient "$ESCROW"
  assert_exists "$repo/format.json"
  assert_exists "$repo/keys/$(jq -r .certificate "$repo/format.json").key.asc"
  run -0 --separate-stderr snap -q --repo "$repo" --tree "$people/host/pubring.kbx"
}

@test "keys: a passphrase comes from a loopback that gpg.conf sets up; without anybody to ask exit 9 comes in seconds" {
  mkdir -m 700 "$people/locked"
  key=$(gpg_of locked --pinentry-mode loopback --passphrase 'open sesame' --status-fd 1 --quick-gen-key locked@example.com \
    future-default default never | sed -n 's/.*KEY_CREATED . //p')
  gpg_of locked --armor --export "$key" | gpg_of host --import
  private_home
  repo=$BATS_TEST_TMPDIR/repo source_dir=$BATS_TEST_TMPDIR/source db=$BATS_TEST_TMPDIR/source/t.db
  export HOLDFAST_REPO=$repo HOLDFAST_CONFIG=/dev/null
  become host
  run -0 --separate-stderr init --recipient "$key" --recipient "$ESCROW"
  mkdir -p "$source_dir/tree"
  seq 1 40000 >"$source_dir/tree/numbers"
  make_database "$db"
  take --sqlite "$db" --tree "$source_dir/tree"
  become locked
  gpgconf --homedir "$people/locked" --kill gpg-agent
  SECONDS=0
  run -9 --separate-stderr setsid --wait restore "$id" --target "$BATS_TEST_TMPDIR/out" </dev/null
  ((SECONDS < 10))
  [[ $stderr == *'nobody can be asked for the passphrase'* ]]
  (umask 077 && echo 'open sesame' >"$people/locked/passphrase")
  printf 'pinentry-mode loopback\npassphrase-file %s\n' "$people/locked/passphrase" >"$people/locked/gpg.conf"
  assert_restores
}

@test "keys: rekey lets a successor in and keeps out who is gone, without touching an object" {
  sealed_snapshot
  mkdir -m 700 "$people/successor"
  successor=$(new_key successor 'Successor <new@example.com>')
  gpg_of successor --armor --export "$successor" | gpg_of escrow --import
  before=$(find "$repo" -type f ! -path '*/keys/*' ! -name ledger.jsonl -exec sha256sum {} + | sort)
  # The host cannot do it: it has no key.
  run -9 --separate-stderr init --rekey --recipient "$OPS" --recipient "$ESCROW"
  become escrow
  run -10 --separate-stderr init --rekey --recipient "$successor"
  run -0 --separate-stderr init --rekey --recipient "$successor" --recipient "$ESCROW"
  [[ $stderr == *"can be opened by $successor Successor <new@example.com>"* ]]
  assert_equal "$(find "$repo" -type f ! -path '*/keys/*' ! -name ledger.jsonl -exec sha256sum {} + | sort)" "$before"
  become ops
  run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
  become successor
  assert_restores
  become host
  take --sqlite "$db" --tree "$source_dir/tree"
  become escrow
  assert_restores
}

@test "keys: after rotate new snapshots take the new key, old ones the old, and the host goes on without a question" {
  sealed_snapshot
  old=$(current_certificate) first=$id
  become ops
  gpg --batch --quiet --decrypt "$repo/keys/$old.key.asc" >"$BATS_TEST_TMPDIR/old.pem" 2>/dev/null
  chmod 600 "$BATS_TEST_TMPDIR/old.pem"
  become host
  run -0 --separate-stderr init --rotate
  [[ $stderr == *"can be opened by $OPS"* && $stderr == *"can be opened by $ESCROW"* ]]
  [[ $(current_certificate) != "$old" ]]
  seq 7 90000 >"$source_dir/tree/more"
  take --sqlite "$db" --tree "$source_dir/tree"
  assert_equal "$stderr" ''
  become ops
  assert_restores
  id=$first assert_restores
  become host
  id=$first assert_restores --key-file "$BATS_TEST_TMPDIR/old.pem"
  run -9 --separate-stderr restore latest --target "$BATS_TEST_TMPDIR/out" --key-file "$BATS_TEST_TMPDIR/old.pem"
  [[ $stderr == *"holds another key than that of certificate $(current_certificate)"* ]]
}

@test "keys: somebody else's certificate in the repository is refused before anything is sealed to it" {
  sealed_snapshot
  own=$(current_certificate)
  GNUPGHOME=$people/all XDG_STATE_HOME=$BATS_TEST_TMPDIR/theirs init -q --repo "$BATS_TEST_TMPDIR/other" \
    --recipient "$HOST" --no-escrow >/dev/null
  cp "$BATS_TEST_TMPDIR/other/keys/"* "$repo/keys/"
  theirs=$(jq -r .certificate "$BATS_TEST_TMPDIR/other/format.json")
  sed -i "s/$own/$theirs/" "$repo/format.json"
  objects=$(find "$repo/objects" -type f | sort)
  run -10 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  [[ $stderr == *"$theirs"*"$own"*'nothing was stored'* ]]
  assert_equal "$(find "$repo/objects" -type f | sort)" "$objects"
  run -10 --separate-stderr init --rotate --recipient "$OPS" --recipient "$ESCROW"
}

@test "keys: another pair's wrapped key, a damaged and a missing one are named; the kit helps" {
  sealed_snapshot
  wrapped=$repo/keys/$(current_certificate).key.asc
  init -q --recovery-kit "$BATS_TEST_TMPDIR/kit" >/dev/null
  become ops
  refused() { # <part of the message>
    run -9 --separate-stderr restore "$id" --target "$BATS_TEST_TMPDIR/out"
    [[ $stderr == *"$1"* ]]
  }
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null |
    gpg_of all --armor --trust-model always -r "$OPS" -e >"$wrapped"
  refused "is not the recovery key of certificate $(current_certificate)"
  echo garbage >"$wrapped"
  refused "$wrapped' is no OpenPGP message, or damaged"
  rm "$wrapped"
  refused "$wrapped' is missing"
  cp "$BATS_TEST_TMPDIR/kit/keys/"* "$repo/keys/"
  assert_restores
}

@test "keys: the private key reaches no file, and no pipe but the one to gpg" {
  private_home
  export HOLDFAST_CONFIG=/dev/null
  become all
  repo=$BATS_TEST_TMPDIR/repo
  run -0 strace -f -qq -y -xx -s 100000 -o "$BATS_TEST_TMPDIR/strace" \
    -e trace=write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,prctl "$HOLDFAST_BIN/init" --repo "$repo" --recipient "$OPS" --recipient "$ESCROW"
  key=$(gpg --batch --quiet --decrypt "$repo/keys/$(current_certificate).key.asc" 2>/dev/null)
  escaped() { od -An -v -t x1 | tr -d '\n' | sed 's/ /\\x/g'; } # as strace -xx prints bytes
  text=$(sed -n 2p <<<"$key" | tr -d '\n' | escaped)
  raw=$(openssl pkey -outform DER <<<"$key" | tail -c +37 | head -c 32 | escaped)
  ((${#text} == 256 && ${#raw} == 128))
  run -0 grep -F "$text" "$BATS_TEST_TMPDIR/strace"
  assert_equal "${#lines[@]}" 1
  [[ $output == *' write('*'<\x70\x69\x70\x65\x3a'* ]] # "<pipe:", in the same spelling
  run -1 grep -F "$raw" "$BATS_TEST_TMPDIR/strace"
  grep -q 'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE)' "$BATS_TEST_TMPDIR/strace"
  run -1 grep -rlF -e "$(sed -n 2p <<<"$key")" "$BATS_TEST_TMPDIR/repo" "$HOME" "$TMPDIR"
}

@test "keys: the host prunes without a key; who has one exports, rehearses and verifies, and gpg is asked once by each" {
  sealed_snapshot
  sql "$db" 'DELETE FROM trade WHERE id > 1000'
  take --accept-losses --sqlite "$db" --tree "$source_dir/tree"
  export HOLDFAST_CONFIG=$BATS_TEST_TMPDIR/holdfast.toml
  printf '[retention]\nkeep_last = 1\nmin_keep = 1\n' >"$HOLDFAST_CONFIG"
  run -0 --separate-stderr prune --empty-trash
  run -0 --separate-stderr catalog --format id
  assert_equal "$output" "$id"
  become ops
  gpgconf --homedir "$people/ops" --launch gpg-agent # or strace waits for it, too
  for verb in "export latest --source t.db --format csv --table trade --out -" "verify --deep latest" \
    "drill --report-dir $BATS_TEST_TMPDIR/records --scratch $BATS_TEST_TMPDIR"; do
    # shellcheck disable=SC2086 # words
    run -0 --separate-stderr strace -f -qq -s 200 -o "$BATS_TEST_TMPDIR/strace" -e trace=execve "$HOLDFAST_BIN/"$verb
    assert_equal "$(grep -c 'execve(.*/gpg", .*"--decrypt"' "$BATS_TEST_TMPDIR/strace")" 1
    if [[ $verb == export* ]]; then assert_equal "${#lines[@]}" 1001; fi
  done
  run -0 --separate-stderr drill --stock-tools --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
  become host
  run -9 --separate-stderr drill --report-dir "$BATS_TEST_TMPDIR/records" --scratch "$BATS_TEST_TMPDIR"
}
