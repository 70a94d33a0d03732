"""Forms: what the mutation of an action takes now. What fits a form is taken, and what does not is INVALID_INPUT."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest

import models
from models.enums import Action
from resolvers.files.attachment import MAX_FILES_IN_A_CASE
from resolvers.write.inputs import Input, declarations, input_types
from schema.scalars import spell_instant
from tests.api.test_dispute_lines import ITEMS
from tests.api.test_evidence import MP4
from tests.conftest import DAY, MOMENT, NOW, Person, Server, World, usd
from tests.support.actions import INPUTS, MUTATIONS, everything_possible
from tests.support.disputes import Disputed
from tests.support.forms import COMPLAINT, FORM, PAID_BACK, Filler, Form, beyond, field_at, forms, holds, paths
from tests.support.inputs import document
from tests.support.subscriptions import now, opened
from tests.support.uploads import bring

ACTIONS = {mutation: action.value for action, mutation in MUTATIONS.items()}
REQUEST_ERRORS = {"left out", "several of a group"}  # they may be errors of the request, as the schema says


# ---------------------------------------------------------------- the property: the mutation takes what fits its form


def misfits(person: Person, mutation: str, form: Form, subject: dict[str, Any], filler: Filler, fits: Any) -> list[str]:
    """Returns what does not fit the form and is not refused at its place."""
    missed: list[str] = []
    for what, places, input in beyond(mutation, form, filler, fits):
        answer = person.answer(document(mutation), input=subject | input)
        if "errors" in answer:
            if what not in REQUEST_ERRORS:
                missed.append(f"{mutation}: {what} at {places}: {answer['errors']}")
            continue
        errors = answer["data"][mutation]["userErrors"]
        said = [tuple(error["field"] or ()) for error in errors if error["code"] == "INVALID_INPUT"]
        if not any(field[: len(place)] == place for field in said for place in places):
            missed.append(f"{mutation}: {what} at {places}: {errors}, {input}")
    return missed


def hold_to_its_form(
    person: Person, mutation: str, subject: dict[str, Any], form: Form, *, fills_all: bool, pick: int
) -> list[str]:
    """Sends what does not fit, then what fits. Returns what was answered otherwise than the form says."""
    filler = Filler(form, person, fills_all, pick)
    fits = filler.filled()
    missed = misfits(person, mutation, form, subject, filler, fits)
    errors = person.do(mutation, subject | fits)["userErrors"]
    return [*missed, *(f"{mutation}: {error['field']} {error['message']} of {fits}" for error in errors)]


def recorded(world: World, kind: str = "TRADE_ASSURANCE", *, then: dict[str, Any] | None = None, **facts: Any) -> str:
    """Records an order, and then a newer record with these changes. Returns the order's id."""
    record = world.record(kind, **facts)
    [order] = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"]
    if then is not None:
        newer = record | then | {"recordedAt": spell_instant(NOW + MOMENT)}
        world.service.at(NOW + MOMENT).succeed("recordOrders", {"orders": [newer]})
    return order["id"]


YEN = {"amount": "1200", "currencyCode": "JPY"}
IN_YEN = [{"title": "Tea", "quantity": 2, "unitPrice": {"amount": "600.5", "currencyCode": "JPY"}}]
# Orders of which a dispute can be opened.
OPENINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "paid in part": ("TRADE_ASSURANCE", {"paidAt": 1, "amountPaid": usd("30.00")}),
    "shipped and unpaid": ("SECURE_PAYMENT", {"shippedAt": 1}),
    "paid and cancelled": ("TRADE_ASSURANCE", {"paidAt": 9, "cancelledAt": 1}),  # the refund is owed
    "its payment was taken back": ("TRADE_ASSURANCE", {"paidAt": 3, "completedAt": 2, "then": {"paidAt": None}}),
    "free": ("TRADE_ASSURANCE", {"paidAt": 1, "total": usd("0.00"), "items": ITEMS[-1:]}),
    "with a discount and fine prices": ("TRADE_ASSURANCE", {"paidAt": 1, "total": usd("210.00"), "items": ITEMS}),
    "cheaper lines than its total": (
        "TRADE_ASSURANCE",
        {"paidAt": 1, "items": [{"title": "Screw", "quantity": 9, "unitPrice": usd("0.0125")}]},
    ),
    "in yen": ("TRADE_ASSURANCE", {"paidAt": 1, "total": YEN, "amountPaid": YEN, "items": IN_YEN}),
}


@pytest.mark.either
@pytest.mark.parametrize("name", OPENINGS)
def test_every_opening_of_a_dispute_fits_its_form(world: World, name: str) -> None:
    kind, facts = OPENINGS[name]
    buyer, missed = world.buyer.at(NOW + DAY), list[str]()
    for fills_all, pick in ((True, 0), (False, 4), (True, 3), (True, 10)):
        order = recorded(world, kind, **facts)
        form = forms(buyer, order)["OPEN_DISPUTE"]
        missed += hold_to_its_form(buyer, "openDispute", {"orderId": order}, form, fills_all=fills_all, pick=pick)
    assert missed == []


def in_another_currency(dispute: Disputed) -> Disputed:
    dispute.after(DAY).record_again(total=YEN, amountPaid=YEN, items=IN_YEN)
    return dispute


def for_less(dispute: Disputed) -> Disputed:
    dispute.after(DAY).record_again(amountPaid=usd("20.00"))
    return dispute


def asked_for_evidence(dispute: Disputed) -> Disputed:
    dispute.escalated().do("agent", "requestEvidence", party="BUYER", text="Photos?")
    return dispute


MOVES = {"PROPOSE_RESOLUTION", "REVISE_CLAIM", "RESOLVE_DISPUTE", "POST_DISPUTE_MESSAGE"}  # whose forms depend on it
DISPUTES: dict[str, Callable[[World], Disputed]] = {
    "opened": Disputed,
    "about goods that did not arrive": lambda world: Disputed(world, reason="NOT_RECEIVED", wanted="REFUND"),
    "about a replacement": lambda world: Disputed(world, wanted="REPLACEMENT", claim=None),
    "of which less is paid now": lambda world: for_less(Disputed(world)),
    "in another currency than before": lambda world: in_another_currency(Disputed(world)),
    "in review": lambda world: Disputed(world).escalated(),
    "for which the buyer is asked for evidence": lambda world: asked_for_evidence(Disputed(world)),
    "whose goods were refused": lambda world: Disputed(world).agreed().addressed().sent_back().return_refused(),
}


@pytest.mark.either
@pytest.mark.parametrize("name", DISPUTES)
def test_every_move_in_a_dispute_fits_its_form(world: World, name: str) -> None:
    dispute: Disputed = DISPUTES[name](world)
    missed, moved = list[str](), set[str]()
    for role in ("supplier", "buyer", "agent"):
        for action in MOVES & set(forms(dispute.person(role), dispute.id)):
            again: Disputed = DISPUTES[name](world)
            person, pick = again.person(role), len(moved)
            form = forms(person, again.id)[action]
            missed += hold_to_its_form(person, MUTATIONS[Action(action)], again.case, form, fills_all=True, pick=pick)
            moved.add(action)
    assert missed == []
    assert len(moved) >= 2


@pytest.mark.either
@pytest.mark.parametrize(("fills_all", "pick"), [(False, 0), (True, 1), (True, 2)])
def test_a_mutation_takes_what_fits_its_form_and_nothing_else(world: World, fills_all: bool, pick: int) -> None:
    missed: list[str] = []
    for mutation, (person, input) in everything_possible(world).items():
        subject = {name: id for name, id in input.items() if name in ("orderId", "caseId")}
        [id] = subject.values()
        form = forms(person, id)[ACTIONS[mutation]]
        missed += hold_to_its_form(person, mutation, subject, form, fills_all=fills_all, pick=pick)
    assert missed == []


# ---------------------------------------------------------------- what the forms say


@pytest.mark.parametrize(
    ("kind", "stars"),
    [
        ("TRADE_ASSURANCE", ["ratings.overall"]),
        (
            "SECURE_PAYMENT",
            ["ratings.areas.productAsAgreed", "ratings.areas.communication", "ratings.areas.shippingTime"],
        ),
    ],
)
def test_an_order_is_rated_as_its_kind_is(world: World, kind: str, stars: list[str]) -> None:
    form = forms(world.buyer, world.order(kind, completedAt=1))["LEAVE_FEEDBACK"]
    assert paths(form) == [*stars, "comment"]
    *rated, comment = form["fields"]
    assert {(field["kind"], field["min"], field["max"], field["required"]) for field in rated} == {
        ("STARS", 1, 5, True)
    }
    assert (comment["kind"], comment["maxLength"], comment["required"]) == ("TEXT", 4000, False)
    assert form["groups"] == []


def offered(form: Form, path: str = "wanted", **input: str) -> list[str]:
    choices = field_at(form, path)["choices"]
    return [choice["value"] for choice in choices if holds(choice["onlyWith"], input)]


@pytest.mark.parametrize(
    ("name", "reason", "resolutions", "most"),
    [
        ("paid in part", "DAMAGED", [*PAID_BACK, "REPLACEMENT"], "30.00"),
        ("paid in part", "NOT_RECEIVED", ["REFUND", "PARTIAL_REFUND", "REPLACEMENT"], "30.00"),
        ("paid in part", "REFUND_NOT_RECEIVED", ["REPLACEMENT"], None),
        ("shipped and unpaid", "NOT_SHIPPED", ["REFUND", "PARTIAL_REFUND", "REPLACEMENT"], "100.00"),
        ("paid and cancelled", "DAMAGED", ["REPLACEMENT"], None),
        ("paid and cancelled", "REFUND_NOT_RECEIVED", [*PAID_BACK, "REPLACEMENT"], "100.00"),
        ("its payment was taken back", "DAMAGED", ["REPLACEMENT"], None),
        ("in yen", "LATE", [*PAID_BACK, "REPLACEMENT"], "1200"),
    ],
)
def test_the_reason_decides_what_can_be_wanted_and_how_much(
    world: World, name: str, reason: str, resolutions: list[str], most: str | None
) -> None:
    kind, facts = OPENINGS[name]
    form = forms(world.buyer.at(NOW + DAY), recorded(world, kind, **facts))["OPEN_DISPUTE"]
    assert offered(form, reason=reason) == resolutions
    wish = {"reason": reason, "wanted": resolutions[0]}
    amounts = [field for field in form["fields"] if field["path"] == ["claim"] and holds(field["onlyWith"], wish)]
    assert [field["maxAmount"]["amount"] for field in amounts] == ([most] if most else [])
    assert all(field["required"] for field in amounts)


def test_a_form_names_the_lines_of_the_order_without_discounts(world: World) -> None:
    order = world.order(paidAt=1, total=usd("210.00"), items=ITEMS)
    form = forms(world.buyer, order)["OPEN_DISPUTE"]
    lines = field_at(form, "lines")
    assert [(line["label"], line["maxQuantity"], line["price"]) for line in lines["choices"]] == [
        ("Lamp", 10, usd("9.00")),
        ("Screw", 10_000, usd("0.0125")),
        ("Sample", 1, usd("0.00")),
    ]
    assert lines["maxCount"] == 3
    assert field_at(form, "claim")["atMostItemsAt"] == ["lines"]


def test_the_choices_are_named_and_explained(world: World) -> None:
    form = forms(world.buyer, world.order(paidAt=1))["OPEN_DISPUTE"]
    reasons = {choice["value"]: choice for choice in field_at(form, "reason")["choices"]}
    assert reasons["NOT_AS_DESCRIBED"]["label"] == "Not as described"
    assert reasons["DAMAGED"]["description"] == "The goods arrived damaged."
    assert "Photos of the damage and of the packaging" in reasons["DAMAGED"]["recommendedEvidence"]
    assert all(choice["recommendedEvidence"] for value, choice in reasons.items() if value != "OTHER")


def test_a_decision_after_the_goods_came_back_is_no_return(world: World) -> None:
    dispute = Disputed(world).agreed().addressed().sent_back().return_refused()
    form = forms(dispute.person("agent"), dispute.id)["RESOLVE_DISPUTE"]
    assert offered(form, "resolution") == ["REFUND", "PARTIAL_REFUND", "REPLACEMENT", "NO_REFUND"]


def test_only_who_is_asked_for_evidence_has_to_add_files(world: World) -> None:
    dispute = asked_for_evidence(Disputed(world))
    required = {
        role: field_at(forms(dispute.person(role), dispute.id)["POST_DISPUTE_MESSAGE"], "attachments")["required"]
        for role in ("buyer", "supplier", "agent")
    }
    assert required == {"buyer": True, "supplier": False, "agent": False}


def test_a_form_says_how_many_files_a_case_still_takes(world: World, server: Server) -> None:
    dispute = Disputed(world)
    kinds = {"video/mp4": 1, "image/png": MAX_FILES_IN_A_CASE - 4}

    async def fill() -> None:
        account = await models.Account.get(subject=world.buyer.subject)
        await models.Attachment.bulk_create(
            models.Attachment(
                by_id=account.id, filename="x", content_type=kind, size=1, created_at=NOW,
                case_kind="DISPUTE", case_id=UUID(hex=dispute.id.removeprefix("dsp_")),
            )
            for kind, count in kinds.items()
            for _ in range(count)
        )  # fmt: skip

    server.run(fill)

    def files() -> Any:
        return field_at(forms(world.buyer, dispute.id)["POST_DISPUTE_MESSAGE"], "attachments")

    assert (files()["maxCount"], files()["maxBytes"]) == (3, 100_000_000)
    limits = {kind["contentType"]: (kind["maxBytes"], kind["maxCount"]) for kind in files()["fileKinds"]}
    assert (limits["video/mp4"], limits["image/png"]) == ((100_000_000, 1), (20_000_000, 3))
    assert list(limits) == files()["contentTypes"]
    post = dispute.case | {"text": "x"}
    pictures = [bring(world.buyer) for _ in range(4)]
    assert world.buyer.problems("postDisputeMessage", post | {"attachments": pictures}) == {("attachments", "TOO_MANY")}
    video = bring(world.buyer, MP4, "video/mp4", "a.mp4")
    world.buyer.succeed("postDisputeMessage", post | {"attachments": [video]})
    assert (files()["maxCount"], files()["maxBytes"]) == (2, 20_000_000)
    assert not {"video/mp4", "video/quicktime"} & set(files()["contentTypes"])
    another = bring(world.buyer, MP4, "video/mp4", "b.mp4")
    assert world.buyer.problems("postDisputeMessage", post | {"attachments": [another]}) == {
        ("attachments", "TOO_MANY")
    }
    world.buyer.succeed("postDisputeMessage", post | {"attachments": pictures[:2]})
    assert files()["maxCount"] == 0


@pytest.mark.either
def test_a_complaint_about_a_trade_that_is_not_on_record_names_the_supplier(world: World) -> None:
    form = world.buyer.ask(COMPLAINT)["viewer"]["complaintForm"]
    supplier = ["respondent.email", "respondent.memberId", "respondent.url"]
    assert [path for path in paths(form) if path.startswith("respondent")] == supplier
    assert form["groups"] == [
        {"paths": [path.split(".") for path in supplier], "exactlyOne": True},
        {"paths": [["contact", "email"], ["contact", "phone"]], "exactlyOne": False},
    ]
    missed: list[str] = []
    for pick in range(3):
        missed += hold_to_its_form(world.buyer, "fileComplaint", {}, form, fills_all=pick > 0, pick=pick)
    assert missed == []


def test_a_complaint_about_an_order_leaves_the_supplier_out(world: World) -> None:
    form = forms(world.buyer, world.order("OFFLINE"))["FILE_COMPLAINT"]
    assert not [path for path in paths(form) if path.startswith("respondent")]


def test_the_decision_on_a_complaint_pays_at_most_its_amount(world: World) -> None:
    filing = INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}, "amount": usd("7.50")}
    complaint = world.buyer.succeed("fileComplaint", filing, "complaint { id }")["complaint"]["id"]
    form = forms(world.agent, complaint)["RESOLVE_COMPLAINT"]
    assert field_at(form, "amount")["maxAmount"] == usd("7.50")
    case = {"caseId": complaint}
    assert hold_to_its_form(world.agent, "resolveComplaint", case, form, fills_all=True, pick=0) == []


# ---------------------------------------------------------------- where there is a form


DECISION = f"""query($id: ID!, $at: DateTime) {{ node(id: $id) {{ ... on Actionable {{
  decision(action: LEAVE_FEEDBACK, at: $at) {{ allowed {FORM} }} }} }} }}"""


def test_there_is_a_form_where_the_action_is_allowed_now(world: World) -> None:
    order = world.order(completedAt=1)

    def decided(person: Person, at: str | None = None) -> tuple[bool, bool]:
        decision = person.ask(DECISION, id=order, at=at)["node"]["decision"]
        return decision["allowed"], decision["form"] is not None

    assert decided(world.buyer) == (True, True)
    assert decided(world.buyer, spell_instant(NOW + DAY)) == (True, False)
    assert decided(world.supplier) == (False, False)
    refused = world.supplier.ask(
        f"""mutation($input: LeaveFeedbackInput!) {{ leaveFeedback(input: $input) {{
        userErrors {{ decision {{ allowed {FORM} }} }} }} }}""",
        input={"orderId": order, "ratings": {"overall": 5}},
    )
    assert refused["leaveFeedback"]["userErrors"] == [{"decision": {"allowed": False, "form": None}}]


def test_a_payload_has_the_forms_of_what_comes_next(world: World) -> None:
    opening = INPUTS["openDispute"] | {"orderId": world.order(paidAt=1), "evidence": [bring(world.buyer)]}
    query = f"""mutation($input: OpenDisputeInput!) {{ openDispute(input: $input) {{ userErrors {{ message }}
      dispute {{ availableActions {{ action {FORM} }} }} order {{ dispute {{
      decision(action: POST_DISPUTE_MESSAGE) {{ action {FORM} }} }} }} }} }}"""
    payload = world.buyer.ask(query, input=opening)["openDispute"]
    [posting] = (each for each in payload["dispute"]["availableActions"] if each["action"] == "POST_DISPUTE_MESSAGE")
    assert paths(posting["form"]) == ["text", "attachments"]
    assert payload["order"]["dispute"]["decision"] == posting


def test_the_agenda_has_the_forms_of_its_actions(world: World) -> None:
    dispute = Disputed(world).escalated().decided()
    order = world.order(completedAt=1)
    query = f"{{ viewer {{ agenda(within: 90) {{ edges {{ node {{ decision {{ action {FORM} }} }} }} }} }} }}"
    edges = dispute.person("buyer").ask(query)["viewer"]["agenda"]["edges"]
    shown = {each["node"]["decision"]["action"]: each["node"]["decision"]["form"] for each in edges}
    assert shown["APPEAL_DECISION"] == forms(dispute.person("buyer"), dispute.id)["APPEAL_DECISION"]
    assert shown["LEAVE_FEEDBACK"] == forms(world.buyer, order)["LEAVE_FEEDBACK"]


def test_a_subscription_has_forms(server: Server, world: World) -> None:
    case = Disputed(world, now=datetime.now(UTC)).id
    with opened(server, now(world.buyer)) as socket:
        query = f"subscription($id: ID!) {{ caseChanged(caseId: $id, initial: true) {{ ... on Dispute {{ availableActions {{ action {FORM} }} }} }} }}"
        socket.watch(query, id=case)
        told = socket.told()["availableActions"]
    assert all(decision["form"]["fields"] for decision in told)
    assert len(told) >= 3


# ---------------------------------------------------------------- every input is declared


NOT_IN_FORMS = {"idempotency_key", "order_id", "case_id", "proposal_id", "cancellation_id"}


def test_every_action_has_a_form_with_every_field_but_ids_and_keys() -> None:
    assert set(input_types) == set(Action)

    def unlabelled(cls: Any) -> Iterator[str]:
        for name, hint, declared in declarations(cls):
            [base] = [part for part in (get_args(hint) or (hint,)) if part is not type(None)]
            if declared.label is None and isinstance(base, type) and issubclass(base, Input):
                yield from unlabelled(base)
            elif declared.label is None:
                yield name

    assert {name for cls in input_types.values() for name in unlabelled(cls)} == NOT_IN_FORMS
