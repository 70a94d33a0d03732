"""Idempotency keys: a repeated mutation changes nothing and returns what was done."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx2
import orjson
import pytest

import models
from models import database
from models.enums import Role
from models.keys import new_id
from resolvers.cancellation import AcceptCancellation
from resolvers.disputes.negotiation import AcceptProposal
from resolvers.write import idempotency
from schema import SCHEMA
from tests.conftest import DAY, NOW, Person, Server, World
from tests.support.actions import INPUTS, ON_COMPLAINTS, ON_DISPUTES, REPEATABLE, everything_possible
from tests.support.uploads import bring

CALLERS = 12
MESSAGES = "dispute { messages { edges { node { text } } } }"


def key() -> str:
    return new_id().hex


def opened(world: World, **more: Any) -> dict[str, Any]:
    return INPUTS["openDispute"] | {"orderId": world.order(paidAt=9)} | more


def events(world: World, order: str) -> list[str]:
    shape = "query($id: ID!) { node(id: $id) { ... on Order { timeline { edges { node { text } } } } } }"
    return [edge["node"]["text"] for edge in world.agent.ask(shape, id=order)["node"]["timeline"]["edges"]]


# ---------------------------------------------------------------- every mutation, sent twice


def test_every_mutation_asked_again_does_nothing_again(world: World) -> None:
    """Both answers are the same in every field, and there is one event."""
    shown = {
        "Feedback": "feedback { id rating reply revisedAt }",
        "Cancellation": "cancellation { id number status }",
        "Dispute": """dispute { id number status messages { edges { node { id } } } proposals { resolution accepted }
          appeal { at text } returnShipment { status address trackingNumber } refunds { id status } }""",
        "Order": "order { id status amountRefunded { amount } refunds { status reportedMissingAt } }",
        "Complaint": "complaint { id number status messages { edges { node { id } } } }",
    }
    for mutation, (person, input) in everything_possible(world).items():
        kind = next(kind for kind in shown if _payload_of(mutation).startswith(kind))
        keyed = input | {"idempotencyKey": key()}
        shape = f"{shown[kind]} order {{ id status timeline {{ edges {{ node {{ text }} }} }} }}"
        first = person.succeed(mutation, keyed, shape)
        assert person.succeed(mutation, keyed, shape) == first, mutation
        # Without the key it is a new request, which the policy decides again.
        if mutation not in REPEATABLE:
            again = [error["code"] for error in person.do(mutation, input)["userErrors"]]
            assert again, mutation


def _payload_of(mutation: str) -> str:
    fields: Any = SCHEMA._schema.mutation_type
    return str(fields.fields[mutation].type).rstrip("!")


# ---------------------------------------------------------------- the answer to a repeat


def test_the_first_result_comes_back_as_it_stands_now(world: World) -> None:
    wish = opened(world, idempotencyKey=key())
    shape = "dispute { id status } order { dispute { id } }"
    first = world.buyer.succeed("openDispute", wish, shape)["dispute"]
    world.buyer.succeed("withdrawDispute", {"caseId": first["id"]})
    second = world.buyer.succeed("openDispute", wish | {"idempotencyKey": key()}, shape)["dispute"]
    again = world.buyer.succeed("openDispute", wish, shape)
    assert again["dispute"] == {"id": first["id"], "status": "WITHDRAWN"}
    assert again["order"]["dispute"]["id"] == second["id"] != first["id"]


def test_cancellations_and_complaints_come_back_as_well(world: World) -> None:
    asking = {"orderId": world.order("SECURE_PAYMENT"), "reason": "OTHER", "idempotencyKey": key()}
    first = world.buyer.succeed("requestCancellation", asking, "cancellation { id }")
    world.supplier.succeed("declineCancellation", {"orderId": asking["orderId"], "note": "No"})
    world.buyer.succeed("requestCancellation", asking | {"idempotencyKey": key()})
    assert world.buyer.succeed("requestCancellation", asking, "cancellation { id }") == first
    filing = INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}, "idempotencyKey": key()}
    first = world.buyer.succeed("fileComplaint", filing, "complaint { id number }")
    assert world.buyer.succeed("fileComplaint", filing, "complaint { id number }") == first


def test_files_go_with_the_first_time(world: World) -> None:
    case = world.buyer.succeed("openDispute", opened(world), "dispute { id }")["dispute"]["id"]
    post = {"caseId": case, "text": "See.", "attachments": [bring(world.buyer)], "idempotencyKey": key()}
    first = world.buyer.succeed("postDisputeMessage", post, "dispute { evidence { id } }")
    assert world.buyer.succeed("postDisputeMessage", post, "dispute { evidence { id } }") == first


# ---------------------------------------------------------------- the scope of a key


@pytest.mark.parametrize(
    "changes", [{"text": "Other"}, {"text": "Any news"}, {"attachments": []}, {"caseId": "dsp_" + "0" * 32}]
)
def test_a_key_is_for_one_input(world: World, changes: dict[str, Any]) -> None:
    case = world.buyer.succeed("openDispute", opened(world), "dispute { id }")["dispute"]["id"]
    post = {"caseId": case, "text": "Any news?", "idempotencyKey": key()}
    world.buyer.succeed("postDisputeMessage", post)
    [error] = world.buyer.do("postDisputeMessage", post | changes)["userErrors"]
    assert (error["code"], error["field"]) == ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
    assert len(world.buyer.succeed("postDisputeMessage", post, MESSAGES)["dispute"]["messages"]["edges"]) == 1


def test_a_key_is_for_one_mutation(world: World) -> None:
    case = world.buyer.succeed("openDispute", opened(world), "dispute { id }")["dispute"]["id"]
    keyed = {"caseId": case, "idempotencyKey": key()}
    world.supplier.succeed("rejectProposal", keyed)
    [error] = world.supplier.do("acceptProposal", keyed)["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_key_is_its_callers(world: World) -> None:
    case = world.buyer.succeed("openDispute", opened(world), "dispute { id }")["dispute"]["id"]
    post = {"caseId": case, "text": "Hello", "idempotencyKey": key()}
    for person in (world.buyer, world.supplier, world.agent, Person(world.http, world.agent.subject, Role.AGENT)):
        person.succeed("postDisputeMessage", post)
    found = world.buyer.ask(
        f"query($id: ID!) {{ node(id: $id) {{ ... on Dispute {{ {MESSAGES[10:-2]} }} }} }}", id=case
    )
    assert len(found["node"]["messages"]["edges"]) == 3


@pytest.mark.parametrize(("made", "other"), [("{} ", "{}"), ("\u200b{}", "{}"), ("e\u0301{}", "\u00e9{}")])
def test_a_key_is_compared_sign_for_sign(world: World, made: str, other: str) -> None:
    case = world.buyer.succeed("openDispute", opened(world), "dispute { id }")["dispute"]["id"]
    post, used = {"caseId": case, "text": "Hello"}, key()
    for each in (made, made, other):
        posted = world.buyer.succeed("postDisputeMessage", post | {"idempotencyKey": each.format(used)}, MESSAGES)
    assert len(posted["dispute"]["messages"]["edges"]) == 2


def test_a_refusal_is_not_kept(world: World) -> None:
    number = f"I-{world.buyer.subject}"
    order = world.order(number=number)
    said = {"orderId": order, "ratings": {"overall": 4}, "idempotencyKey": key()}
    assert world.buyer.refused("leaveFeedback", said) == "NOT_COMPLETED"
    world.order(number=number, completedAt=1, recordedAt=-1)
    wrong = said | {"ratings": {"areas": {"productAsAgreed": 1, "communication": 1, "shippingTime": 1}}}
    assert world.buyer.problems("leaveFeedback", wrong) == {("ratings.areas", "WRONG_FORM")}
    world.buyer.succeed("leaveFeedback", said)
    world.buyer.succeed("leaveFeedback", said)
    assert events(world, order).count("The buyer left feedback.") == 1


def test_rights_still_hold_when_it_is_asked_again(server: Server, world: World) -> None:
    order = world.order(completedAt=1)
    said = {"orderId": order, "ratings": {"overall": 4}, "idempotencyKey": key()}
    world.buyer.succeed("leaveFeedback", said)
    other = world.person(Role.BUYER)
    other.ask("{ serverTime }")

    async def give_away() -> None:
        account = await models.Account.get(subject=other.subject)
        await database.change(
            "UPDATE orders SET buyer_id = $1 WHERE buyer_id = $2".replace("$", _sign()),
            [account.id, (await models.Account.get(subject=world.buyer.subject)).id],
        )

    server.run(give_away)
    payload = world.buyer.succeed("leaveFeedback", said, "order { id } feedback { id }")
    assert (payload["order"], payload["feedback"]) == (None, None)


def _sign() -> str:
    return "$" if database.dialect() == "postgres" else "?"


@pytest.mark.parametrize(
    ("text", "problem"), [("", "REQUIRED"), (" ", "REQUIRED"), ("x" * 256, "TOO_LONG"), ("\0", "OTHER")]
)
def test_a_malformed_idempotency_key_is_refused(world: World, text: str, problem: str) -> None:
    for mutation, input in INPUTS.items():
        subject = {"caseId": "x"} if mutation in ON_DISPUTES | ON_COMPLAINTS else {"orderId": "x"}
        assert world.buyer.problems(mutation, input | subject | {"idempotencyKey": text}) == {
            ("idempotencyKey", problem)
        }
    input = INPUTS["replyToFeedback"] | {"orderId": "x", "text": "", "idempotencyKey": text}
    assert ("text", "REQUIRED") in world.buyer.problems("replyToFeedback", input)


# ---------------------------------------------------------------- concurrent repeats, and expiry


@pytest.mark.parametrize(
    ("mutation", "shown"),
    [
        ("leaveFeedback", "feedback { id }"),
        ("openDispute", "dispute { id }"),
        ("fileComplaint", "complaint { id }"),
        ("postDisputeMessage", "dispute { messages { edges { node { id } } } }"),
    ],
)
def test_twins_in_flight_do_it_once(world: World, two_processes: list[str], mutation: str, shown: str) -> None:
    keyed: dict[str, Any] = {
        "leaveFeedback": {"orderId": world.order(completedAt=1), "ratings": {"overall": 4}},
        "openDispute": opened(world),
        "fileComplaint": INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}},
        "postDisputeMessage": _post(world),
    }[mutation] | {"idempotencyKey": key()}

    def call(place: int) -> Any:
        caller = world.buyer.at(NOW)
        caller.http = httpx2.Client(base_url=two_processes[place % 2], timeout=60)
        with closing(caller.http):
            return caller.succeed(mutation, keyed, shown)

    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(call, range(CALLERS)))
    assert all(answer == answers[0] for answer in answers)
    if mutation == "postDisputeMessage":
        assert len(answers[0]["dispute"]["messages"]["edges"]) == 1


def _post(world: World) -> dict[str, Any]:
    case = world.buyer.succeed("openDispute", opened(world), "dispute { id }")["dispute"]["id"]
    return {"caseId": case, "text": "Any news?"}


def test_after_a_day_a_key_is_new_again(server: Server, world: World) -> None:
    keyed = _post(world) | {"idempotencyKey": key()}

    async def age(by: timedelta) -> None:
        for row in await models.IdempotencyKey.filter(key=keyed["idempotencyKey"]):
            await models.IdempotencyKey.filter(id=row.id).update(used_at=row.used_at - by)

    def posts() -> int:
        return len(world.buyer.succeed("postDisputeMessage", keyed, MESSAGES)["dispute"]["messages"]["edges"])

    assert [posts(), posts()] == [1, 1]
    server.run(lambda: age(idempotency.RETENTION - timedelta(minutes=1)))
    assert posts() == 1
    server.run(lambda: age(timedelta(minutes=2)))
    assert [posts(), posts()] == [2, 2]
    # Keys use real time, not the moved clock.
    later = world.buyer.at(NOW + 5 * DAY).succeed("postDisputeMessage", keyed, MESSAGES)
    assert len(later["dispute"]["messages"]["edges"]) == 2


def test_old_keys_are_cleared_away(server: Server, world: World) -> None:
    keyed = _post(world) | {"idempotencyKey": key()}
    world.buyer.succeed("postDisputeMessage", keyed)

    async def left(after: timedelta) -> int:
        row = await models.IdempotencyKey.get(key=keyed["idempotencyKey"])
        await idempotency.clear(row.used_at + after)
        return await models.IdempotencyKey.filter(key=keyed["idempotencyKey"]).count()

    assert server.run(lambda: left(idempotency.RETENTION + timedelta(hours=1))) == 1
    assert server.run(lambda: left(2 * idempotency.RETENTION + timedelta(seconds=1))) == 0


@pytest.mark.parametrize(("input", "added"), [(AcceptProposal, "proposal_id"), (AcceptCancellation, "cancellation_id")])
def test_a_key_of_the_release_before_stands_for_the_same_input(input: Any, added: str) -> None:
    """A field that is new in this release belongs to the digest only if it is sent."""
    of = {"case_id" if added == "proposal_id" else "order_id": "x"}
    said = of | {"note": None}
    before = hashlib.sha256(orjson.dumps(["X", said], option=orjson.OPT_SORT_KEYS)).hexdigest()
    action: Any = SimpleNamespace(value="X")
    assert idempotency._digest(action, input(**of)) == before
    assert idempotency._digest(action, input(**of, **{added: "seen"})) != before
