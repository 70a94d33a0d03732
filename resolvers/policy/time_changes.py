"""Time changes: the instants at which time alone changes what a viewer sees or can do, without any event.

They are the ends of the viewer's agenda (`resolvers.policy.ends`), the ends of the other party's turns in the same
cases, and the instants at which something opens. A buyer has these of a dispute that waits for its supplier:

    the supplier's turn ends    due_at                  an agent has it, and the buyer no longer waits for the supplier
    it can be escalated         opened_at + 3 days

Conditions say for which rows the instant changes something. Most of them have an index in the order of the instants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from models.enums import CaseKind, DisputeStatus, OrderKind, ResolutionKind, Role
from resolvers.policy.complaint import COMPLAINT_CLOSED, REPLY_WITHIN
from resolvers.policy.ends import ENDS
from resolvers.policy.expression import MOMENT, TRUE, Equals, Expression, IsSet, all_of
from resolvers.policy.order import CANCELLATION_ANSWER_WITHIN, REPLACEMENT_WITHIN
from resolvers.policy.refund import IS_OUTSTANDING, REFUND_SHOWN, UNSETTLED
from resolvers.policy.rule import Subject
from resolvers.policy.rules import TABLE


@dataclass(frozen=True, slots=True, eq=False)
class TimeChange:
    """Rows of `table` for which `condition` holds change for viewers in `role`: `fact` + `duration` is the last moment
    at which nothing has changed. `case_kind` is the case that it is about."""

    role: Role
    table: str
    condition: Expression
    fact: str
    duration: timedelta = timedelta(0)
    case_kind: CaseKind | None = None
    is_window: ClassVar[bool] = False  # also what lies in the future is looked for


def _of_ends() -> Iterator[TimeChange]:
    """The ends of a turn concern everybody who sees the case; agents, if they then have it."""
    for end in ENDS:
        is_turn = end.table == "disputes" and end.fact == "due_at"
        for role in Role:
            if role is end.role or (is_turn and role is not Role.AGENT):
                yield TimeChange(role, end.table, end.condition, end.fact, end.duration, end.case_kind)
        if is_turn and end.name in ("answer", "evidence"):
            goes_to_review = end.condition & ~_LAPSES
            yield TimeChange(Role.AGENT, end.table, goes_to_review, end.fact, end.duration, end.case_kind)


def _of_rules() -> Iterator[TimeChange]:
    """Windows that open some days after their fact, or whose fact can be dated in the future."""
    for rule in TABLE.values():
        window = rule.window
        if window is None or not (window.opens_after or window.start == "completed_at"):
            continue
        is_order = rule.subject is Subject.ORDER
        conditions = all_of(condition.test for condition in rule.conditions)
        for role in rule.roles:
            yield TimeChange(
                role,
                "orders" if is_order else "disputes",
                (Equals("kind", rule.kind) if rule.kind else TRUE) & conditions,
                window.start,
                timedelta(days=window.opens_after) - MOMENT,
                None if is_order else CaseKind.DISPUTE,
            )


# A buyer who is asked for evidence and does not send it loses the dispute, unless an outcome stood before.
_LAPSES = Equals("waits_for", Role.BUYER) & IsSet("evidence_asked_at") & ~IsSet("reopened_at")
_SECURE = Equals("kind", OrderKind.SECURE_PAYMENT)
_unshipped = ~IsSet("shipped_at") & ~IsSet("completed_at") & ~IsSet("cancelled_at")
_REPLACEMENT_AGREED = all_of(
    [
        ~IsSet("reopened_at"),
        ~IsSet("paid_back_at"),
        Equals("outcome_resolution", ResolutionKind.REPLACEMENT),
    ]
)

TIME_CHANGES = (
    *_of_ends(),
    *_of_rules(),
    # A dispute can be opened: the order is late, the cancellation is not answered, the replacement did not come.
    TimeChange(Role.BUYER, "orders", _SECURE & IsSet("ship_by") & IsSet("paid_at") & _unshipped, "ship_by"),
    TimeChange(
        Role.BUYER,
        "orders",
        _SECURE & IsSet("cancellation_pending_since"),
        "cancellation_pending_since",
        CANCELLATION_ANSWER_WITHIN,
    ),
    *(
        TimeChange(
            Role.BUYER,
            "disputes",
            IsSet("closed_as") & Equals("closed_as", status) & _REPLACEMENT_AGREED,
            "closed_at",
            REPLACEMENT_WITHIN,
            CaseKind.DISPUTE,
        )
        for status in (DisputeStatus.SETTLED, DisputeStatus.RESOLVED)
    ),
    # A refund can be reported as missing once more, and is overdue for the other side as well.
    TimeChange(Role.BUYER, "orders", IsSet("refund_due_at") & IsSet("refund_reportable_at"), "refund_reportable_at"),
    *(
        TimeChange(Role.SUPPLIER, "refunds", Equals("status", status) & IS_OUTSTANDING & REFUND_SHOWN, "due_at")
        for status in sorted(UNSETTLED)
    ),
    # The reply to a complaint is overdue.
    TimeChange(
        Role.BUYER,
        "complaints",
        ~COMPLAINT_CLOSED & Equals("waits_for", Role.AGENT) & ~IsSet("answered_at"),
        "opened_at",
        REPLY_WITHIN,
        CaseKind.COMPLAINT,
    ),
)
