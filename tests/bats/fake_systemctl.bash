#!/usr/bin/env bash
# fake_systemctl.bash VERB NAME - stands for systemctl in the suites about restore.sh, where no systemd runs: start, stop and
# is-active of services that are real processes with the database open. $FAKE_SERVICES/NAME.<verb> is run first: it fails,
# or waits, or lies by exiting 0.
verb=$1 name=$2 file=$FAKE_SERVICES/$2.pid

is_alive() {
  [[ -s $file ]] && [[ $(ps -o stat= -p "$(<"$file")") == [^Z]* ]]
}

printf '%s %s\n' "$verb" "$name" >>"$FAKE_CALLS"
if [[ -f $FAKE_SERVICES/$name.$verb ]]; then
  # shellcheck source=/dev/null
  source "$FAKE_SERVICES/$name.$verb"
fi
case $verb in
  start)
    if is_alive; then exit 0; fi
    setsid bash -c 'exec sqlite3 -batch "$0" < <(echo "SELECT count(*) FROM book;"; exec sleep 600)' "$FAKE_DATABASE" >/dev/null 2>&1 3>&- &
    echo "$!" >"$file"
    ;;
  stop)
    if is_alive; then kill -TERM -- "-$(<"$file")"; fi
    for ((i = 0; i < 100; i++)); do
      if ! is_alive; then exit 0; fi
      sleep 0.02
    done
    exit 1
    ;;
  is-active)
    if is_alive; then
      echo active
      exit 0
    fi
    echo inactive
    exit 3
    ;;
esac
