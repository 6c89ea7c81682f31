#!/usr/bin/env bash
# alert_unit.sh UNIT - tell syslog and the journal that a systemd unit failed, why, and its last words.
#
# Started by holdfast-alert@.service. Stands on nothing of holdfast: it must speak also when that is broken.
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/usr/bin:/sbin:/bin

main() {
  local unit=${1:-} why='' words=''
  if (($# != 1)) || [[ -z $unit || $unit == -* ]]; then
    printf 'usage: alert_unit.sh UNIT\n' >&2
    exit 2
  fi
  # Whatever cannot be found out is left out: the alert itself must come.
  why=$(systemctl show --property=Result,ExecMainStatus -- "$unit" 2>&1 | tr '\n' ' ') || true
  words=$(journalctl --unit="$unit" --lines=15 --output=cat --no-pager --quiet 2>&1) || true
  {
    printf 'ALERT: %s failed: %s\n' "$unit" "$why"
    if [[ -n $words ]]; then printf '%s\n' "$words"; fi
  } | logger --tag holdfast-alert --priority daemon.crit || {
    printf 'alert_unit.sh: error: logger failed; %s failed: %s\n' "$unit" "$why" >&2
    exit 8
  }
}

main "$@"
