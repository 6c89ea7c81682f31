# shellcheck shell=bash
# lib/schedule_lint.sh - what may surprise in the lines of a crontab and in timers; `schedule lint` judges expressions.

lint_code=0

lint_schedules() {
  local file
  if [[ -n $operand ]]; then
    [[ -r $operand ]] || die 6 "'$operand' cannot be read" "name a .timer file"
    lint_timer "$operand"
  else
    if command -v crontab >/dev/null; then lint_table; fi
    for file in "$unit_dir"/holdfast-*.timer; do
      if [[ -f $file ]]; then lint_timer "$file"; fi
    done
  fi
  exit "$lint_code"
}

lint_table() {
  local line code fields args
  read_table "$work_dir/table"
  while IFS= read -r line; do
    if [[ $line =~ ^[[:space:]]*(@[A-Za-z]+|[0-9*]([^[:space:]]*[[:space:]]+){4}[^[:space:]]+)[[:space:]]+(.*)$ ]]; then
      if [[ ${BASH_REMATCH[1]} == @reboot ]]; then continue; fi
      fields=${BASH_REMATCH[1]} args=(--command "${BASH_REMATCH[3]}")
      if [[ $line =~ $zoned_line ]]; then # what is in front is only the time to wake
        fields=${BASH_REMATCH[1]} args+=(--zone "${BASH_REMATCH[2]}")
      fi
      printf '\n%s\n' "$line"
      code=0
      schedule lint "$fields" --count 2 "${args[@]}" || code=$?
      if ((code != 0)); then lint_code=4; fi
    fi
  done <"$work_dir/table"
}

lint_timer() { # <file>
  local key value found=()
  printf '\n%s\n' "$1"
  while IFS='=' read -r key value; do
    if [[ $key != OnCalendar || -z $value ]]; then continue; fi
    if command -v systemd-analyze >/dev/null; then
      systemd-analyze calendar --iterations=5 "$value" || found+=("'$value' is no calendar expression")
    fi
    [[ $value =~ \ (UTC|[A-Z][A-Za-z_]+/[A-Za-z_/+-]+)$ ]] ||
      found+=("'$value' names no zone: the times are those of this host, and move with it")
  done <"$1"
  grep -qE '^Persistent=(true|yes|on|1)$' "$1" ||
    found+=("Persistent=true is missing: a run is lost if the machine is off at its time")
  if grep -qE '^AccuracySec=[0-9]*(h|d)' "$1"; then found+=("AccuracySec= lets it start hours late"); fi
  if ((${#found[@]} > 0)); then
    printf 'warning: %s\n' "${found[@]}"
    lint_code=4
  fi
}
