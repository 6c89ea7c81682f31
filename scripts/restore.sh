#!/usr/bin/env bash
# restore.sh [OPTION...] [SNAPSHOT] - bring the live data back from a snapshot, services and all; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
# shellcheck source=lib/child.sh
source "$lib_dir/child.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"
# shellcheck source=lib/services.sh
source "$lib_dir/services.sh"
# shellcheck source=lib/incident.sh
source "$lib_dir/incident.sh"
# shellcheck source=lib/snapshot_table.sh
source "$lib_dir/snapshot_table.sh"
# shellcheck source=lib/restore_arguments.sh
source "$lib_dir/restore_arguments.sh"
# shellcheck source=lib/choose.sh
source "$lib_dir/choose.sh"
# shellcheck source=lib/restore_remote.sh
source "$lib_dir/restore_remote.sh"
# shellcheck source=lib/restore_plan.sh
source "$lib_dir/restore_plan.sh"
# shellcheck source=lib/restore_servers.sh
source "$lib_dir/restore_servers.sh"
# shellcheck source=lib/replace.sh
source "$lib_dir/replace.sh"
# shellcheck source=lib/restore_end.sh
source "$lib_dir/restore_end.sh"

usage='usage: restore.sh [OPTION]...                    choose from a list (on a terminal)
       restore.sh [OPTION]... SNAPSHOT           an id, the beginning of one, latest, or a folder snapshots/ID
       restore.sh [OPTION]... --at 2026-11-20T14:00      the newest that was begun not later (UTC)
       restore.sh list                           the snapshots, newest first
       restore.sh --undo | --resume | --accept [RESTORE]
Replaces the live data by what the snapshot holds: shows what, asks, stops the services of the configuration, takes
an emergency snapshot, restores, checks, starts the services, reconciles, checks the health. If the services do not
come up healthy, the old state comes back by itself. <log_dir>/incident_<time>.md is the record of the run.

  --remote NAME    from this [[remote]]: only what is needed is fetched (docs/offsite.md); no repository is needed here
  --source NAME    only this source; repeatable
  --yes            do not ask
  --dry-run        say what would be replaced and stopped; changes nothing
  --target DIR     restore beside: into DIR/<component>; no service is touched
  --to PATH        restore the one database to PATH instead of its own place
  --online         rewrite the one database in a transaction, while the services go on
  --force          although somebody has the data open, a check fails, or the newest snapshot is suspect
  --no-rollback    leave the restored data in place although the services are not healthy with it
  --no-emergency   take no snapshot of what is replaced: the repository is full, or the data cannot be read. --undo works all the same
  --undo           bring back what the last restore (or RESTORE) replaced
  --resume         finish a restore that was interrupted; if there is none, start the services that are down
  --accept         all is well: remove the old state that is kept for --undo (with --dry-run: list what is kept)
  --path DIR       the repository (else BACKUP_ROOT, else the configuration)
  --config FILE    the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --wait TIME      wait so long (90s, 15m) for a running backup to end (default 0s)
  --quiet          only errors and warnings on standard error

ENVIRONMENT
  RESTORE_DATABASE RESTORE_CACHE RESTORE_REDIS RESTORE_CONFIG RESTORE_DATA   false leaves out that class
  RESTORE_LOGS                                                           true restores logs too (default false)
  DRY_RUN DB_PATH HOLDFAST_CONFIG BACKUP_ROOT                            as --dry-run, --to, --config, --path
  HOLDFAST_BIN                                                           where the tools are

EXIT STATUS
  0 restored and healthy   4 restored, with warnings   8 not healthy: rolled back, or a service did not stop or start
  1 the rollback failed too: a person is needed   10 refused, 5 damaged snapshot, 7 busy: nothing was changed

EXAMPLES
  restore.sh                                 choose, look, confirm
  restore.sh latest --source trades --yes    one source, from a script
  DB_PATH=/tmp/look.db restore.sh latest     the database as another file; the services go on'

choose_snapshot() {
  load_catalog
  if [[ -n $name ]]; then
    find_snapshot "$name" || exit
  elif [[ -t 0 ]]; then
    pick_snapshot
  else
    die 2 "no snapshot is named, and standard input is no terminal to ask on" "restore.sh latest --yes; restore.sh list"
  fi
  id=$(jq -r .id < <(pour "$manifest_json"))
  choose_components "${sources[@]}"
  fetch_chosen
}

main() {
  local choices
  parse_arguments "$@"
  need jq flock timeout
  use_remote
  if [[ $verb == list ]]; then
    load_catalog
    choices=$(choices_of "${sources[@]}")
    show_choices "$choices" 1 || exit 8
    exit 0
  elif [[ $verb == accept ]]; then
    if "$is_dry"; then show_pending; fi
    if "$is_quiet"; then flags+=(--quiet); fi
    exec restore --accept "${flags[@]}" ${name:+"$name"}
  elif [[ -n $target ]]; then
    load_config "${flags[@]}"
    go_to_moment
    choose_snapshot
    if "$is_dry"; then flags+=(--dry-run); fi
    exec restore "$id" --target "$target" "${flags[@]}" "${chosen[@]/#/--component=}"
  fi
  load_config --trusted "${flags[@]}"
  load_services
  begin_step plan
  if [[ $verb == restore ]]; then
    go_to_moment
    choose_snapshot
    plan_restore
  else
    plan_past
  fi
  end_step
  show_plan
  if "$is_dry"; then exit 0; fi
  begin_step confirm
  confirm "$confirm_word" "$confirm_what"
  end_step
  if "$only_starts"; then start_down "$*"; fi
  replace_data "$*"
}

main "$@"
