"""The figures of the design, measured side by side in one run: ``python tests/benchmarks/figures.py``.

Everything is a ratio against something that the same machine does in the same minute, the best of
several rounds that take turns. A report for people; nothing fails by it. With ``--instructions``, what processes
execute is counted by valgrind instead of timed: repeatable on a busy machine, and slow.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dj_database_url

import envconn
import envconn_psycopg
from envconn.selection import in_process
from envconn.tls import judge

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "postgresql://app:secret@db.example.com:5432/app?sslmode=require"
ROUNDS = 15
CALLS = 2_000
BARE = """
from pydantic_settings import BaseSettings
class Bare(BaseSettings):
    database_url: str
Bare()
"""
DJANGO = """
import django
from django.conf import settings
from {source}
settings.configure(INSTALLED_APPS={apps}, DATABASES={databases}, USE_TZ=True)
django.setup()
"""
OURS = {"source": "envconn_django import databases", "databases": "databases()"}
THEIRS = {"source": "dj_database_url import config", "databases": "{'default': config()}"}
CONTRIB = [
    f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "messages", "sessions", "staticfiles")
]


def main() -> None:
    """Measure and print, a line for each figure."""
    search = os.environ.get("PYTHONPATH", "")
    os.environ.clear()
    os.environ |= {"DATABASE_URL": URL, "PATH": os.defpath, "PYTHONPATH": search}
    print(f"{'figure':58} {'ratio':>6} {'at most':>8}")
    counts = "--instructions" in sys.argv
    measure, rounds = counted if counts else timed, 1 if counts else ROUNDS
    for title, limit, ours, theirs in PROCESSES:
        show(title, limit, *turns(partial(run, ours), partial(run, theirs), rounds, measure))
    for title, limit, one, other, rounds in CALLED:
        show(title, limit, *turns(one, other, rounds))
    show("1,000 connections against 100 (linear: 10)", "12", *turns(lambda: load(1_000), lambda: load(100), 3))
    many, few = turns(crowd(10_000), crowd(100), 50)
    show("10,000 variables around one connection against 100", "+2 ms", many, few)
    connections()


def connections() -> None:
    """Measure opening a connection to a server that ends with this function."""
    sys.path.append(str(Path(__file__).parents[2] / "examples"))
    import psycopg

    from throwaway import certificates, postgres

    with (
        tempfile.TemporaryDirectory() as scrap,
        postgres.running(certificates.write(Path(scrap)).issue("localhost")) as server,
    ):
        dsn = server.uri(sslmode="require")
        judged = envconn.secure(dsn)
        ours, theirs = (lambda: envconn_psycopg.connect(judged).close()), (lambda: psycopg.connect(dsn).close())
        show("opening a connection against psycopg alone", "1.02", *turns(ours, theirs, 200))


def turns(
    one: Callable[[], object],
    other: Callable[[], object],
    rounds: int,
    measure: Callable[[Callable[..., object]], float] | None = None,
) -> tuple[float, float]:
    """Return the least that `measure` says of each, called in turns: by default seconds."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for place, call in enumerate((one, other)):
            best[place] = min(best[place], (measure or timed)(call))
    return best[0], best[1]


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that `call` takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def counted(process: Callable[..., object]) -> float:
    """Return the instructions that a process executes, in thousand millions, so that they are printed as millions."""
    process()  # which leaves its .pyc files
    with tempfile.TemporaryDirectory() as scrap:
        log = Path(scrap, "log")
        valgrind = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={scrap}/out", f"--log-file={log}")
        process(prefix=valgrind)
        total = re.search(r"refs:\s+([\d,]+)", log.read_text(encoding="utf-8"))
    return int(total[1].replace(",", "")) / 1e9 if total else float("nan")


def show(title: str, limit: str, ours: float, theirs: float) -> None:
    """Print the ratio, and both, as milliseconds or million instructions."""
    print(f"{title:58} {ours / theirs:6.2f} {limit:>8}   ({ours * 1000:.2f} against {theirs * 1000:.2f})", flush=True)


def run(arguments: list[str], prefix: tuple[str, ...] = ()) -> None:
    """Run this interpreter with `arguments`, which must succeed."""
    # No timeout: with one, Python looks for the end every 50 ms only, and every figure is rounded to that.
    subprocess.run([*prefix, sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def load(count: int) -> envconn.Services:
    """Load `count` named databases."""
    return envconn.load({f"N{number}_DATABASE_URL": URL for number in range(count)}, env_file=None)


def crowd(size: int) -> Callable[[], envconn.Services]:
    """Return a call that loads one database out of `size` variables."""
    environ = {f"SOMETHING_{number}": "else" for number in range(size)} | {"DATABASE_URL": URL}
    return lambda: envconn.load(environ, env_file=None)


def judge_many() -> None:
    """Parse and judge many URLs. `envconn.secure` reads the environment for its policy besides, each time."""
    _, context, _ = in_process(envconn.parse(URL))
    for url in fresh():
        judge(envconn.parse(url), context, "database")


def parse_many() -> None:
    """Have dj-database-url parse as many."""
    for url in fresh():
        dj_database_url.parse(url)


def fresh() -> list[str]:
    """URLs that no cache has seen: urllib keeps what it has split, and no process parses one URL twice."""
    mark = time.perf_counter_ns()
    return [URL.replace("secret", f"secret{mark}{number}") for number in range(CALLS)]


PROCESSES = [
    # Without models, Django imports no driver, and databases() takes libpq's version from the name of its file.
    (
        "a Django process without models against dj_database_url",
        "1.10",
        ["-c", DJANGO.format(apps=[], **OURS)],
        ["-c", DJANGO.format(apps=[], **THEIRS)],
    ),
    (
        "the same with Django's own applications",
        "1.04",
        ["-c", DJANGO.format(apps=CONTRIB, **OURS)],
        ["-c", DJANGO.format(apps=CONTRIB, **THEIRS)],
    ),
    (
        "cold start: envconn.load() against dj_database_url.config()",
        "1.0",
        ["-c", "import envconn; envconn.load()"],
        ["-c", "import dj_database_url; dj_database_url.config()"],
    ),
    (
        "envconn check against import pydantic_settings",
        "0.25",
        ["-m", "envconn", "check"],
        ["-c", "import pydantic_settings"],
    ),
    (
        "a process with Settings() against one with a bare model",
        "1.1",
        ["-c", "import envconn; envconn.Settings()"],
        ["-c", BARE],
    ),
]
CALLED = [
    ("parse and judge one URL against dj_database_url.parse()", "4.0", judge_many, parse_many, 5),
]

if __name__ == "__main__":
    main()
