# shellcheck shell=bash
# lib/schedule_look.sh - what is scheduled, and what may surprise in it; `schedule` judges expressions.

zoned_line="--at '([^']*)' --zone ([^ ]+) [a-z-]+ # holdfast: " # made by cron_lines for another zone

# Ours, one per line: name, scheduler, job, zone ("the host"), expressions.
scheduled() {
  local line fields timer its_zone expression
  if command -v crontab >/dev/null; then
    read_table "$work_dir/table"
    grep -aE "$(our_lines '[a-z0-9-]+')" "$work_dir/table" >"$work_dir/ours" || (($? == 1))
    while IFS= read -r line; do
      line=${line%"${line##*[! $'\t\r']}"} # without blanks at its end
      read -r -a fields <<<"$line"
      its_zone='the host' expression=${fields[*]:0:5}
      if [[ ${fields[0]} == @* ]]; then expression=${fields[0]}; fi # somebody made it shorter
      if [[ $line =~ $zoned_line ]]; then expression=${BASH_REMATCH[1]}; fi
      if [[ ${fields[-6]} == --zone ]]; then its_zone=${fields[-5]}; fi
      printf '%s\tcron\t%s\t%s\t%s\n' "${fields[-1]}" "${fields[-4]}" "$its_zone" "$expression"
    done <"$work_dir/ours"
  fi
  while IFS= read -r timer; do
    if [[ -n $timer ]]; then
      IFS=$'\t' read -r line fields <"$unit_dir/holdfast-$timer.timer"
      printf '%s\tsystemd\t%s\n' "${line#"$unit_mark"}" "${fields[0]}"
    fi
  done < <(our_timers)
}

list_schedules() {
  local name where job its_zone expressions expression next row='%-14s %-8s %-13s %-26s %-16s %s\n' args
  scheduled >"$work_dir/scheduled"
  if [[ ! -s $work_dir/scheduled ]]; then
    log "nothing is scheduled"
    return
  fi
  # shellcheck disable=SC2059 # the one format of every row
  printf "$row" NAME WHERE JOB SCHEDULE ZONE 'NEXT (UTC)'
  while IFS=$'\t' read -r name where job its_zone expressions; do
    while IFS= read -r expression; do
      args=()
      if [[ $its_zone != 'the host' ]]; then args=(--zone "$its_zone"); fi
      if [[ $expression == @reboot ]]; then
        next='at boot'
      else
        next=$(schedule next "$expression" --json --count 1 "${args[@]}" | jq -r '.runs[0].utc') || next='?'
      fi
      # shellcheck disable=SC2059
      printf "$row" "$name" "$where" "$job" "$expression" "$its_zone" "$next"
    done <<<"${expressions//; /$'\n'}"
  done <"$work_dir/scheduled"
}

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
  # It means something for OnCalendar= only.
  if grep -qE '^OnCalendar=.' "$1" && ! grep -qE '^Persistent=(true|yes|on|1)$' "$1"; then
    found+=("Persistent=true is missing: a run is lost if the machine is off at its time")
  fi
  if grep -qE '^AccuracySec=[0-9]*(h|d)' "$1"; then found+=("AccuracySec= lets it start hours late"); fi
  if ((${#found[@]} > 0)); then
    printf 'warning: %s\n' "${found[@]}"
    lint_code=4
  fi
}
