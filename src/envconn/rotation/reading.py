"""The way from the arguments of `envconn.load` to an assembly, kept to be gone again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.assembly import assemble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.assembly import Assembly
    from envconn.sources import Dotenv
    from envconn.tls import Policy
    from envconn.tls.supplied import Supplier

__all__ = ["reader"]


def reader(
    environ: Mapping[str, str] | None, dotenv: Dotenv, policy: Policy | None, passwords: Mapping[str, Supplier] | None
) -> Callable[[], Assembly]:
    """Return a function that assembles what the arguments of `envconn.load` lead to at the time of its call.

    Its `repr` shows none of them.
    """

    def read() -> Assembly:
        assembly = assemble(environ, dotenv, policy)
        if not passwords:
            return assembly
        from envconn.rotation.passwords import supplied

        return supplied(assembly, passwords)

    return read
