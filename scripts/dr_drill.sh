#!/usr/bin/env bash
# dr_drill.sh [OPTION]... - rehearse recovery, write a record of it, print the record's path; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
# shellcheck source=lib/child.sh
source "$lib_dir/child.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/simulate.sh
source "$lib_dir/simulate.sh"

usage='usage: dr_drill.sh [OPTION]...
Restores the newest snapshot of every source into a scratch folder, proves what came back (SQLite, row counts, Delta logs,
the checks of the configuration), measures each phase against its target, removes the scratch folder, and prints the path
of the record, recovery_test_<date>.md; JSON, a page and metrics lie beside it. The live data is never touched.

  --snapshot ID    this snapshot      --oldest, --random    the oldest, or any, of each source
  --source NAME    only this source; repeatable
  --stock-tools    restore with the recover.sh of the repository: no holdfast tool takes part in that phase
  --simulate-loss  rehearse the whole circle on a copy of the live data: back up, delete the copy, restore, compare byte for
                   byte. Needs free space for four times the data
  --keep           leave what was restored in the scratch folder
  --scratch DIR    where the scratch folder is made (else drill.scratch, else beside the repository)
  --report-dir DIR where the record goes (else drill.report_dir, else the log folder)
  --dry-run        say what would be restored; writes nothing
  --path DIR       the repository (else BACKUP_ROOT, else the configuration)
  --config FILE    the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --wait TIME      wait so long (90s, 15m, 2h) for another drill to end (default 0s)
  --quiet          only errors and warnings on standard error

EXIT STATUS
  0 passed, targets met   5 damaged data or a failed check   6 no snapshot holds a source   7 another drill is running
  10 a target was missed   2 wrong usage   3 wrong configuration   8 disk, a program that failed, or out of time

EXAMPLES
  dr_drill.sh                          every quarter, from cron
  dr_drill.sh --random --stock-tools   can we do it without our tools, and with an old snapshot?'

repo='' config='' snapshot='' scratch='' report_dir='' lock_wait=0s is_dry=false is_simulated=false
sources=() # empty: all
picks=()   # --oldest, --random or an id: at most one
flags=()   # for every tool
drill_flags=()
record='' time_limit='' work=''

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  while (($#)); do
    case $1 in
      --snapshot | --source | --scratch | --report-dir | --path | --config | --wait)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see dr_drill.sh --help"
        case $1 in
          --snapshot) snapshot=$2 picks+=("$1") ;;
          --source) sources+=("$2") ;;
          --scratch) scratch=$2 ;;
          --report-dir) report_dir=$2 ;;
          --path) repo=$2 ;;
          --config) config=$2 ;;
          --wait) lock_wait=$2 ;;
        esac
        shift
        ;;
      --oldest | --random) picks+=("$1") drill_flags+=("$1") ;;
      --stock-tools | --keep) drill_flags+=("$1") ;;
      --simulate-loss) is_simulated=true ;;
      --dry-run) is_dry=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      *) die 2 "unknown argument '$1'" "see dr_drill.sh --help" ;;
    esac
    shift
  done
  seconds "--wait" "$lock_wait"
  lock_wait=$REPLY
  ((${#picks[@]} <= 1)) || die 2 "${picks[0]} and ${picks[1]} exclude each other" "see dr_drill.sh --help"
  if "$is_simulated" && ((${#picks[@]} > 0)); then
    die 2 "--simulate-loss makes its own snapshot, so ${picks[0]} means nothing" "leave it out"
  fi
  if "$is_simulated" && [[ " ${drill_flags[*]} " == *' --keep '* ]]; then
    die 2 "--simulate-loss removes all that it made, so --keep means nothing" "leave it out, or drill a snapshot with --keep"
  fi
  if [[ -n $repo ]]; then flags+=(--repo "$repo"); fi
  if [[ -n $config ]]; then flags+=(--config "$config"); fi
}

simulation_parent() { # in $REPLY
  REPLY=$scratch
  if [[ -z $REPLY ]]; then REPLY=$(config_get .drill.scratch); fi
  if [[ -z $REPLY ]]; then
    REPLY=$(config_get .repository.path)
    REPLY=$(dirname -- "${REPLY:?}")
  fi
}

# The folder below which the simulation works; it goes when this script ends, whatever happened.
prepare_simulation() {
  local parent folder
  simulation_parent
  parent=$REPLY
  mkdir -p -- "$parent" || die 8 "cannot make '$parent'" "choose another --scratch"
  folder=$(mktemp -d -- "$parent/holdfast-drill.simulation.XXXXXX") ||
    die 8 "cannot make a folder in '$parent'" "choose another --scratch"
  on_exit remove_simulation "$folder"
  on_exit stop_child # first: a tool that still runs would write there
  simulate_loss "$folder" "${sources[@]}"
  flags=(--config "$work/holdfast.toml" --repo "$work/repository")
  scratch=${scratch:-$work/scratch}
  drill_flags+=(--compare "$work/original")
}

main() {
  local log_dir line source
  parse_arguments "$@"
  need jq flock timeout
  load_config "${flags[@]}"
  [[ -n $(config_get .file) ]] ||
    die 3 "there is no configuration" "give --config FILE, or set HOLDFAST_CONFIG"
  if [[ -n $scratch ]]; then drill_flags+=(--scratch "$scratch"); fi
  for source in "${sources[@]}"; do drill_flags+=(--source "$source"); done
  if "$is_dry" && "$is_simulated"; then
    simulation_parent
    plan_simulation "$REPLY" "${sources[@]}"
    exit 0
  fi
  if "$is_dry"; then exec drill --dry-run "${drill_flags[@]}" "${flags[@]}" ${snapshot:+"$snapshot"}; fi

  log_dir=$(config_get .backup.log_dir)
  time_limit=$(config_get .backup.time_limit_s)
  drill_flags+=(--report-dir "${report_dir:-$(config_get .drill.report_dir)}")
  open_log "$log_dir" drill
  on_exit record_outcome record
  on_exit stop_child
  log "recovery drill (process $$, log $log_file)"
  if ! take_lock "$log_dir/drill.lock" "$lock_wait"; then
    die 7 "already running: process $(<"$log_dir/drill.lock")" "let it end, or wait for it with --wait 30m"
  fi
  if "$is_simulated"; then prepare_simulation; fi

  run_limited "$time_limit" drill --json "${drill_flags[@]}" "${flags[@]}" ${snapshot:+"$snapshot"}
  if ((child_code == 124)); then
    die 8 "the drill was stopped: it took longer than $time_limit s (backup.time_limit)" "raise it"
  fi
  record=$(jq -r '.report // empty' < <(pour "$child_output") 2>/dev/null) || true
  [[ -n $record ]] || die "$((child_code == 0 ? 1 : child_code))" "there was no drill" "why is said above"
  while IFS= read -r line; do log "$line"; done < <(jq -r '.seconds | to_entries[] | "\(.key): \(.value * 100 | round / 100) s"' < <(pour "$child_output"))
  printf '%s\n' "$record" || die 8 "cannot print the path of the record $record" "standard output is closed or full"
  exit "$child_code"
}

main "$@"
