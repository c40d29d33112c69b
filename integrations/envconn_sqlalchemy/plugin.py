"""SQLAlchemy's plugin with which an engine opens each connection with the current configuration of its services.

It is named among the options of an engine, so that Flask-SQLAlchemy can make the engine.
"""

from __future__ import annotations

from sqlalchemy import URL, event
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.util import await_only, greenlet_spawn

from envconn.drivers.ssl_context import remembered
from envconn.rotation.login import alogin, login
from envconn_sqlalchemy import dbapi as driving
from envconn_sqlalchemy import engine as engines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from envconn import SecuredConnection


class Plugin(CreateEnginePlugin):
    """Accepts the option ``envconn``, of type `envconn_sqlalchemy.engine.Followed`."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        self._source, self._driver, self._stated = kwargs.pop(engines.PLUGIN)

    def update_url(self, url: URL) -> URL:
        """Return `url` unchanged."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """Make `engine` open connections through `envconn.rotation.login`, with the options of ``create_engine``."""
        dialect = engine.dialect

        @remembered
        def arguments(judged: SecuredConnection) -> tuple[Any, dict[str, Any]]:
            given, named = dialect.create_connect_args(URL.create(**driving.parts(judged, self._driver)))
            extra: dict[str, Any] = engines.merged(judged, self._driver, self._stated)
            return given, {**named, **extra["connect_args"]}

        def connect(judged: SecuredConnection) -> DBAPIConnection:
            given, named = arguments(judged)
            return dialect.connect(*given, **named)

        def opened(*_: object) -> DBAPIConnection:
            if not dialect.is_async:
                return login(self._source, connect)
            return await_only(alogin(self._source, lambda judged: greenlet_spawn(connect, judged)))

        event.listen(engine, "do_connect", opened)
