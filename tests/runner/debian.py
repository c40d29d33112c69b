"""Servers that the tests want and this machine does not have: unpacked from Debian packages, which installs nothing.

The machine's own apt-get fetches them, without root and with lists of its own; where that fails, the tests skip.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jobs import say

if TYPE_CHECKING:
    from jobs import Jobs

OWN = "own"  # the suite of this machine; what comes from a newer one brings its C library along


class Unpacked(NamedTuple):
    """A folder with the contents of packages: of those that exist, for libraries change their names over the years."""

    folder: str
    suite: str
    packages: str
    asked: str = ""  # only where this variable is 1
    instead: str = ""  # not where this command is on PATH

    def missing(self, place: Path) -> bool:
        """Whether it is wanted, and not there."""
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
        wanted = os.environ.get(self.asked) == "1" if self.asked else not shutil.which(self.instead, path=path)
        stamp = place / self.folder / "packages"
        return wanted and not (stamp.is_file() and stamp.read_text(encoding="utf-8") == self.stamp)

    @property
    def stamp(self) -> str:
        """What the file `packages` in the folder says."""
        return f"{self.folder} {self.suite} {self.packages}\n"


_BOUNCER = "pgbouncer libevent-2.1-7 libevent-2.1-7t64 libc-ares2 libcares2"
_REDIS = "redis-server redis-tools libatomic1 libjemalloc2 liblzf1"
_MEMCACHED = "memcached libevent-2.1-7 libevent-2.1-7t64 libsasl2-2"
_RABBITMQ = (
    "rabbitmq-server erlang-base erlang-asn1 erlang-crypto erlang-eldap erlang-ftp erlang-inets erlang-mnesia "
    "erlang-os-mon erlang-parsetools erlang-public-key erlang-runtime-tools erlang-snmp erlang-ssl "
    "erlang-syntax-tools erlang-tftp erlang-tools erlang-xmerl libsctp1"
)
_MARIADB = "mariadb-server-core mariadb-common libaio1 libaio1t64 liburing2 libnuma1 libpcre2-8-0"
_MYSQLCLIENT = "python3-mysqldb libmariadb3"  # for the Python of this Debian; an index has none that is compiled
_VALKEY = (
    "valkey-server valkey-tools libc6 libatomic1 libcap2 libgcc-s1 libjemalloc2 liblzf1 libssl3t64 libstdc++6 "
    "libsystemd0 zlib1g libzstd1"
)
_NEWER_BOUNCER = (  # 1.21 or newer, which tracks prepared statements
    "pgbouncer libc6 libgcc-s1 libevent-2.1-7t64 libcares2 libssl3t64 zlib1g libzstd1 libsystemd0 libldap2 "
    "libsasl2-2 libcap2 libcap-ng0 liblzma5 libpam0g libaudit1"
)
_CHROMIUM = (  # headless, for the documentation site; and a font
    "chromium-headless-shell chromium-common fonts-dejavu-core libasound2 libasound2-data libasyncns0 libatk1.0-0 "
    "libatspi2.0-0 libavahi-client3 libavahi-common3 libdav1d6 libdbus-1-3 libdouble-conversion3 libdrm2 "
    "libexpat1 libflac12 libfontconfig1 libfreetype6 libgbm1 libglib2.0-0 libgraphite2-3 libharfbuzz-subset0 "
    "libharfbuzz0b libjpeg62-turbo liblcms2-2 libminizip1 libmp3lame0 libmpg123-0 libnspr4 libnss3 libogg0 "
    "libopenh264-7 libopenjp2-7 libopus0 libpng16-16 libpulse0 libsndfile1 libudev1 libvorbis0a libvorbisenc2 "
    "libwayland-server0 libx11-6 libx11-xcb1 libxau6 libxcb1 libxcb-randr0 libxcomposite1 libxdamage1 libxdmcp6 "
    "libxext6 libxfixes3 libxi6 libxkbcommon0 libxnvctrl0 libxrandr2 libxrender1 libbrotli1 fontconfig-config "
    "libbsd0 libmd0 libffi8 libpcre2-8-0"
)
_PYTHON = (
    "python3.15 python3.15-minimal libpython3.15-stdlib libpython3.15-minimal python3-pip media-types libc6 libgcc-s1 "
    "libstdc++6 libbz2-1.0 libdb5.3t64 libexpat1 libffi8 liblzma5 libncursesw6 libreadline8t64 libsqlite3-0 libssl3t64 "
    "libtinfo6 libuuid1 libzstd1 zlib1g"
)
SERVERS = (
    Unpacked("pgbouncer", OWN, _BOUNCER, instead="pgbouncer"),
    Unpacked("redis-server", OWN, _REDIS, instead="redis-server"),
    Unpacked("memcached", OWN, _MEMCACHED, instead="memcached"),
    Unpacked("rabbitmq", OWN, _RABBITMQ, asked="ENVCONN_TEST_RABBITMQ"),
    Unpacked("mariadb", OWN, _MARIADB, asked="ENVCONN_TEST_MYSQL"),
    Unpacked("mysqlclient", OWN, _MYSQLCLIENT, asked="ENVCONN_TEST_MYSQL"),
    Unpacked("valkey-server-newer", "forky", _VALKEY, asked="ENVCONN_TEST_VALKEY"),
    Unpacked("pgbouncer-newer", "forky", _NEWER_BOUNCER, asked="ENVCONN_TEST_NEWER_PGBOUNCER"),
    Unpacked("chromium", OWN, _CHROMIUM, asked="ENVCONN_TEST_BROWSER"),
)
NEWEST_PYTHON = Unpacked("python", "forky", _PYTHON, instead="python3.15")
BY_ITS_LOADER = """#!/bin/sh
exec '{loader}' --library-path '{libraries}' --argv0 "$0" '{python}' "$@"
"""


def unpack(jobs: Jobs, place: Path, *wanted: Unpacked) -> None:
    """Unpack below `place` what is wanted and not there yet, each in a folder of its own."""
    if not (missing := [each for each in wanted if each.missing(place)]):
        return
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix="new.") as work:
        apt = Apt(jobs, Path(work))
        for each in missing:
            say("set-up", f"unpacking {each.folder} below {place}, once")
            try:
                apt.fetch(each).rename(emptied(place / each.folder))
            except (Failed, FileNotFoundError) as reason:
                say("set-up", f"that failed, so its tests skip: {reason}")


def newest_python(jobs: Jobs, place: Path) -> Path:
    """Return the path of a Python that is started by its own loader, if that exists."""
    unpack(jobs, place, NEWEST_PYTHON)
    tree = place / NEWEST_PYTHON.folder
    python, real = tree / "usr/bin/python3.15", tree / "usr/bin/python3.15.real"
    if python.exists() and not real.exists():
        python.rename(real)
        loader, libraries = next(tree.glob("usr/lib*/ld-linux*.so.*")), next(tree.glob("usr/lib/*-linux-gnu*"))
        python.write_text(BY_ITS_LOADER.format(loader=loader, libraries=libraries, python=real), encoding="utf-8")
        python.chmod(0o755)
    return python


def emptied(directory: Path) -> Path:
    """Return a directory that is there no more, or not yet."""
    shutil.rmtree(directory, ignore_errors=True)
    return directory


class Failed(Exception):
    """A tool has failed; the text is the last line that it said."""


class Apt:
    """The machine's apt-get, with lists of its own for each suite, below `work`."""

    def __init__(self, jobs: Jobs, work: Path) -> None:
        """Nothing is fetched yet."""
        self._jobs, self._work = jobs, work

    def fetch(self, unpacked: Unpacked) -> Path:
        """Download and unpack, and return the directory, whose file `packages` says what is in it.

        Raises:
            Failed: the packages are not to be had.
            FileNotFoundError: there is no apt-get.
        """
        self._lists(unpacked.suite)
        tree, packages = emptied(self._work / "tree"), emptied(self._work / "packages")
        packages.mkdir()
        shown = self._apt(unpacked.suite, "apt-cache", "show", "--no-all-versions", *unpacked.packages.split())
        existing = [line.split()[1] for line in shown if line.startswith("Package: ")]
        self._apt(unpacked.suite, "apt-get", "download", *existing, directory=packages)
        for package in packages.glob("*.deb"):
            self._run("dpkg", "-x", str(package), str(tree))
        (tree / "packages").write_text(unpacked.stamp, encoding="utf-8")
        return tree

    def _lists(self, suite: str) -> None:
        """Fetch the lists of packages, once; those of another suite from where the machine's own come from."""
        state = self._work / suite
        if state.exists():
            return
        (state / "lists" / "partial").mkdir(parents=True)
        (state / "archives" / "partial").mkdir(parents=True)
        (state / "status").touch()
        if suite != OWN:
            self._lists(OWN)
            form = "$(REPO_URI) $(ORIGIN) $(LABEL)"
            origins = self._apt(OWN, "apt-get", "indextargets", "--format", form, "Created-By: Packages")
            debian = [line.split()[0] for line in origins if line.endswith(" Debian Debian")]
            (state / "sources").write_text(f"deb {debian[0]} {suite} main\n" if debian else "", encoding="utf-8")
        self._apt(suite, "apt-get", "update")

    def _apt(self, suite: str, tool: str, *arguments: str, directory: Path | None = None) -> list[str]:
        state = self._work / suite
        dirs = {"Dir::State": state, "Dir::State::Lists": state / "lists", "Dir::State::status": state / "status"}
        places = {**dirs, "Dir::Cache": state, "APT::Sandbox::User": "", "Debug::NoLocking": 1}
        quickly = {"Acquire::Languages": "none", "Acquire::Retries": 1, "Acquire::http::Timeout": 20}
        sources = {"Dir::Etc::sourcelist": state / "sources", "Dir::Etc::sourceparts": "/dev/null"}
        options = {**places, **quickly, **(sources if suite != OWN else {})}
        stated = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return self._run(tool, "-q", *stated, *arguments, directory=directory)

    def _run(self, *command: str, directory: Path | None = None) -> list[str]:
        job = self._jobs.start("set-up", command, directory=directory, heard=False)
        # apt-cache fails where one of several packages does not exist, and shows the others.
        if self._jobs.wait(job, seconds=120) and command[0] != "apt-cache":
            raise Failed(job.lines[-1] if job.lines else f"{command[0]} takes too long")
        return job.lines
