"""Google's tokens for a login, by google-auth: of a service account, a workload elsewhere, or a metadata server."""

from __future__ import annotations

import time
from datetime import UTC
from functools import lru_cache
from typing import Any

from google import auth
from google.auth.transport.requests import Request

from envconn.connection import Secret
from envconn.identity.methods import METHODS
from envconn.identity.tokens import Token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.identity.methods import Target


def make(target: Target, identity: int) -> Token:
    """Return a token for `target` of the process's identity, which `identity` is a number for.

    Raises:
        Exception: whatever google-auth raises.
    """
    credentials = _credentials(identity, METHODS[target.word].scope)
    if not credentials.valid:
        credentials.refresh(Request())
    # Its moments have no zone, and are in UTC.
    return Token(Secret(credentials.token), credentials.expiry.replace(tzinfo=UTC).timestamp() - time.time())


@lru_cache(1)
def _credentials(_: int, scope: str) -> Any:
    return auth.default(scopes=[scope])[0]
