"""``envconn init``: what it finds, that what it prints works, and that it writes nothing but a new .env.example."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from envconn import load
from envconn.cli import init, main
from envconn.selection.variables import is_read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DJANGO = ["-m", "django", "startproject", "shop", "."]
MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.config.settings")\n'
EVERYTHING = {"django", "flask", "celery", "redis", "psycopg", "psycopg2", "asyncpg"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def installed(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    monkeypatch.setattr(init, "find_spec", lambda name: name if name in modules else None)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["init", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("files", "modules", "found", "extras"),
    [
        ({"requirements.txt": "Django==5.2\npsycopg[binary]\n"}, ["flask"], "Django, psycopg 3", "django,psycopg"),
        ({"requirements.txt": "psycopg2-binary\nFlask\n"}, [], "Flask, psycopg2", "flask,psycopg2"),
        ({"requirements/prod.txt": "celery[redis]\n"}, [], "Celery, redis-py", "celery,redis,psycopg"),
        ({"pyproject.toml": 'dependencies = ["asyncpg", "pymysql"]'}, [], "asyncpg, PyMySQL", "asyncpg,pymysql"),
        ({"manage.py": MANAGE}, ["psycopg", "flask"], "Django, psycopg 3", "django,psycopg"),
        ({"requirements.txt": "django\n"}, ["MySQLdb"], "Django, mysqlclient", "django,mysqlclient"),
        ({"requirements.txt": "pytest-django\nflasky\n"}, [], "no framework and no driver", "psycopg"),
        ({}, ["flask", "redis"], "Flask, redis-py", "flask,redis,psycopg"),
        ({}, [], "no framework and no driver", "psycopg"),
    ],
    ids=str,
)
def test_what_is_found(
    files: dict[str, str],
    modules: list[str],
    found: str,
    extras: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    installed(monkeypatch, *modules)
    text = printed(capsys)
    assert text.startswith(f"Found: {found}.\n")
    assert f"pip install 'envconn[{extras}]'" in text
    assert set(place.rglob("*.example")) == set()


@pytest.mark.parametrize(
    ("files", "path"), [({"manage.py": MANAGE}, "shop/config/settings.py"), ({"manage.py": ""}, "settings.py")]
)
def test_the_settings_of_django_are_named(
    files: dict[str, str], path: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
    assert f"2. Add this at the end of {path}, instead of DATABASES and CACHES:\n" in printed(capsys)


def test_a_program_without_a_framework_loads_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch)
    assert "    services = envconn.load()\n" in printed(capsys)


def test_only_write_writes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--write")
    written = (place / ".env.example").read_text(encoding="utf-8")
    assert [line for line in written.splitlines() if f"    {line}".rstrip() not in text] == []
    assert text.endswith(f"\nWritten: {place / '.env.example'}\n")


def test_no_file_is_overwritten(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / ".env.example").write_text("KEPT=1\n", encoding="utf-8")
    assert main(["init", "--write"]) == 64
    assert capsys.readouterr().err.startswith("envconn init: .env.example exists. ")
    assert (place / ".env.example").read_text(encoding="utf-8") == "KEPT=1\n"


def assignments() -> Iterator[tuple[str, str]]:
    for line in init._example([*EVERYTHING]).splitlines():
        if found := re.fullmatch(r"#?([A-Z_]+)=(.*)", line):
            yield found[1], found[2]


def test_every_line_of_the_example_can_be_used() -> None:
    """Those that are commented out, too; and none is for a variable that is not read."""
    lines = list(assignments())
    assert {name for name, _ in lines} >= {
        "DATABASE_URL",
        "DIRECT_URL",
        "REDIS_URL",
        "CELERY_BROKER_URL",
        "ENVCONN_TLS",
    }
    assert [name for name, _ in lines if not is_read(name) and not name.startswith("ENVCONN_")] == []
    for name, value in lines:
        load({"DATABASE_URL": "postgresql://app:app@localhost/app", name: value}, env_file=None)
    load(dict(lines), env_file=None)


@pytest.mark.application
def test_a_new_django_project_follows_what_is_printed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From an empty folder to a site that refuses an unencrypted database, with nothing but the lines printed."""
    subprocess.run([sys.executable, *DJANGO], check=True, timeout=60)
    (block,) = re.findall(r"instead of DATABASES and CACHES:\n\n(.*?)\n\n\d\.", printed(capsys, "--write"), re.DOTALL)
    settings = place / "shop" / "settings.py"
    text = re.sub(r"^DATABASES = \{.*?^\}\n", "", settings.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    lines = "\n".join(line.removeprefix("    ") for line in block.splitlines())
    settings.write_text(f"{text}\n{lines}\n", encoding="utf-8")
    (place / ".env").write_text((place / ".env.example").read_text(encoding="utf-8"), encoding="utf-8")
    assert checked().returncode == 0
    remote = "DATABASE_URL=postgresql://app:s3cret@db.example.com/app?sslmode=disable\n"
    (place / ".env").write_text(remote, encoding="utf-8")
    done = checked()
    assert (done.returncode, "DATABASE_URL: sslmode=disable" in done.stderr, "s3cret" in done.stderr) == (
        78,
        True,
        False,
    )


def checked() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check"], check=False, capture_output=True, text=True, timeout=60
    )
