# shellcheck shell=bash
# lib/schedules.sh - the named schedules, and what schedule_backups.sh does with them.

join() { # <separator> <word>...
  local out=${2:-} word
  for word in "${@:3}"; do out+=$1$word; done
  printf '%s' "$out"
}

every_five_minutes='*/5 * * * *'

# The one table of what runs when. Two backups at once would wait for each other; so no two share a minute.
look_up() { # <profile>: sets $job and $expressions
  case $1 in
    daily) job=full expressions=('0 2 * * *') ;;
    hourly) job=hourly expressions=('30 * * * *') ;;
    weekly) job=full expressions=('0 3 * * 0') ;;
    trading-hours) job=hourly && trading_hours ;;
    verify) job=verify expressions=('30 4 * * *') ;;
    offsite) job=offsite expressions=('15 3 * * *') ;;
    prune) job=prune expressions=('30 5 * * *') ;;
    drill) job=drill expressions=('30 6 1 1,4,7,10 *') ;;
    cleanup-logs) job=cleanup-logs expressions=('0 3 * * 1') ;;
    health) job=health expressions=("$every_five_minutes") ;;
    custom) job=$custom_job expressions=("$operand") ;;
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
    if [[ $kind == wake ]]; then at=(--at "$expression"); fi
    cron_command "$job" "${at[@]}" "${zone_flags[@]}"
    printf '%s %s # holdfast: %s\n' "$fields" "$REPLY" "$1"
  done
}

has_policy() {
  jq -e '[.retention // {} | keys[] | select(startswith("keep_"))] != []' <<<"$config_json" >/dev/null
}

add_schedules() { # <profile>...
  local profile schedule_name job expressions
  for profile in "$@"; do
    schedule_name=${name:-$profile}
    if [[ -n $name && $action != "$profile" ]]; then schedule_name=$name-$profile; fi
    look_up "$profile"
    if [[ $job == prune ]] && ! has_policy; then
      (($# > 1)) || die 3 "there is no [retention] section in $config" "prune needs one: examples/retention/ has some"
      say WARN "prune is left out: there is no [retention] section in $config"
      continue
    fi
    if [[ $job == offsite && -z $(config_get '.remote[0].name') ]]; then
      if ((${#profiles[@]} > 1)); then continue; fi
      die 3 "there is no [[remote]] section in $config" "docs/offsite.md shows how one is written"
    fi
    [[ -n ${expressions[0]} ]] || die 2 "custom needs an expression" "write \"0 */6 * * *\""
    [[ $job =~ ^(full|hourly|verify|prune|offsite|drill|cleanup-logs|health)$ ]] ||
      die 2 "unknown job '$job'" "full, hourly, verify, prune, offsite, drill, cleanup-logs or health"
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
  if [[ -e /etc/cron.d/holdfast ]]; then say WARN "/etc/cron.d/holdfast schedules jobs as well"; fi
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
  read_table "$work_dir/table"
  cron_word "$config"
  grep -aE "$(our_lines "$1")" "$work_dir/table" >"$work_dir/ours" || (($? == 1))
  if grep -qvaF -- " --config $REPLY " "$work_dir/ours"; then
    die 10 "'$1' is scheduled for another configuration" "give this one another --name, or remove the old one: remove $1"
  fi
  if grep -qaE '^[ \t]*CRON_TZ' "$work_dir/table"; then
    say WARN "the crontab sets CRON_TZ: Debian's cron ignores it, others shift the times of all lines below it"
  fi
  edit_table "$1" "$work_dir/lines"
  if [[ -w $unit_dir ]] && command -v systemctl >/dev/null; then remove_timer "$1"; fi # it moved
  if [[ -f $unit_dir/holdfast-$1.timer ]]; then say WARN "$unit_dir/holdfast-$1.timer schedules it as well"; fi
  log "$1 is scheduled by cron"
}

remove_schedules() { # <name or all>
  local pattern=$1 name found=''
  [[ $1 =~ ^[a-z0-9][a-z0-9-]*$ ]] || die 6 "there is no schedule '$1'" "schedule_backups.sh list has their names"
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
    if "$is_dry"; then
      log "$name would be removed"
      continue
    fi
    if command -v crontab >/dev/null; then edit_table "$name" /dev/null; fi
    remove_timer "$name"
    log "$name is not scheduled any more"
  done <<<"${found%$'\n'}"
}
