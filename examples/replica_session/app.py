"""Reads go to a replica: a routing session as SQLAlchemy documents it, on the endpoints of the environment.

A session that has written reads from the primary until it ends: what it wrote may not have arrived at the replica.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, UpdateBase, text
from sqlalchemy.orm import Session

import envconn
import envconn_sqlalchemy


class RoutingSession(Session):
    """A session on the engines in `info`: ``primary`` and ``replica``."""

    def get_bind(self, mapper: Any = None, *, clause: Any = None, **_options: Any) -> Engine:  # noqa: ARG002
        """Return the engine for a statement: the primary's if it writes or locks, and from then on."""
        if self._flushing or isinstance(clause, UpdateBase) or getattr(clause, "_for_update_arg", None) is not None:
            self.info["wrote"] = True
        engine: Engine = self.info["primary" if "wrote" in self.info else "replica"]
        return engine


def engines() -> dict[str, Engine]:
    """Return the engine of the primary, and that of the replica; the same one where there is no replica."""
    services = envconn.load()
    primary = envconn_sqlalchemy.create_engine(services)
    try:
        replica = services.connection(replica=True)
    except envconn.EndpointUnavailable:  # on a developer's machine
        return {"primary": primary, "replica": primary}
    return {"primary": primary, "replica": envconn_sqlalchemy.create_engine(replica)}


if __name__ == "__main__":
    with RoutingSession(info=engines()) as session:
        print(session.scalar(text("select 'read from ' || current_setting('application_name')")))
