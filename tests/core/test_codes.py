"""The table of codes has every code of the source, and none that the source does not use."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import pytest

from codes import in_findings, in_notes, in_problems, words
from envconn import TlsLevel
from envconn.codes import SECTIONS
from envconn.identity.methods import METHODS
from envconn.probe import FAULTS
from envconn.providers import all_providers
from envconn.providers.table import TABLE
from envconn.remote.api_errors import REMOTE_FAULTS as REMOTE
from envconn.sources.order import FETCHED

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.checkout

# A CA's file is read like any other; what is wrong with it has a code of its own.
MADE = {"ca-binary", "ca-directory", "ca-special", "ca-too-large", "ca-unreadable"}

# In two sections.
TWICE = {"default-role", "driver-missing", "endpoint-differs", "secrets-unlisted"}

# What has a hyphen and is no code: words of clients and formats.
OTHERS = {
    *(
        "json-unless-none",
        "node-postgres",
        "py-amqp",
        "redis-cli",
        "redis-py",
        "valkey-cli",
        "scram-sha-256",
        "latin-1",
        "utf-16-be",
        "utf-8",
    ),
    *("osc-fr1", "public-rw", "private-peering-rw", "reset-default", "retry-after", "accept-encoding", "content-type"),
    *("no-verify", "prefer-standby", "read-only", "read-write"),
    *("ssl-ca", "ssl-cert", "ssl-crl", "ssl-key", "ssl-mode", "ssl-root-cert", "statement-cache-capacity"),
    *("cloud-foundry", "django-cache", "django-db", "redis-cluster"),
    *("compute-1", "us-east-1"),
    *("app-service", "aurora-mysql", "aurora-postgresql", "private-key"),
    *("azure-identity", "envconn-token", "google-auth", "rds-db"),
    *METHODS,
    *(level.sslmode for level in TlsLevel),
    *(provider.name for provider in all_providers()),
    *(region for provider in all_providers() for region in provider.regions.values()),
    *TABLE,
    *FETCHED,
}

NOTES = ("About the environment", "About live servers")
OTHER = ("Live servers", "Providers' APIs", "Programs", "Django's checks")
ENVIRONMENT = tuple(title for title in SECTIONS if title not in {*NOTES, *OTHER})


def of(*titles: str) -> set[str]:
    """Return the codes of these sections."""
    return {code for title in titles for code in SECTIONS[title]}


def test_page_is_the_one_that_the_table_makes(checkout: Path) -> None:
    script = runpy.run_path(str(checkout / "docs" / "generate.py"))
    page = (checkout / "docs" / "codes.md").read_text(encoding="utf-8")
    assert script["codes_page"]() == page, "run tests/pages"


def test_every_problem_is_in_the_table() -> None:
    environment, programs = of(*ENVIRONMENT), of("Programs")
    elsewhere = {*FAULTS, *of("Providers' APIs", *NOTES), *in_findings()}
    problems = in_problems() | words() - OTHERS
    assert (environment | programs) - MADE - TWICE == problems - elsewhere
    assert environment >= MADE
    assert not environment & programs
    assert len(environment) == sum(len(SECTIONS[title]) for title in ENVIRONMENT), "a code is there twice"


def test_every_live_fault_is_in_the_table() -> None:
    assert of("Live servers") == FAULTS.keys()


def test_every_fault_of_an_api_is_in_the_table() -> None:
    assert of("Providers' APIs") == {*REMOTE, "env-file-unwritable"}


def test_every_note_is_in_the_table() -> None:
    assert in_notes() - FAULTS.keys() <= of(*NOTES) <= in_notes() | words()


def test_every_finding_of_django_is_in_the_table() -> None:
    assert of("Django's checks") == in_findings()


def test_every_code_says_what_it_means_and_what_to_do() -> None:
    for title, codes in SECTIONS.items():
        for code, entry in codes.items():
            assert entry.cause.endswith((".", ")")) or code in {*FAULTS, *REMOTE}, code
            assert entry.remedy.endswith((".", ")")) or title in NOTES, code
            assert bool(entry.example) == bool(entry.corrected), code
