#!/usr/bin/env bats
# recovery_kit.bats - what is left when all else is lost: the printed page, its codes and its commands.

load support
load repository
load keys

setup_file() { make_people; }
teardown_file() { remove_people; }

# The text of all codes on the page, as a scanner reads them from a picture of it: one file per code in `codes`.
scan() { # <page>
  local picture=$BATS_TEST_TMPDIR/page.png
  codes=$BATS_TEST_TMPDIR/codes
  mkdir "$codes"
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=900,2400 \
    --screenshot="$picture" "file://$1" >/dev/null 2>&1
  zbarimg --quiet --xml "$picture" 2>/dev/null >"$codes/xml"
}

@test "recovery kit: the codes on the page hold the wrapped key, and gpg opens what was scanned" {
  sealed_repository
  run -0 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  assert_equal "${lines[1]}" "$BATS_TEST_TMPDIR/kit/recovery-kit.html"
  wrapped=$repo/keys/$(current_certificate).key.asc
  scan "$BATS_TEST_TMPDIR/kit/recovery-kit.html"
  python3 - "$codes/xml" "$wrapped" >"$BATS_TEST_TMPDIR/scanned" <<'END'
import re, sys
parts = re.findall(r"<data[^>]*><!\[CDATA\[(.*?)\]\]>", open(sys.argv[1]).read(), re.S)
whole = open(sys.argv[2]).read()
parts.sort(key=whole.index)  # the page numbers them
assert len(parts) >= 2, parts
print("\n".join(part.strip("\n") for part in parts))
END
  # An empty line ends the headers: it may be at the cut.
  cmp <(grep . "$BATS_TEST_TMPDIR/scanned") <(grep . "$wrapped")
  become ops
  run -0 --separate-stderr gpg --batch --decrypt "$BATS_TEST_TMPDIR/scanned"
  [[ $output == '-----BEGIN PRIVATE KEY-----'* ]]
}

@test "recovery kit: with it, an OpenPGP key and a copy without keys/ stock tools bring everything back" {
  sealed_snapshot
  init -q --recovery-kit "$BATS_TEST_TMPDIR/kit" >/dev/null
  cp -r "$repo" "$BATS_TEST_TMPDIR/copy"
  rm -r "$BATS_TEST_TMPDIR/copy/keys" "$BATS_TEST_TMPDIR/copy/recover.sh" "$repo"
  become escrow
  wrapped=("$BATS_TEST_TMPDIR/kit/keys/"*.key.asc)
  (umask 077 && gpg --batch --quiet --decrypt "${wrapped[0]}" >"$BATS_TEST_TMPDIR/recovery.pem" 2>/dev/null)
  mkdir "$BATS_TEST_TMPDIR/stock"
  for program in $(dpkg -L coreutils | grep -E '^(/usr)?/s?bin/') "$(type -P bash)" "$(type -P jq)" "$(type -P zstd)" "$(type -P tar)" \
    "$(type -P openssl)"; do
    ln -s "$program" "$BATS_TEST_TMPDIR/stock/"
  done
  run -0 env -i PATH="$BATS_TEST_TMPDIR/stock" HOLDFAST_REPOSITORY="$BATS_TEST_TMPDIR/copy" \
    HOLDFAST_KEY_FILE="$BATS_TEST_TMPDIR/recovery.pem" "$BATS_TEST_TMPDIR/kit/recover.sh" "$id" "$BATS_TEST_TMPDIR/back"
  cmp "$source_dir/tree/numbers" "$BATS_TEST_TMPDIR/back/tree/numbers"
  # The same with holdfast, and with the folder put back.
  cp -r "$BATS_TEST_TMPDIR/kit/keys" "$BATS_TEST_TMPDIR/copy/keys"
  HOLDFAST_REPO=$BATS_TEST_TMPDIR/copy assert_restores
}

@test "recovery kit: it names repository, host, fingerprints and people, escaped, and no secret" {
  mkdir -m 700 "$people/odd"
  odd=$(new_key odd 'A & <script>B</script> <odd@example.com>')
  gpg_of odd --armor --export "$odd" | gpg_of host --import
  sealed_repository --recipient "$odd" --recovery-kit "$BATS_TEST_TMPDIR/kit"
  page=$(<"$BATS_TEST_TMPDIR/kit/recovery-kit.html")
  for text in "$(jq -r .id "$repo/format.json")" "$(current_certificate)" "$repo" "$(uname -n)" 'part 1 of ' \
    "$(sha256sum <"$repo/keys/$(current_certificate).key.asc" | cut -d' ' -f1)" 'A &amp; &lt;script&gt;B'; do
    [[ $page == *"$text"* ]]
  done
  for key in "$OPS" "$ESCROW" "$odd"; do [[ $page == *"$(fold -w 4 <<<"$key" | paste -sd ' ')"* ]]; done
  [[ $page != *'<script>'* && $page != *'PRIVATE KEY'* && $page != *' src='* && $page != *'http://'[^w]* && $page != *'https://'* ]]
  run -0 find "$BATS_TEST_TMPDIR/kit" -perm /077
  assert_equal "$output" ''
}

@test "recovery kit: after rotate and rekey it has every key as it is now; keys/ that is not complete is told" {
  sealed_repository
  init -q --rotate >/dev/null
  init -q --recovery-kit "$BATS_TEST_TMPDIR/kit" >/dev/null
  for file in "$repo/keys/"*; do cmp "$file" "$BATS_TEST_TMPDIR/kit/keys/${file##*/}"; done
  assert_equal "$(grep -c 'part 1 of' "$BATS_TEST_TMPDIR/kit/recovery-kit.html")" 2
  run -10 --separate-stderr init --recovery-kit "$repo/kit"
  assert_not_exists "$repo/kit"
  rm "$repo/keys/$(current_certificate).key.asc"
  run -9 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit2"
  [[ $stderr == *"$(current_certificate).key.asc' is missing"* ]]
  assert_not_exists "$BATS_TEST_TMPDIR/kit2"
}

@test "recovery kit: of a repository without encryption it says so, and its commands restore" {
  fresh_repository
  seq 1 1000 >"$BATS_TEST_TMPDIR/numbers"
  take --tree "$BATS_TEST_TMPDIR/numbers"
  run -0 --separate-stderr init --recovery-kit "$BATS_TEST_TMPDIR/kit"
  page=$(<"$BATS_TEST_TMPDIR/kit/recovery-kit.html")
  [[ $page == *'not encrypted'* && $page == *"$(jq -r .id "$repo/format.json")"* && $page != *'<svg'* ]]
  assert_not_exists "$BATS_TEST_TMPDIR/kit/keys"
  commands=$(sed -n '/<pre>/,/<\/pre>/p' <<<"$page" | sed "s/<[^>]*>//g; s/&#39;/'/g; /apt-get/d; s:/srv/restored:$BATS_TEST_TMPDIR/back:")
  run -0 bash -euo pipefail -c "$commands"
  cmp "$BATS_TEST_TMPDIR/numbers" "$BATS_TEST_TMPDIR/back/numbers"
}
