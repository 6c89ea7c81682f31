# shellcheck shell=bash
# lib/offsite_fetch.sh - files from a remote, none believed before it is proven.

make_folders() { # <repository to be>
  mkdir -p -- "$1"/{snapshots,trash,tmp,quarantine} && (cd -- "$1" && mkdir -p objects/{0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f}{0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f})
}

# Did rclone fail because of single files, as on a bad disk? Then the others came, and what did not is told by its name.
is_about_files() {
  if ((child_code >= 100 || failure_code != 8)) || [[ $failure == 'it is full'* ]]; then return 1; fi
  probe_remote
}

# Copies them as they are, and says in $work/absent which did not come: to rclone that is no failure.
bring() { # <list of paths> <folder>
  local path
  : >"$work/absent"
  if [[ ! -s $1 ]]; then return 0; fi
  remote_run '' "$work/out" copy --no-traverse --ignore-times --files-from-raw "$1" "$base" "$2" || is_about_files || return 1
  while IFS= read -r path; do
    if [[ ! -f $2/$path || -L $2/$path ]]; then printf '%s\n' "$path"; fi
  done <"$1" >"$work/absent"
}

# Objects that are not there yet: fetched, proven, named. $work/lost has those that did not come or are damaged there.
bring_objects() { # <list of paths> <repository>
  local path batch stage=$2/tmp/fetch.$run_id name
  while IFS= read -r path; do
    if [[ ! -s $2/$path ]]; then printf '%s\n' "$path"; fi
  done <"$1" | sort -u >"$work/to_bring"
  : >"$work/lost"
  rm -f -- "$work"/some.*
  if [[ -s $work/to_bring ]]; then split -l 200 -a 5 -d -- "$work/to_bring" "$work/some."; fi
  for batch in "$work"/some.*; do
    if [[ ! -e $batch ]]; then break; fi
    mkdir -p -- "$stage"
    bring "$batch" "$stage" || return 1
    cat "$work/absent" >>"$work/lost"
    while IFS= read -r path; do
      name=${path##*/}
      if [[ ! -f $stage/$path ]]; then continue; fi
      if [[ $(sha256sum <"$stage/$path") == "$name  -" ]]; then
        mv -f -- "$stage/$path" "$2/$path" || { failure_code=8 failure="cannot write $2/$path" && return 1; }
      else
        printf '%s\n' "$path" >>"$work/lost"
      fi
    done <"$batch"
    rm -rf -- "$stage"
  done
  sync -f -- "$2"
}

# format.json and what else a repository has beside snapshots and objects.
bring_top() { # <repository>
  local stage=$work/top.there certificate
  printf '%s\n' format.json ledger.jsonl RECOVER.md recover.sh >"$work/top"
  bring "$work/top" "$stage" || return 1
  if [[ $(jq -r .format "$stage/format.json" 2>/dev/null) != holdfast-repository ]]; then
    failure_code=6 failure="$base is no copy of a repository; offsite.sh status $remote --hosts shows what is there"
    return 1
  fi
  certificate=$(jq -r '.certificate // empty' "$stage/format.json")
  if [[ -n $certificate ]]; then remote_run 300 "$work/out" copy "$base/keys" "$1/keys" || return 1; fi
  chmod 700 "$stage/recover.sh" 2>/dev/null || true
  for name in RECOVER.md recover.sh ledger.jsonl; do
    if [[ -f $stage/$name ]]; then mv -f -- "$stage/$name" "$1/$name" || return 1; fi
  done
  : >>"$1/lock"
}

# The folders of those snapshots, each proven by its SHA256SUMS. $work/unproven has those that are not what they say.
bring_snapshots() { # <ids> <repository>
  local id stage=$2/tmp/fetch.$run_id
  : >"$work/unproven"
  while read -r id; do
    if [[ ! -f $2/snapshots/$id/manifest.json ]]; then printf "snapshots/$id/%s\n" SHA256SUMS manifest.json summary.txt SHA256SUMS.asc; fi
  done <"$1" >"$work/papers"
  bring "$work/papers" "$stage" || return 1
  while read -r id; do
    if [[ ! -d $stage/snapshots/$id ]]; then continue; fi
    if [[ -f $stage/snapshots/$id/SHA256SUMS ]] && prove_snapshot "$stage/snapshots/$id"; then
      rm -rf -- "$2/snapshots/$id" && mv -- "$stage/snapshots/$id" "$2/snapshots/$id" || return 1
    else
      printf '%s\n' "$id" >>"$work/unproven"
      say WARN "$remote: snapshot $id is not whole there, and was left out"
    fi
  done <"$1"
  rm -rf -- "$stage"
}
