# shellcheck shell=bash disable=SC2154,SC2034
# Where each resource plugin comes from. They go into the toolchain's own PULUMI_HOME rather than
# on PATH: for every plugin found on PATH the engine prints a warning.

# plugin_path NAME VERSION: where the engine looks for it.
plugin_path() {
  printf '%s/plugins/resource-%s-v%s/pulumi-resource-%s' "$home_dir" "$1" "$2" "$1"
}

# place_plugin NAME VERSION EXECUTABLE: makes EXECUTABLE the plugin that the engine finds. One that
# is in place already is not touched: an engine may be starting it.
place_plugin() {
  local path
  path=$(plugin_path "$1" "$2")
  [[ ! $path -ef $3 ]] || return 0
  mkdir -p "$(dirname "$path")"
  ln -sf "$3" "$path"
}

# vendors_plugin NAME VERSION: true when the vendor's is in place, can be linked from the user's
# own Pulumi folder, or can be downloaded.
vendors_plugin() {
  local path own
  path=$(plugin_path "$1" "$2")
  own=${PULUMI_HOME:-${HOME:-}/.pulumi}/plugins/resource-$1-v$2/pulumi-resource-$1
  [[ ! -x $path || -L $path ]] || return 0
  if [[ -x $own && $own != "$cache_dir/toolchain/"* ]]; then
    place_plugin "$1" "$2" "$own"
    return 0
  fi
  site_reachable && download_plugin "$1" "$2"
}

download_plugin() {
  local log=$cache_dir/toolchain/plugin-$1.log from=()
  [[ -z ${TRIVET_PULUMI_SITE:-} ]] || from=(--server "$official_site/plugins")
  rm -rf "$(dirname "$(plugin_path "$1" "$2")")"
  if ! with_progress "downloading the $1 plugin $2" "$log" still_running \
    env PULUMI_HOME="$home_dir" PULUMI_SKIP_UPDATE_CHECK=true \
    "$engine" plugin install resource "$1" "$2" ${from[@]+"${from[@]}"}; then
    say "the download failed: $(last_words "$log")"
    return 1
  fi
  [[ -x $(plugin_path "$1" "$2") ]]
}

# choose_plugin NAME VERSION: puts it in place and sets plugin_origin.
choose_plugin() {
  local stand_in=$repository_dir/test/plugins/bin/pulumi-resource-$1
  plugin_origin=official
  vendors_plugin "$1" "$2" && return
  if [[ $1 == docker ]]; then
    build_parts docker-plugin
    place_plugin docker "$2" "$(part_path docker-plugin)"
    plugin_origin=build
  elif [[ -x $stand_in ]]; then
    place_plugin "$1" "$2" "$stand_in"
    plugin_origin=stand-in
  else
    # Not an end: only a program with such resources needs it, and the engine names it then.
    say "the $1 plugin $2 is out of reach and $stand_in, its stand-in, does not exist: connect to the internet if a program needs it"
    plugin_origin=missing
  fi
}

# plugins_in_place: true when each can be started.
plugins_in_place() {
  local plugin
  for plugin in "${PLUGINS[@]}"; do
    [[ -x $home_dir/plugins/resource-${plugin%=*}-v${plugin#*=}/pulumi-resource-${plugin%=*} ]] || return 1
  done
}
