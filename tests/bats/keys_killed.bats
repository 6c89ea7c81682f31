#!/usr/bin/env bats
# keys_killed.bats - init that is killed at any step while it makes, gives away or changes keys: backups go on, and who could open
# them still can.

load support
load repository
load keys
load injection

setup_file() { make_people; }
teardown_file() { remove_people; }

# Every step that a power cut could fall between: a file gets its name, is on disk, is gone. A second argument is what
# must hold after each; sets `steps` to how many there were.
for_each_step() { # <what to run> <what holds then>
  local call nth
  steps=0
  for call in rename fsync unlink; do
    for ((nth = 1; nth < 700; nth++)); do
      restore_copy
      under_alone "$call:signal=KILL:when=$nth" "$1"
      [[ $injected == yes ]] || break
      steps=$((steps + 1))
      echo "after $call $nth of $1" # told if what follows fails
      "$2"
    done
  done
}

# Without -f: gpg and its agent are left alone, and init works in one thread.
under_alone() { # <injection> <function with the arguments of init in `arguments`>
  local log=$BATS_TEST_TMPDIR/strace
  "$2"
  run --separate-stderr without_127 strace -qq -y -o "$log" -e trace="${1%%:*}" -e inject="$1" init -q "${arguments[@]}"
  injected=no
  if grep -q 'killed by SIGKILL' "$log"; then injected=yes; fi
}

keep_copy() {
  rm -rf "$BATS_TEST_TMPDIR/copy"
  mkdir "$BATS_TEST_TMPDIR/copy"
  cp -a "$repo" "$BATS_TEST_TMPDIR/copy/repo"
  cp -a "$HOME" "$BATS_TEST_TMPDIR/copy/home"
}
restore_copy() {
  rm -rf "$repo" "$HOME"
  cp -a "$BATS_TEST_TMPDIR/copy/repo" "$repo"
  cp -a "$BATS_TEST_TMPDIR/copy/home" "$HOME"
}

rotated_lines() { jq -r 'select(.event == "rotated").certificate' "$repo/ledger.jsonl"; }

rotating() { arguments=(--rotate); }

# The next backup needs no person, what is named is what was sealed to, and the ledger says so once.
goes_on_after_rotate() {
  local now
  now=$(current_certificate)
  run -0 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  if [[ $now == "$old" ]]; then
    assert_equal "$(rotated_lines)" ''
  else
    assert_equal "$(rotated_lines)" "$now"
    assert_equal "$(jq -r '"\(.certificate) \(.rotation)"' "$XDG_STATE_HOME/holdfast/"*.certificate)" "$now null"
  fi
  run -0 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  [[ $stderr != *certificate* ]]
  become ops
  assert_restores
  id=$output assert_whole --all
  become host
}

@test "keys: rotate that is killed at any rename, fsync or removal leaves a repository that the host goes on with" {
  sealed_snapshot
  old=$(current_certificate)
  keep_copy
  for_each_step rotating goes_on_after_rotate
  ((steps >= 10))
  # And it can be run again.
  restore_copy
  under_alone rename:signal=KILL:when=4 rotating
  run -0 --separate-stderr init --rotate
  run -0 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
}

@test "keys: a certificate that this host did not make is refused also while a rotation is half-done" {
  sealed_snapshot
  old=$(current_certificate)
  GNUPGHOME=$people/all XDG_STATE_HOME=$BATS_TEST_TMPDIR/theirs init -q --repo "$BATS_TEST_TMPDIR/other" \
    --recipient "$HOST" --no-escrow >/dev/null
  theirs=$(jq -r .certificate "$BATS_TEST_TMPDIR/other/format.json")
  keep_copy
  for ((nth = 1; ; nth++)); do
    restore_copy
    under_alone "rename:signal=KILL:when=$nth" rotating
    [[ $injected == yes ]] || break
    cp "$BATS_TEST_TMPDIR/other/keys/"* "$repo/keys/"
    sed -i "s/$(current_certificate)/$theirs/" "$repo/format.json"
    objects=$(find "$repo/objects" -type f | sort)
    run -10 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
    [[ $stderr == *"$theirs"*'nothing was stored'* ]]
    assert_equal "$(find "$repo/objects" -type f | sort)" "$objects"
  done
  ((nth > 4))
  # Once it is done, the old one is refused, too.
  certificate=$(current_certificate)
  sed -i "s/$certificate/$old/" "$repo/format.json"
  run -10 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
}

rekeying() { arguments=(--rekey --recipient "$successor" --recipient "$ESCROW"); }

goes_on_after_rekey() {
  become host
  run -0 --separate-stderr snap --sqlite "$db" --tree "$source_dir/tree"
  become escrow # is among the old and the new people
  assert_restores
  id=$first assert_restores
  run -0 --separate-stderr init --rekey --recipient "$successor" --recipient "$ESCROW"
  become successor
  assert_restores
  id=$first assert_restores
  become escrow
}

@test "keys: rekey that is killed at any step leaves keys that the old or the new people open, and ends when it is run again" {
  sealed_snapshot
  first=$id
  init -q --rotate >/dev/null
  take --sqlite "$db" --tree "$source_dir/tree"
  mkdir -m 700 "$people/successor"
  successor=$(new_key successor 'Successor <new@example.com>')
  gpg_of successor --armor --export "$successor" | gpg_of escrow --import
  become escrow
  gpgconf --homedir "$people/escrow" --launch gpg-agent
  keep_copy
  for_each_step rekeying goes_on_after_rekey
  ((steps >= 6))
}

@test "keys: rekey that is killed has not shut out who runs it, although he is not among the new people" {
  sealed_snapshot
  first=$id
  init -q --rotate >/dev/null
  take --sqlite "$db" --tree "$source_dir/tree"
  mkdir -m 700 "$people/heir"
  successor=$(new_key heir 'Heir <heir@example.com>')
  gpg_of heir --armor --export "$successor" | gpg_of ops --import
  become ops
  gpg_of ops --import "$people/public"
  under_alone rename:signal=KILL:when=1 rekeying
  assert_equal "$injected" yes
  under_alone rename:signal=KILL:when=2 rekeying
  assert_equal "$injected" yes
  run --separate-stderr init --rekey --recipient "$successor" --recipient "$ESCROW"
  ((status == 0 || status == 4))
  become heir
  assert_restores
  id=$first assert_restores
}

@test "keys: init that is killed leaves no moment at which another certificate would be taken on trust" {
  private_home
  export HOLDFAST_CONFIG=/dev/null
  become host
  repo=$BATS_TEST_TMPDIR/repo
  GNUPGHOME=$people/all XDG_STATE_HOME=$BATS_TEST_TMPDIR/theirs init -q --repo "$BATS_TEST_TMPDIR/other" \
    --recipient "$HOST" --no-escrow >/dev/null
  theirs=$(jq -r .certificate "$BATS_TEST_TMPDIR/other/format.json")
  making() { arguments=(--repo "$repo" --recipient "$OPS" --recipient "$ESCROW"); }
  complete=0
  for call in rename fsync; do
    for ((nth = 1; nth < 700; nth++)); do
      rm -rf "$repo" "$XDG_STATE_HOME"
      under_alone "$call:signal=KILL:when=$nth" making
      [[ $injected == yes ]] || break
      [[ -e $repo/format.json ]] || continue
      complete=$((complete + 1))
      cp "$BATS_TEST_TMPDIR/other/keys/"* "$repo/keys/"
      sed -i "s/$(current_certificate)/$theirs/" "$repo/format.json"
      run -10 --separate-stderr snap -q --repo "$repo" --tree "$people/host/pubring.kbx"
      [[ $stderr == *"$theirs"* ]]
    done
  done
  ((complete >= 2))
}
