# shellcheck shell=bash disable=SC2154
# The vendor's own engine and plugins: found on this machine or downloaded.

official_site=${TRIVET_PULUMI_SITE:-https://get.pulumi.com/releases}
checksums_name=pulumi-$PULUMI_VERSION-checksums.txt

# fetch URL FILE SECONDS: over https only (file: is for a mirror on disk).
fetch() {
  curl --silent --show-error --fail --location --proto '=https,file' --proto-redir '=https' \
    --connect-timeout 3 --max-time "$3" --output "$2" "$1"
}

# site_reachable: asks once a day and remembers; the checksums are the question.
site_reachable() {
  local today answer=$cache_dir/toolchain/site
  [[ $official_site != none ]] || return 1
  today="$(date +%F) $official_site"
  if [[ -f $answer ]]; then
    case $(cat "$answer") in
      "$today reachable") [[ ! -f $cache_dir/toolchain/$checksums_name ]] || return 0 ;;
      "$today unreachable") return 1 ;;
    esac
  fi
  command -v curl >/dev/null || { say "curl is not installed: nothing is downloaded from the vendor"; return 1; }
  say "asking the vendor's site (at most 4 s)"
  if fetch "$official_site/sdk/$checksums_name" "$cache_dir/toolchain/$checksums_name" 4 2>/dev/null; then
    printf '%s reachable' "$today" >"$answer"
    return 0
  fi
  printf '%s unreachable' "$today" >"$answer"
  say "the vendor's site is out of reach"
  return 1
}

# pulumi_on_path: the first pulumi on PATH that is not this toolchain's own.
pulumi_on_path() {
  local IFS=: folder
  for folder in $PATH; do
    [[ $folder == "$cache_dir/toolchain/"* || ! -x $folder/pulumi || -d $folder/pulumi ]] && continue
    printf '%s/pulumi' "$folder"
    return
  done
}

# usable_engine PATH: new enough, with the host for Node.js programs on PATH or beside it.
usable_engine() {
  local version
  version=$(PULUMI_SKIP_UPDATE_CHECK=true "$1" version 2>/dev/null) || version=unknown
  if ! version_at_least "${version#v}" "$PULUMI_MINIMUM"; then
    say "$1 is version ${version#v}, older than $PULUMI_MINIMUM: not used"
    return 1
  fi
  if ! command -v pulumi-language-nodejs >/dev/null && [[ ! -x $(dirname "$(readlink -f "$1")")/pulumi-language-nodejs ]]; then
    say "$1 has no pulumi-language-nodejs beside it: not used"
    return 1
  fi
}

# download_engine FOLDER: the vendor's archive, checked against the vendor's checksum.
download_engine() {
  local folder=$1 arch name work expected actual
  arch=$(architecture)
  name=pulumi-v$PULUMI_VERSION-$(operating_system)-${arch/amd64/x64}.tar.gz
  work=$pieces_dir/.partial-download
  rm -rf "$work"
  mkdir -p "$work"
  expected=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$cache_dir/toolchain/$checksums_name")
  if [[ -z $expected ]]; then
    say "the vendor's checksums do not list $name"
    return 1
  fi
  if ! with_progress "downloading pulumi $PULUMI_VERSION" "$work/log" downloaded_so_far \
    fetch "$official_site/sdk/$name" "$work/archive" 900; then
    say "the download failed: $(tail -n 1 "$work/log")"
    return 1
  fi
  if command -v sha256sum >/dev/null; then actual=$(sha256sum "$work/archive"); else actual=$(shasum -a 256 "$work/archive"); fi
  if [[ ${actual%% *} != "$expected" ]]; then
    fail "the checksum of $name is ${actual%% *}, the vendor publishes $expected: the download was changed or cut; run again, and if it stays, do not use this network"
  fi
  tar -xzf "$work/archive" -C "$work"
  [[ -x $work/pulumi/pulumi && -x $work/pulumi/pulumi-language-nodejs ]] ||
    fail "$name holds no pulumi with pulumi-language-nodejs: set TRIVET_PULUMI_SITE=none to build instead"
  rm -rf "$folder"
  mv "$work/pulumi" "$folder"
  rm -rf "$work"
}

downloaded_so_far() {
  local archive
  archive=$(dirname "$1")/archive
  if [[ -f $archive ]]; then printf '%s' "$(du -h "$archive" | cut -f 1)"; else printf 'connecting'; fi
}
