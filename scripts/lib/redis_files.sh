# shellcheck shell=bash
# lib/redis_files.sh - the files that a Redis server starts from: where they are, exchanged while it is down, and back again.
#
# .holdfast-redis_<mark> in their folder is the record of an exchange: a line "had NAME" or "new NAME" per file, and "undone" at
# the end after a way back. What was there is NAME.before_<mark>; what a way back put aside is NAME.undone_<mark>.

exchange='' # the folder of an exchange that is under way, for take_back_unless_done

# Where the live server starts from, as JSON: asked while it runs; of a lost one the configuration says it. aof is yes, no, or
# unknown: nobody can tell whether a lost server had an append-only file, unless it left one.
redis_places() {
  local dir file=dump.rdb aof=unknown aof_dir=appendonlydir aof_file=appendonly.aof found
  dir=$(source_get .data_dir)
  redis_state
  if [[ $REPLY != down && $REPLY != 'no answer'* ]]; then
    redis_setting dir
    dir=${dir:-$REPLY}
    if [[ -n $REPLY ]]; then
      redis_setting dbfilename && file=${REPLY:-$file}
      redis_setting appendonly && aof=${REPLY:-$aof}
      redis_setting appendfilename && aof_file=${REPLY:-$aof_file}
      redis_setting appenddirname && aof_dir=$REPLY # none before Redis 7
    else
      redis_fact persistence aof_enabled redis_do # allowed to more users than CONFIG
      case $REPLY in 0) aof=no ;; 1) aof=yes ;; esac
    fi
  fi
  [[ -n $dir ]] || die 3 "the server does not say where its data lies; nothing was changed" "say it in the source: data_dir = \"/var/lib/redis\""
  [[ -d $dir ]] || die 6 "'$dir', where the server has its data, is no folder here; nothing was changed" "say in the source where it is on this host: data_dir = \"DIR\""
  if [[ $aof != no && -n $aof_dir && ! -e $dir/$aof_dir ]]; then
    found=$(find "$dir" -mindepth 2 -maxdepth 2 -name '*.manifest' ! -path '*.before_*' ! -path '*.undone_*' -printf '%P\n' | sed -n 1p)
    if [[ -n $found ]]; then
      aof_dir=${found%/*} aof_file=${found#*/} aof_file=${aof_file%.manifest}
    elif [[ -e $dir/$aof_file ]] || is_before_7; then
      aof_dir=''
    fi
  fi
  if [[ $aof == unknown && -e $dir/${aof_dir:-$aof_file} ]]; then aof=yes; fi
  jq -n --arg dir "$dir" --arg file "$file" --arg aof "$aof" --arg aof_dir "$aof_dir" --arg aof_file "$aof_file" '$ARGS.named'
}

is_before_7() { # the server that the dump is from
  local info=$work/$source/info.txt version
  version=$(sed -n 's/^redis_version:\([0-9]*\)\..*/\1/p' "$info" 2>/dev/null) || version=''
  [[ -n $version ]] && ((version < 7))
}

# A server with an append-only file never looks at dump.rdb: an empty folder there is an empty server. So the dump becomes the base
# of a new append-only file, which is an RDB as well. All bytes are written before the first name changes.
install_dump() { # <dump>; $plan says where
  local dir file aof_dir aof_file name stage names=()
  dir=$(jq -r .dir <<<"$plan") file=$(jq -r .file <<<"$plan")
  aof_dir=$(jq -r .aof_dir <<<"$plan") aof_file=$(jq -r .aof_file <<<"$plan")
  stage=$dir/.holdfast-redis_$mark.new
  mkdir -m 750 -- "$stage" && chown --reference="$dir" -- "$stage" || return
  on_exit rm -rf -- "${stage:?}"
  place "$1" "$stage/$file" || return
  names=("$file")
  if [[ $(jq -r .aof <<<"$plan") == no ]]; then
    :
  elif [[ -z $aof_dir ]]; then
    place "$1" "$stage/$aof_file" || return
    names+=("$aof_file")
  else
    mkdir -m 750 -- "$stage/$aof_dir" && chown --reference="$dir" -- "$stage/$aof_dir" || return
    place "$1" "$stage/$aof_dir/$aof_file.1.base.rdb" || return
    printf 'file %s.1.base.rdb seq 1 type b\n' "$aof_file" >"$work/manifest"
    place "$work/manifest" "$stage/$aof_dir/$aof_file.manifest" || return
    names+=("$aof_dir")
  fi
  for name in "$file" ${aof_dir:+"$aof_dir"} "$aof_file"; do # an old append-only file counts as well, even of a server that uses none
    if [[ -e $dir/$name ]]; then printf 'had %s\n' "$name"; elif [[ " ${names[*]} " == *" $name "* ]]; then printf 'new %s\n' "$name"; fi
  done >"$dir/.holdfast-redis_$mark" || return
  sync -- "$stage" "$dir/.holdfast-redis_$mark" "$dir" || return
  exchange=$dir
  for name in "$file" ${aof_dir:+"$aof_dir"} "$aof_file"; do
    if [[ -e $dir/$name ]]; then mv -T -- "$dir/$name" "$dir/$name.before_$mark" || return; fi
  done
  for name in "${names[@]}"; do mv -T -- "$stage/$name" "$dir/$name" || return; done
  sync -- "$dir"
}

place() { # <file> <where>: owned as its folder is; a signal ends it at once
  cp -- "$1" "$2" &
  child_pid=$!
  wait "$child_pid" || return
  child_pid=
  chmod 640 -- "$2" && chown --reference="$(dirname -- "$2")" -- "$2" && sync -- "$2"
}

# What was there comes back; what install_dump had put there is kept as <name>.undone_<mark>. May be said again at any time.
take_back() { # <folder> <mark>
  local state name aside record=$1/.holdfast-redis_$2
  if [[ ! -f $record ]] || grep -qx undone "$record"; then return 0; fi # nothing had been exchanged
  while read -r state name; do
    if [[ $state == had && ! -e $1/$name.before_$2 ]]; then continue; fi
    aside=$1/$name.undone_$2
    if [[ $state == new && -e $aside ]]; then continue; fi
    if [[ -e $aside ]]; then aside+=_$EPOCHSECONDS; fi # a server was started on what was half done
    if [[ -e $1/$name ]]; then mv -T -- "$1/$name" "$aside" || return; fi
    if [[ $state == had ]]; then mv -T -- "$1/$name.before_$2" "$1/$name" || return; fi
  done <"$record"
  printf 'undone\n' >>"$record" && sync -- "$record" "$1"
}

# For on_exit: whatever ended us between the first rename and the start of the server.
take_back_unless_done() {
  if [[ -z $exchange ]]; then return; fi
  if take_back "$exchange" "$mark"; then
    say WARN "the old files are back"
  else
    say ERROR "the old files could not all be put back: look in '$exchange' for names with .before_$mark"
  fi
}

newest_mark() { # <folder> <undo or accept>: of an exchange that can still be; in $REPLY
  local record
  REPLY=''
  for record in "$1"/.holdfast-redis_*; do
    if [[ -f $record ]] && { [[ $2 == accept ]] || ! grep -qx undone "$record"; }; then REPLY=${record##*.holdfast-redis_}; fi
  done
}

# What any exchange of ours set aside, and nothing else.
accept_all() { # <folder>
  local record name mark state
  for record in "$1"/.holdfast-redis_*; do
    if [[ ! -f $record ]]; then continue; fi
    mark=${record##*.holdfast-redis_}
    while read -r state name; do
      if [[ -n $name ]]; then rm -rf -- "${1:?}/$name.before_$mark" "${1:?}/$name.undone_$mark"* || return; fi
    done <"$record"
    rm -f -- "$record" || return
  done
}

# A server that turns out to use no append-only file would start from the one we made on the day that somebody turns it on.
drop_unused_aof() {
  local aof_dir aof_file dir
  if [[ $(jq -r .aof <<<"$plan") != unknown ]]; then return; fi
  redis_fact persistence aof_enabled redis_do
  dir=$(jq -r .dir <<<"$plan") aof_dir=$(jq -r .aof_dir <<<"$plan") aof_file=$(jq -r .aof_file <<<"$plan")
  if [[ $REPLY == 0 ]]; then rm -rf -- "${dir:?}/${aof_dir:-$aof_file}"; fi
}
