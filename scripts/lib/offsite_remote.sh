# shellcheck shell=bash
# lib/offsite_remote.sh - one remote of the configuration: where it is, what lies there, and rclone with limits.

remote_json=              # the [[remote]] at hand
remote='' kind='' url=''  # its name, kind and address
root='' base='' prefix='' # what rclone calls the remote, this host's folder there, and that folder's name
incoming=''               # for uploads that are at work
is_staged=true            # uploads get their names by a rename, since an interrupted one would leave a part under them
deadline=0                # of all the work at this remote, in $SECONDS
work=                     # a private folder
rclone_flags=()
failure='' # why the last remote_run failed, in words; its exit code is in failure_code
failure_code=0

# Stores that show an object when it is complete. Everything else gets staged uploads.
atomic_types=' s3 azureblob b2 google\ cloud\ storage swift oracleobjectstorage storj '

remote_get() { # <jq filter>
  jq -r "$1 // empty" < <(pour "$remote_json")
}

config_remotes() { # the names, in the order of the file
  jq -r '.remote[].name' < <(pour "$config_json")
}

set_remote() { # <name>: fails, with the reason in $failure, if it cannot be used
  local name=$1 type names credentials settings
  remote=$name failure=''
  remote_json=$(jq --arg name "$name" '.remote[] | select(.name == $name)' < <(pour "$config_json"))
  kind=$(remote_get .kind) url=$(remote_get .url) credentials=$(remote_get .credentials)
  prefix=${wanted_host:-$(remote_get .host)}
  prefix=${prefix:-$(uname -n)}
  deadline=$((SECONDS + $(remote_get .time_limit_s | cut -c1-9)))
  names=$(jq -r '.environment | join(" ")' < <(pour "$remote_json"))
  settings=/dev/null
  rclone_flags=(--retries 3 --retries-sleep 5s --low-level-retries 5 --contimeout 10s --timeout 60s
    --transfers 8 --checkers 8 --stats 0)
  if (($(remote_get .bandwidth_bytes) > 0)); then rclone_flags+=(--bwlimit "$(remote_get .bandwidth_bytes)B"); fi
  case $kind in
    directory)
      root=$(remote_get .path)
      if [[ ! -d $root ]]; then
        failure="there is no folder '$root': is its disk mounted?" failure_code=8
        return 1
      fi
      apart_from_repository || return 1
      ;;
    sftp)
      root=HOLDFAST:$(remote_get .path) rclone_flags+=(--sftp-disable-hashcheck)
      set_sftp
      ;;
    rclone)
      root=$(remote_get .rclone_remote):$(remote_get .path) settings=$(remote_get .rclone_config)
      settings=${settings:-${HOME:-/nonexistent}/.config/rclone/rclone.conf}
      ;;
  esac
  rclone_flags+=(--config "$settings")
  base=$(below "$root" "$prefix") incoming=$(below "$root" .incoming)/$prefix
  launch=(bash "$lib_dir/offsite_launch.sh" "$credentials" "${root%%:*}" "$names")
  if [[ $kind == directory ]]; then launch[3]=none; fi
  check_credentials "$credentials" || return 1
  is_staged=true
  if [[ $kind == rclone ]]; then
    run_limited 30 "${launch[@]}" "$work/type" "$work/err" --type "${root%%:*}" --config "$settings"
    type=$(<"$work/type")
    if [[ -z $type ]]; then
      failure="rclone knows no remote '${root%%:*}'" failure_code=3
      return 1
    fi
    if [[ $atomic_types == *" ${type// /\\ } "* ]]; then is_staged=false; fi
  fi
}

# A copy in what it is a copy of is none, and prune there would be prune here. Reading from such a place harms nothing.
apart_from_repository() {
  local one other
  if [[ " push verify prune " != *" $verb "* ]]; then return 0; fi
  one=$(realpath -m -- "$root")/ other=$(realpath -m -- "$repo")/
  if [[ ${one/#\/\//\/} != "${other/#\/\//\/}"* && $other != "${one/#\/\//\/}"* ]]; then return 0; fi
  failure_code=3 failure="its folder '$root' and the repository '$repo' lie in each other: choose another disk, or a folder beside it"
  return 1
}

below() { # <remote:path> <name>
  if [[ $1 == *: ]]; then printf '%s%s\n' "$1" "$2"; else printf '%s/%s\n' "${1%/}" "$2"; fi
}

set_sftp() { # for the launcher, which passes these on
  local known key
  known=$(remote_get .known_hosts) key=$(remote_get .key_file)
  export RCLONE_CONFIG_HOLDFAST_TYPE=sftp RCLONE_CONFIG_HOLDFAST_SHELL_TYPE=none
  export RCLONE_CONFIG_HOLDFAST_MD5SUM_COMMAND=none RCLONE_CONFIG_HOLDFAST_SHA1SUM_COMMAND=none
  RCLONE_CONFIG_HOLDFAST_HOST=$(remote_get .server) RCLONE_CONFIG_HOLDFAST_PORT=$(remote_get .port)
  RCLONE_CONFIG_HOLDFAST_USER=$(remote_get .account)
  RCLONE_CONFIG_HOLDFAST_USER=${RCLONE_CONFIG_HOLDFAST_USER:-$(id -un)}
  RCLONE_CONFIG_HOLDFAST_KNOWN_HOSTS_FILE=${known:-$HOME/.ssh/known_hosts} RCLONE_CONFIG_HOLDFAST_KEY_FILE=$key
  export RCLONE_CONFIG_HOLDFAST_HOST RCLONE_CONFIG_HOLDFAST_PORT RCLONE_CONFIG_HOLDFAST_USER
  export RCLONE_CONFIG_HOLDFAST_KNOWN_HOSTS_FILE RCLONE_CONFIG_HOLDFAST_KEY_FILE
}

check_credentials() { # <file or nothing>: only its owner may read it
  local facts
  if [[ -z $1 ]]; then return 0; fi
  failure_code=3
  if ! facts=$(stat -Lc '%u %a' -- "$1" 2>/dev/null) || [[ ! -r $1 ]]; then
    failure="the credentials '$1' cannot be read"
  elif [[ ${facts%% *} != "$EUID" && ${facts%% *} != 0 ]]; then
    failure="the credentials '$1' belong to somebody else"
  elif ((8#${facts##* } & 8#077)); then
    failure="the credentials '$1' can be read by others: chmod 600"
  else
    return 0
  fi
  return 1
}

# Runs rclone for at most so long, and never beyond the deadline. What it prints is in the file.
remote_run() { # <seconds or nothing> <file> <argument of rclone>...
  local limit=$((deadline - SECONDS)) file=$2
  if [[ -n $1 ]] && (($1 < limit)); then limit=$1; fi
  shift 2
  : >"$work/err"
  run_limited "$((limit > 0 ? limit : 1))" "${launch[@]}" "$file" "$work/err" "${rclone_flags[@]}" "$@"
  if ((child_code == 0)); then return 0; fi
  explain_failure "$limit"
  return 1
}

explain_failure() { # <limit>: from child_code and what rclone said; its words may hold signatures of addresses
  local said last
  said=$(tail -c 20000 "$work/err" | tr -d '\000-\010\013-\037' | sed -E 's/(sig|X-Amz-[A-Za-z]*|secret|token|password)=[^& "]*/\1=.../gI')
  last=$(grep -vE '^[[:space:]]*$|Elapsed|Transferred' <<<"$said" | tail -n 1 | sed -E 's#^[0-9/]+ [0-9:]+ ##' | cut -c1-300)
  failure_code=8 failure=${last:-"rclone ended with exit $child_code"}
  case $said in
    *RequestTimeTooSkewed*) failure="this host's clock and that of the store differ by more than 15 minutes (date -u)" ;;
    *'knownhosts: key'*)
      failure_code=10 failure="the server's key is not the one in known_hosts: $failure"
      ;;
    *'unable to authenticate'* | *InvalidAccessKeyId* | *SignatureDoesNotMatch* | *AccessDenied* | *'status code: 401'* | \
      *'status code: 403'* | *AuthenticationFailed* | *"didn't find section"* | *'failed to read private key'*)
      failure_code=3 failure="the credentials were refused: $failure"
      ;;
    *'no space left'* | *'No space left'* | *QuotaExceeded* | *'quota exceeded'* | *InsufficientStorage* | \
      *'remaining disk space'*)
      failure="it is full: $failure"
      ;;
    *'directory not found'* | *NoSuchBucket*) failure_code=6 ;;
  esac
  if ((child_code == 124 || child_code == 137)); then failure_code=8 failure="no answer within $1 s"; fi
  if ((child_code == 100)); then failure_code=3; fi
}

# Is it there, and may we? Fast, unlike rclone's own patience. A folder that does not exist yet is fine.
probe_remote() {
  if remote_run 60 "$work/probe" --retries 1 --low-level-retries 2 lsf --max-depth 1 "$base"; then
    failure=''
    return 0
  fi
  if ((failure_code != 6)) || [[ $failure == *NoSuchBucket* ]]; then return 1; fi
  failure=''
}

# Every file of this host there, as path TAB size, sorted: one listing. Names that are none of ours are left out.
list_remote() { # <file>
  local id='[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}'
  if ! remote_run '' "$work/listing" lsf -R --files-only --fast-list --format sp --separator $'\t' "$base"; then
    if ((failure_code != 6)); then return 1; fi
    : >"$work/listing"
    failure=''
  fi
  awk -F '\t' 'NF == 2 && $1 ~ /^[0-9]+$/ {print $2 "\t" $1}' "$work/listing" |
    { grep -E "^(objects/[0-9a-f]{2}/[0-9a-f]{64}|(snapshots|trash)/$id/(manifest\.json|summary\.txt|SHA256SUMS(\.asc)?|pruned)|keys/[0-9a-f]{64}\.(crt|key\.asc)|format\.json|ledger\.jsonl|RECOVER\.md|recover\.sh)"$'\t' || true; } |
    sort >"$1"
}

# The ids there whose folder is complete, from a listing.
listed_snapshots() { # <listing> [snapshots | trash]
  awk -F '[/\t]' -v top="${2:-snapshots}" '$1 == top && ($3 == "manifest.json" || $3 == "SHA256SUMS") {n[$2]++} END {for (id in n) if (n[id] == 2) print id}' "$1" | sort
}
