# shellcheck shell=bash
# lib/config.sh - the effective configuration, as `snap --print-config` tells it: one parser for all.

config_json=

# A script that runs commands of the configuration adds --trusted. What is judged and what is read is the same
# open file, and nothing is read again later.
load_config() { # [flag of snap...]: exits with snap's code if the configuration is wrong
  local code=0
  config_json=$(snap --print-config --json "$@") || code=$?
  ((code == 0)) || die "$code" "the configuration cannot be used" "what is wrong with it is said above"
}

config_get() { # <jq filter>: one value as text; nothing for null
  jq -r "$1 // empty" < <(pour "$config_json")
}

# The names of the sources whose class is not among the arguments, one per line.
config_sources_without() { # <class>...
  jq -r '.source[] | select(.class | IN($ARGS.positional[]) | not) | .name' --args "$@" < <(pour "$config_json")
}
