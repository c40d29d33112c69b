"""What the router says of an object, by the database that it came from."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db.models.base import ModelState

from envconn_django import ReplicaRouter


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
