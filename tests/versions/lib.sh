# Sourced by the scripts of tests/versions: which distribution has which PostgreSQL, and where the
# root file systems are.
# shellcheck shell=bash
# shellcheck source=tests/setup/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../setup/lib.sh"

# shellcheck disable=SC2034
ROOTS=${NUMPOOL_ROOTS:-$TOP/build/roots}
DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
DEBIAN_SECURITY_MIRROR=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
UBUNTU_MIRROR=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}

# The user with sudo in each root.
# shellcheck disable=SC2034
TESTER=tester

# The suite of Debian (or Ubuntu, which alone has 16) whose own PostgreSQL is of this version. 19 is
# in Debian's experimental, which is not whole by itself: sid with a second source.
suite_of() { # VERSION
  case $1 in
    15) echo bookworm ;;
    16) echo noble ;;
    17) echo trixie ;;
    18) echo testing ;;
    19) echo experimental ;;
    *) die "no distribution is known for PostgreSQL $1; supported are $(supported_versions)" ;;
  esac
}

distribution_of() { # VERSION
  case $1 in
    15) echo "Debian 12" ;;
    16) echo "Ubuntu 24.04" ;;
    17) echo "Debian 13" ;;
    18) echo "Debian testing" ;;
    19) echo "Debian experimental" ;;
  esac
}

# A script that needs root calls this first: it goes on through sudo.
become_root() {
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null || die "please run this as root, or install sudo"
  local name keep=()
  for name in NUMPOOL_ROOTS VERSIONS SUITES DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR UBUNTU_MIRROR; do
    if [ -n "${!name+set}" ]; then keep+=("$name=${!name}"); fi
  done
  exec sudo env ${keep[@]+"${keep[@]}"} "$(realpath "$0")" "$@"
}
