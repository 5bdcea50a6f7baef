#!/usr/bin/env bash
# Which versions of Docker are refused.

# version_number 26.1.5+dfsg1 -> 26001005, so that versions compare as numbers.
version_number() {
  [[ $1 =~ ^([0-9]+)\.([0-9]+)(\.([0-9]+))? ]] || return 1
  printf '%d' $((10#${BASH_REMATCH[1]} * 1000000 + 10#${BASH_REMATCH[2]} * 1000 + 10#${BASH_REMATCH[4]:-0}))
}

# refuse_version VERSION OLDEST TABLE: each line of the table is "first last what is wrong and what to use".
refuse_version() {
  local version=$1 oldest=$2 table=$3 number first last text
  number=$(version_number "$version") || fail "Docker's version '$version' is not understood: install 28.5"
  if ((number < $(version_number "$oldest"))); then
    fail "Docker $version is too old: remove it, or upgrade it to $oldest or newer"
  fi
  while read -r first last text; do
    [ -n "$first" ] || continue
    if ((number >= $(version_number "$first") && number <= $(version_number "$last"))); then
      fail "Docker $version is refused: $text"
    fi
  done <<< "$table"
}
