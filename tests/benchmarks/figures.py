"""The figures of the design, measured side by side in one run: ``python tests/benchmarks/figures.py``.

Everything is a ratio against something that the same machine does in the same minute, the best of
several rounds that take turns. A report for people; nothing fails by it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import dj_database_url

import envconn

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
MODELS = ["django.contrib.contenttypes", "django.contrib.auth"]


def main() -> None:
    """Measure and print, a line for each figure."""
    search = os.environ.get("PYTHONPATH", "")
    os.environ.clear()
    os.environ |= {"DATABASE_URL": URL, "PATH": os.defpath, "PYTHONPATH": search}
    print(f"{'figure':58} {'ratio':>6} {'at most':>8}")
    for title, limit, ours, theirs in PROCESSES:
        show(title, limit, *turns(partial(run, ours), partial(run, theirs), ROUNDS))
    for title, limit, one, other, rounds in CALLED:
        show(title, limit, *turns(one, other, rounds))
    show("1,000 connections against 100 (linear: 10)", "12", *turns(lambda: load(1_000), lambda: load(100), 3))
    show("10,000 variables around one connection against 100", "flat", *turns(crowd(10_000), crowd(100), 50))


def turns(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the best time in seconds of each, called in turns."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for place, call in enumerate((one, other)):
            begun = time.perf_counter()
            call()
            best[place] = min(best[place], time.perf_counter() - begun)
    return best[0], best[1]


def show(title: str, limit: str, ours: float, theirs: float) -> None:
    """Print the ratio of two times."""
    print(f"{title:58} {ours / theirs:6.2f} {limit:>8}   ({ours * 1000:.2f} ms against {theirs * 1000:.2f} ms)")


def run(arguments: list[str]) -> None:
    """Run this interpreter with `arguments`, which must succeed."""
    # No timeout: with one, Python looks for the end every 50 ms only, and every figure is rounded to that.
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def load(count: int) -> envconn.Services:
    """Load `count` named databases."""
    return envconn.load({f"N{number}_DATABASE_URL": URL for number in range(count)}, env_file=None)


def crowd(size: int) -> Callable[[], envconn.Services]:
    """Return a call that loads one database out of `size` variables."""
    environ = {f"SOMETHING_{number}": "else" for number in range(size)} | {"DATABASE_URL": URL}
    return lambda: envconn.load(environ, env_file=None)


def judge_many() -> None:
    """Parse and judge many URLs."""
    for url in fresh():
        envconn.secure(envconn.parse(url))


def parse_many() -> None:
    """Have dj-database-url parse as many."""
    for url in fresh():
        dj_database_url.parse(url)


def fresh() -> list[str]:
    """URLs that no cache has seen: urllib keeps what it has split, and no process parses one URL twice."""
    mark = time.perf_counter_ns()
    return [URL.replace("secret", f"secret{mark}{number}") for number in range(CALLS)]


PROCESSES = [
    # Without models, Django imports no driver; databases() does, to ask libpq for its version.
    (
        "a Django process with databases() against dj_database_url",
        "1.05",
        ["-c", DJANGO.format(apps=[], **OURS)],
        ["-c", DJANGO.format(apps=[], **THEIRS)],
    ),
    (
        "the same with models, for which Django imports the driver",
        "1.05",
        ["-c", DJANGO.format(apps=MODELS, **OURS)],
        ["-c", DJANGO.format(apps=MODELS, **THEIRS)],
    ),
    (
        "cold start: envconn.load() against dj_database_url.config()",
        "2.0",
        ["-c", "import envconn; envconn.load()"],
        ["-c", "import dj_database_url; dj_database_url.config()"],
    ),
    (
        "envconn check against import pydantic_settings",
        "0.6",
        ["-m", "envconn", "check"],
        ["-c", "import pydantic_settings"],
    ),
    (
        "a process with Settings() against one with a bare model",
        "1.15",
        ["-c", "import envconn; envconn.Settings()"],
        ["-c", BARE],
    ),
]
CALLED = [
    ("parse and judge one URL against dj_database_url.parse()", "2.0", judge_many, parse_many, 5),
]

if __name__ == "__main__":
    main()
