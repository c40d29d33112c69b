"""Every cell of docs/comparison.md: the same environment through every library, beside servers that lie."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import url_readers
from fakes import Answer
from url_readers import CONVINCING, OTHERS, READERS, Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

SECRETS = ("s3cret-0", "p@ss", "p%ss", "pa#ss", "pa?ss", "12/34")


class Case:
    """One row, filled in for one reader."""

    def __init__(self, row: Row, reader: str, place: dict[str, str], server: Fake | None) -> None:
        """Fill in the variables of `row` for `place`."""
        self.row, self.reader, self.server, self.place = row, reader, server, place
        self.variables = {name: value.format(**place) for name, value in row.variables.items()}

    def cell(self, said: dict[str, object]) -> str:
        """Return what is in the cell for what the worker said."""
        text = f"{said.get('error', '')} {said['warnings']}"
        shows = any(secret in text for secret in (self.place["password"], *SECRETS))
        return self._outcome(said) + (f", {url_readers.LEAKS}" if shows else "")

    def _outcome(self, said: dict[str, object]) -> str:
        if self.server and self.server.passwords:
            return url_readers.IN_CLEAR
        if said["stage"] == "start":
            return url_readers.AT_START
        if said["stage"] == "connected":
            tls = url_readers.ANOTHER if self.row.server == "wronghost" else url_readers.TLS
            return tls if said["tls"] else url_readers.UNENCRYPTED
        if "error" in said:
            return url_readers.BY_DRIVER
        return self._understood(said["parts"])

    def _understood(self, parts: object) -> str:
        if not parts:
            return url_readers.NOTHING
        assert isinstance(parts, list)
        if parts[3].endswith("app.db"):
            return url_readers.GOOD
        given = self.variables.get("DATABASE_URL", "")
        password = next((each for each in SECRETS[1:] if each in given), self.place["password"])
        meant = ["db.example.com", "app", password]
        return url_readers.GOOD if parts[:3] == meant else f"{url_readers.MISREAD}: host {parts[0] or 'empty'}"


def cells(rows: tuple[Row, ...], cases: list[Case], scrap: Path) -> list[tuple[str, ...]]:
    """Try the cases in a process of its own, and return the cells of each row."""
    asked = [(case.reader, case.variables, bool(case.row.server)) for case in cases]
    done = subprocess.run(
        [sys.executable, url_readers.__file__],
        input=json.dumps(asked),
        capture_output=True,
        check=False,
        cwd=scrap,
        env={**os.environ, "HOME": str(scrap)},
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = iter([case.cell(said) for case, said in zip(cases, json.loads(done.stdout), strict=True)])
    return [tuple(next(found) for _ in READERS) for _ in rows]


def filled(rows: tuple[Row, ...], lab: Lab, fake: Callable[[Answer], Fake], certificates: Certificates) -> list[Case]:
    ca = {"ca": str(certificates.ca), "pem": certificates.ca.read_text(encoding="utf-8")}
    return [case(row, reader, ca, lab, fake) for row in rows for reader in READERS]


def case(row: Row, reader: str, ca: dict[str, str], lab: Lab, fake: Callable[[Answer], Fake]) -> Case:
    secret, server = SECRETS[0], None
    at = f"app:{secret}@db.example.com/app"
    if row.server == "N":
        server = fake(Answer.N)
        at = f"app:{secret}@localhost:{server.port}/app"
    elif row.server:
        postgres = lab[row.server]
        secret = postgres.password
        at = f"{postgres.user}:{secret}@localhost:{postgres.port}/postgres"
    place = {**ca, "at": at, "password": secret, "user": f"app:{secret}"}
    made = Case(row, reader, place, server)
    made.variables = {**made.variables, "ENVCONN_TLS_LOCAL": "enforce", "PGCONNECT_TIMEOUT": "5"}
    return made


def test_the_rows_that_convince(
    lab: Lab, fake: Callable[[Answer], Fake], certificates: Certificates, tmp_path: Path
) -> None:
    found = cells(CONVINCING, filled(CONVINCING, lab, fake, certificates), tmp_path)
    assert {row.title: row.cells for row in CONVINCING} == {
        row.title: each for row, each in zip(CONVINCING, found, strict=True)
    }


@pytest.mark.application
def test_the_other_rows(lab: Lab, fake: Callable[[Answer], Fake], certificates: Certificates, tmp_path: Path) -> None:
    found = cells(OTHERS, filled(OTHERS, lab, fake, certificates), tmp_path)
    assert {row.title: row.cells for row in OTHERS} == {
        row.title: each for row, each in zip(OTHERS, found, strict=True)
    }


@pytest.mark.checkout
def test_the_page_is_the_one_that_the_table_makes(checkout: Path) -> None:
    script = runpy.run_path(str(checkout / "docs" / "comparison.py"))
    assert script["page"]() == (checkout / "docs" / "comparison.md").read_text(encoding="utf-8"), "run tests/pages"
