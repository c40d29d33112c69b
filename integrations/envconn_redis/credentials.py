"""The current password, as a credential provider of redis-py."""

from __future__ import annotations

import redis

from envconn.rotation.passwords import awith_current_password, with_current_password
from envconn.services import Services, database, in_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from envconn.tls import SecuredConnection


def provided(connection: SecuredConnection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arguments` for redis-py with a provider instead of user and password."""
    others = {name: value for name, value in arguments.items() if name not in {"username", "password"}}
    return {**others, "credential_provider": CredentialProvider(connection)}


class CredentialProvider(redis.CredentialProvider):
    """Returns user and password of `source` for each login, from the environment or the program's callable.

    `source` is a connection, or services whose cache is used.
    """

    def __init__(self, source: Services | SecuredConnection) -> None:
        self._source = source.cache if isinstance(source, Services) else database(source)

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the password, after the user if one is stated.

        Raises:
            PasswordUnavailable: the callable supplied none.
        """
        return _credentials(with_current_password(in_use(self._source)))

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """Do the same in a coroutine; a callable may be asynchronous."""
        return _credentials(await awith_current_password(in_use(self._source)))


def _credentials(connection: SecuredConnection) -> tuple[str] | tuple[str, str]:
    password = connection.password.reveal() if connection.password else ""
    return (connection.user, password) if connection.user else (password,)
