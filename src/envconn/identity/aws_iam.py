"""Amazon's tokens for a login, signed by botocore: a URL with a signature of version 4 in its query, without a scheme.

The same text as that of ``generate_db_auth_token``, which needs a client (90 ms) and does not compare region and host.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

from envconn.connection import Secret
from envconn.families import POSTGRESQL, REDIS
from envconn.identity.methods import METHODS
from envconn.identity.tokens import Token, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn.identity.methods import Target

_LIFETIME = METHODS["aws-iam"].lifetime


def make(target: Target, identity: int) -> Token:
    """Return a token for `target`, signed with the credentials of the process; `identity` is a number for these.

    Raises:
        Unavailable: there are no credentials.
        Exception: whatever botocore raises.
    """
    credentials = _credentials(identity)
    place, service, query = _REQUESTS[target.family](target)
    request = AWSRequest("GET", f"https://{place}/?{urlencode(query)}")
    SigV4QueryAuth(credentials.get_frozen_credentials(), service, target.region, expires=_LIFETIME).add_auth(request)
    return Token(Secret(request.url.removeprefix("https://")), min(_LIFETIME, _left(credentials)))


def _database(target: Target) -> tuple[str, str, dict[str, str]]:
    """Return the place, the service that is signed for, and the query."""
    return f"{target.host}:{target.port}", "rds-db", {"Action": "connect", "DBUser": target.user}


def _cache(target: Target) -> tuple[str, str, dict[str, str]]:
    """Return the same for ElastiCache, which signs the name of the cache: a part of the endpoint's."""
    query = {"Action": "connect", "User": target.user}
    first, second, *_ = [*target.host.split("."), ""]
    if first in {"master", "replica", "clustercfg"}:
        return second, "elasticache", query
    return first.rpartition("-")[0], "elasticache", {**query, "ResourceType": "ServerlessCache"}


_REQUESTS = {POSTGRESQL: _database, REDIS: _cache}


def _credentials(identity: int) -> Any:
    """Return the credentials, which botocore refreshes; found once for each `identity`."""
    if (found := _known.get(identity)) is None:
        found = Session().get_credentials()
        if found is None:
            raise Unavailable(_NONE)
        _known.clear()
        _known[identity] = found
    return found


_known: dict[int, Any] = {}
_NONE = (
    "no credentials were found. Give the process a role (task, pod, function or instance), or set AWS_ACCESS_KEY_ID "
    "and AWS_SECRET_ACCESS_KEY"
)


def _left(credentials: Any) -> float:
    """Return for how many seconds `credentials` are valid; botocore tells it of those that it refreshes."""
    end = getattr(credentials, "_expiry_time", None)
    return float("inf") if end is None else end.timestamp() - time.time()
