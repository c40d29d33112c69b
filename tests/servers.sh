#!/bin/sh
# Unpack the servers that the tests want and this machine does not have: no root, nothing installed, nothing started.
#
#   tests/servers.sh DIRECTORY
#
# leaves a folder below DIRECTORY for each of them, and reuses what is there. They come from Debian packages,
# fetched by the machine's own apt-get with lists of its own; where that fails, the tests that need them skip.
# ENVCONN_TEST_RABBITMQ=1 adds RabbitMQ (33 MB), ENVCONN_TEST_NEWER_PGBOUNCER=1 a PgBouncer that tracks prepared statements,
# ENVCONN_TEST_MYSQL=1 MariaDB and mysqlclient (7 MB),
# ENVCONN_TEST_VALKEY=1 a Valkey (8 MB),
# ENVCONN_TEST_NEWEST_PYTHON=1 the newest Python (17 MB), which is no server, but comes the same way.
set -eu
place=$1
mkdir -p "$place"
work=$(mktemp -d "$place/new.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# SUITE TOOL ARGUMENT...: apt-get or apt-cache, with private lists of the suite ("own": of what the machine has).
apt() {
    _state=$work/$1 _tool=$2
    shift 2
    [ ! -f "$_state/sources" ] || set -- -o Dir::Etc::sourcelist="$_state/sources" -o Dir::Etc::sourceparts=/dev/null "$@"
    timeout --foreground 120 "$_tool" -q -o Dir::State="$_state" -o Dir::State::Lists="$_state/lists" -o Dir::Cache="$_state" \
        -o Dir::State::status="$_state/status" -o Debug::NoLocking=1 -o APT::Sandbox::User= \
        -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@"
}

# SUITE: fetch the lists, once. Another suite is looked for where the machine's own Debian comes from.
lists() {
    [ ! -d "$work/$1" ] || return 0
    mkdir -p "$work/$1/lists/partial" "$work/$1/archives/partial"
    : >"$work/$1/status"
    if [ "$1" != own ]; then
        lists own || return
        _from=$(apt own apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
            sed -n 's/ Debian Debian$//p' | head -n 1)
        echo "deb ${_from:?no Debian to take it from} $1 main" >"$work/$1/sources"
    fi
    apt "$1" apt-get update
}

# SUITE PACKAGE...: unpack those that the suite has into $work/tree; libraries were renamed from one to the next.
fetch() {
    _suite=$1
    shift
    rm -rf "$work/tree" "$work/packages"
    mkdir "$work/tree" "$work/packages"
    lists "$_suite" || return
    _there=$(apt "$_suite" apt-cache show --no-all-versions "$@" | sed -n 's/^Package: //p')
    (cd "$work/packages" && apt "$_suite" apt-get download $_there) || return
    for _package in "$work"/packages/*.deb; do
        dpkg -x "$_package" "$work/tree" || return
    done
}

# FOLDER SUITE PACKAGE...
unpack() {
    _folder=$place/$1 _stamp="$*"
    [ "$(cat "$_folder/packages" 2>/dev/null)" != "$_stamp" ] || return 0
    echo "unpacking $1 below $place (once)" >&2
    shift
    if (fetch "$@") >"$place/log" 2>&1; then
        echo "$_stamp" >"$work/tree/packages"
        rm -rf "$_folder"
        mv "$work/tree" "$_folder"
    else
        echo "that failed, so its tests skip: $(tail -n 1 "$place/log")" >&2
    fi
}

missing() { ! PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

! missing pgbouncer || unpack pgbouncer own pgbouncer libevent-2.1-7 libevent-2.1-7t64 libc-ares2 libcares2
! missing redis-server || unpack redis-server own redis-server redis-tools libatomic1 libjemalloc2 liblzf1
[ "${ENVCONN_TEST_RABBITMQ-}" != 1 ] || unpack rabbitmq own rabbitmq-server erlang-base erlang-asn1 erlang-crypto \
    erlang-eldap erlang-ftp erlang-inets erlang-mnesia erlang-os-mon erlang-parsetools erlang-public-key \
    erlang-runtime-tools erlang-snmp erlang-ssl erlang-syntax-tools erlang-tftp erlang-tools erlang-xmerl libsctp1
[ "${ENVCONN_TEST_MYSQL-}" != 1 ] || unpack mariadb own mariadb-server-core mariadb-common libaio1 libaio1t64 liburing2 \
    libnuma1 libpcre2-8-0
# A client, for the Python of this Debian: what it is on PyPI would have to be compiled.
[ "${ENVCONN_TEST_MYSQL-}" != 1 ] || unpack mysqlclient own python3-mysqldb libmariadb3
[ "${ENVCONN_TEST_VALKEY-}" != 1 ] || unpack valkey-server-newer forky valkey-server valkey-tools libc6 libatomic1 libcap2 \
    libgcc-s1 libjemalloc2 liblzf1 libssl3t64 libstdc++6 libsystemd0 zlib1g libzstd1
# Its C library is newer than the machine's may be, so it comes with that, too.
[ "${ENVCONN_TEST_NEWER_PGBOUNCER-}" != 1 ] || unpack pgbouncer-newer forky pgbouncer libc6 libgcc-s1 libevent-2.1-7t64 \
    libcares2 libssl3t64 zlib1g libzstd1 libsystemd0 libldap2 libsasl2-2 libcap2 libcap-ng0 liblzma5 libpam0g libaudit1
# So does a Python: under its name is what starts it by way of its own loader.
[ "${ENVCONN_TEST_NEWEST_PYTHON-}" != 1 ] || unpack python forky python3.15 python3.15-minimal libpython3.15-stdlib \
    libpython3.15-minimal python3-pip media-types libc6 libgcc-s1 libstdc++6 libbz2-1.0 libdb5.3t64 libexpat1 libffi8 \
    liblzma5 libncursesw6 libreadline8t64 libsqlite3-0 libssl3t64 libtinfo6 libuuid1 libzstd1 zlib1g
python=$place/python/usr/bin/python3.15
[ ! -e "$python" ] || [ -e "$python.real" ] || mv "$python" "$python.real"
if [ -e "$python.real" ]; then
    loader=$(ls "$place"/python/usr/lib*/ld-linux*.so.* | head -n 1)
    cat >"$work/python" <<END
#!/bin/sh
exec '$loader' --library-path '$(echo "$place"/python/usr/lib/*-linux-gnu*)' \\
    --argv0 "\$0" '$python.real' "\$@"
END
    chmod +x "$work/python"
    mv "$work/python" "$python"
fi
