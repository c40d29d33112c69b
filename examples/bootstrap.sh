# Sourced by examples/quickstart and tests/run: a virtual environment with pinned packages, made once.
#
#   root=...; . "$root/examples/bootstrap.sh"; bootstrap NAME REQUIREMENTS
#
# sets $environment (its directory), $python (its interpreter), $cache (a directory to write to) and
# $scrap (empty, or a cache that cannot be kept: it is removed at exit; a script with its own EXIT trap removes it).
# `choose_cache` sets the last two alone.
# Needs Python 3.11 or newer and a package index; neither root nor pip. PYTHON=/path/to/python3
# chooses the interpreter.

bootstrap() {
    # What would send pip's work elsewhere, or other people's modules into ours.
    unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_CONSTRAINT PIP_REQUIRE_VIRTUALENV
    export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
    choose_cache
    trap 'interrupted 129' HUP
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
    _choose_environment "$1"
    python=$environment/bin/python
    _once "$environment/packages" "$environment $(cksum <"$2")" _install_packages "$2"
    _once "$environment/checkout" "$root $(cksum <"$root/pyproject.toml")" _install_checkout
    trap - HUP INT TERM
}

# NAME: set $_base, the interpreter to start from, and $environment. A version manager's shims take a second to try, so
# the choice is remembered for as long as PATH has the same to choose from.
_choose_environment() {
    _chosen=$cache/$1.chosen _stamp="$(_candidates | cksum | cut -d ' ' -f 1)${PYENV_VERSION:+ $PYENV_VERSION}"
    if { read -r _same && read -r _base && read -r environment; } 2>/dev/null <"$_chosen"; then
        # Not the one that a checkout had before it was moved or copied.
        [ "$_same" != "$_stamp" ] || [ "${environment%/*}" != "$cache" ] || return 0
    fi
    _choose_python
    # Two interpreters of one version have an environment each.
    environment=$cache/$1-$("$_base" -c 'import os, sys, zlib
print("%d.%d-%08x" % (*sys.version_info[:2], zlib.crc32(os.path.realpath(sys.executable).encode())))')
    printf '%s\n' "$_stamp" "$_base" "$environment" >"$_chosen"
}

# FILE STAMP COMMAND...: run the command unless FILE says that it was done under this stamp.
_once() {
    _file=$1 _stamp=$2
    shift 2
    if [ "$(cat "$_file" 2>/dev/null)" != "$_stamp" ] || ! "$python" -c '' 2>/dev/null; then
        "$@"
        echo "$_stamp" >"$_file"
    fi
}

# Run a command that takes long in a process group of its own, so that `interrupted` ends all of it, and with a
# directory of ours for its temporary files. (The terminal sends SIGINT to the process group in the foreground only.)
_running=
guarded() {
    mkdir -p "$cache/tmp.$$"
    TMPDIR=$cache/tmp.$$ "$_base" -c 'import os, sys
os.setpgid(0, 0)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" &
    _running=$!
    wait "$_running" && _status=0 || _status=$?
    _running=
    rm -rf "$cache/tmp.$$"
    return "$_status"
}

# CODE: what a signal's trap does.
interrupted() {
    trap '' HUP INT TERM
    if [ -n "$_running" ]; then
        kill -s KILL -- "-$_running" 2>/dev/null || kill -s KILL "$_running" 2>/dev/null || :
        wait "$_running" 2>/dev/null || :
        rm -rf "$cache/tmp.$$"
    fi
    exit "$1"
}

_install_packages() {
    echo "setting up $environment (once)" >&2
    rm -rf "$environment"
    guarded "$_base" -m venv --without-pip "$environment"
    install_pinned "$1"
}

# REQUIREMENTS: a script that sources this may define another way (tests/uv.sh does).
install_pinned() {
    pip_pinned -r "$1"
}

pip_pinned() {
    choose_pip
    pip install --only-binary :all: --no-deps --require-hashes "$@"
}

_install_checkout() {
    choose_pip
    pip install --no-build-isolation --no-deps --editable "$root"
}

# The newest Python on PATH that works and has pip or its seed, or else that works.
_choose_python() {
    _wanted='import sys, venv; from importlib.util import find_spec
sys.exit(sys.version_info < (3, 11) or not (sys.argv[1:] or find_spec("pip") or find_spec("ensurepip")))'
    _ifs=$IFS IFS='
'
    for _lenient in '' yes; do
        for _base in $(_candidates); do
            if "$_base" -c "$_wanted" $_lenient >/dev/null 2>&1; then
                IFS=$_ifs
                return
            fi
        done
    done
    _give_up "Python 3.11 or newer is needed, and ${PYTHON:-PATH} has none; Debian: apt-get install python3"
}

# Every Python that may be the one, the newest first, in every directory of PATH: a shim may come first and not work.
_candidates() {
    if [ -n "${PYTHON-}" ]; then
        echo "$PYTHON"
        return
    fi
    for _version in 3.15 3.14 3.13 3.12 3.11 3; do
        _ifs=$IFS IFS=:
        for _directory in $PATH; do
            [ ! -x "$_directory/python$_version" ] || echo "$_directory/python$_version"
        done
        IFS=$_ifs
    done
}

cache= scrap=
choose_cache() {
    [ -z "$cache" ] || return 0
    _place=$(printf %s "$root" | cksum | cut -d ' ' -f 1)
    for cache in "$root/.cache" "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/envconn/$_place"; do
        if mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; then
            return
        fi
    done
    cache=$(mktemp -d)
    scrap=$cache
    trap 'rm -rf "$scrap"' EXIT
}

# Define pip, working on $python: the base's own, the seed it carries, or the seed that Debian has in a package.
choose_pip() {
    if "$_base" -m pip --python "$python" --version >/dev/null 2>&1; then
        pip() { guarded "$_base" -m pip --python "$python" -qq "$@"; }
    elif guarded "$python" -m ensurepip >/dev/null 2>&1; then
        pip() { guarded "$python" -m pip -qq "$@"; }
    elif _unpack_pip >/dev/null 2>&1; then
        pip() { guarded "$python" "$_wheel/pip" -qq "$@"; }
    else
        _give_up "$_base has neither pip nor ensurepip; Debian: apt-get install python3-venv"
    fi
}

# Download and unpack a Debian package with private lists: no root needed, nothing installed.
_unpack_pip() {
    _apt=$cache/apt
    mkdir -p "$_apt/lists/partial" "$_apt/archives/partial"
    : >"$_apt/status"
    set -- -q -o Dir::State="$_apt" -o Dir::State::Lists="$_apt/lists" -o Dir::State::status="$_apt/status" \
        -o Dir::Cache="$_apt" -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Languages=none
    guarded apt-get "$@" update &&
        guarded sh -c 'cd "$0" && apt-get "$@" download python3-pip-whl' "$_apt" "$@" &&
        dpkg -x "$_apt"/python3-pip-whl_*.deb "$_apt/root" &&
        _wheel=$(ls "$_apt"/root/usr/share/python-wheels/pip-*.whl)
}

_give_up() {
    echo "$1" >&2
    exit 69
}
