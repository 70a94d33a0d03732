"""Metrics: what is counted, and with which labels."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.conftest import DIALECT, TIME, World
from tests.support.subscriptions import complete, opened, wait_until

pytestmark = pytest.mark.slow


def metrics(url: str) -> dict[str, float]:
    page = httpx2.get(f"{url}/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    lines = (line.rpartition(" ") for line in page.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def at_rest(found: dict[str, float], workers: int) -> bool:
    """Whether there is one subscriber, the database is idle, and each worker has a connection to it."""
    if DIALECT == "sqlite":
        return found["recourse_subscribers"] == 1
    busy, idle = (found[f'recourse_pool_connections{{pool="default",state="{state}"}}'] for state in ("busy", "idle"))
    return (found["recourse_subscribers"], busy) == (1, 0) and idle >= workers


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_and_connections_are_counted_over_all_workers(
    serve: Callable[..., Any], world: World, workers: int
) -> None:
    order, paid = complete(world), world.order(paidAt=9)
    with serve(workers=workers) as [url], world.buyer.elsewhere(url) as buyer:
        for _ in range(20):  # new connections, which spread over the workers
            asked = {"query": TIME["query"], "extensions": {"clientLibrary": {"name": "shop"}}}
            headers = {"Authorization": f"Bearer {buyer.token}"}
            assert httpx2.post(f"{url}/graphql", json=asked, headers=headers, timeout=30).status_code == 200
        assert buyer.refused("cancelOrder", {"orderId": paid, "reason": "OTHER"}) == "ALREADY_PAID"
        buyer.answer("{ nothing }")
        with opened(url, buyer) as watching:
            watching.watch("subscription($id: ID!) { orderChanged(orderId: $id) { id } }", id=order)
            watching.ask("query OnSocket { serverTime }")
            wait_until(lambda: at_rest(metrics(url), workers))  # each worker samples at its own time
            found = metrics(url)
    assert found['recourse_requests_total{client="shop",code="",operation="Clock"}'] == 20
    assert found['recourse_requests_total{client="",code="",operation="OnSocket"}'] == 1
    assert found['recourse_requests_total{client="",code="BAD_REQUEST",operation=""}'] == 1
    assert found['recourse_refusals_total{action="CANCEL_ORDER",reason="ALREADY_PAID"}'] == 1
    assert found['recourse_request_seconds_count{operation="Clock"}'] == 20


@pytest.mark.either
def test_names_from_outside_are_bounded(serve: Callable[..., Any], world: World) -> None:
    with serve() as [url], world.buyer.elsewhere(url) as buyer:
        for place in range(100):  # a request without a token adds no client label
            httpx2.post(f"{url}/graphql", json=TIME, headers={"apollographql-client-name": f"stranger-{place}"})
        for place in range(300):
            buyer.ask(f"query Q{place} {{ serverTime }}")
        buyer.ask(f"query {'Q' * 1000} {{ serverTime }}")
        buyer.send(TIME | {"operationName": "Clock"}, **{"graphql-client-name": "phone"})
        counted = {name: value for name, value in metrics(url).items() if name.startswith("recourse_requests_total")}
    assert counted['recourse_requests_total{client="other",code="UNAUTHENTICATED",operation=""}'] == 100
    assert counted['recourse_requests_total{client="",code="",operation="other"}'] == 101
    assert counted['recourse_requests_total{client="phone",code="",operation="other"}'] == 1
    assert len(counted) == 203


@pytest.mark.either
def test_streams_are_counted_by_what_came_of_them(serve: Callable[..., Any], world: World) -> None:
    with serve() as [url], world.buyer.elsewhere(url) as buyer:
        for query in ("query Good { serverTime }", "query Bad { nothing }"):
            answer = buyer.send({"query": query}, Accept="text/event-stream")
            assert answer.headers["content-type"].startswith("text/event-stream")
        counted = metrics(url)
    assert counted['recourse_requests_total{client="",code="",operation="Good"}'] == 1
    assert counted['recourse_requests_total{client="",code="BAD_REQUEST",operation=""}'] == 1
    assert not any(name.startswith("recourse_request_seconds") for name in counted)
