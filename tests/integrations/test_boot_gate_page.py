"""docs/boot-gate.md: what it shows is what happens, what it says of others is so, and what it names exists."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

import deployed
import recipes
from envconn.probe import FAULTS
from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.checkout


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs" / "boot-gate.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shop(certificates: Certificates) -> Iterator[Server]:
    """A server with a role that is no superuser, and a database of its own."""
    with postgres.running(certificates.issue("localhost")) as server:
        with psycopg.connect(server.uri(sslmode="require"), autocommit=True) as admin:
            admin.execute("create role shop login password 'marker-password'")
            admin.execute("create database shop owner shop")
        yield server


def test_the_consoles(page: str, shop: Server, certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "other_ca.pem").write_bytes(certificates.other_ca.read_bytes())
    environ = deployed.environment(
        DATABASE_URL=f"postgresql://shop:marker-password@localhost:{shop.port}/shop?sslmode=verify-full",
        DATABASE_CA_CERT=certificates.ca.read_text(encoding="ascii"),
        ENVCONN_TLS="verify-full",
    )
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.count("```") // 2
    for block in blocks:
        commands = re.findall(r"^\$ (.*)$", block.replace("5432", str(shop.port)), re.MULTILINE)
        # Each is echoed before it runs, and sees the exit code of the one before it.
        steps = [f"printf '$ %s\\n' {shlex.quote(each)}; (exit $code); {each}; code=$?" for each in commands]
        done = deployed.run(["sh", "-c", "\n".join(["exec 2>&1; code=0", *steps])], tmp_path, environ)
        assert normalised(done.stdout.replace(str(shop.port), "5432")) == normalised(block)
        assert "marker-password" not in done.stdout


def normalised(text: str) -> str:
    return re.sub(r"(?<=CA #)[\w-]+|\d+(?= days left)", "N", text)


@pytest.mark.parametrize(
    ("state", "parameters", "code", "message"),
    [
        ("good", {"sslmode": "require"}, 0, "accepting connections"),
        ("unknownca", {"sslmode": "require"}, 0, "accepting connections"),
        ("unknownca", {"sslmode": "verify-full"}, 2, "no response"),
        ("notls", {"sslmode": "require"}, 2, "no response"),
    ],
)
def test_pg_isready(
    lab: Lab, certificates: Certificates, state: str, parameters: dict[str, str], code: int, message: str
) -> None:
    uri = lab[state].uri(**parameters, sslrootcert=str(certificates.ca) if "verify-full" in parameters.values() else "")
    uri = uri.replace(f"app:{lab[state].password}", "nobody-of-that-name:wrong").replace("/postgres", "/nowhere")
    done = subprocess.run(
        [lab._template.binaries / "pg_isready", "-d", uri], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code
    assert done.stdout.endswith(f" - {message}\n")


def test_every_recipe_has_a_section_and_every_section_a_recipe(page: str) -> None:
    linked = set(re.findall(r"\]\(\.\./examples/boot_gate/([^)]*)\)", page))
    assert linked == {path.name for path in recipes.FOLDER.iterdir()}


def test_links_lead_somewhere(page: str, checkout: Path) -> None:
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.*)$", page, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]*)\)", page):
        assert target[1:] in anchors if target.startswith("#") else (checkout / "docs" / target).exists(), target


def test_the_codes_are_those_of_the_gate(page: str) -> None:
    named = {int(code) for code in re.findall(r"\b(\d\d): \w+", page)}
    assert named == {fault.exit_code for fault in FAULTS.values()}


def test_every_option_is_one_of_the_gate(page: str) -> None:
    gate = recipes.options("check") | recipes.options("exec")
    others = {"--wait"}  # of docker compose up, too
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page)) <= gate | others
