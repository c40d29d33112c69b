"""docs/remote.md: its commands and programs run, and its table says what the providers take."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

import envconn
import envconn.remote
from envconn.cli import main
from envconn.remote.provider_api import PROVIDERS

if TYPE_CHECKING:
    from pathlib import Path

    from apis import Peer
    from lab import Lab

pytestmark = pytest.mark.checkout


@pytest.fixture
def page(checkout: Path) -> str:
    return (checkout / "docs" / "remote.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_commands(page: str, peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    peer.roles.clear()
    (block,) = blocks(page, "sh")
    lines = [re.sub(r'^eval "\$\((.*)\)"$', r"\1", line) for line in block.splitlines()]
    assert {shlex.split(line)[2] for line in lines} == PROVIDERS.keys()
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err


def test_programs(page: str, peer: Peer, lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    fetching, querying = blocks(page, "python")
    exec(fetching, {})  # noqa: S102 - the page itself is under test
    assert capsys.readouterr().out.startswith("staging True ep-")
    server = lab["good"]
    peer.sql = server.uri("localhost", sslmode="require")
    uri = f"postgresql://{server.user}:{server.password}@ep-a-1.us-east-2.aws.neon.tech/{server.dbname}"
    monkeypatch.setenv("DATABASE_URL", uri)
    query = envconn.remote.query
    monkeypatch.setattr(envconn.remote, "query", lambda *asked: query(*asked, address=peer.url("sql")))
    exec(querying, {})  # noqa: S102
    assert capsys.readouterr().out.startswith("((7, 'x'),) 1 ")


def test_the_table(page: str) -> None:
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)}
    assert rows.keys() == PROVIDERS.keys()
    for name, service in PROVIDERS.items():
        words = [re.findall(r"`([\w]+)`", cell) for cell in rows[name]]
        assert tuple(words[0]) == service.tokens
        assert tuple(words[1]) == service.required
        assert {*words[2]} - {"main"} >= {*service.optional}
        for variable in (service.address, service.auth_address):
            assert f"`{variable}`" in page or not variable
