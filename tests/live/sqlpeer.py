"""What Neon's proxy does with a query over HTTPS, on a real PostgreSQL: text in, JSON out, errors with their fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["run"]

_AS_JSON: dict[int, Callable[[str], Any]] = {
    16: lambda text: text == "t",
    **dict.fromkeys((20, 21, 23), int),
    **dict.fromkeys((114, 3802), json.loads),
}
_ERROR = {
    "severity": pq.DiagnosticField.SEVERITY,
    "code": pq.DiagnosticField.SQLSTATE,
    "message": pq.DiagnosticField.MESSAGE_PRIMARY,
    "detail": pq.DiagnosticField.MESSAGE_DETAIL,
    "position": pq.DiagnosticField.STATEMENT_POSITION,
}


def run(headers: Mapping[str, str], body: bytes, server: str) -> tuple[int, Any]:
    """Run what `body` says as the user in the header, on the PostgreSQL that the conninfo `server` leads to."""
    request = json.loads(body)
    who = conninfo_to_dict(headers["neon-connection-string"])
    given = {name: str(who[name]) for name in ("user", "password", "dbname") if name in who}
    try:
        connection = psycopg.connect(make_conninfo(server, **given))
    except psycopg.OperationalError:
        return 400, {"severity": "FATAL", "code": "28P01", "message": f"password wrong for {who['user']}"}
    with connection:
        parameters = [None if value is None else _text(value).encode() for value in request["params"]]
        result = connection.pgconn.exec_params(request["query"].encode(), parameters)
        if result.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
            return 400, {name: _decoded(result.error_field(number)) for name, number in _ERROR.items()}
        return 200, _answer(result, as_arrays=headers.get("neon-array-mode") == "true")


def _answer(result: pq.abc.PGresult, *, as_arrays: bool) -> dict[str, Any]:
    columns = range(result.nfields)
    names, types = [_decoded(result.fname(at)) for at in columns], [result.ftype(at) for at in columns]
    rows = [[_value(result.get_value(row, at), types[at]) for at in columns] for row in range(result.ntuples)]
    fields = [{"name": name, "dataTypeID": oid, "format": "text"} for name, oid in zip(names, types, strict=True)]
    shown = rows if as_arrays else [dict(zip(names, row, strict=True)) for row in rows]
    command = (_decoded(result.command_status) or "").split(" ")[0]
    return {"command": command, "rowCount": result.command_tuples, "rows": shown, "fields": fields}


def _value(text: bytes | None, oid: int) -> Any:
    return None if text is None else _AS_JSON.get(oid, str)(text.decode())


def _text(value: object) -> str:
    if isinstance(value, list):
        return "{" + ",".join(json.dumps(inner) for inner in value) + "}"
    return value if isinstance(value, str) else json.dumps(value)


def _decoded(text: bytes | None) -> str | None:
    return None if text is None else text.decode()
