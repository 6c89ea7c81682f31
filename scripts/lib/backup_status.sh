# shellcheck shell=bash
# lib/backup_status.sh - backup.sh status: how the last run ended, what the newest snapshot is, who is at work.

# Ends the script with the code of the last run; 1 if it was killed, 6 if nothing was ever backed up.
report_status() {
  local log_dir logs log end='' code=6 newest running=''
  log_dir=$(config_get .backup.log_dir)
  if [[ -f $log_dir/backup.lock ]] && ! flock --nonblock "$log_dir/backup.lock" true; then
    running=$(<"$log_dir/backup.lock")
  fi
  shopt -s nullglob
  logs=("$log_dir"/backup_*.log)
  for log in "${logs[@]}"; do # by name, so by time
    if [[ -n $running ]] && grep -q "(process $running," "$log"; then continue; fi
    if ! grep -q 'already running: ' "$log"; then
      end=$(tail -n 1 "$log" | grep -o 'state=.*') || end="state=killed code=1 (see $log)"
      printf -v end '%s  %s' "$(head -c 20 "$log")" "$end"
    fi
  done
  if [[ $end =~ code=([0-9]+) ]]; then code=${BASH_REMATCH[1]}; fi
  newest=$(catalog list --limit 1 --json "${flags[@]}") || exit
  if [[ $newest == '[]' ]]; then code=6; fi
  printf 'last run\t%s\n' "${end:-none}"
  printf 'newest snapshot\t%s\n' "$(jq -r 'if . == [] then "none" else .[0] | "\(.id)  \(.age) old, \(.type), \(.state), \(.trust)" end' <<<"$newest")"
  printf 'running\t%s\n' "${running:+process $running}"
  exit "$code"
}
