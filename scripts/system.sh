# Sourced by the other scripts: talk, and packages of the system.

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $1"
    [ $# -lt 2 ] || say "hint: $2"
    exit 1
}

# Install packages by their Debian names, or say how when this user cannot.
install_packages() {
    if ! command -v apt-get >/dev/null; then
        fail "needed here: $*" "install them with your system's package manager, then try again"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        fail "needed here: $*" "sudo apt-get install $*"
    fi
    say "installing $* ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null
    apt-get -qq install -y --no-install-recommends "$@" ca-certificates </dev/null >/dev/null
}
