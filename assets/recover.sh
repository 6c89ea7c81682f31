#!/usr/bin/env bash
# recover.sh [--skip-check] SNAPSHOT TARGET_DIR [COMPONENT...] - restore a snapshot with stock tools only.
set -Eeuo pipefail
shopt -s inherit_errexit nullglob
umask 077
export LC_ALL=C TZ=UTC PATH="${PATH:-/usr/bin:/bin}"
unset CDPATH TAR_OPTIONS ZSTD_CLEVEL ZSTD_NBTHREADS POSIXLY_CORRECT BASH_ENV

usage='usage: recover.sh [--skip-check] SNAPSHOT TARGET_DIR [COMPONENT...]
       recover.sh list               every snapshot: id, number, state, type, start, bytes, components
       recover.sh list SNAPSHOT      its components: name, kind, bytes, path it was taken from

Restores every component of SNAPSHOT (or those named) to exactly TARGET_DIR/COMPONENT, which must not exist
yet. SNAPSHOT is an id, the beginning of one, or "latest". Needs bash, coreutils, jq, zstd and GNU tar, and
300 MiB of free space in TARGET_DIR beside what it restores. It writes nothing else anywhere.

A sealed repository (it has keys/) needs openssl too, and gpg with the OpenPGP key of a recipient; or the private keys
themselves, as gpg --decrypt prints them for each keys/*.key.asc, one after the other in the file that HOLDFAST_KEY_FILE names.

Every file of the snapshot is checked first. --skip-check leaves that out, for a snapshot with a damaged
object that the wanted components may not need: what is restored is checked against its digest all the same.

The repository is the folder that holds this script, or HOLDFAST_REPOSITORY.
exit: 0 done, 2 usage, 3 newer format or missing program, 5 damaged, 6 no such snapshot or component,
      8 disk, 9 no key, 10 refused (something is in the way); then nothing was left under the name that failed'

window_bytes=$((256 << 20)) # a stream is put together in pieces of this size
object_bytes=$((16 << 20))  # the most that an object may hold
keys=() repository='' version='' snapshot='' target='' tmp='' work='' child='' status=0 is_new_target=0

say() { printf 'recover.sh: %s\n' "$*" >&2; }

die() { # <code> <message> [hint]
  say "error: $2"
  if [[ -n ${3:-} ]]; then say "hint: $3"; fi
  exit "$1"
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
  local code=$?
  trap '' INT TERM HUP
  trap - ERR
  set +e
  # The child leads a process group of its own: one signal ends whatever is at work in it.
  if [[ -n $child ]]; then kill -TERM -- "-$child" 2>/dev/null && wait "$child" 2>/dev/null; fi
  if [[ -n $tmp ]]; then remove "$tmp"; fi
  if ((is_new_target)); then rmdir -- "$target" 2>/dev/null; fi # unless something was restored
  exit "$code"
}

remove() { # <folder>: with the folders in it that may not be written
  chmod --recursive u+rwx -- "$1" 2>/dev/null || true
  rm -rf -- "${1:?}"
}

# Long work runs as `set -m; work & await`: a process group of its own, so that a signal need not wait for it.
await() { # sets $status to the exit code of the last background job
  child=$!
  set +m
  status=0
  wait "$child" || status=$?
  child=''
}

# --- The manifest: untrusted until every part that is used was looked at -------------------------------------

# jq 1.6 rounds integers beyond 2^53, so times in nanoseconds are made text before it sees them.
with_exact_times() { # <manifest.json>
  local line
  while IFS= read -r line; do
    if [[ $line == *'"mtime_ns": '* && $line =~ ^(\ +\"mtime_ns\":\ )(-?[0-9]+)(,?)$ ]]; then
      line="${BASH_REMATCH[1]}\"${BASH_REMATCH[2]}\"${BASH_REMATCH[3]}"
    fi
    printf '%s\n' "$line"
  done <"$1"
}

# One line per component: name, kind, root, bytes, sha256, mode, uid, gid, mtime_ns; "-" for what it has not.
# shellcheck disable=SC2016 # the variables are those of jq
component_lines='
  def need(ok; what): if ok then . else error(what) end;
  def number: type == "number" and . >= 0 and . == floor;
  def digest: type == "string" and test("\\A[0-9a-f]{64}\\z");
  def extent: type == "string" and test("\\A[0-9a-f]{64} [0-9]{1,8} [0-9]{1,8}( [0-9a-f]{64})?\\z");
  def stored: type == "object" and (.bytes | number) and (.sha256 | digest)
    and (.extents | type == "array" and all(extent));
  def safe: type == "string" and (explode | all(. >= 32 and . != 127))
    and (split("/") | length <= 2 and all(. != "" and . != "." and . != ".." and utf8bytelength <= 255));
  need(.format == "holdfast-snapshot" and .version == 1; "it is not a snapshot of version 1")
  | need(.id == $id; "it is of another snapshot")
  | [.components[].name] as $names
  | need($names | all(safe); "a component name is not safe: \($names | map(select(safe | not)))")
  | need(($names | unique | length) == ($names | length); "two components have one name")
  | need($names | map(split("/") | select(length == 2) | .[0]) | all(. as $n | $names | index([$n]) | not);
      "a component lies inside another")
  | .components[] | .name as $name
  | need(.kind | IN("sqlite", "tree", "command", "stdin"); "\($name): unknown kind")
  | need(.root == "file" or (.root == "directory" and .kind == "tree"); "\($name): unknown root")
  | need((.bytes | number) and (.recipe | stored); "\($name): malformed recipe")
  | need(if .kind == "tree" then .index | stored else .sha256 | digest end; "\($name): malformed digest or index")
  | need(.mode == null or (.mode | test("\\A[0-7]{4}\\z")) and (.uid | number) and (.gid | number)
      and (.mtime_ns | test("\\A-?[0-9]{1,19}\\z")); "\($name): malformed owner, mode or time")
  | [.name, .kind, .root, .bytes, .sha256, .mode, .uid, .gid, .mtime_ns] | map(. // "-" | tostring) | join("\t")'

read_manifest() { # checks it; leaves it in $tmp/manifest.json, its components in $tmp/components
  local id=${snapshot##*/} why sum codes=()
  cp -- "$snapshot/manifest.json" "$tmp/manifest.sealed"
  sum=$(jq -r '.private_sha256 // empty' "$tmp/manifest.sealed")
  if [[ -n $sum ]]; then # names are hidden: the whole manifest is sealed in it
    work=$tmp
    jq -r .private "$snapshot/manifest.json" | base64 --decode | unseal | cat >"$tmp/manifest.sealed" || codes=("${PIPESTATUS[@]}")
    ((${codes[3]:-0} == 0)) || die 8 "write to ${tmp@Q} failed"
    ((${#codes[@]} == 0)) || die 9 "the sealed manifest of $id was not opened: this key is another one, or the manifest is damaged"
    check_digest "$tmp/manifest.sealed" "$sum" "the sealed manifest of $id"
  fi
  with_exact_times "$tmp/manifest.sealed" >"$tmp/manifest.json"
  if ! jq -r --arg id "$id" "$component_lines" <"$tmp/manifest.json" >"$tmp/components" 2>"$tmp/why"; then
    why=$(<"$tmp/why")
    die 5 "the manifest of $id cannot be used: ${why@Q}" 'another copy of the repository may have it whole'
  fi
}

list_snapshots() {
  local folder
  for folder in "$repository"/snapshots/*-*; do
    jq -r --arg id "${folder##*/}" '[$id, .number, .state, .type, .started_utc, .totals.bytes, (.components | map(.name) | join(" "))]
      | map(tostring | gsub("[\\x00-\\x1f\\x7f]"; "?")) | join("\t")' "$folder/manifest.json" ||
      say "warning: snapshot ${folder##*/} cannot be read"
  done | sort -t $'\t' -k 2,2n
}

find_snapshot() { # <id, prefix or latest>: sets $snapshot
  local found=("$repository/snapshots/$1"*/manifest.json) id=$1 list
  if [[ $1 == latest ]]; then
    list=$(list_snapshots)
    list=${list##*$'\n'}
    id=${list%%$'\t'*}
    found=("$repository/snapshots/$id/manifest.json")
  fi
  [[ $id =~ ^[0-9][0-9TZ]*(-[0-9a-f]*)?$ && -f ${found[0]:-} ]] || die 6 "there is no snapshot ${1@Q}" 'recover.sh list shows them'
  ((${#found[@]} == 1)) || die 2 "${1@Q} begins ${#found[@]} snapshot ids" 'give more of the id'
  snapshot=${found[0]%/*}
}

# --- Streams ---------------------------------------------------------------------------------------------------

check_digest() { # <file> <sha256> <what it is>
  local sum
  sum=$(sha256sum <"$1")
  [[ ${sum%% *} == "$2" ]] || die 5 "$3 is damaged: its SHA-256 is ${sum%% *}, not $2"
}

decode() { # <object>: its plain bytes
  local path="$repository/objects/${1:0:2}/$1" codes=()
  [[ -f $path ]] || die 5 "object $1 is missing"
  check_digest "$path" "$1" "object $1"
  if ((${#keys[@]} > 0)); then
    decode_sealed "$path" || die 5 "object $1 does not decode"
  else
    zstd --decompress --stdout --quiet <"$path" | head -c "$object_bytes" || codes=("${PIPESTATUS[@]}")
    ((${codes[1]:-0} == 0)) || die 8 "what object $1 decodes to could not be written" # a full disk is no damage
    ((${codes[0]:-0} == 0)) || die 5 "object $1 does not decode"
  fi
}

u32() { # <file> <offset from the end> <count>: little-endian numbers, separated by blanks
  tail -c "$2" "$1" | head -c "$(($3 * 4))" | od -An -v -t u4 --endian=little -w4 | tr -d ' ' | tr '\n' ' '
}

# A sealed object: each frame is a CMS message around a zstd frame; the seek table at the end has their lengths.
decode_sealed() { # <file>
  local count sizes at=0 i codes=()
  count=$(u32 "$1" 9 1) && count=${count% }
  ((count >= 1 && count <= 16)) || return 1
  read -ra sizes <<<"$(u32 "$1" $((count * 8 + 9)) $((count * 2)))"
  ((${#sizes[@]} == count * 2)) || return 1
  for ((i = 0; i < count; i++)); do
    dd if="$1" bs=1M skip="$at" count="${sizes[i * 2]}" iflag=skip_bytes,count_bytes status=none |
      unseal | zstd --decompress --stdout --quiet | head -c "${sizes[i * 2 + 1]}" || codes=("${PIPESTATUS[@]}")
    ((${codes[1]:-0} != 8)) || exit 8 # said already
    ((${codes[3]:-0} == 0)) || die 8 "what ${1##*/} decodes to could not be written"
    ((${#codes[@]} == 0)) || return 1
    at=$((at + sizes[i * 2]))
  done
}

# After a change of the recovery key objects are sealed to different ones; printf is part of bash, so no key is in the list
# of processes. A disk that is full must not look like a key that does not fit.
unseal() { # a message on standard input
  local key message codes
  if ((${#keys[@]} == 1)); then
    openssl cms -decrypt -inform DER -inkey <(printf '%s\n' "${keys[0]}")
    return
  fi
  if ! message=$(mktemp -- "$work/message.XXXXXX") || ! cat >"$message"; then die 8 "write to ${work@Q} failed"; fi
  for key in "${keys[@]}"; do
    codes=(0 0)
    openssl cms -decrypt -inform DER -in "$message" -inkey <(printf '%s\n' "$key") 2>/dev/null |
      cat >"$message.plain" || codes=("${PIPESTATUS[@]}")
    ((codes[1] == 0)) || die 8 "write to ${work@Q} failed"
    if ((codes[0] == 0)); then
      cat -- "$message.plain"
      rm -f -- "$message" "$message.plain"
      return
    fi
  done
  say 'error: none of the keys opens this object'
  return 1
}

read_keys() { # sets `keys` to the blocks of PEM on standard input: after a rotation there are several
  local line block=''
  while IFS= read -r line; do
    block+=$line$'\n'
    if [[ $line == '-----END '*'PRIVATE KEY-----'* ]]; then
      keys+=("$block")
      block=''
    fi
  done
  ((${#keys[@]} > 0))
}

# Sets `keys`: from HOLDFAST_KEY_FILE, or by gpg from each file in keys/ that somebody here can open.
unlock() {
  local file key
  [[ $version == 'holdfast-repository 2' ]] || return 0
  for program in openssl gpg; do
    [[ $program == gpg && -n ${HOLDFAST_KEY_FILE:-} ]] || command -v "$program" >/dev/null ||
      die 3 "'$program' is not installed" 'apt-get install openssl gpg'
  done
  if [[ -n ${HOLDFAST_KEY_FILE:-} ]]; then
    read_keys <"$HOLDFAST_KEY_FILE" || die 9 "${HOLDFAST_KEY_FILE@Q} cannot be read, or holds no private key" \
      'gpg --decrypt prints one for each keys/*.key.asc'
    return
  fi
  for file in "$repository"/keys/*.key.asc; do
    if key=$(gpg --quiet --decrypt -- "$file"); then read_keys < <(printf '%s\n' "$key") || true; else say "warning: ${file##*/} was not opened"; fi
  done
  ((${#keys[@]} > 0)) || die 9 'no key of this repository was opened' \
    'use a machine that has the OpenPGP key of a recipient, or HOLDFAST_KEY_FILE=FILE with the private keys'
}

place() { # <list of "object offset length place">: copies each extent to its place in the window
  local name object='' offset length at plain=$1.plain plain_bytes=0
  while read -r name offset length at; do
    if [[ $name != "$object" ]]; then
      decode "$name" >"$plain"
      plain_bytes=$(stat --format=%s "$plain")
      object=$name
    fi
    ((offset + length <= plain_bytes)) || die 5 "object $name is shorter than a recipe says"
    dd if="$plain" of="$work/window" bs=1M skip="$offset" count="$length" seek="$at" status=none \
      iflag=skip_bytes,count_bytes oflag=seek_bytes conv=notrunc || die 8 "write to ${work@Q} failed"
  done <"$1"
}

# Sorted by object, so that each is decoded once per window however often the recipe changes between objects
# (that of a database does so tens of thousands of times); shared out because dd is mostly starting dd.
write_window() { # <bytes>: prints that much of the stream, whose extents are in $work/extents
  local part pid pids=() failed=0
  rm -f -- "$work"/part.*
  sort --temporary-directory="$work" -k 1,1 -k 2,2n "$work/extents" >"$work/sorted"
  split --number="l/$(nproc)" "$work/sorted" "$work/part."
  truncate --size="$1" "$work/window"
  for part in "$work"/part.*; do
    place "$part" &
    pids+=("$!")
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=$?; done
  ((failed == 0)) || exit "$failed"
  cat -- "$work/window"
}

rebuild() { # <bytes>: recipe lines on standard input become the stream on standard output
  local object offset length rest at=0 left=$1 list
  exec {list}>"$work/extents"
  while read -r object offset length rest; do
    [[ "$object $offset $length" =~ ^[0-9a-f]{64}\ (0|[1-9][0-9]{0,7})\ [1-9][0-9]{0,7}$ ]] ||
      die 5 "a recipe has a line that is none: ${object@Q} ${offset@Q} ${length@Q}"
    printf '%s\n' "$object $offset $length $at" >&"$list"
    at=$((at + length)) left=$((left - length))
    if ((at >= window_bytes)); then
      exec {list}>&-
      write_window "$at"
      exec {list}>"$work/extents"
      at=0
    fi
  done
  exec {list}>&-
  if ((at > 0)); then write_window "$at"; fi
  ((left == 0)) || die 5 "a recipe does not make the $1 bytes it should"
}

rebuild_stored() { # <component> <recipe|index>: into $work/<recipe|index>, checked
  local facts
  facts=$(jq -r --arg name "$1" --arg key "$2" '.components[] | select(.name == $name)[$key] | "\(.bytes) \(.sha256)"' "$tmp/manifest.json")
  jq -r --arg name "$1" --arg key "$2" '.components[] | select(.name == $name)[$key].extents[]' "$tmp/manifest.json" |
    rebuild "${facts% *}" >"$work/$2"
  check_digest "$work/$2" "${facts#* }" "the $2 of component ${1@Q}"
}

# --- Components: each makes $work/result ----------------------------------------------------------------------

set_facts() { # <file> <mode> <uid> <gid> <mtime_ns>
  local sign='' ns=$5
  if [[ $ns == -* ]]; then sign=- ns=${ns#-}; fi
  printf -v ns '%010d' "$((10#$ns))"
  if ((EUID == 0)); then chown -- "$3:$4" "$1"; fi
  chmod -- "$2" "$1"
  touch --date="@$sign${ns:0:-9}.${ns: -9}" -- "$1"
}

# Names with control characters or a backslash, names that are not UTF-8 and files that their owner may not
# read go one by one, the name as base64.
# shellcheck disable=SC2016 # the variables are those of jq
index_lines='
  def base64: .path_b64 // (.path | @base64);
  def is_odd: .path == null or (.path | test("[\\x00-\\x1f\\x7f\\\\]")) or (.type == "file" and .mode[-3:-2] < "4");
  select(.segment_bytes == null)
  | if (.path // "" | test("\\A/|(\\A|/)\\.\\.(/|\\z)")) then error("the index has a path that leaves the tree") else . end
  | if $want == "count" then 1
    elif $want == "truncated" then select(.truncated) | "\(.truncated) \(base64)"
    elif $want == "sums" then select(.type == "file" and (is_odd | not)) | "\(.sha256)  ./\(.path)"
    elif $want == "odd" then select(is_odd) | "\(.type) \(.sha256 // "-") \(base64)"
    else select(.type != "file" and (is_odd | not)) | "\(.type) \(.path)" end'

index() { # <what>
  jq -r --arg want "$1" "$index_lines" <"$work/index" || die 5 'the index of the tree cannot be used'
}

path_of() { # <base64>: sets $path, relative to the tree
  path=$(base64 --decode <<<"$1" && printf .)
  path=${path%.}
  [[ /$path/ != */../* && $path != /* ]] || die 5 'the index has a path that leaves the tree'
}

check_type() { # <type> <path>
  local type=other
  if [[ -L $2 ]]; then
    type=symlink
  elif [[ -f $2 ]]; then
    type='file'
  elif [[ -d $2 ]]; then
    type='dir'
  elif [[ -p $2 ]]; then
    type=fifo
  elif [[ -c $2 ]]; then
    type=char
  elif [[ -b $2 ]]; then
    type=block
  fi
  [[ $type == "${1/hardlink/file}" ]] || die 5 "${2@Q} was not restored as a $1"
}

# A file that could not be read to its end was filled up in the tar; the index knows how much is real.
cut_truncated() {
  local bytes base64 path real mode
  while read -r bytes base64; do
    path_of "$base64"
    real=$(realpath -- "./$path" && printf .)
    [[ $real == "$PWD/$path"$'\n.' ]] || die 5 "${path@Q} is reached through a link"
    check_type file "$path"
    mode=$(stat --format=%a -- "./$path")
    touch --reference="./$path" "$work/time"
    chmod u+w -- "./$path"
    truncate --size="$bytes" -- "./$path"
    chmod -- "$mode" "./$path"
    touch --reference="$work/time" -- "./$path"
  done <"$work/truncated"
}

check_tree() { # in the tree: nothing is missing, nothing is more, every file has its digest
  local line type sum base64 path mode entries members
  entries=$(wc -l <"$work/count")
  members=$(wc -l <"$work/members")
  ((entries == members)) || die 5 "the tree has $members entries, its index $entries"
  if [[ -s $work/sums ]]; then
    sha256sum --check --strict --quiet "$work/sums" >&2 || die 5 'a restored file is not what the index says'
  fi
  while IFS= read -r line; do check_type "${line%% *}" "${line#* }"; done <"$work/others"
  while read -r type sum base64; do
    path_of "$base64"
    check_type "$type" "$path"
    if [[ $type == file ]]; then
      mode=$(stat --format=%a -- "./$path")
      chmod u+r -- "./$path"
      check_digest "./$path" "$sum" "file ${path@Q}"
      chmod -- "$mode" "./$path"
    fi
  done <"$work/odd"
}

restore_tree() { # <component> <bytes>
  local want xattrs='*'
  rebuild_stored "$1" index
  for want in count truncated sums odd others; do index "$want" >"$work/$want"; done
  if ((EUID != 0)); then xattrs='user.*'; fi
  mkdir "$work/tree"
  cd "$work/tree"
  rebuild "$2" <"$work/recipe" |
    tar --extract --file=- --preserve-permissions --numeric-owner --acls --xattrs --xattrs-include="$xattrs" \
      --warning=no-unknown-keyword --warning=no-timestamp --verbose --quoting-style=escape --index-file="$work/members"
  cut_truncated
  check_tree
  cd "$target"
}

refuse_existing() { # <component> <kind>
  local file files=("$1")
  # What another database left beside it would be replayed into the restored one.
  if [[ $2 == sqlite ]]; then files+=("$1"-{wal,shm,journal}); fi
  for file in "${files[@]}"; do
    if [[ -L $target/${file%%/*} || -L $target/$file || -e $target/$file ]]; then
      die 10 "${target@Q} already holds ${file@Q}" 'name another TARGET_DIR; nothing is ever overwritten'
    fi
  done
}

# Published by one rename, after everything was checked and is on disk.
publish() { # <what> <component> <kind>
  local mode=''
  if [[ -d $1 ]]; then sync --file-system -- "$1"; else sync -- "$1"; fi
  refuse_existing "$2" "$3"
  if [[ $2 == */* ]]; then mkdir --parents -- "$target/${2%/*}"; fi
  if [[ -d $1 && ! -w $1 ]]; then # to move a folder is to write in it
    mode=$(stat --format=%a "$1")
    chmod u+w "$1"
  fi
  mv --no-target-directory -- "$1" "$target/$2"
  if [[ -n $mode ]]; then chmod -- "$mode" "$target/$2"; fi
  sync -- "$(dirname -- "$target/$2")"
  printf '%s\n' "$target/$2"
}

restore() { # <name> <kind> <root> <bytes> <sha256> <mode> <uid> <gid> <mtime_ns>
  rebuild_stored "$1" recipe
  if [[ $2 == tree ]]; then
    restore_tree "$1" "$4"
    if [[ $3 == directory ]]; then publish "$work/tree" "$1" tree; else publish "$work/tree/${1##*/}" "$1" tree; fi
    return
  fi
  rebuild "$4" <"$work/recipe" >"$work/result"
  check_digest "$work/result" "$5" "component ${1@Q}"
  if [[ $6 != - ]]; then set_facts "$work/result" "${@:6}"; fi
  publish "$work/result" "$1" "$2"
}

# --- What a person asks for ------------------------------------------------------------------------------------

open_repository() {
  local program
  for program in jq zstd tar sha256sum; do
    command -v "$program" >/dev/null || die 3 "'$program' is not installed" 'apt-get install coreutils jq tar zstd'
  done
  repository=${HOLDFAST_REPOSITORY:-$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")}
  repository=$(cd -- "$repository" && pwd -P)
  [[ -f $repository/format.json ]] || die 6 "${repository@Q} is not a repository" 'run the recover.sh that lies in it'
  version=$(jq -r '"\(.format) \(.version)"' "$repository/format.json")
  [[ $version == 'holdfast-repository '[12] ]] || die 3 "format ${version@Q} is not known here" 'use the recover.sh of its repository'
}

list_components() {
  jq -r '.components[] | [.name, .kind, .bytes, .path] | map(tostring | gsub("[\\x00-\\x1f\\x7f]"; "?")) | join("\t")' \
    "$snapshot/manifest.json"
}

check_snapshot() {
  cd "$snapshot"
  [[ $(<SHA256SUMS) == *'  manifest.json'* ]] || die 5 'SHA256SUMS does not name the manifest'
  sha256sum --check --strict --quiet SHA256SUMS >&2
}

prepare_target() { # <folder>: sets $target and $tmp
  target=$(realpath --canonicalize-missing -- "$1")
  [[ $target/ != "$repository"/* ]] || die 10 "${target@Q} lies in the repository" 'name another TARGET_DIR'
  if [[ ! -e $target ]]; then is_new_target=1; fi
  mkdir --parents -- "$target" || die 8 "${target@Q} cannot be made" 'choose a TARGET_DIR that you may write'
  tmp=$(mktemp --directory -- "$target/.recover.XXXXXX") || die 8 "${target@Q} cannot be written" 'choose another TARGET_DIR'
}

choose() { # [component...]: their lines of $tmp/components, or all, into $tmp/chosen
  local name kind line
  if (($# == 0)); then cp -- "$tmp/components" "$tmp/chosen"; fi
  for name in "$@"; do
    while IFS= read -r line; do
      if [[ ${line%%$'\t'*} == "$name" ]]; then
        printf '%s\n' "$line" >>"$tmp/chosen"
        continue 2
      fi
    done <"$tmp/components"
    die 6 "${snapshot##*/} has no component ${name@Q}" "recover.sh list ${snapshot##*/} shows them"
  done
  while IFS=$'\t' read -r name kind line; do refuse_existing "$name" "$kind"; done <"$tmp/chosen"
}

tell_what_is_missing() {
  local text line
  text=$(jq -r '(.missing[] | "not in this snapshot: \(.source | @json) \(.path | @json): \(.reason | @json)"),
    (.suspect // [] | .[] | "suspect: \(@json)")' "$tmp/manifest.json")
  while IFS= read -r line; do
    if [[ -n $line ]]; then say "warning: $line"; fi
  done <<<"$text"
}

restore_chosen() { # one component that fails does not keep the others from being restored
  local -a facts
  local code=0 n=0
  while IFS=$'\t' read -r -a facts; do
    say "restoring ${facts[0]@Q}, ${facts[3]} bytes"
    n=$((n + 1))
    work=$tmp/$n
    mkdir "$work"
    set -m
    restore "${facts[@]}" </dev/null &
    await
    remove "$work"
    if ((status != 0)); then
      say "error: component ${facts[0]@Q} was not restored"
      if ((code != 5)); then code=$status; fi
    fi
  done <"$tmp/chosen"
  case $code in
    0 | 3 | 5 | 8 | 10) exit "$code" ;;
    *) exit 8 ;; # of a program that told why
  esac
}

main() {
  local is_checked=1
  trap cleanup EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  case ${1:-} in
    -h | --help) printf '%s\n' "$usage" && exit ;;
    --skip-check) is_checked=0 && shift ;;
    list)
      (($# <= 2)) || die 2 'list takes one SNAPSHOT' 'see recover.sh --help'
      open_repository
      if (($# == 1)); then
        list_snapshots
      else
        find_snapshot "$2"
        list_components
      fi
      exit
      ;;
  esac
  [[ $# -ge 2 && $1 != -* && -n $2 ]] || die 2 'expected SNAPSHOT and TARGET_DIR' 'see recover.sh --help'
  open_repository
  find_snapshot "$1"
  prepare_target "$2"
  unlock
  read_manifest
  choose "${@:3}"
  if ((is_checked)); then
    say "checking ${snapshot##*/}"
    set -m
    check_snapshot &
    await
    ((status == 0)) || die 5 "snapshot ${snapshot##*/} is damaged: see the files named above" \
      'with --skip-check what does not need them can be restored; other snapshots may be whole'
  fi
  if [[ -f $snapshot/SHA256SUMS.asc ]]; then
    say "note: it is signed; who did: gpg --verify ${snapshot@Q}/SHA256SUMS.asc ${snapshot@Q}/SHA256SUMS"
  fi
  tell_what_is_missing
  restore_chosen
}

main "$@"
