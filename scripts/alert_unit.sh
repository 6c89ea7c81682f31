#!/usr/bin/env bash
# alert_unit.sh UNIT - tell syslog, the journal and the channels of [alerts] that a systemd unit failed, why, and its last words.
#
# Started by holdfast-alert@.service. Syslog comes first and stands on nothing of holdfast: it must be told also when that is broken.
set -Eeuo pipefail
shopt -s inherit_errexit
export LC_ALL=C PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/usr/bin:/sbin:/bin

# As the job itself would have told it, by the same key: what it did tell is not told twice, and its next good run says that all is
# well again.
key_of() { # <unit>
  local name=${1%.service}
  case $name in
    holdfast-backup@*) printf 'backup-%s\n' "${name#*@}" ;;
    holdfast-offsite) printf 'offsite-push\n' ;;
    holdfast-cleanup-logs | holdfast-drill | holdfast-prune | holdfast-verify) printf 'job-%s\n' "${name#holdfast-}" ;;
    *) printf 'unit-%s\n' "$name" ;;
  esac
}

# Ends with a warning at most: the tool or its configuration may be what is broken.
tell_channels() ( # <unit> <why> <last words>
  severity=critical
  if [[ " $2 " == *' ExecMainStatus=4 '* ]]; then severity=warning; fi # partial
  # shellcheck source=lib/base.sh
  source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh" || exit
  channels=$(timeout 20 alert buffer-status --json </dev/null) || exit
  if [[ $channels != *'"channel":'* ]]; then exit 0; fi
  timeout --kill-after=4 80 alert send "$1 failed" --quiet --key "$(key_of "$1")" --severity "$severity" --text - \
    <<<"$2"$'\n'"$3" || exit
)

main() {
  local failed=${1:-} why='' words='' code=0
  if (($# != 1)) || [[ -z $failed || $failed == -* ]]; then
    printf 'usage: alert_unit.sh UNIT\n' >&2
    exit 2
  fi
  # Whatever cannot be found out is left out: the alert itself must come.
  why=$(systemctl show --property=Result,ExecMainStatus -- "$failed" 2>&1 | tr '\n' ' ') || true
  words=$(journalctl --unit="$failed" --lines=15 --output=cat --no-pager --quiet 2>&1) || true
  {
    printf 'ALERT: %s failed: %s\n' "$failed" "$why"
    if [[ -n $words ]]; then printf '%s\n' "$words"; fi
  } | logger --tag holdfast-alert --priority daemon.crit || {
    printf 'alert_unit.sh: error: logger failed; %s failed: %s\n' "$failed" "$why" >&2
    code=8
  }
  tell_channels "$failed" "$why" "$words" ||
    printf 'alert_unit.sh: warn: the channels of [alerts] were not all told (exit %d); see alert buffer-status\n' "$?" >&2
  exit "$code"
}

main "$@"
