"""The language and the zone of a response: how they are chosen, and what is said in them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import orjson
import pytest
from babel.messages.pofile import read_po

from resolvers.language import LANGUAGES, catalogue
from tests.conftest import DAY, NOW, Server, World
from tests.server.test_websocket import dial, greet

DECISION = "query($id: ID!) { node(id: $id) { ... on Order { decision(action: LEAVE_FEEDBACK) { label message } } } }"


def translation(tag: str, sentence: str) -> str:
    if tag == "en":
        return sentence
    with catalogue(tag).open("rb") as file:
        message = read_po(file, charset="utf-8").get(sentence)
    assert message is not None
    return str(message.string)


@pytest.mark.parametrize(
    ("accept", "tag"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("nonsense", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-CH-1996", "de"),
        ("es-419", "es"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-CN", "zh-Hans"),
        ("zh-TW", "zh-Hans"),
        ("ar-EG", "ar"),
        ("fr;q=0.5, de;q=0.8", "de"),
        ("fr, de", "fr"),
        ("pt-BR, fr;q=0.3", "fr"),
        ("pt, *;q=0.1", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=0", "en"),
        ("de;q=2", "en"),
        ("de;q=0.1234", "en"),
        ("en-US, de;q=0.9", "en"),
        (", ,;q=1, fr", "fr"),
        ("d" * 5000, "en"),
    ],
)
def test_the_language_is_the_most_preferred_one_that_the_server_speaks(
    world: World, accept: str | None, tag: str
) -> None:
    headers = {} if accept is None else {"Accept-Language": accept}
    answer = world.buyer.send({"query": DECISION, "variables": {"id": world.order()}}, **headers)
    assert answer.headers["content-language"] == tag
    assert {"Accept-Language", "Time-Zone"} <= set(", ".join(answer.headers.get_list("vary")).split(", "))
    english = "The order is not complete yet. Feedback can be left once it is."
    assert answer.json()["data"]["node"]["decision"]["message"] == translation(tag, english)


@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        (None, "12 May 2026, 12:00 UTC"),
        ("UTC", "12 May 2026, 12:00 UTC"),
        ("Europe/Berlin", "12 May 2026, 14:00"),
        ("Asia/Kathmandu", "12 May 2026, 17:45"),
        ("Pacific/Kiritimati", "13 May 2026, 02:00"),
        ("Mars/Olympus", "12 May 2026, 12:00 UTC"),
        ("Europe", "12 May 2026, 12:00 UTC"),
        ("../../etc/passwd", "12 May 2026, 12:00 UTC"),
        ("z" * 5000, "12 May 2026, 12:00 UTC"),
    ],
)
def test_an_instant_is_told_in_the_viewers_zone_or_in_utc_which_is_said(
    world: World, zone: str | None, instant: str
) -> None:
    closed = NOW.replace(year=2026, month=5, day=12, hour=12, minute=0)
    order = world.order(completedAt=(NOW - closed + 60 * DAY) / DAY)
    headers = {} if zone is None else {"Time-Zone": zone}
    answer = world.buyer.at(closed + DAY).send({"query": DECISION, "variables": {"id": order}}, **headers)
    assert answer.json()["data"]["node"]["decision"]["message"] == f"Feedback could be left until {instant}."


def test_amounts_and_numbers_are_written_as_the_language_does(world: World) -> None:
    def message(tag: str, input: dict[str, Any], mutation: str) -> str:
        document = f"mutation($input: {mutation[0].upper()}{mutation[1:]}Input!) {{ {mutation}(input: $input)"
        body = {"query": f"{document} {{ userErrors {{ message }} }} }}", "variables": {"input": input}}
        [error] = world.buyer.send(body, **{"Accept-Language": tag}).json()["data"][mutation]["userErrors"]
        return error["message"]

    order = world.order(paidAt=1, amountPaid={"amount": "100.00", "currencyCode": "USD"})
    much = {"amount": "1234.50", "currencyCode": "USD"}
    claim = {"orderId": order, "reason": "DAMAGED", "description": "x", "wanted": "REFUND", "claim": much}
    assert "US$100.00" in message("en", claim, "openDispute")
    assert "100,00\u00a0$" in message("de", claim, "openDispute")
    long = {"orderId": order, "ratings": {"overall": 1}, "comment": "x" * 4001}
    assert "4,000" in message("en", long, "leaveFeedback")
    assert "4.000" in message("de", long, "leaveFeedback")


def test_requests_at_the_same_time_do_not_mix_their_languages(world: World) -> None:
    order = world.order()

    def said(place: int) -> tuple[str, str]:
        tag = list(LANGUAGES)[place % len(LANGUAGES)]
        body = {"query": DECISION, "variables": {"id": order}}
        return tag, world.buyer.send(body, **{"Accept-Language": tag}).json()["data"]["node"]["decision"]["label"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(said, range(120)))
    assert set(answers) == {(tag, translation(tag, "Feedback")) for tag in LANGUAGES}


def test_a_socket_speaks_the_language_of_its_greeting(server: Server, world: World) -> None:
    order = world.order()
    greeting = {"authorization": f"Bearer {world.buyer.token}", "acceptLanguage": "fr-CA", "timeZone": "Asia/Tokyo"}
    with dial(server) as connection:
        greet(connection, **greeting)
        connection.recv(5)
        payload = {"query": DECISION, "variables": {"id": order}}
        connection.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode())
        answer = orjson.loads(connection.recv(5))
    assert answer["payload"]["data"]["node"]["decision"]["label"] == translation("fr", "Feedback")


def test_a_stream_speaks_the_language_of_its_request(server: Server, world: World) -> None:
    changed = "orderChanged(orderId: $id, initial: true) { decision(action: LEAVE_FEEDBACK) { label } }"
    headers = {
        "Authorization": f"Bearer {world.buyer.token}",
        "Accept": "text/event-stream",
        "Accept-Language": "es",
    }
    body = {"query": f"subscription($id: ID!) {{ {changed} }}", "variables": {"id": world.order()}}
    with httpx2.stream("POST", f"{server.url}/graphql", json=body, headers=headers) as answer:
        assert answer.headers["content-language"] == "es"
        line = next(line for line in answer.iter_lines() if line.startswith("data:") and "orderChanged" in line)
    assert translation("es", "Feedback") in line


def test_the_languages_can_be_listed(world: World) -> None:
    listed = world.buyer.ask("{ languages { tag name isRightToLeft } }")["languages"]
    assert {"tag": "ar", "name": "العربية", "isRightToLeft": True} in listed
    assert [language["tag"] for language in listed] == ["en", "es", "zh-Hans", "fr", "de", "ar"]
