"""Write docs/comparison.md from the table that tests/integrations/test_comparison.py tries; ``tests/pages`` runs it."""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

TARGET = Path(__file__).with_suffix(".md")
ROOT = TARGET.parents[1]
sys.path.append(str(ROOT / "tests" / "live"))

from url_readers import CONVINCING, GOOD, OTHERS, READERS, TLS  # noqa: E402 - it is found there

if TYPE_CHECKING:
    from collections.abc import Iterable

    from url_readers import Row

_HEAD = """\
# Compared with other libraries

The same environments, read by {names}
and envconn, through Django's PostgreSQL backend (pydantic-settings has none: its `PostgresDsn` goes
to psycopg). A test tries every cell, against real servers and one that claims to have no TLS, and fails for each that
differs: correct `tests/live/url_readers.py`, never this page. Hosts count as remote.
[From dj-database-url](from-dj-database-url.md) and [from django-environ](from-django-environ.md) say what to change.

Versions: {versions}.

| in a cell | is |
| --- | --- |
| TLS | connected, encrypted |
| ok | every part is understood as it is meant; nothing is contacted |
| refused at start | an error when the settings are read |
| the driver refuses | an error at the first connection, or when Django prepares it |
| no database | the settings are accepted, without a database |
| shows the password | in the error or in a warning |

## Where it matters

"""
_OTHERS = """
`ssl_require=True` stops every one of the unencrypted connections. Its price: it replaces `verify-full` by `require`, so
that the certificate of another host is accepted, and SQLite fails.

## More environments

"""
_TAIL = """
## Where another library is nicer

- All four accept `@` in a password that is not encoded, and django-environ `#`;
  envconn refuses both, because no two readers agree on what such a URL means, and says what to write.
- django-environ and environs also read e-mail settings, lists, booleans and numbers. envconn reads connections
  only; they work beside each other.
- environs expands `${NAME}` inside a value of a `.env` file. envconn follows a value that is one reference, and
  refuses the others.
- dj-database-url is one module without dependencies besides Django.
- A `redis://` URL to another machine works elsewhere. envconn refuses it until it is `rediss://`, or
  `ENVCONN_TLS_WAIVE` names the host.
"""


def page() -> str:
    """Return the text of docs/comparison.md."""
    names = [name for name in READERS if "=" not in name and name != "envconn"]
    head = _HEAD.format(names=", ".join(names), versions=", ".join(map(_version, (*names, "django", "psycopg"))))
    return head + _table(CONVINCING) + _OTHERS + _table(OTHERS) + _TAIL


def _version(name: str) -> str:
    pinned = (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{name}==([^ ;]+)", pinned, re.MULTILINE)
    return f"{name} {found[1]}" if found else name


def _table(rows: Iterable[Row]) -> str:
    lines = [("environment", *READERS), ("---",) * (len(READERS) + 1)]
    lines += [(row.title, *(f"**{cell}**" if _is_bad(cell) else cell for cell in row.cells)) for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _is_bad(cell: str) -> bool:
    return cell not in {GOOD, TLS} and any(word in cell for word in ("unencrypted", "another host", "misread", "shows"))


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
