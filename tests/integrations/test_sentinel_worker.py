"""A real worker, whose broker and results are a Redis that sentinels name, and which another one takes over from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from celery_example import REFUSED, Example

if TYPE_CHECKING:
    from pathlib import Path

    from sentinels import Sentinels
    from servers import States
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.application

BEFORE = """
import worker
for number in range(5):
    print(worker.app.send_task("add", (number, 1), queue="later").id)
"""
AFTER = """
import worker
after = [worker.add.delay(number, 2).get(timeout=20) for number in range(5)]
worker.app.control.add_consumer("later")  # by a subscription, which has moved as well
print(after, [worker.app.AsyncResult(each).get(timeout=20) for each in ids])
"""


def test_a_fail_over_loses_nothing(
    sentinel_sets: States[Sentinels], certificates: Certificates, tmp_path: Path
) -> None:
    servers = sentinel_sets["good"]
    uri = servers.uri(database=3, ssl_ca_certs=str(certificates.ca))
    ours = Example(tmp_path, {"REDIS_URL": uri})
    with ours.working():
        assert ours.add(19, 23) == "42"
        before = ours.run(BEFORE)
        servers.fail_over()
        assert ours.run(f"ids = {before.split()}\n{AFTER}") == "[2, 3, 4, 5, 6] [1, 2, 3, 4, 5]"
    assert f"@localhost:{servers.ports[0]}/3" in ours.log
    assert servers.secret not in ours.log
    assert servers.nodes[0].password not in ours.log


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("sentinel wronghost", "Hostname mismatch"),
        ("sentinel expired", "certificate has expired"),
        ("redis wronghost", "IP address mismatch"),
        ("redis unknownca", "certificate verify failed"),
    ],
)
def test_a_worker_refuses(
    sentinel_sets: States[Sentinels], certificates: Certificates, tmp_path: Path, state: str, words: str
) -> None:
    servers = sentinel_sets[state]
    ours = Example(tmp_path, {"REDIS_URL": servers.uri(ssl_ca_certs=str(certificates.ca))})
    with ours.working(until=REFUSED):
        pass
    assert words in ours.log
    assert servers.secret not in ours.log
    assert servers.nodes[0].password not in ours.log
