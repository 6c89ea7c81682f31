#!/usr/bin/env bash
# lib/offsite_launch.sh CREDENTIALS REMOTE NAMES OUT ERR ARG... - become rclone ARG..., with a known environment.
#
# rclone obeys dozens of variables (AWS_CA_BUNDLE alone breaks every S3 request of 1.60). It sees where programs and the
# home are, proxies and certificates, RCLONE_CONFIG_<REMOTE>_*, the variables in NAMES, and those of the file CREDENTIALS:
# lines NAME=value. So no secret is ever in an argument, which every user of the host can read.
set -Eeuo pipefail
shopt -s inherit_errexit

credentials=$1 prefix=RCLONE_CONFIG_${2//-/_}_ names=$3 out=$4 err=$5
prefix=${prefix^^}
shift 5

keep=" PATH HOME USER LOGNAME TMPDIR LC_ALL TZ SSH_AUTH_SOCK SSL_CERT_FILE SSL_CERT_DIR HTTP_PROXY HTTPS_PROXY NO_PROXY \
http_proxy https_proxy no_proxy $names "
while read -r name; do
  if [[ $keep != *" $name "* && $name != "$prefix"* ]]; then unset "$name" 2>/dev/null || true; fi
done < <(compgen -e)

if [[ -n $credentials ]]; then
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%$'\r'}
    if [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]]; then
      name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
      if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then value=${BASH_REMATCH[1]}; fi
      export "$name=$value"
    elif [[ $line =~ [^[:space:]] && ! $line =~ ^[[:space:]]*# ]]; then
      printf 'a line of %s is not NAME=value\n' "$credentials" >"$err"
      exit 100
    fi
  done <"$credentials"
fi

# An S3 store by the names that most programs use.
if [[ -n ${S3_ACCESS_KEY_ID:-} ]]; then
  export "${prefix}TYPE=s3" "${prefix}PROVIDER=${S3_PROVIDER:-Other}" "${prefix}ACCESS_KEY_ID=$S3_ACCESS_KEY_ID" \
    "${prefix}SECRET_ACCESS_KEY=${S3_SECRET_ACCESS_KEY:-}" "${prefix}REGION=${S3_REGION:-}" "${prefix}ENDPOINT=${S3_ENDPOINT:-}"
  unset S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY S3_PROVIDER S3_REGION S3_ENDPOINT
fi

if [[ ${1:-} == --type ]]; then # what rclone would take the remote for; a word, no secret
  type=${prefix}TYPE
  if [[ -n ${!type:-} ]]; then
    printf '%s\n' "${!type}" >"$out"
  else
    rclone "${@:3}" config dump 2>"$err" | jq -r --arg name "$2" '.[$name].type // empty' >"$out"
  fi
  exit
fi
exec rclone "$@" >"$out" 2>"$err" </dev/null
