"""Logging in to PostgreSQL through each driver: what is refused, and what the server says once we are in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from envconn.probe.proof import Login
from envconn.records import replace
from logins import DRIVERS, MARKER, Staffed, codes, noted, staffed, tried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab
    from throwaway.certificates import Certificates


@pytest.fixture(scope="module")
def own(certificates: Certificates) -> Iterator[Staffed]:
    with staffed(certificates) as server:
        yield server


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_login(own: Staffed, driver: str) -> None:
    outcome = tried(own.uri(driver=driver))
    assert noted(outcome) == []
    login = outcome.login
    assert login is not None
    version = own.server.version
    expected = Login(driver, "plain", "postgres", version, read_only=False, superuser=False, tls=True, pooled=False)
    assert login == replace(expected, connections=login.connections, max_connections=30)
    assert login.connections
    assert 1 <= login.connections < 10


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_unix_socket(own: Staffed, driver: str) -> None:
    where = f"host={quote(str(own.server.home), safe='')}&port={own.server.port}"
    outcome = tried(f"postgresql+{driver}://plain:{MARKER}@/postgres?{where}")
    assert noted(outcome) == []
    assert outcome.login
    assert outcome.login.tls is False
    assert outcome.login.pooled is False


REFUSED = {
    "wrong password": ({"password": "wrong"}, "password-refused"),
    "unknown user": ({"user": "nobody"}, "password-refused"),
    "no login": ({"user": "nologin"}, "login-refused"),
    "no place": ({"user": "full"}, "server-full"),
    "unknown database": ({"dbname": "absent"}, "database-absent"),
    "no connect": ({"dbname": "closed"}, "permission-denied"),
    "no connections": ({"dbname": "shut"}, "permission-denied"),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused(own: Staffed, driver: str, case: str) -> None:
    stated, code = REFUSED[case]
    outcome = tried(own.uri(driver=driver, **stated))
    assert codes(outcome) == [code]
    [problem] = outcome.problems
    assert problem.variable == "DATABASE_URL"
    assert problem.exit_code == (69 if code == "server-full" else 77)
    assert "SQLSTATE" in problem.message
    assert "nobody" not in problem.message
    assert "absent" not in problem.message


@pytest.mark.parametrize("driver", DRIVERS)
def test_without_a_password(own: Staffed, driver: str) -> None:
    outcome = tried(own.uri(driver=driver).replace("Zq7xWv9kJb3", ""))
    assert codes(outcome) == ["password-refused"]
    assert "has no password" in outcome.problems[0].message


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_certificate_that_changed_since_it_was_verified(lab: Lab, certificates: Certificates, driver: str) -> None:
    for state in ("wronghost", "expired", "unknownca"):
        uri = lab[state].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
        outcome = tried(uri.replace("postgresql:", f"postgresql+{driver}:"))
        assert codes(outcome) == ["tls-failed"], state
        assert driver in outcome.problems[0].message
