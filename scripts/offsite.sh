#!/usr/bin/env bash
# offsite.sh VERB [REMOTE]... [OPTION...] - copies of the repository at other places; --help has the verbs.
# shellcheck disable=SC2034 # the libraries read what is set here
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
for library in child config notify offsite_remote offsite_record offsite_report offsite_prove offsite_send offsite_push offsite_status offsite_fetch \
  offsite_restore offsite_pull offsite_verify offsite_prune; do
  # shellcheck disable=SC1090 # of lib/
  source "$lib_dir/$library.sh"
done

usage='usage: offsite.sh push [REMOTE]... [--dry-run]            send what is missing there; deletes nothing
       offsite.sh status [REMOTE]... [--hosts | --snapshots]      what is there, and how old it is
       offsite.sh verify [REMOTE]... [--budget TIME | --all] [--local]   hold it against what is here; mend either side
       offsite.sh restore REMOTE SNAPSHOT --target DIR [--source NAME]... [--files GLOB]...
       offsite.sh pull REMOTE --into DIR                 a whole repository again, on a fresh host
       offsite.sh prune REMOTE [--plan | --apply FILE | --dry-run]       by the policy of [remote.retention]
       offsite.sh fetch REMOTE SNAPSHOT [--source NAME]...      for restore.sh --remote: prints the folder
Copies the repository to the [[remote]] sections of the configuration, and back: folders, SSH accounts, and whatever
rclone knows. Without a name, all of them; one that is down does not stop the others.

  --host NAME      the folder of another host there (else remote.host, else the name of this host)
  --path DIR       the repository (else BACKUP_ROOT, else the configuration)
  --config FILE    the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --new            push: go on although the copy, or snapshots of it, have vanished there
  --replace-keys   push: replace format.json and keys there that differ, as after init --rotate
  --wait TIME      wait so long for another run of offsite.sh to end (default 0s)
  --json           the report as JSON
  --dry-run, --quiet
  verify: names and sizes. --budget 10m reads objects there for so long, in turn; --all reads every one.
          --local also verifies the repository here, and fetches what is damaged from the remote.

EXIT STATUS
  0 done   4 one remote of several failed, or files there were mended or are missing   5 damage, here or there
  3 wrong configuration or credentials   6 no such remote or snapshot   7 already running   8 unreachable, full, too slow
  10 refused: another repository has that place, or what was there has vanished

EXAMPLES
  offsite.sh push                                    from cron, after backup.sh: run_job.sh offsite
  offsite.sh restore nas latest --source trades --target /tmp/look
  offsite.sh pull nas --into /var/backups/holdfast   after the host was lost'

verb='' repo='' config='' lock_wait=0s wanted_host='' snapshot='' target='' into='' apply='' budget='' look=whole key_file=''
is_dry=false is_json=false is_new=false is_local=false is_plan=false reads_all=false is_known=false replaces_keys=false
names=() sources=() globs=() components=() flags=()
record='{}' repository_id=''

set_option() { # <option> <value>
  case $1 in
    --path) repo=$2 ;;
    --config) config=$2 ;;
    --wait) lock_wait=$2 ;;
    --host) wanted_host=$2 ;;
    --target) target=$2 ;;
    --into) into=$2 ;;
    --source) sources+=("$2") ;;
    --component) components+=("$2") ;;
    --files) globs+=("$2") ;;
    --apply) apply=$2 ;;
    --budget) budget=$2 ;;
    --key-file) key_file=$2 ;;
  esac
}

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  while (($#)); do
    case $1 in
      --path | --config | --wait | --host | --target | --into | --source | --component | --files | --apply | --budget | --key-file)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see offsite.sh --help"
        set_option "$1" "$2"
        shift
        ;;
      --hosts | --snapshots) look=${1#--} ;;
      --all) reads_all=true ;;
      --local) is_local=true ;;
      --plan) is_plan=true ;;
      --new) is_new=true ;;
      --replace-keys) replaces_keys=true ;;
      --no-fetch) is_known=true ;;
      --json) is_json=true ;;
      --dry-run) is_dry=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      -*) die 2 "unknown option '$1'" "see offsite.sh --help" ;;
      *) if [[ -z $verb ]]; then verb=$1; else names+=("$1"); fi ;;
    esac
    shift
  done
  seconds --wait "$lock_wait"
  lock_wait=$REPLY
  if [[ -n $config ]]; then flags+=(--config "$config"); fi
  [[ " push status verify restore pull prune fetch " == *" ${verb:--} "* ]] || die 2 "there is no verb '$verb'" "see offsite.sh --help"
  [[ -z $wanted_host || $wanted_host =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] || die 2 "--host cannot be '$wanted_host'"
}

# Which remotes, and for restore and fetch which snapshot.
choose_remotes() {
  local name known
  known=$(config_remotes)
  [[ -n $known ]] || die 3 "the configuration has no [[remote]]" "docs/offsite.md shows how one is written"
  if [[ $verb == restore || $verb == fetch ]]; then
    ((${#names[@]} == 2)) || die 2 "a remote and a snapshot are needed" "offsite.sh $verb NAME latest"
    snapshot=${names[1]} names=("${names[0]}")
  elif [[ $verb == pull || $verb == prune ]]; then
    ((${#names[@]} == 1)) || die 2 "$verb is about one remote" "it is one of: ${known//$'\n'/ }"
  elif ((${#names[@]} == 0)); then
    mapfile -t names <<<"$known"
  fi
  for name in "${names[@]}"; do
    grep -qxF -- "$name" <<<"$known" || die 6 "the configuration has no [[remote]] named '$name'" "it has: ${known//$'\n'/ }"
  done
}

need_repository() {
  repository_id=$(repository_id "$repo") || true
  [[ -n $repository_id ]] || die 6 "'$repo' is no repository" "--path DIR; after a loss: offsite.sh pull REMOTE --into DIR"
}

begin_log() {
  local folder
  on_exit notify_outcome "offsite-$verb" "offsite.sh $verb" # also that there can be no log
  on_exit record_outcome
  open_log "$(config_get .backup.log_dir)" offsite
  log "offsite.sh $verb: ${names[*]} (process $$, log $log_file)"
  folder=$(state_folder)/remotes/$repository_id
  mkdir -p -- "$folder" || die 8 "cannot make the folder '$folder'"
  take_lock "$folder/lock" "$lock_wait" || die 7 "already running: process $(<"$folder/lock")" "let it end, or wait for it with --wait 30m"
}

main() {
  local name
  parse_arguments "$@"
  need jq timeout flock rclone numfmt
  load_config "${flags[@]}" ${repo:+--repo "$repo"}
  repo=$(config_get .repository.path)
  choose_remotes
  work=$(mktemp -d) || die 8 "cannot make a folder in ${TMPDIR:-/tmp}"
  on_exit rm -rf -- "$work"
  printf -v run_id '%(%Y%m%dT%H%M%SZ)T-%04x' -1 "$RANDOM"
  case $verb in
    push | verify | prune) need_repository && begin_log ;;
    *) repository_id=$(repository_id "$repo") || true ;;
  esac
  on_exit stop_child
  for name in "${names[@]}"; do
    if ! set_remote "$name"; then fail_remote "it cannot be used" && continue; fi
    case $verb in
      status) if [[ $look == whole ]]; then status_remote; else "status_$look"; fi ;;
      *) "${verb}_remote" ;;
    esac
  done
  if [[ $verb == push || $verb == status || $verb == verify ]]; then print_report; fi
  overall_code
  exit "$REPLY"
}

main "$@"
