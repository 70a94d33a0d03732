"""A state machine of the money of one order: cancellations, disputes with all outcomes, appeals, returns, and what the
order system tells about payments and refunds, in any order. After each step, what is owed follows from its causes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

import models
from models.enums import (
    Action,
    CancellationStatus,
    DisputeReason,
    OrderKind,
    RefundStatus,
    ResolutionKind,
    ReturnStatus,
)
from resolvers import ids, policy
from schema.scalars import spell_instant
from tests.conftest import DAY, MOMENT, Person, Server, usd
from tests.support.actions import MUTATIONS
from tests.support.machine import Machine

pytestmark = pytest.mark.slow

PAID_BACK = {RefundStatus.SENT, RefundStatus.SUCCEEDED}
STANDING = {CancellationStatus.CANCELLED, CancellationStatus.ACCEPTED}
WITHOUT_MONEY = {ResolutionKind.NO_REFUND, ResolutionKind.REPLACEMENT}
ACTIONS = [
    Action.REQUEST_CANCELLATION,
    Action.ACCEPT_CANCELLATION,
    Action.DECLINE_CANCELLATION,
    Action.CANCEL_ORDER,
    Action.OPEN_DISPUTE,
    Action.PROPOSE_RESOLUTION,
    Action.ACCEPT_PROPOSAL,
    Action.ESCALATE_DISPUTE,
    Action.REQUEST_EVIDENCE,
    Action.RESOLVE_DISPUTE,
    Action.CONCEDE_DISPUTE,
    Action.REVISE_CLAIM,
    Action.APPEAL_DECISION,
    Action.WITHDRAW_DISPUTE,
    Action.PROVIDE_RETURN_ADDRESS,
    Action.CONFIRM_RETURN_SHIPPED,
    Action.CONFIRM_RETURN_RECEIVED,
    Action.REFUSE_RETURN,
    Action.REPORT_MISSING_REFUND,
]
# What somebody tries is drawn from these, as often as they are named.
RARE = {Action.WITHDRAW_DISPUTE, Action.DECLINE_CANCELLATION, Action.REQUEST_CANCELLATION, Action.REQUEST_EVIDENCE}
EVENTS = ["act"] * 6 + ["refund"] * 3 + ["time"] * 2 + ["payment", "cancellation"]
TRIED = f"""query($id: ID!) {{ node(id: $id) {{ ... on Actionable {{ availableActions {{ action }}
  {" ".join(f"{action}: decision(action: {action}) {{ allowed reason message }}" for action in ACTIONS)} }} }} }}"""
SHOWN = """query($id: ID!) { node(id: $id) { ... on Order { amountRefunded { amount }
  decision(action: REPORT_MISSING_REFUND) { allowed reason }
  refunds { id status amount { amount } owedSince dueBy isOverdue cause reportedMissingAt }
  dispute { refund { id } refunds { id } } } }
  viewer { refunds(first: 100) { edges { node { id order { id } } } } } }"""


@dataclass
class Money:
    """What the database holds about the order."""

    order: Any
    disputes: list[Any]
    cancellations: list[Any]
    refunds: list[Any]


def money(minor: int) -> dict[str, str]:
    return usd(f"{minor // 100}.{minor % 100:02}")


class RefundMachine(Machine):
    steps = (MOMENT, DAY, 3 * DAY, 5 * DAY, 7 * DAY + MOMENT, 10 * DAY, 10 * DAY + MOMENT, 20 * DAY + MOMENT)

    @initialize(
        secure=st.booleans(),
        paid=st.sampled_from([True, True, True, False]),
        begins=st.sampled_from(["", "open", "review", "decided", "decided", "return", "return", "cancelled"]),
    )
    def place(self, secure: bool, paid: bool, begins: str) -> None:
        """Begins with an order whose dispute has come some way."""
        kind = "SECURE_PAYMENT" if secure else "TRADE_ASSURANCE"
        self.record = self.world.record(kind, placedAt=1)
        now = spell_instant(self.now)
        self.record |= {"paidAt": now} if paid or not secure else {}
        self.record |= {"shippedAt": now} if secure and begins else {}
        self.shown_ids: set[str] = set()
        assert self.tell() == []
        self.id = ids.encode("Order", self.known().order.id)
        self.events = 0
        if begins == "cancelled":
            self.record["cancelledAt"] = now
            assert self.tell() == []
        elif begins:
            self.dispute_begins(begins)

    def dispute_begins(self, begins: str) -> None:
        wish = {"reason": "DAMAGED", "description": "x", "wanted": "RETURN_AND_REFUND", "claim": usd("60.00")}
        self.world.buyer.at(self.now).succeed("openDispute", wish | {"orderId": self.id})
        case = {"caseId": self.subjects()[-1]}
        if begins == "return":
            self.world.supplier.at(self.now).succeed("acceptProposal", case)
        elif begins != "open":
            self.pass_time(3 * DAY)
            self.world.buyer.at(self.now).succeed("escalateDispute", case)
        if begins == "decided":
            decision = case | {"resolution": "REFUND", "amount": usd("50.00"), "note": "x"}
            self.world.agent.at(self.now).succeed("resolveDispute", decision)

    # ------------------------------------------------------------ what happens

    def tell(self) -> list[Any]:
        """Records the order. Returns the problems."""
        self.record["recordedAt"] = spell_instant(self.now)
        payload = self.world.service.at(self.now).do("recordOrders", {"orders": [self.record]})
        return payload["userErrors"]

    @rule(data=st.data(), event=st.sampled_from(EVENTS))
    def something_happens(self, data: st.DataObject, event: str) -> None:
        self.data = data
        self.events += 1
        self.pass_time()
        match event:
            case "act":
                self.somebody_tries(data)
            case "refund":
                self.a_refund_is_told()
            case "payment":
                self.the_payment_is_corrected()
            case "cancellation":
                self.the_order_system_cancels()
            case _:
                self.pass_time(data.draw(st.sampled_from(self.steps)))

    def time_passes(self, data: st.DataObject) -> None:
        """Part of `something_happens`."""

    def somebody_tries(self, data: st.DataObject) -> None:
        id = self.subjects()[-1] if data.draw(st.integers(0, 3)) else self.id
        people = {person.subject: person for person in self.people()}
        states = {subject: person.at(self.now).ask(TRIED, id=id)["node"] for subject, person in people.items()}
        possible = [
            (subject, action)
            for subject, state in states.items()
            for action in ACTIONS
            if state[action]["reason"] not in ("NOT_OFFERED", "NOT_YOUR_ROLE")
        ]
        allowed = [(subject, action) for subject, action in possible if states[subject][action]["allowed"]]
        usual = [each for each in allowed if each[1] not in RARE]
        # Most attempts succeed, so that the machine reaches later states.
        pool = data.draw(st.sampled_from([usual, usual, usual, allowed, possible])) or allowed or possible
        subject, action = data.draw(st.sampled_from(pool))
        self.attempt(people[subject], action, id, states[subject])

    def input(self, mutation: str) -> dict[str, Any]:
        draw, dispute = self.data.draw, self.dispute()
        match mutation:
            case "openDispute":
                reason = draw(st.sampled_from([DisputeReason.DAMAGED, DisputeReason.REFUND_NOT_RECEIVED]))
                return {"reason": reason, "description": "x"} | self.wish(reason)
            case "reviseClaim":
                assert dispute is not None
                return self.wish(dispute.reason)
            case "proposeResolution" | "resolveDispute":
                assert dispute is not None
                limit = min(self.claimable(dispute.reason), dispute.claim or 10**6)
                resolutions = [ResolutionKind.NO_REFUND, ResolutionKind.REPLACEMENT]
                if limit:
                    resolutions += [ResolutionKind.REFUND] * 3
                    resolutions += [ResolutionKind.RETURN_AND_REFUND] * (0 if dispute.return_shipped_at else 3)
                resolution = draw(st.sampled_from(resolutions))
                amount = None if resolution in WITHOUT_MONEY else self.amount(limit)
                return {"resolution": resolution, "amount": amount, "note": "x"}
            case "requestEvidence":
                return {"party": draw(st.sampled_from(["BUYER", "SUPPLIER"])), "text": "Photos, please."}
            case "appealDecision":
                return {"text": "No."}
            case "provideReturnAddress":
                return {"address": "Hall 3"}
            case "confirmReturnShipped":
                return {"carrier": "DHL", "trackingNumber": "1"}
            case "refuseReturn" | "declineCancellation":
                return {"note": "No."}
            case "cancelOrder" | "requestCancellation":
                return {"reason": "OTHER"}
            case _:
                return {}

    def wish(self, reason: DisputeReason) -> dict[str, Any]:
        limit = self.claimable(reason)
        wanted = ["REFUND", "RETURN_AND_REFUND"] if limit else ["REPLACEMENT"]
        wish = self.data.draw(st.sampled_from(wanted))
        return {"wanted": wish, "claim": None if wish == "REPLACEMENT" else self.amount(limit)}

    def amount(self, limit: int) -> dict[str, str]:
        return money(self.data.draw(st.sampled_from(sorted({limit, limit, max(limit // 2, 1), min(limit, 3000)}))))

    def a_refund_is_told(self) -> None:
        """Succeeds if the amount is within the limit, and only then."""
        draw = self.data.draw
        reference = draw(st.integers(0, 4))
        status = draw(st.sampled_from(["SENT", "SUCCEEDED", "SUCCEEDED", "FAILED"]))
        part = draw(st.sampled_from(["all", "all", "half", "too much"]))
        known = self.known()
        row = next((r for r in known.refunds if r.reference == f"{reference}-{self.record['number']}"), None)
        owed = {case: amount for case, amount in self.owed(known, self.now).items() if not self.is_hidden(known, case)}
        cases = [*known.disputes, *known.cancellations]
        wanted = [case for case in cases if owed.get(case.id)]
        case = draw(st.sampled_from([*wanted, *wanted, *cases, None]))
        if row is not None:
            case = next((each for each in cases if each.id == row.case_id), None)
        if case is not None:
            limit = owed.get(case.id, 0)
        else:
            paid_back = sum(r.amount for r in known.refunds if r.status in PAID_BACK)
            limit = known.order.amount_paid - paid_back - sum(self.owed(known, self.now).values())
        if row is not None and row.status in PAID_BACK:
            limit += row.amount
        elif row is not None and status == "FAILED":
            limit = max(limit, row.amount)
        amount = {"all": limit, "half": (limit + 1) // 2, "too much": limit + 1}[part] or 1
        told = {
            "orderNumber": self.record["number"],
            "caseNumber": case and case.number,
            "amount": money(amount),
            "status": status,
            "reference": f"{reference}-{self.record['number']}",
            "recordedAt": spell_instant(self.now),
        }
        errors = self.world.service.at(self.now).do("recordRefunds", {"refunds": [told]})["userErrors"]
        fields = [".".join(error["field"]) for error in errors]
        assert fields == ([] if amount <= limit else ["refunds.0.amount.amount"]), (told, limit, errors)

    def the_payment_is_corrected(self) -> None:
        """Succeeds if that much was paid back at most."""
        paid = self.data.draw(st.sampled_from([None, "100.00", "60.00", "30.00", "120.00"]))
        before, known = dict(self.record), self.known()
        self.record.pop("amountPaid", None)
        self.record["paidAt"] = paid and (before.get("paidAt") or spell_instant(self.now))
        if paid:
            self.record["amountPaid"] = usd(paid)
        amount = 0 if paid is None else round(float(paid) * 100)
        paid_back = sum(r.amount for r in known.refunds if r.status in PAID_BACK)
        fields = [".".join(error["field"]) for error in self.tell()]
        assert fields == ([] if amount >= paid_back else ["orders.0.amountPaid"])
        if fields:
            self.record = before

    def the_order_system_cancels(self) -> None:
        """Cancels the order, now or days before; or takes that back."""
        at = self.data.draw(st.sampled_from([None, 0, 0, 2]))
        told = None if at is None else max(self.now - at * DAY, self.known().order.placed_at)
        self.record["cancelledAt"] = told and spell_instant(told)
        assert self.tell() == []

    # ------------------------------------------------------------ what is known

    def people(self) -> list[Person]:
        return [self.world.buyer, self.world.supplier, self.world.agent]

    def subjects(self) -> list[str]:
        dispute = self.dispute()
        return [self.id, *([ids.encode("Dispute", dispute.id)] if dispute is not None else [])]

    def known(self) -> Money:
        async def read() -> Money:
            order = await models.Order.get(number=self.record["number"])
            of_order = {"order_id": order.id}
            return Money(
                order,
                await models.Dispute.filter(**of_order).order_by("opened_at", "id"),
                await models.Cancellation.filter(**of_order).order_by("opened_at", "id"),
                await models.Refund.filter(**of_order).order_by("since", "id"),
            )

        return self.server.run(read)

    def dispute(self) -> Any:
        """Returns the order's latest dispute."""
        return next(reversed(self.known().disputes), None)

    def claimable(self, reason: DisputeReason) -> int:
        known = self.known()
        owed, order = sum(self.owed(known, self.now).values()), known.order
        if reason is DisputeReason.REFUND_NOT_RECEIVED:
            return owed
        if order.paid_at is None:
            return 0 if order.payment_reversed_at else order.total
        return order.amount_paid - sum(r.amount for r in known.refunds if r.status in PAID_BACK) - owed

    def owed(self, known: Money, now: datetime) -> dict[UUID, int]:
        """Returns what each case owes or will owe, by its causes, as they are at `now`."""
        order = known.order
        if order.paid_at is None or order.kind is OrderKind.OFFLINE:
            return {}
        left = order.amount_paid - sum(r.amount for r in known.refunds if r.status in PAID_BACK)
        owed: dict[UUID, int] = {}
        replaced = False
        for dispute in sorted(known.disputes, key=lambda d: (d.closed_at or now, d.id)):
            if dispute.outcome_resolution is None:
                continue
            is_about_refund = dispute.reason is DisputeReason.REFUND_NOT_RECEIVED
            replaced |= is_about_refund and order.cancelled_at is not None and dispute.closed_at >= order.cancelled_at
            if dispute.outcome_amount is None:
                continue
            is_return = dispute.outcome_resolution is ResolutionKind.RETURN_AND_REFUND
            if is_return and policy.return_status(dispute, now) in (ReturnStatus.EXPIRED, ReturnStatus.REFUSED):
                continue
            paid = sum(r.amount for r in known.refunds if r.case_id == dispute.id and r.status in PAID_BACK)
            owed[dispute.id] = min(max(dispute.outcome_amount - paid, 0), left)
            left -= owed[dispute.id]
        if order.cancelled_at is not None and not replaced:
            [*_, cancellation] = [c for c in known.cancellations if c.closed_as in STANDING]
            owed[cancellation.id] = left
        return owed

    def is_hidden(self, known: Money, case_id: UUID) -> bool:
        """Returns whether the case is a dispute that owes nothing yet: its return runs, or has expired."""
        [dispute] = [d for d in known.disputes if d.id == case_id] or [None]
        if dispute is None or dispute.outcome_resolution is not ResolutionKind.RETURN_AND_REFUND:
            return False
        return policy.return_status(dispute, self.now) not in (ReturnStatus.RECEIVED, ReturnStatus.WAIVED)

    # ------------------------------------------------------------ what always holds

    @invariant()
    def what_is_said_agrees_and_is_remembered(self) -> None:
        """One person at some of the steps, since the other machines ask everybody each time."""
        self.pass_time()
        if self.id and len(self.remembered) * 4 <= self.events:
            person, id = self.people()[len(self.remembered) % 3], self.subjects()[-1 * (len(self.remembered) % 2)]
            state = self.state(person, id)
            assert state is not None
            self.check(person, id, state)

    @invariant()
    def what_is_owed_follows_from_its_causes(self) -> None:
        if not self.id:
            return
        known = self.known()
        order, refunds = known.order, known.refunds
        # The end of a return by time counts once it is recorded.
        recorded = min([self.now, *(d.due_at for d in known.disputes if order.return_open_since == d.return_began_at)])
        owed = self.owed(known, recorded if order.return_open_since else self.now)
        by_case: dict[UUID, int] = {}
        for refund in refunds:
            if refund.status in (RefundStatus.DUE, RefundStatus.FAILED) and refund.outstanding:
                by_case[refund.case_id] = by_case.get(refund.case_id, 0) + refund.outstanding
            if refund.status is RefundStatus.DUE or refund.status is RefundStatus.SENT:
                assert refund.outstanding == refund.amount
            elif refund.status is not RefundStatus.FAILED:
                assert refund.outstanding is None
            elif refund.case_id is not None:
                assert refund.case_id in owed  # or else it is VOID
        assert by_case == {case: amount for case, amount in owed.items() if amount}
        due = [refund.case_id for refund in refunds if refund.status is RefundStatus.DUE]
        assert len(due) == len(set(due))
        assert order.amount_refunded == sum(r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED)
        assert order.amount_sent == sum(r.amount for r in refunds if r.status is RefundStatus.SENT)
        assert order.amount_owed == sum(owed.values())
        assert order.amount_refunded + order.amount_sent + order.amount_owed <= order.amount_paid
        missing = [r for r in refunds if r.outstanding and r.owed_since]
        again = timedelta(days=10)
        assert order.refund_due_at == min((r.owed_since + again for r in missing), default=None)
        reportable = [max(r.owed_since + again, (r.reported_missing_at or r.owed_since) + again) for r in missing]
        assert order.refund_reportable_at == min(reportable, default=None)
        for dispute in known.disputes:
            paid_back = any(r.case_id == dispute.id and r.status in PAID_BACK for r in refunds)
            assert (dispute.paid_back_at is not None) == paid_back

    @invariant()
    def refunds_are_shown_as_they_are(self) -> None:
        if not self.id:
            return
        known = self.known()
        answer = self.world.buyer.at(self.now).ask(SHOWN, id=self.id)
        shown = answer["node"]["refunds"]
        shown_ids = {refund["id"] for refund in shown}
        rows = {ids.encode("Refund", r.id): r for r in known.refunds}
        for id, row in rows.items():
            if row.status is not RefundStatus.VOID:
                assert (id in shown_ids) == (row.case_id is None or not self.is_hidden(known, row.case_id))
        assert self.shown_ids <= shown_ids  # what was shown stays
        ended = {d.id for d in known.disputes if d.return_waived_at or d.return_received_at}
        for id in shown_ids - self.shown_ids:  # what was never owed is not shown
            assert rows[id].status is not RefundStatus.VOID or rows[id].case_id in ended
        self.shown_ids = shown_ids
        listed = [e["node"]["id"] for e in answer["viewer"]["refunds"]["edges"] if e["node"]["order"]["id"] == self.id]
        assert set(listed) == shown_ids
        overdue = 0
        for refund in shown:
            row = rows[refund["id"]]
            is_overdue = bool(row.outstanding and row.owed_since and self.now > row.owed_since + timedelta(days=10))
            assert refund["isOverdue"] == is_overdue
            overdue += is_overdue
            assert (refund["cause"], refund["owedSince"] is None) == (row.case_kind or "OTHER", row.case_id is None)
        decision = answer["node"]["decision"]
        assert (decision["reason"] == "NO_REFUND_OVERDUE") == (overdue == 0)


def test_what_is_owed_follows_from_its_causes(server: Server) -> None:
    RefundMachine.server = server
    run_state_machine_as_test(RefundMachine, settings=settings(max_examples=10, stateful_step_count=20))


assert set(MUTATIONS) >= set(ACTIONS)
