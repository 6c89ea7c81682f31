# shellcheck shell=bash
# lib/schedules.sh - the named schedules, and what schedule_backups.sh does with them.

join() { # <separator> <word>...
  local out=${2:-} word
  for word in "${@:3}"; do out+=$1$word; done
  printf '%s' "$out"
}

# The one table of what runs when. Two backups at once would wait for each other; so no two share a minute.
look_up() { # <name>: sets $job and $expressions
  case $1 in
    daily) job=full expressions=('0 2 * * *') ;;
    hourly) job=hourly expressions=('30 * * * *') ;;
    weekly) job=full expressions=('0 3 * * 0') ;;
    trading-hours) job=hourly && trading_hours ;;
    verify) job=verify expressions=('30 4 * * *') ;;
    prune) job=prune expressions=('30 5 * * *') ;;
    drill) job=drill expressions=('30 6 1 1,4,7,10 *') ;;
    cleanup-logs) job=cleanup-logs expressions=('0 3 * * 1') ;;
    *) job=$custom_job expressions=("$operand") ;;
  esac
}

# Every hour from the opening on, and once at the close: the last minutes of a day are worth as much as the others.
trading_hours() {
  local time first last minute end
  for time in "$from" "$to"; do
    [[ $time =~ ^([01][0-9]|2[0-3]):[0-5][0-9]$ ]] || die 2 "'$time' is not a time of day" "write 09:15"
  done
  [[ $from < $to ]] || die 2 "the window from $from to $to is empty" "one over midnight needs two schedules: custom"
  first=$((10#${from%:*})) minute=$((10#${from#*:})) last=$((10#${to%:*})) end=$((10#${to#*:}))
  if ((end < minute)); then last=$((last - 1)); fi
  expressions=("$minute $first-$last * * 1-5")
  if ((first == last)); then expressions=("$minute $first * * 1-5"); fi
  if ((end != minute)); then expressions+=("$end $((10#${to%:*})) * * 1-5"); fi
}

# Warnings of the linter are said, and the schedule is made; what never runs is not.
check_expressions() {
  local expression line code
  for expression in "${expressions[@]}"; do
    code=0
    schedule next "$expression" --count 1 "${zone_flags[@]}" >/dev/null || code=$?
    ((code == 0)) || exit "$code"
    schedule lint "$expression" --json "${zone_flags[@]}" >"$work_dir/lint" || code=$?
    while IFS= read -r line; do
      say WARN "$expression: $line"
    done < <(jq -r '.warnings[] | "\(.message); \(.hint)"' "$work_dir/lint")
  done
}

cron_lines() { # <name>: one line for each expression, on standard output
  local expression kind fields at
  for expression in "${expressions[@]}"; do
    IFS=$'\t' read -r kind fields < <(schedule cron "$expression" "${zone_flags[@]}")
    at=()
    if [[ $kind == wake ]]; then at=(--at "$expression" --zone "$zone"); fi
    cron_command "$job" "${at[@]}"
    printf '%s %s # holdfast: %s\n' "$fields" "$REPLY" "$1"
  done
}

add_schedules() { # <name>...
  local schedule_name job expressions
  for schedule_name in "$@"; do
    look_up "$schedule_name"
    [[ -n ${expressions[0]} ]] || die 2 "custom needs an expression" "write \"0 */6 * * *\""
    [[ $job =~ ^(full|hourly|verify|prune|drill|cleanup-logs)$ ]] ||
      die 2 "unknown job '$job'" "full, hourly, verify, prune, drill or cleanup-logs"
    check_expressions
    if [[ $scheduler == cron ]]; then
      add_to_cron "$schedule_name"
    elif "$is_dry"; then
      printf '%s\n' "--- $unit_dir/holdfast-$schedule_name.timer"
      adapted_timer "$schedule_name" "$job" "${expressions[@]}"
    else
      put_timer "$schedule_name" "$job" "${expressions[@]}"
      if command -v crontab >/dev/null; then edit_table "$schedule_name" /dev/null; fi # it moved
      log "$schedule_name is scheduled by systemd"
    fi
  done
  if [[ $scheduler == cron ]] && ! "$is_dry"; then check_cron; fi
}

# A line that never starts looks like one that does.
check_cron() {
  if ! pgrep -x 'cron|crond' >/dev/null 2>&1; then
    say WARN "cron does not seem to run on this host: nothing will start"
  fi
  if ((${#crontab_user[@]} > 0)) && ! runuser -u "${crontab_user[1]}" -- test -r "$config"; then
    say WARN "the user ${crontab_user[1]} cannot read $config: the jobs will fail"
  fi
}

add_to_cron() { # <name>
  cron_lines "$1" >"$work_dir/lines"
  if "$is_dry"; then
    cat -- "$work_dir/lines"
    return
  fi
  edit_table "$1" "$work_dir/lines"
  if [[ -w $unit_dir ]] && command -v systemctl >/dev/null; then remove_timer "$1"; fi # it moved
  log "$1 is scheduled by cron"
}

zoned_line="--at '([^']*)' --zone ([^ ]+) ([a-z-]+) #" # in a line that cron_lines made for another zone

# Ours, one per line: name, scheduler, job, zone ("the host"), expressions.
scheduled() {
  local line fields timer
  if command -v crontab >/dev/null; then
    read_table "$work_dir/table"
    grep -aE "$(our_lines '[a-z0-9-]+')" "$work_dir/table" >"$work_dir/ours" || (($? == 1))
    while IFS= read -r line; do
      line=${line%"${line##*[! $'\t\r']}"} # without blanks at its end
      read -r -a fields <<<"$line"
      if [[ $line =~ $zoned_line ]]; then
        printf '%s\tcron\t%s\t%s\t%s\n' "${fields[-1]}" "${BASH_REMATCH[3]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
      else
        printf '%s\tcron\t%s\tthe host\t%s\n' "${fields[-1]}" "${fields[-4]}" "${fields[*]:0:5}"
      fi
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
      next=$(schedule next "$expression" --json --count 1 "${args[@]}" | jq -r '.runs[0].utc') || next='?'
      # shellcheck disable=SC2059
      printf "$row" "$name" "$where" "$job" "$expression" "$its_zone" "$next"
    done <<<"${expressions//; /$'\n'}"
  done <"$work_dir/scheduled"
}

remove_schedules() { # <name or all>
  local pattern=$1 name found=''
  if [[ $pattern == all ]]; then pattern='[a-z0-9-]+'; fi
  scheduled >"$work_dir/scheduled"
  while IFS=$'\t' read -r name _; do
    if [[ $name =~ ^($pattern)$ && $'\n'$found != *$'\n'"$name"$'\n'* ]]; then found+=$name$'\n'; fi
  done <"$work_dir/scheduled"
  if [[ -z $found ]]; then
    [[ $1 == all ]] || die 6 "there is no schedule '$1'" "schedule_backups.sh list has their names"
    log "nothing is scheduled"
    return
  fi
  while IFS= read -r name; do
    if ! "$is_dry"; then
      if command -v crontab >/dev/null; then edit_table "$name" /dev/null; fi
      remove_timer "$name"
    fi
    log "$name is not scheduled any more"
  done <<<"${found%$'\n'}"
}
