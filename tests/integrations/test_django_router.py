"""The router: an object goes where it came from, and a read that follows a write stays on the primary."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.db.models.base import ModelState

from envconn_django import ReplicaRouter
from throwaway import postgres
from throwaway.process import wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from project import Project
    from throwaway.certificates import Certificates


def instance_of(alias: str | None) -> object:
    state = ModelState()
    state.db = alias
    return SimpleNamespace(_state=state)


@pytest.mark.parametrize("alias", [None, "default", "replica", "replica_2"])
def test_an_object_of_the_default_database_is_written_to_the_primary(alias: str | None) -> None:
    assert ReplicaRouter().db_for_write(object, instance=instance_of(alias)) == "default"


@pytest.mark.parametrize("alias", ["analytics", "analytics_replica", "replicas", "replica_x", "default_2", "direct"])
def test_an_object_of_another_database_is_left_to_other_routers(alias: str) -> None:
    router, instance, ours = ReplicaRouter(), instance_of(alias), instance_of("default")
    assert router.db_for_read(object, instance=instance) is None
    assert router.db_for_write(object, instance=instance) is None
    assert router.allow_relation(instance, ours) is None
    assert router.allow_relation(ours, instance) is None


@pytest.fixture(scope="module")
def replicated(certificates: Certificates) -> Iterator[dict[str, str]]:
    """The variables of a primary and of a real replica, which no longer applies what is written to the primary."""
    tls = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    with postgres.template() as prepared, prepared.running(certificates.good) as primary:
        rules = primary.home / "data" / "pg_hba.conf"
        rules.write_text(f"{rules.read_text()}hostssl replication all 127.0.0.0/8 scram-sha-256\n", encoding="ascii")
        with psycopg.connect(primary.uri(**tls), autocommit=True) as admin:
            admin.execute("select pg_reload_conf()")
            admin.execute("create table website_visit (id bigserial primary key, path text, at timestamptz)")
        # A second copy of the data that the primary was started on can follow it.
        data = prepared.directory / "data"
        (data / "standby.signal").touch()
        prepared.account.own(data / "standby.signal")
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            # Not fewer than where the data was made, or it does not start.
            settings.write("max_connections = 100\n")
            settings.write(f"primary_conninfo = 'host=localhost port={primary.port} user={primary.user} ")
            settings.write(f"password={primary.password} sslmode=require'\n")
        with prepared.running(certificates.good) as replica:
            with psycopg.connect(replica.uri(**tls), autocommit=True) as reader:
                wait(lambda: is_there(reader), "the replica", seconds=20)
                reader.execute("select pg_wal_replay_pause()")
            yield {"DATABASE_URL": primary.uri(**tls), "DATABASE_REPLICA_URL": replica.uri(**tls)}


def is_there(reader: psycopg.Connection[tuple[object]]) -> bool:
    return reader.execute("select to_regclass('website_visit')").fetchone() != (None,)


PIN = """
import time
from django.conf import settings
from django.db import connection, connections, transaction
from website.models import Visit
from envconn_django import router
def place():
    return str([visit._state.db for visit in Visit.objects.all()] or "lag")
"""
"""`place()` reads: ``lag`` is the answer of the replica, which is empty."""


def said(project: Project, code: str, variables: dict[str, str]) -> list[str]:
    done = project.python(f"{PIN}\n{code}", **variables)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


WRITES = (
    "Visit.objects.create(path='/')",
    "Visit(path='/').save(using='default')",
    "Visit.objects.using('default').bulk_create([Visit(path='/')])",
    "Visit.objects.update(path='/')",
    "Visit.objects.using('default').update(path='/')",
    "connection.cursor().execute('insert into website_visit (path) values (%s)', ['/'])",
    "connection.cursor().execute('WITH x AS (select 1) INSERT INTO website_visit (path) SELECT %s FROM x', ['/'])",
    "connection.cursor().execute('EXPLAIN ANALYZE UPDATE website_visit SET path = %s', ['/'])",
)
READS = (
    "Visit.objects.using('default').count()",
    "Visit.objects.using('default').exists()",
    "[*Visit.objects.using('default').iterator()]",
    "connection.cursor().execute('  (select 1)')",
    "connection.cursor().execute('show all')",
    "transaction.atomic(lambda: Visit.objects.count())()",
    "transaction.atomic(transaction.atomic(lambda: Visit.objects.count()))()",
    "connections['replica'].cursor().execute('select 1')",
)
LOOP = "for each in {!r}:\n    router._written.set(-router.inf)\n    before = place()\n    exec(each)\n"


def test_a_read_after_a_write_stays_on_the_primary(project: Project, replicated: dict[str, str]) -> None:
    seen = said(project, f"{LOOP.format(WRITES)}    print(before, 'lag' in place())", replicated)
    assert seen == ["lag False"] * len(WRITES)


def test_a_read_after_a_read_does_not(project: Project, replicated: dict[str, str]) -> None:
    assert said(project, f"{LOOP.format(READS)}    print(before, place())", replicated) == ["lag lag"] * len(READS)


ENDS = """
from types import SimpleNamespace
now, SECONDS = 1000.0, 5.0
router.time = SimpleNamespace(monotonic=lambda: now)

def sleep(seconds):
    global now
    now += seconds

def wrote(how, wait=0):
    router._written.set(-router.inf)
    try:
        with transaction.atomic():
            with transaction.atomic():
                Visit.objects.create(path="/")
            inside = place()
            sleep(wait)
            if how == "error":
                raise ValueError
    except ValueError:
        pass
    print(how, "lag" in inside, "lag" in place(), end=" ")
    sleep(0.9 * SECONDS)
    print("lag" in place(), end=" ")
    sleep(2 * SECONDS)
    print("lag" in place())

wrote("commit")
wrote("long", 2 * SECONDS)
wrote("error")
Visit.objects.create(path="/")
sleep(2 * SECONDS)
print(place())
connection.set_autocommit(False)
print("lag" in place())
Visit.objects.create(path="/")
sleep(2 * SECONDS)
print("lag" in place())
connection.commit()
connection.set_autocommit(True)
print("lag" in place())
"""


@pytest.mark.measured
def test_the_time_begins_when_the_transaction_has_ended(project: Project, replicated: dict[str, str]) -> None:
    """The first read afterwards begins it, so that a read long after a transaction is on the primary, too."""
    assert said(project, ENDS, replicated) == [
        *("commit False False False True", "long False False False True", "error False False False True"),
        *("lag", "False", "False", "False"),
    ]


FIRST = """
with transaction.atomic():
    connection.cursor().execute("update website_visit set path = ''")
print("lag" in place())
"""


def test_what_is_written_before_any_model_is_used_counts(project: Project, replicated: dict[str, str]) -> None:
    assert said(project, FIRST, replicated) == ["False"]


WRAPPED = """
seen = []
def other(execute, *arguments):
    seen.append(1)
    return execute(*arguments)

connections.close_all()
with connection.execute_wrapper(other):
    Visit.objects.count()  # this opens the replica
    Visit.objects.using("default").count()  # and this the primary
before = len(seen)
router._written.set(-router.inf)
Visit.objects.create(path="/")
print(before, len(seen), "lag" in place())
"""


def test_a_wrapper_of_the_program_does_not_remove_it(project: Project, replicated: dict[str, str]) -> None:
    """Django removes the last wrapper when the block ends, also if the connection was opened in it."""
    assert said(project, WRAPPED, replicated) == ["1 1 False"]


THREADS = """
from threading import Thread
def other(*calls):
    def run():
        for call in calls:
            call()
        connections.close_all()
    thread = Thread(target=run)
    thread.start()
    thread.join()

other(lambda: Visit.objects.create(path="/"))
print(place())
Visit.objects.create(path="/")
other(lambda: print(place()))
other(lambda: connection.cursor().execute("update website_visit set path = ''"), lambda: print("lag" in place()))
"""


def test_another_thread_reads_from_the_replica(project: Project, replicated: dict[str, str]) -> None:
    assert said(project, THREADS, replicated) == ["lag", "lag", "False"]


ASGI = """
import asyncio
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path
from asgiref.sync import sync_to_async

async def aplace():
    return str([visit._state.db async for visit in Visit.objects.all()] or "lag")

async def written(request):
    await Visit.objects.acreate(path="/")
    await asyncio.sleep(0.1)
    return HttpResponse(await aplace())

async def in_sync(request):
    await sync_to_async(transaction.atomic(lambda: Visit.objects.create(path="/")))()
    return HttpResponse(await aplace())

def synchronous(request):
    Visit.objects.create(path="/")
    time.sleep(0.1)
    return HttpResponse(place())

async def read(request):
    await asyncio.sleep(0.05)
    return HttpResponse(await aplace())

settings.ROOT_URLCONF = tuple(path(view.__name__, view) for view in (written, in_sync, synchronous, read))
settings.ALLOWED_HOSTS = ["*"]

async def asked(name):
    return (await AsyncClient().get(f"/{name}")).content.decode()

async def main():
    for answer in await asyncio.gather(*map(asked, ("read", "written", "read", "in_sync", "synchronous", "read"))):
        print("lag" in answer)
    print(await aplace())
    await sync_to_async(connections.close_all)()

asyncio.run(main())
"""


def test_each_request_of_asgi_is_on_its_own(project: Project, replicated: dict[str, str]) -> None:
    assert said(project, ASGI, replicated) == ["True", "False", "True", "False", "False", "True", "lag"]


def test_it_can_be_turned_off(project: Project, replicated: dict[str, str]) -> None:
    code = "Visit.objects.create(path='/'); print(place() == 'lag')\nwith transaction.atomic(): print('lag' in place())"
    project.settings("from envconn_django import ReplicaRouter; DATABASE_ROUTERS = [ReplicaRouter(pinned_seconds=0)]")
    done = project.python(f"{PIN}\n{code}", **replicated)
    assert done.stdout.splitlines() == ["True", "False"], done.stdout
