#!/usr/bin/env bash
# schedule_backups.sh ACTION [OPTION...] - put backups and their upkeep into crontab or systemd; --help has all.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/crontab.sh
source "$lib_dir/crontab.sh"
# shellcheck source=lib/timers.sh
source "$lib_dir/timers.sh"
# shellcheck source=lib/schedules.sh
source "$lib_dir/schedules.sh"
# shellcheck source=lib/schedule_look.sh
source "$lib_dir/schedule_look.sh"

usage='usage: schedule_backups.sh ACTION [OPTION]...
Schedules backups and their upkeep, as lines of the crontab or as timers of systemd. Doing it again changes
nothing; only lines and units that it wrote itself are ever changed or removed.

ACTIONS
  daily                everything, at 02:00
  hourly               databases only, at half past every hour
  trading-hours        databases only, Monday to Friday, every hour from --from (09:15), and at --to (15:30)
  weekly               everything, Sunday at 03:00
  custom EXPRESSION    everything (or --job), by a cron expression: custom "0 */6 * * *"
  verify prune drill cleanup-logs
                       upkeep: a part of all snapshots in 30 min, daily at 04:30; prune, daily at 05:30; a drill,
                       quarterly; old logs, Mondays at 03:00
  offsite              copies to the [[remote]] sections, daily at 03:15
  maintenance          all four of upkeep
  health               healthcheck every five minutes, and an alert for each change
  all                  daily, hourly, maintenance, health and, if there are remotes, offsite
  list                 what is scheduled, and when it runs next
  remove [NAME|all]    what it scheduled, by name (all)
  lint [EXPRESSION | FILE.timer]
                       explain a schedule and warn; without argument, every line of the crontab and our timers

OPTIONS
  --cron, --systemd    where (systemd if this host runs it and we are root, else cron)
  --zone ZONE          whose times these are: UTC, Asia/Kolkata (that of this host)
  --from, --to HH:MM   trading-hours: the window
  --name NAME          another name, so that there can be several; of maintenance and all: NAME-daily and so on
  --job JOB            custom: full, hourly, verify, prune, offsite, drill, cleanup-logs or health (full)
  --config FILE        the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --user NAME          cron: the crontab of that user; as root
  --dry-run            print what would be written; write nothing
  --quiet              only errors and warnings on standard error

EXIT STATUS
  0 done   2 wrong usage   3 wrong configuration, or a program is missing   4 lint: there are warnings
  6 no such schedule   7 the crontab keeps changing   8 crontab or systemctl failed   10 refused

EXAMPLES
  schedule_backups.sh all
  schedule_backups.sh trading-hours --from 09:15 --to 15:30 --zone Asia/Kolkata
  schedule_backups.sh custom "0 */6 * * *" --dry-run
  schedule_backups.sh lint "0 2 1-7 * 0"'

action='' operand='' scheduler='' zone='' from=09:15 to=15:30 name='' custom_job=full is_dry=false
given=()      # the options, for check_meaning
flags=()      # --config, for the tools
zone_flags=() # --zone, for `schedule`

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  while (($#)); do
    if [[ $1 == -* ]]; then given+=("$1"); fi
    case $1 in
      --zone | --from | --to | --name | --job | --config | --user)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see schedule_backups.sh --help"
        case $1 in
          --zone) zone=$2 zone_flags=(--zone "$2") ;;
          --from) from=$2 ;;
          --to) to=$2 ;;
          --name) name=$2 ;;
          --job) custom_job=$2 ;;
          --config) flags=(--config "$2") ;;
          --user) crontab_user=(-u "$2") ;;
        esac
        shift
        ;;
      --cron | --systemd) scheduler=${1#--} ;;
      --dry-run) is_dry=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      -*) die 2 "unknown option '$1'" "see schedule_backups.sh --help" ;;
      *)
        if [[ -z $action ]]; then
          action=$1
        elif [[ -z $operand && $action =~ ^(custom|remove|lint)$ ]]; then
          operand=$1
        else
          die 2 "unknown argument '$1'" "an expression is one argument: \"0 */6 * * *\""
        fi
        ;;
    esac
    shift
  done
  [[ -n $action ]] || die 2 "no action named" "see schedule_backups.sh --help"
  check_meaning
  [[ ${name:-x} =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] || die 2 "'$name' is no name of a schedule" "use a-z, 0-9 and -"
}

# What is ignored looks as if it were done: `remove --name lake` would remove all.
check_meaning() {
  local option
  for option in "${given[@]}"; do
    case $action:$option in
      trading-hours:--from | trading-hours:--to | custom:--job | lint:--zone) continue ;;
      list:--cron | list:--systemd | remove:--cron | remove:--systemd | lint:--cron | lint:--systemd) ;;
      list:--name | remove:--name | lint:--name | list:--zone | remove:--zone) ;;
      *:--from | *:--to | *:--job) ;;
      *) continue ;;
    esac
    die 2 "$option means nothing with $action; nothing was done" "leave it out; see schedule_backups.sh --help"
  done
  if ((${#crontab_user[@]} > 0)); then
    [[ $scheduler != systemd ]] || die 2 "--user is about crontabs, so it excludes --systemd" "the user of a unit is set in a drop-in: systemctl edit"
    scheduler=cron
  fi
}

choose_scheduler() {
  if [[ -z $scheduler ]]; then
    scheduler=cron
    if [[ -d /run/systemd/system ]] && ((EUID == 0)) && systemctl --version >/dev/null 2>&1; then
      scheduler=systemd
    fi
  fi
  if [[ $scheduler == cron ]]; then
    command -v crontab >/dev/null ||
      die 3 "crontab is not installed" "install the package cron, or use --systemd as root where systemd runs"
  elif ! "$is_dry"; then
    need systemctl
    local state
    state=$(systemctl is-system-running 2>/dev/null) || true
    [[ $state =~ ^(running|degraded|starting|initializing)$ ]] ||
      die 10 "systemd does not run this host (${state:-no answer})" "use --cron"
    [[ -w $unit_dir ]] || die 10 "$unit_dir may not be written" "run it as root, or use --cron"
  fi
}

main() {
  local profiles=()
  parse_arguments "$@"
  scripts_dir=${lib_dir%/lib}
  case $action in
    daily | hourly | trading-hours | weekly | custom | verify | prune | offsite | drill | cleanup-logs | health) profiles=("$action") ;;
    maintenance) profiles=(verify prune drill cleanup-logs) ;;
    all) profiles=(daily hourly offsite verify prune drill cleanup-logs health) ;;
    list | remove | lint) ;;
    *) die 2 "unknown action '$action'" "see schedule_backups.sh --help" ;;
  esac
  if [[ $action == lint && -n $operand && $operand != *.timer ]]; then
    exec schedule lint "$operand" "${zone_flags[@]}"
  fi
  need awk cmp flock jq
  work_dir=$(mktemp -d 2>/dev/null) ||
    die 8 "cannot make a folder for temporary files in '${TMPDIR:-/tmp}'" "is its disk full, or does it not exist? TMPDIR=DIR names another"
  on_exit rm -rf -- "${work_dir:?}"
  case $action in
    list) list_schedules ;;
    lint) lint_schedules ;;
    remove) remove_schedules "${operand:-all}" ;;
    *)
      choose_scheduler
      load_config "${flags[@]}"
      config=$(config_get .file)
      [[ -n $config ]] || die 3 "there is no configuration" "give --config FILE, or set HOLDFAST_CONFIG"
      add_schedules "${profiles[@]}"
      ;;
  esac
}

main "$@"
