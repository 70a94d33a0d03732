"""Rate limits of accounts and addresses."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from limits import parse
from limits.strategies import SlidingWindowCounterRateLimiter as Limiter

from models.keys import new_id
from server import rate_limits
from tests.conftest import TIME, Server, World, codes
from tests.support.processes import start
from tests.support.subscriptions import opened
from tests.support.valkey import valkey

pytestmark = pytest.mark.either


def test_an_account_asks_so_often_and_no_more(serve: Callable[..., Any], world: World) -> None:
    with serve(rate_per_account="5/hour") as [url], world.buyer.elsewhere(url) as buyer:
        answers = [buyer.send(TIME) for _ in range(7)]
        assert codes(answers) == [None] * 5 + ["RATE_LIMITED"] * 2
        assert answers[-1].status_code == 429
        assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
        with world.supplier.elsewhere(url) as supplier:
            assert supplier.send(TIME).status_code == 200
        with opened(url, buyer) as watching:  # counted together
            watching.subscribe("{ serverTime }")
            [error] = watching.receive()["payload"]
            assert error["extensions"]["code"] == "RATE_LIMITED"


def test_an_address_asks_so_often_and_no_more(serve: Callable[..., Any], world: World) -> None:
    with serve(rate_per_address="5/hour") as [url], world.buyer.elsewhere(url) as buyer:
        answers = [buyer.send(TIME, Authorization="Bearer nonsense") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {401}
        assert buyer.send(TIME).status_code == 429
        assert httpx2.get(f"{url}/files/{new_id().hex}").status_code == 429
        assert httpx2.get(f"{url}/healthz").status_code == 200
        with pytest.raises(Exception, match="429"), opened(url, buyer):
            pass


@pytest.mark.slow
def test_nodes_count_together_where_they_share_a_store(serve: Callable[..., Any], world: World) -> None:
    with (
        valkey() as (store, stop),
        serve(2, rate_per_account="10/hour", rate_store=store) as (here, there),
        world.buyer.elsewhere(here) as buyer,
        world.buyer.elsewhere(there) as same,
    ):
        answers = [person.send(TIME) for _ in range(6) for person in (buyer, same)]
        assert codes(answers) == [None] * 10 + ["RATE_LIMITED"] * 2
        stop()
        began = time.monotonic()
        assert codes([buyer.send(TIME) for _ in range(5)]) == [None] * 5  # without the store, all requests pass
        assert time.monotonic() - began < 5


def test_what_has_expired_is_cleared_now_and_then() -> None:
    """The library's own store would search all its entries at each request."""
    memory, rate = rate_limits.in_memory(), parse("1/hour")
    limiter = Limiter(memory)
    for place in range(100):
        assert limiter.hit(rate, "account", str(place))
    memory.expirations = dict.fromkeys(memory.expirations, 0.0)
    assert limiter.hit(rate, "account", "a moment later")
    assert len(memory.storage) == 101
    vars(memory)["_MemoryStorage__schedule_expiry"].due_at = 0.0
    assert limiter.hit(rate, "account", "a while later")
    assert len(memory.storage) == 2


@pytest.mark.slow
def test_malformed_rates_are_refused(server: Server) -> None:
    for wrong in ({"rate_per_account": "often"}, {"rate_store": "ftp://somewhere"}):
        process = start(server.settings.database, str(server.settings.files_url), **wrong)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "The settings are not valid" in said
