#!/usr/bin/env bats
# catalog.bats - what catalog says of files and differences.

load support
load repository

# A component of the configuration that is a tree of one file, another one beside it, and a directory.
setup() {
  fresh_repository
  cd "$BATS_TEST_TMPDIR" || return 1
  mkdir config logs
  echo 'a: 1' >config/production.yaml
  echo 'A=1' >.env
  echo line >logs/today
  cat >holdfast.toml <<'END'
[[source]]
name = "settings"
kind = "tree"
path = ["config/production.yaml", ".env"]
[[source]]
name = "logs"
kind = "tree"
path = "logs"
END
  export HOLDFAST_CONFIG=$PWD/holdfast.toml
  take
  first=$id
}

@test "catalog files: each is named by where a restore puts it, a component of one file once" {
  run -0 catalog files "$first"
  assert_equal "$(awk '{ print $NF }' <<<"$output")" $'settings/.env\nsettings/production.yaml\nlogs/.\nlogs/today'
  run -0 catalog files "$first" --format tsv
  assert_line --regexp $'^settings/production.yaml\t\tfile\t'
  assert_line --regexp $'^logs\ttoday\tfile\t'
  bring_back "$first"
  while read -r name; do assert_exist "$restored/$name"; done < <(catalog files "$first" | awk '{ print $NF }')
}

@test "catalog diff: a component of one file is named once, also when it becomes a directory" {
  echo 'a: 22' >config/production.yaml
  chmod 0640 .env
  echo more >logs/more
  take
  run -0 catalog diff "$first" "$id"
  assert_equal "$(awk '{ print $1, $2 }' <<<"$output")" \
    $'m settings/.env\nM settings/production.yaml\nm logs/.\nA logs/more'
  rm .env
  mkdir .env
  echo 'A=1' >.env/a
  first=$id
  take
  run -0 catalog diff "$first" "$id"
  assert_equal "$(awk '{ print $1, $2 }' <<<"$output" | sort)" \
    $'A settings/.env/.\nA settings/.env/a\nD settings/.env'
}
