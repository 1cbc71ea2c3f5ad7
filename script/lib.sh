# Shared by the scripts beside it; source it, do not run it.
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#   ensure_setup            # what script/setup does, at once when nothing changed
#   activate                # the virtual environment's programs first on PATH
#   browser=$(find_chromium)
#
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
warn() { printf '\033[33mwarning:\033[0m %s\n' "$*" >&2; }
die() {
  printf '\033[31merror:\033[0m %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command quietly; shows what it said only if it failed.
quietly() {
  local output
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    return 1
  fi
}

# The first of these that exists.
first_of() {
  local file
  for file in "$@"; do
    [[ -e $file ]] && printf '%s' "$file" && return
  done
  return 1
}

hash_of() {
  if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# One line naming all that the installed environment depends on. The path is part of
# it, because virtual environments do not survive being moved.
setup_hash() {
  {
    printf '%s\n' "$ROOT"
    cat "$ROOT/script/lib.sh" "$ROOT/script/lib_requirements.py" \
      "$ROOT/script/setup" "$ROOT/pyproject.toml" \
      "$ROOT/custom_components/ocpp_central/manifest.json"
  } | hash_of
}

is_current() {
  local stamp=$1
  [[ -x $VENV/bin/python && -r $stamp && $(<"$stamp") == "$(setup_hash)" ]]
}

ensure_setup() { "$ROOT/script/setup" "$@"; }

activate() {
  export VIRTUAL_ENV=$VENV
  export PATH=$VENV/bin:$PATH
  unset PYTHONHOME
}

find_chromium() {
  local name
  for name in chromium chromium-browser google-chrome-stable google-chrome chrome; do
    command -v "$name" && return
  done
  first_of "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    "/Applications/Chromium.app/Contents/MacOS/Chromium"
}
