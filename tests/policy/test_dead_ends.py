"""No state is a dead end: whoever is owed goods or money can do something about it, now or from an instant that is
shown, or waits for somebody whose deadline ends the waiting, or for an agent.

Who is owed what:

- A buyer is owed an order that is paid, as far as the money is neither paid back nor owed, until a dispute has an
  outcome. A Trade Assurance order is owed to the end; a Secure Payment order until it is complete, by the help page. The
  buyer can open a dispute, or ask to cancel. If goods are late, or a request to cancel was declined or not answered,
  asking to cancel is not enough.
- A buyer is owed a replacement of it, if that is the outcome. The buyer can open another dispute.
- A buyer is owed a refund that did not arrive, from its debt on. The buyer can report it.
- Both parties are owed the next step of an open dispute and of a running return. The one whose move it is can make it,
  and a deadline ends the waiting; or an agent can decide.
- A buyer is owed an answer to an offline trade. The buyer can file a complaint; if it is open, an agent can decide it.

The states are the products of the facts, set as the code sets them, before, at and after each limit. Facts that the
order system tells can be taken back, so each dispute can be about each order. What was told about refunds varies only
where nothing was promised and no cancellation requested: the rules about refunds do not read these facts.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, product
from typing import Any
from uuid import UUID

from models.enums import Action, CaseKind, DisputeReason, DisputeStatus, RefundStatus, ReturnStatus, Role
from resolvers import policy
from resolvers.policy import NEVER_DUE, ComplaintFacts, Debt, DisputeFacts, OrderFacts, RefundFacts
from tests.conftest import DAY, MOMENT, NOW
from tests.policy.test_policy import BUYER, OFF, PARTIES, SP, TA, Viewer, decide

AGENT = Viewer(Role.AGENT)
PAID, CLAIM = 100, 60
Facts = dict[str, Any]


def around(days: float) -> list[Any]:
    """Returns the instants whose limit of so many days is a day ahead, now, and a moment ago."""
    return [NOW - days * DAY + DAY, NOW - days * DAY, NOW - days * DAY - MOMENT]


# ---------------------------------------------------------------- orders

LONG_AGO = NOW - 99 * DAY
PAYMENTS: list[Facts] = [
    {},
    {"payment_submitted_at": LONG_AGO},
    {"paid_at": LONG_AGO, "amount_paid": PAID},
    {"payment_reversed_at": LONG_AGO},
]
PROMISES: list[Facts] = [{}, *({"ship_by": instant} for instant in around(0))]
DECLINED = {"cancellation_declined_at": LONG_AGO}
PENDING: list[Facts] = [{"cancellation_pending_since": instant} for instant in around(5)]
REQUESTS: list[Facts] = [*({} | each for each in PENDING), *(DECLINED | each for each in PENDING)]
OWED_SINCE = [NOW, *around(10), *around(20)]  # what is owed, and was reported when it was overdue


def ended() -> Iterator[Facts]:
    for shipped, complete, cancelled in product((False, True), (False, True), (None, *OWED_SINCE)):
        set_facts: Facts = {"shipped_at": LONG_AGO} if shipped else {}
        set_facts |= {"completed_at": NOW} if complete else {}
        yield set_facts | ({"cancelled_at": cancelled} if cancelled else {})


def orders() -> Iterator[Facts]:
    for payment, end in product(PAYMENTS, ended()):
        yield {"kind": TA} | payment | end
        for promise in PROMISES if "paid_at" in payment else PROMISES[::3]:
            requests = [{}, DECLINED, *([] if end else REQUESTS)]  # what ends an order supersedes a pending request
            yield from ({"kind": SP} | payment | end | promise | request for request in requests)


# ---------------------------------------------------------------- disputes


@dataclass(frozen=True)
class Dispute:
    """A dispute, what the order knows of it, and the debt that follows from it."""

    facts: DisputeFacts
    of_order: Facts
    debt: Debt | None = None


def dispute(of_order: Facts, debt: Debt | None = None, /, **facts: Any) -> Dispute:
    facts = {"opened_at": LONG_AGO} | facts
    parties = {"buyer_id": PARTIES[Role.BUYER], "supplier_id": PARTIES[Role.SUPPLIER]}
    return Dispute(DisputeFacts(**parties, **facts), of_order, debt)


def open_disputes() -> Iterator[Dispute]:
    for who, opened, proposed in product((Role.SUPPLIER, Role.BUYER), [NOW, *around(3), *around(30)], (None, NOW)):
        for turn_began in around(7):
            due_at = min(turn_began + policy.ANSWER_WITHIN, opened + policy.ESCALATES_AFTER)
            answered = NOW if who is Role.BUYER else None
            facts: Facts = {"waits_for": who, "opened_at": opened, "due_at": due_at, "answered_at": answered}
            yield dispute({"dispute_open_since": opened}, **facts, proposed_at=proposed)
    for reopened in (None, NOW):
        since = {"dispute_open_since": reopened or LONG_AGO}
        yield dispute(since, waits_for=Role.AGENT, due_at=NOW, reopened_at=reopened)
        for who, asked in product((Role.SUPPLIER, Role.BUYER), around(5)):
            due_at = asked + policy.EVIDENCE_WITHIN
            lapses = {"dispute_lapses_at": due_at} if who is Role.BUYER and reopened is None else {}
            facts = {"waits_for": who, "due_at": due_at, "evidence_asked_at": asked, "reopened_at": reopened}
            yield dispute(since | lapses, **facts)
    refused = {"return_began_at": LONG_AGO, "return_addressed_at": LONG_AGO, "return_shipped_at": LONG_AGO}
    facts = {"reopened_at": NOW, "return_refused_at": NOW}
    yield dispute({"dispute_open_since": NOW}, waits_for=Role.AGENT, due_at=NOW, **refused, **facts)


def closed_disputes() -> Iterator[Dispute]:
    for ended_as in (DisputeStatus.WITHDRAWN, DisputeStatus.LAPSED):
        yield dispute({}, closed_at=NOW, closed_as=ended_as)
    closed = product((DisputeStatus.SETTLED, DisputeStatus.RESOLVED), (None, NOW))
    for ended_as, reopened in closed:
        facts: Facts = {"closed_as": ended_as, "reopened_at": reopened}
        for at in [*OWED_SINCE, *around(30)]:
            stands = {"dispute_settled_at": at}
            yield dispute(stands, closed_at=at, **facts)
            yield dispute(stands | {"replacement_agreed_at": at}, closed_at=at, **facts)
            yield dispute(stands, owed_for_dispute(at), closed_at=at, **facts)
        yield from (returning(facts, steps) for steps in returns())


def disputes() -> Iterator[Dispute]:
    return chain(open_disputes(), closed_disputes())


def returns() -> Iterator[Facts]:
    """Yields the facts of returns: at each step, before, at and after its limit, and as they are recorded then."""
    steps: Facts = {}
    limits = {"return_began_at": (5, "return_waived_at"), "return_addressed_at": (10, "return_expired_at")}
    limits["return_shipped_at"] = (20, "return_received_at")
    for step, (days, end) in limits.items():
        yield from (steps | {step: at} for at in around(days))
        *_, missed = around(days)
        yield steps | {step: missed, end: missed + days * DAY}
        steps = steps | {step: LONG_AGO}
    yield steps | {"return_received_at": NOW}
    yield steps | {"return_refused_at": NOW}


def returning(closed: Facts, steps: Facts) -> Dispute:
    began = steps["return_began_at"]
    due_at = policy.return_deadline(began, steps.get("return_addressed_at"), steps.get("return_shipped_at"))
    facts = closed | steps | {"closed_at": began, "due_at": due_at}
    found = dispute({"dispute_settled_at": began}, **facts)
    is_recorded = any(name.endswith(("waived_at", "expired_at", "received_at", "refused_at")) for name in steps)
    of_order = found.of_order | ({} if is_recorded else {"return_open_since": began})
    match policy.return_status(found.facts, NOW):
        case ReturnStatus.AWAITING_SHIPMENT:
            debt = owed_for_dispute(began, NEVER_DUE)
        case ReturnStatus.AWAITING_ADDRESS | ReturnStatus.SHIPPED:
            debt = owed_for_dispute(began, due_at)
        case ReturnStatus.WAIVED | ReturnStatus.RECEIVED:
            # Time's step is derived when read: until it is recorded, the refund is the hidden one.
            debt = owed_for_dispute(steps.get("return_received_at", due_at), None if is_recorded else due_at)
        case _:
            debt = None
    return replace(found, of_order=of_order, debt=debt)


def owed_for_dispute(since: Any, hidden_until: Any = None) -> Debt:
    return Debt(CaseKind.DISPUTE, UUID(int=2), CLAIM, since, hidden_until)


# ---------------------------------------------------------------- refunds


@dataclass(frozen=True)
class Told:
    """What the order system told about a refund, and the buyer reported."""

    case_id: UUID
    amount: int
    status: RefundStatus


TELLINGS: list[tuple[RefundStatus | None, int]] = [
    (None, 0),
    *(
        (status, share)
        for status in (RefundStatus.SENT, RefundStatus.FAILED, RefundStatus.SUCCEEDED)
        for share in (1, 2)
    ),
]


def refunds(
    debts: tuple[Debt, ...], status: RefundStatus | None, share: int, reported_at: Any
) -> tuple[list[RefundFacts], Facts]:
    """Returns the refunds of the debts, of each of which a share was told, and the order's facts about them."""
    owed = [balance for balance in policy.settle(PAID, debts, []) if balance.debt.is_owed and balance.open]
    told = [Told(each.debt.case_id, each.open // share, status) for each in owed if status is not None]
    balances = policy.settle(PAID, debts, told)
    rows: list[RefundFacts] = []
    for balance in balances:
        dated = {"owed_since": balance.debt.owed_since, "hidden_until": balance.debt.hidden_until}
        for place, payment in enumerate(told):
            if payment.case_id == balance.debt.case_id:
                failed = balance.failed.get(place) or None
                outstanding = {RefundStatus.SENT: payment.amount, RefundStatus.FAILED: failed}.get(payment.status)
                rows.append(RefundFacts(status=payment.status, amount=payment.amount, outstanding=outstanding, **dated))
        if balance.due:
            row = RefundFacts(status=RefundStatus.DUE, amount=balance.due, outstanding=balance.due, **dated)
            rows.append(row)
    for row in rows:
        due_by = policy.due_by(row.owed_since)
        if reported_at and due_by and reported_at > due_by:
            row.reported_missing_at = reported_at
    return rows, policy.refund_facts(balances, rows)


# ---------------------------------------------------------------- states


@dataclass(frozen=True)
class State:
    order: OrderFacts
    is_disputed: bool
    is_refunding: bool


def states() -> Iterator[State]:
    """Yields the states of orders. Of disputes that differ in nothing that an order knows, one stands for all."""
    parties = {"buyer_id": PARTIES[Role.BUYER], "supplier_id": PARTIES[Role.SUPPLIER]}
    distinct = {(tuple(d.of_order.items()), d.debt, is_disputed(d.facts)): d for d in disputes()}
    for order_facts, found in product(orders(), (None, *distinct.values())):
        of_order = order_facts | (found.of_order if found else {})
        debts = list(debts_of(order_facts, found)) if "paid_at" in order_facts else []
        is_plain = not any(name.startswith(("ship_by", "cancellation")) for name in order_facts)
        for sums, is_refunding in told_about(tuple(debts), is_plain):
            order = OrderFacts(**parties, total=PAID, **of_order, **dict(sums))
            yield State(order, found is not None and is_disputed(found.facts), is_refunding)


def debts_of(order_facts: Facts, found: Dispute | None) -> Iterator[Debt]:
    if found is not None and found.debt is not None:
        yield found.debt
    if "cancelled_at" in order_facts:
        yield Debt(CaseKind.CANCELLATION, UUID(int=1), None, order_facts["cancelled_at"])


@cache
def told_about(debts: tuple[Debt, ...], is_plain: bool) -> list[tuple[tuple[tuple[str, Any], ...], bool]]:
    """Returns what an order can know of its refunds, and whether one of them is owed and did not arrive."""
    tellings = product(TELLINGS, [None, NOW, *around(10)]) if is_plain else [(TELLINGS[0], None)]
    results: dict[Any, None] = {}
    for telling, reported_at in tellings:
        rows, sums = refunds(debts, *telling, reported_at)
        is_refunding = any(row.outstanding is not None and row.owed_since is not None for row in rows)
        results[tuple(sums.items()), is_refunding] = None
    return list(results)


# ---------------------------------------------------------------- what is owed, and the way on


def is_disputed(dispute: DisputeFacts) -> bool:
    return not policy.DISPUTE_CLOSED.holds(dispute, Role.BUYER, NOW)


def is_returning(dispute: DisputeFacts) -> bool:
    return bool(policy.RETURN_RUNNING.holds(dispute, Role.BUYER, NOW))


def is_unfinished(state: State) -> bool:
    """The order is paid, has no outcome or a replacement, and money is left."""
    order = state.order
    is_over = order.kind is SP and order.completed_at is not None
    is_left = order.paid_at is not None and policy.claimable_amount(order, DisputeReason.OTHER) > 0
    stands = order.dispute_settled_at is not None and order.replacement_agreed_at is None
    return is_left and not is_over and not stands and not state.is_disputed


def is_unfinished_and_failed(state: State) -> bool:
    """And the goods are late, or the supplier did not agree to cancel."""
    order = state.order
    is_late = order.ship_by is not None and order.ship_by < NOW
    asked = order.cancellation_pending_since
    is_unanswered = asked is not None and asked + 5 * DAY < NOW
    has_failed = is_late or is_unanswered or order.cancellation_declined_at is not None
    return has_failed and order.kind is SP and is_unfinished(state)


def opens(action: Action, facts: Any, who: Viewer = BUYER) -> bool:
    """Returns whether the action is open now, or will be by itself at the instant that its decision shows."""
    if policy.is_allowed(action, facts, who, NOW):
        return True
    opens_at = decide(action, facts, who).opens_at
    return opens_at is not None and opens_at > NOW and policy.is_allowed(action, facts, who, opens_at)


DISPUTING, CANCELLING = Action.OPEN_DISPUTE, Action.REQUEST_CANCELLATION
OWED: dict[str, tuple[Callable[[State], bool], tuple[Action, ...]]] = {
    "an order": (is_unfinished, (DISPUTING, CANCELLING)),
    "an order that is late or could not be cancelled": (is_unfinished_and_failed, (DISPUTING,)),
    "a refund": (lambda state: state.is_refunding, (Action.REPORT_MISSING_REFUND,)),
}


def test_whoever_is_owed_something_can_do_something_about_it() -> None:
    found: Counter[str] = Counter()
    stuck: dict[str, State] = {}
    for state in states():
        for name, (is_owed, ways) in OWED.items():
            if is_owed(state):
                found[name] += 1
                if not any(opens(action, state.order) for action in ways):
                    stuck.setdefault(name, state)
    assert stuck == {}
    assert all(found[name] > 300 for name in OWED), found


MOVES: dict[Any, list[Action]] = {
    DisputeStatus.AWAITING_SUPPLIER: [Action.PROPOSE_RESOLUTION, Action.CONCEDE_DISPUTE],
    DisputeStatus.AWAITING_BUYER: [Action.PROPOSE_RESOLUTION],
    DisputeStatus.EVIDENCE_REQUESTED: [Action.POST_DISPUTE_MESSAGE],
    ReturnStatus.AWAITING_ADDRESS: [Action.PROVIDE_RETURN_ADDRESS],
    ReturnStatus.AWAITING_SHIPMENT: [Action.CONFIRM_RETURN_SHIPPED],
    ReturnStatus.SHIPPED: [Action.CONFIRM_RETURN_RECEIVED, Action.REFUSE_RETURN],
}


def goes_on(dispute: DisputeFacts) -> bool:
    """Returns whether the party whose move it is can make it until a deadline that ends the waiting, or an agent can
    decide."""
    mover = policy.waits_for(dispute, NOW)
    if mover is Role.AGENT:
        return policy.is_allowed(Action.RESOLVE_DISPUTE, dispute, AGENT, NOW)
    until = policy.respond_by(dispute, NOW) or policy.return_respond_by(dispute, NOW)
    if mover is None or until is None or until < NOW:
        return False
    state = policy.return_status(dispute, NOW) or policy.status_at(policy.DISPUTE_STATUSES, dispute, NOW)
    can_move = all(policy.is_allowed(action, dispute, Viewer(mover), NOW) for action in MOVES[state])
    return can_move and policy.waits_for(dispute, until + MOMENT) is not mover


def test_an_open_case_waits_for_somebody_who_can_act_and_not_for_ever() -> None:
    found = [each.facts for each in disputes() if is_disputed(each.facts) or is_returning(each.facts)]
    assert [facts for facts in found if not goes_on(facts)] == []
    assert {policy.waits_for(facts, NOW) for facts in found} == {Role.BUYER, Role.SUPPLIER, Role.AGENT}
    assert len(found) > 100


def test_an_offline_trade_can_be_complained_about() -> None:
    parties = {"buyer_id": PARTIES[Role.BUYER], "supplier_id": PARTIES[Role.SUPPLIER]}
    for payment, end in product(PAYMENTS, ended()):
        order = OrderFacts(**parties, kind=OFF, **payment, **end)
        assert opens(Action.FILE_COMPLAINT, order)
        assert not opens(Action.FILE_COMPLAINT, replace(order, complaint_open_since=NOW))
    for waits_for, answered_at in product((Role.BUYER, Role.AGENT), (None, NOW)):
        complaint = ComplaintFacts(
            complainant_id=PARTIES[Role.BUYER], opened_at=LONG_AGO, waits_for=waits_for, answered_at=answered_at
        )
        assert opens(Action.RESOLVE_COMPLAINT, complaint, AGENT)


def test_the_pages_own_exception_is_a_complete_secure_payment_order() -> None:
    complete = OrderFacts(
        kind=SP, buyer_id=PARTIES[Role.BUYER], supplier_id=PARTIES[Role.SUPPLIER], **PAYMENTS[2], completed_at=NOW
    )
    assert not opens(Action.OPEN_DISPUTE, complete)
    assert not opens(Action.REQUEST_CANCELLATION, complete)
