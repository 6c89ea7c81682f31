# shellcheck shell=bash
# lib/timers.sh - our timers and services of systemd, made from the units that are installed with holdfast.
#
# A file is ours if its first line says so; others of the same name are an administrator's, and stay.

unit_dir=${HOLDFAST_UNIT_DIR:-/etc/systemd/system}
unit_mark='# holdfast: '

units_source() { # the folder of the units that came with holdfast: installed, or of this tree
  local dir
  for dir in "$lib_dir/../../../../share/holdfast/systemd" "$lib_dir/../../systemd"; do
    if [[ -f $dir/holdfast-backup@.service ]]; then
      (cd -- "$dir" && pwd -P)
      return
    fi
  done
  die 3 "the units of holdfast were not found" "install holdfast again"
}

is_ours() { # <file>
  local first=''
  IFS= read -r first <"$1" || true
  [[ $first == "$unit_mark"* ]]
}

service_of() { # <job>
  case $1 in
    full | hourly) REPLY=holdfast-backup@$1.service ;;
    *) REPLY=holdfast-$1.service ;;
  esac
}

# The shipped service with the paths of this installation and this configuration.
adapted_service() { # <shipped file>
  local path
  for path in "$scripts_dir" "$config"; do
    [[ $path =~ ^[A-Za-z0-9_/.:=,@+-]+$ ]] ||
      die 3 "'$path' cannot stand in a unit" "use a path without blanks and special characters, or --cron"
  done
  printf '%swritten by schedule_backups.sh; changes belong into a drop-in: systemctl edit %s\n' \
    "$unit_mark" "${1##*/}"
  sed -E "s|^(ExecStart=)/.*/scripts/|\\1$scripts_dir/|; s|/etc/holdfast/holdfast\\.toml|$config|g" "$1"
}

# The shipped timer of that name, or the one of its job, with another name, service and times.
adapted_timer() { # <name> <job> <expression>...
  local name=$1 job=$2 template lines='' line
  template=$(units_source)/holdfast-$name.timer
  if [[ ! -f $template ]]; then
    case $job in
      full) template=${template%/*}/holdfast-daily.timer ;;
      *) template=${template%/*}/holdfast-$job.timer ;;
    esac
  fi
  shift 2
  for line in "$@"; do
    line=$(schedule calendar "$line" "${zone_flags[@]}")
    lines+="OnCalendar=${line//$'\n'/$'\n'OnCalendar=}"$'\n'
  done
  if [[ $job == health ]]; then
    # The shipped one counts from boot, which needs no zone. A look that was missed is not made up for; the linter asks all the same.
    lines+=Persistent=true$'\n'
    if [[ $* == "$every_five_minutes" ]]; then lines=''; fi
  fi
  service_of "$job"
  # For `list`: the schedule as it was given.
  printf '%s%s\t%s\t%s\t%s\n' "$unit_mark" "$name" "$job" "${zone:-the host}" "$(join '; ' "$@")"
  TIMES=$lines SERVICE=$REPLY NAME=$name awk '
    /^(OnCalendar|OnBootSec|OnUnitActiveSec)=/ && ENVIRON["TIMES"] != "" { if (!done) printf "%s", ENVIRON["TIMES"]; done = 1; next }
    /^Description=/ { print "Description=holdfast: " ENVIRON["NAME"]; next }
    /^Unit=/ { print "Unit=" ENVIRON["SERVICE"]; next }
    { print }' "$template"
}

put_unit() { # <file>: into $unit_dir, under its name; a file there that is not ours stays
  local name=${1##*/}
  local target=$unit_dir/$name new=$unit_dir/.$name.new.$$
  if [[ -e $target ]] && ! is_ours "$target"; then
    if [[ $name == *.timer ]]; then
      die 10 "$target exists and was not written by schedule_backups.sh" "move it away, or change it by hand"
    fi
    log "$target is not ours: used as it is"
    return
  fi
  if cmp -s "$1" "$target"; then return; fi
  if ! { install -m 0644 -- "$1" "$new" && mv -f -- "$new" "$target"; }; then
    die 8 "cannot write $target" "run it as root, or with --cron"
  fi
  units_changed=true
}

put_timer() { # <name> <job> <expression>...
  local source made=$work_dir/units service
  mkdir -p -- "$made"
  source=$(units_source)
  service_of "$2"
  service=${REPLY/@*./@.}
  adapted_service "$source/$service" >"$made/$service"
  adapted_service "$source/holdfast-alert@.service" >"$made/holdfast-alert@.service"
  adapted_timer "$@" >"$made/holdfast-$1.timer"
  # The services are shared by all timers, so another configuration would take them over.
  if [[ -f $unit_dir/$service ]] && is_ours "$unit_dir/$service" &&
    ! grep -qF -- " --config $config " "$unit_dir/$service"; then
    die 10 "$unit_dir/$service is there for another configuration" "use --cron --name NAME, or remove the old schedules"
  fi
  units_changed=false
  put_unit "$made/holdfast-$1.timer" # first: it may be refused
  put_unit "$made/$service"
  put_unit "$made/holdfast-alert@.service"
  if "$units_changed"; then ask_systemd daemon-reload; fi
  ask_systemd --quiet enable "holdfast-$1.timer"
  # Not plain start: a timer that runs goes by its old times until it is restarted.
  ask_systemd restart "holdfast-$1.timer"
}

ask_systemd() { # <argument of systemctl>...
  systemctl "$@" || die 8 "systemctl $* failed" "what it said is above; run this again when that is solved"
}

our_timers() { # the names of our timers, one per line
  local file
  for file in "$unit_dir"/holdfast-*.timer; do
    if [[ -f $file ]] && is_ours "$file"; then
      file=${file##*/holdfast-}
      printf '%s\n' "${file%.timer}"
    fi
  done
}

remove_timer() { # <name>: and, with the last timer, the services that we wrote
  local file=$unit_dir/holdfast-$1.timer left
  if [[ ! -f $file ]] || ! is_ours "$file"; then return; fi
  systemctl --quiet disable --now "holdfast-$1.timer" || say WARN "systemctl could not stop holdfast-$1.timer"
  rm -f -- "$file"
  left=$(our_timers)
  if [[ -z $left ]]; then
    for file in "$unit_dir"/holdfast-*.service; do
      if [[ -f $file ]] && is_ours "$file"; then rm -f -- "$file"; fi
    done
  fi
  ask_systemd daemon-reload
}
