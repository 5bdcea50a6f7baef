# shellcheck shell=bash
# For the scripts of this repository, to be sourced: checks Node.js, installs the npm packages,
# makes the engine available, and exports
#
#   PATH                        with the engine's folder first
#   PULUMI_HOME                 the toolchain's own, with the plugins
# and, where TRIVET_OWN_STATE=true says that the state is the scripts' own (stand-in machines, tests):
#
#   PULUMI_BACKEND_URL          unless set: a folder in the cache
#   PULUMI_CONFIG_PASSPHRASE_FILE  unless it or PULUMI_CONFIG_PASSPHRASE is set: a file in the
#                               cache, made once, readable by its owner only
#   TRIVET_STAND_INS            the plugins served by stand-ins, such as "command random", or ""
#   TRIVET_TOOLCHAIN            the folder with origin.json
#
# Users of plain `pulumi` keep their own settings: nothing here is needed by them.

# Functions and names of the toolchain stay out of the caller: only exports come back.
trivet_toolchain_environment() (
  set -uo pipefail
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
  # shellcheck source-path=SCRIPTDIR source=pins.sh
  source "$here/pins.sh"
  # shellcheck source-path=SCRIPTDIR source=lib/messages.sh
  source "$here/lib/messages.sh"
  # shellcheck source-path=SCRIPTDIR source=lib/cache.sh
  source "$here/lib/cache.sh"
  # shellcheck source-path=SCRIPTDIR source=lib/go.sh
  source "$here/lib/go.sh"
  # shellcheck source-path=SCRIPTDIR source=lib/node.sh
  source "$here/lib/node.sh"
  need_node
  need_packages

  bin=$("$here/ensure") || exit 1
  view=${bin%/bin}
  stand_ins=$(sed -n 's/^stand-ins //p' "$view/state")
  # What the stand-ins lack is to be an error, not a wait for a download that cannot come.
  [[ -z $stand_ins ]] || printf 'export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true\n'
  if [[ ${TRIVET_OWN_STATE:-} == true ]]; then
    if [[ -z ${PULUMI_BACKEND_URL:-} ]]; then
      mkdir -p "$cache_dir/backend"
      # Attributes beside a state are written in place: an engine killed meanwhile leaves a state that none can read.
      printf 'export PULUMI_BACKEND_URL=%q\n' "file://$cache_dir/backend?metadata=skip"
    fi
    if [[ -z ${PULUMI_CONFIG_PASSPHRASE+set}${PULUMI_CONFIG_PASSPHRASE_FILE:-} ]]; then
      passphrase_file=$cache_dir/passphrase
      if [[ ! -s $passphrase_file ]]; then
        umask 077
        head -c 32 /dev/urandom | base64 | tr -d '\n' >"$passphrase_file.$$"
        # The first of two runs at the same time wins.
        ln "$passphrase_file.$$" "$passphrase_file" 2>/dev/null || true
        rm -f "$passphrase_file.$$"
      fi
      printf 'export PULUMI_CONFIG_PASSPHRASE_FILE=%q\n' "$passphrase_file"
    fi
  else
    # A user's own stack lies where the user signed in; the plugins' folder must not hide that.
    credentials=${PULUMI_HOME:-$HOME/.pulumi}/credentials.json
    if [[ -f $credentials && ! $credentials -ef $view/home/credentials.json ]]; then
      ln -sf "$credentials" "$view/home/credentials.json"
    fi
  fi
  case :$PATH: in
    *":$bin:"*) ;;
    *) printf 'export PATH=%q\n' "$bin:$PATH" ;;
  esac
  printf 'export PULUMI_HOME=%q\n' "$view/home"
  printf 'export PULUMI_SKIP_UPDATE_CHECK=true\n'
  printf 'export TRIVET_STAND_INS=%q\n' "$stand_ins"
  printf 'export TRIVET_TOOLCHAIN=%q\n' "$view"
)

trivet_toolchain_exports=$(trivet_toolchain_environment) || return 1
eval "$trivet_toolchain_exports"
unset trivet_toolchain_exports
unset -f trivet_toolchain_environment
