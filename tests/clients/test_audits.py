"""Runs the audits of the package graphql-http against a server."""

import pytest

from tests.conftest import World
from tests.support.node import Clients

pytestmark = [pytest.mark.slow, pytest.mark.either]

AUDITS = 61


def test_every_audit_is_passed(clients: Clients, world: World) -> None:
    with clients.start("audits", world.buyer.token) as running:
        told = running.rest()
    for audit in told:
        print(audit["id"], audit["status"], audit["name"])  # noqa: T201
    failed = {audit["name"]: audit["reason"] for audit in told if audit["status"] != "ok"}
    assert failed == {}
    assert len({audit["id"] for audit in told}) == AUDITS
