"""A pytest plugin for applications that use envconn: ``pytest_plugins = ["envconn.testing"]``.

- `envconn_environment`: a fixture, an environment in which nothing of this machine has a say;
- `sample`: the variables that a platform sets, with credentials that open nothing;
- `postgres_tls`: a fixture that starts servers which speak TLS with right and wrong certificates; `stand_in` without
  pytest's fixtures;
- a guard that ends a session before it begins where the environment leads to a database that is not for tests.

It is loaded by name and no entry point of pytest's (``pytest11``). That would put a guard that refuses sessions, and an
import of envconn before coverage is measured, into every run of everybody who has envconn installed.

PYTEST_DONT_REWRITE: there are no assertions in here, and a ``conftest.py`` may import it before pytest does.
"""

from __future__ import annotations

from envconn.testing.environment import IsolatedEnvironment, envconn_environment
from envconn.testing.guard import pytest_addoption, pytest_sessionstart
from envconn.testing.postgres import (
    STATES,
    Client,
    PostgresTLS,
    StandIn,
    envconn_authority,
    postgres_tls,
    stand_in,
)
from envconn.testing.samples import providers, sample

__all__ = [
    "STATES",
    "Client",
    "IsolatedEnvironment",
    "PostgresTLS",
    "StandIn",
    "envconn_authority",
    "envconn_environment",
    "postgres_tls",
    "providers",
    "pytest_addoption",
    "pytest_sessionstart",
    "sample",
    "stand_in",
]
