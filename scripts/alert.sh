#!/usr/bin/env bash
# alert.sh VERB [OPTION...] - test, send and look after alerts; --help has the verbs.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=lib/base.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/base.sh"

usage='usage: alert.sh VERB [OPTION]...
  test                       send a test alert to every channel
  send TITLE [--text TEXT|-] [--severity ok|info|warning|critical] [--key KEY]
  buffer-status              what waits to be delivered, and since when
  flush                      deliver what waits
  ping start|success|fail|N  tell the dead man'\''s switch

  The channels are those of [alerts] in the configuration, or ALERT_WEBHOOK_URL (ALERT_WEBHOOK_SECRET signs).
  Options of the tool alert go on: --config FILE, --json, --quiet; see alert --help.

EXIT STATUS
  0 delivered   4 kept on disk, to be delivered later   8 neither kept nor delivered   3 wrong configuration'

case ${1:-} in
  test | send | buffer-status | flush | ping) exec alert "$@" ;;
  -h | --help)
    printf '%s\n' "$usage" || exit 8
    ;;
  '') die 2 'a verb is missing' 'see alert.sh --help' ;;
  *) die 2 "unknown verb '$1'" 'see alert.sh --help' ;;
esac
