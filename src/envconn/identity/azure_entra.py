"""Microsoft Entra's tokens for a login, by azure-identity: of a workload, an application, a machine or a person.

The chain of `DefaultAzureCredential` is shortened by the library's own variable, ``AZURE_TOKEN_CREDENTIALS=prod``.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache

from azure.identity import DefaultAzureCredential

from envconn.connection import Secret
from envconn.identity.methods import METHODS
from envconn.identity.tokens import Token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.identity.methods import Target


def make(target: Target, identity: int) -> Token:
    """Return a token for `target` of the process's identity, which `identity` is a number for.

    Raises:
        Exception: whatever azure-identity raises.
    """
    found = _credential(identity).get_token(METHODS[target.word].scope)
    return Token(Secret(found.token), found.expires_on - time.time())


@lru_cache(1)
def _credential(_: int) -> DefaultAzureCredential:
    # Service Connector sets this name in place of AZURE_CLIENT_ID, which azure-identity reads.
    client = os.environ.get("AZURE_POSTGRESQL_CLIENTID") or os.environ.get("AZURE_CLIENT_ID")
    return DefaultAzureCredential(managed_identity_client_id=client)
