#!/usr/bin/env bash
# emergency_snapshot.sh [OPTION...] [SOURCE...] - keep the present state before somebody changes it: backup.sh of that type.
set -Eeuo pipefail
shopt -s inherit_errexit

exec "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/backup.sh" emergency-pre-restore "$@"
