#!/usr/bin/env bash
# cleanup_logs.sh [OPTION...] - remove old log files from the configured folders; --help has the options.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"
# shellcheck source=lib/config.sh
source "$lib_dir/config.sh"

usage='usage: cleanup_logs.sh [OPTION]...
Removes log files (*.log, and rotated: *.log.1, *.log-20260101, *.log.2.gz …) that are older than cleanup.older_than (7d) from the folders
of cleanup.log_dirs, else from backup.log_dir, and prints their paths. Only regular files on the file
system of the folder; links are not followed, and no folder is ever removed.

  --dry-run            print what would be removed; removes nothing
  --older-than TIME    instead of the configured time, for instance 30d
  --config FILE        the configuration (else HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml)
  --quiet              only errors and warnings on standard error

EXIT STATUS
  0 done   2 wrong usage   3 wrong configuration   8 a file or folder could not be cleaned'

is_dry=false older_than='' config=''

parse_arguments() {
  if is_true DRY_RUN false; then is_dry=true; fi
  while (($#)); do
    case $1 in
      --older-than | --config)
        [[ -n ${2:-} ]] || die 2 "$1 needs a value" "see cleanup_logs.sh --help"
        if [[ $1 == --config ]]; then config=$2; else older_than=$2; fi
        shift
        ;;
      --dry-run) is_dry=true ;;
      --quiet) is_quiet=true ;;
      -h | --help)
        printf '%s\n' "$usage" || exit 8
        exit 0
        ;;
      *) die 2 "unknown argument '$1'" "see cleanup_logs.sh --help" ;;
    esac
    shift
  done
  if [[ -n $older_than ]]; then
    seconds --older-than "$older_than"
    older_than=$REPLY
  fi
}

# Prints what it removed. The trailing slash: the folder itself may be a link that the administrator made.
clean() { # <folder>
  local action=(-delete)
  if "$is_dry"; then action=(); fi
  find "$1/" -xdev -regextype posix-extended -type f -regex '.*\.log([.-][0-9]+)?(\.(gz|xz|zst|bz2))?' ! -newermt "@$(($(date +%s) - older_than))" \
    "${action[@]}" -print
}

main() {
  local dirs dir code=0
  parse_arguments "$@"
  need jq find
  load_config ${config:+--config "$config"}
  older_than=${older_than:-$(config_get .cleanup.older_than_s)}
  mapfile -t dirs < <(config_get 'if .cleanup.log_dirs == [] then .backup.log_dir else .cleanup.log_dirs[] end')
  for dir in "${dirs[@]}"; do
    if [[ ! -d $dir ]]; then
      say WARN "there is no folder '$dir'"
      continue
    fi
    if ! clean "$dir"; then
      say ERROR "'$dir' could not be cleaned"
      code=8
    fi
  done
  exit "$code"
}

main "$@"
