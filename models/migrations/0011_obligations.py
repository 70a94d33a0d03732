"""What older orders and disputes owe: refunds, returns, and the facts that new rules read.

Every order that was cancelled, disputed, or not cancelled on request gets what it would have from the start:

- a cancellation that the order system told is a case of its own;
- what a cancellation or an outcome owes is a refund: DUE since the cancellation or the outcome, or since the payment
  where that came later;
- goods that are to be sent back are a return. It begins now, since nobody could send them before;
- facts: replacements, declined cancellation requests, the supplier's answers in open disputes, and the claims.

Each changed order and dispute gets an event of now, so that it stays the fold of its events, and decisions about the
past stay as they were. For example, an order of 100 was paid and cancelled, and a dispute had been settled with 60:

    refunds   60 DUE for the dispute, 40 DUE for the cancellation
    events    two of now, one for each refund; the second one has {"amount_owed": 100, "refund_due_at": …, …}

The rules are those of resolvers.policy.refund at the time of this release. They are written out here, because a
migration must not change with the rules. A second run changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise import migrations
from tortoise.backends.base.client import BaseDBAsyncClient

from models import steps
from models.enums import CancellationReason, CancellationStatus, RefundStatus
from models.keys import new_id

Row = dict[str, Any]

REFUND_WITHIN = timedelta(days=10)
RETURN_ADDRESS_WITHIN = timedelta(days=5)
ESCALATES_AFTER = timedelta(days=30)
NEVER_DUE = datetime(9000, 1, 1, tzinfo=UTC)

# For the lists of orders on which an action is open; see 0005_growth and resolvers.orders.partitions. The last columns
# are compared with the time inside of the index.
ORDER_INDEXES = {
    "orders_late": "(buyer_id, kind, placed_at, id, ship_by) WHERE ship_by IS NOT NULL AND paid_at IS NOT NULL"
    " AND NOT (shipped_at IS NOT NULL) AND NOT (completed_at IS NOT NULL) AND NOT (cancelled_at IS NOT NULL)",
    "orders_not_cancelled": "(buyer_id, kind, placed_at, id) WHERE cancellation_declined_at IS NOT NULL"
    " AND NOT (shipped_at IS NOT NULL) AND NOT (completed_at IS NOT NULL) AND NOT (cancelled_at IS NOT NULL)",
    "orders_to_report": "(buyer_id, kind, placed_at, id, refund_due_at, refund_reportable_at)"
    " WHERE refund_due_at IS NOT NULL AND refund_reportable_at IS NOT NULL",
    "orders_to_answer": "(supplier_id, kind, placed_at, id, coalesce(feedback_left_at, placed_at))"
    " WHERE feedback_left_at IS NOT NULL AND NOT (feedback_replied_at IS NOT NULL)",
}
REPORTED_INDEXES = {
    f"refunds_reported{of_party}{by_due}": f"({party}{instant}, id) WHERE reported_missing_at IS NOT NULL"
    for of_party, party in (
        ("_of_buyer", "buyer_id, "),
        ("_of_supplier", "supplier_id, "),
        ("_of_service", "recorded_by_id, "),
        ("", ""),
    )
    for by_due, instant in (("", "since"), ("_by_due", "due_at"))
}
AFFECTED = """
cancelled_at IS NOT NULL OR dispute_open_since IS NOT NULL OR dispute_settled_at IS NOT NULL
OR id IN (SELECT order_id FROM cancellations WHERE closed_as = 'DECLINED')
"""
ORDER_COLUMNS = (
    "kind",
    "currency",
    "total",
    "amount_paid",
    "amount_refunded",
    "amount_sent",
    "paid_at",
    "payment_reversed_at",
    "cancelled_at",
    "dispute_settled_at",
    "changed_at",
    "buyer_id",
    "supplier_id",
    "recorded_by_id",
)
ORDER_FACTS = (
    "amount_owed",
    "refund_due_at",
    "refund_reportable_at",
    "cancellation_declined_at",
    "replacement_agreed_at",
    "return_open_since",
)
DISPUTE_FACTS = (
    "answered_at",
    "due_at",
    "claimable",
    "claimable_currency",
    "return_began_at",
    "return_waived_at",
)
ANSWERED = """
(SELECT min(at) FROM events WHERE case_id = disputes.id AND by_id = supplier_id
  AND action IN ('PROPOSE_RESOLUTION', 'REJECT_PROPOSAL')) AS supplier_answered_at
"""


@dataclass
class Plan:
    """What one order gets. `new_facts` are set on the order and on disputes; the latter by the dispute's id."""

    order: Row
    disputes: list[Row] = field(default_factory=list[Row])
    cancellations: list[Row] = field(default_factory=list[Row])
    refunds: list[Row] = field(default_factory=list[Row])  # stored ones
    new_cancellation: Row | None = None
    new_refunds: list[Row] = field(default_factory=list[Row])
    new_facts: Row = field(default_factory=Row)
    new_case_facts: dict[Any, Row] = field(default_factory=dict[Any, Row])

    def determine(self, now: datetime) -> None:
        order = self.order
        facts: Row = {}
        if order["cancelled_at"] is not None and not self._standing():
            ended = {"opened_at": order["cancelled_at"], "closed_at": order["cancelled_at"]}
            self.new_cancellation = {
                "id": new_id(),
                "order_id": order["id"],
                "reason": CancellationReason.OTHER.value,
                **ended,
                "closed_as": CancellationStatus.CANCELLED.value,
            }
        declined = [case["closed_at"] for case in self.cancellations if case["closed_as"] == "DECLINED"]
        if declined:
            facts["cancellation_declined_at"] = max(declined)
        for dispute in self.disputes:
            if dispute["outcome_resolution"] == "REPLACEMENT" and dispute["closed_at"] == order["dispute_settled_at"]:
                facts["replacement_agreed_at"] = dispute["closed_at"]
            if self._begin_return(dispute, now):
                facts["return_open_since"] = now
        if self._owes():
            self._owe()
            facts |= self._refund_facts()
        self.new_facts = {name: value for name, value in facts.items() if order[name] != value}
        for dispute in self.disputes:
            if dispute["closed_at"] is None:
                self._follow(dispute, now)

    def _standing(self) -> list[Row]:
        return [case for case in self.cancellations if case["closed_as"] in ("CANCELLED", "ACCEPTED")]

    def _owes(self) -> bool:
        return self.order["paid_at"] is not None and self.order["kind"] != "OFFLINE"

    def _set(self, dispute: Row, facts: Row) -> None:
        changed = {name: value for name, value in facts.items() if dispute[name] != value}
        if changed:
            self.new_case_facts[dispute["id"]] = self.new_case_facts.get(dispute["id"], {}) | changed
            dispute |= changed

    def _begin_return(self, dispute: Row, now: datetime) -> bool:
        """Begins the return that an outcome leads to. Returns whether it runs."""
        if dispute["outcome_resolution"] != "RETURN_AND_REFUND" or dispute["return_began_at"] is not None:
            return False
        if dispute["reason"] == "NOT_RECEIVED":
            # The buyer has nothing to send back, so the refund is owed without a return.
            self._set(dispute, {"return_began_at": now, "return_waived_at": now})
            return False
        self._set(dispute, {"return_began_at": now, "due_at": now + RETURN_ADDRESS_WITHIN})
        return True

    def _owe(self) -> None:
        """Adds the refunds that are owed and not stored: those of outcomes first, then what a cancellation leaves."""
        order = self.order
        stored = {refund["case_id"] for refund in self.refunds}
        available = order["amount_paid"] - sum(r["amount"] for r in self.refunds if r["status"] != "VOID")
        ended = [dispute for dispute in self.disputes if dispute["outcome_amount"] is not None]
        debts: list[tuple[str, Any, int | None, datetime, datetime | None]] = []
        for dispute in sorted(ended, key=lambda dispute: (dispute["closed_at"], dispute["id"])):
            if dispute["outcome_currency"] != order["currency"]:
                continue
            since, hidden_until = dispute["closed_at"], None
            if dispute["outcome_resolution"] == "RETURN_AND_REFUND":
                since = dispute["return_waived_at"] or since
                hidden_until = None if dispute["return_waived_at"] else dispute["due_at"]
            debts.append(("DISPUTE", dispute["id"], dispute["outcome_amount"], since, hidden_until))
        if order["cancelled_at"] is not None:
            standing = sorted(self._standing(), key=lambda case: (case["opened_at"], case["id"]))
            case = self.new_cancellation or standing[-1]
            debts.append(("CANCELLATION", case["id"], None, order["cancelled_at"], None))
        for kind, case_id, most, since, hidden_until in debts:
            amount = available if most is None else min(most, available)
            if case_id in stored or amount <= 0:
                continue
            available -= amount
            owed_since = hidden_until or max(since, order["paid_at"])
            self.new_refunds.append(
                {
                    "id": new_id(),
                    "order_id": order["id"],
                    "buyer_id": order["buyer_id"],
                    "supplier_id": order["supplier_id"],
                    "recorded_by_id": order["recorded_by_id"],
                    "case_kind": kind,
                    "case_id": case_id,
                    "currency": order["currency"],
                    "amount": amount,
                    "outstanding": amount,
                    "status": RefundStatus.DUE.value,
                    "since": owed_since,
                    "owed_since": owed_since,
                    "due_at": owed_since + REFUND_WITHIN,
                    "hidden_until": hidden_until,
                }
            )

    def _refund_facts(self) -> Row:
        """Returns the order's facts about refunds, if there are new ones."""
        if not self.new_refunds:
            return {}
        due_at = min(refund["due_at"] for refund in self.new_refunds)
        owed = sum(refund["amount"] for refund in self.new_refunds)
        first = {name: min(due_at, self.order[name] or due_at) for name in ("refund_due_at", "refund_reportable_at")}
        return {"amount_owed": self.order["amount_owed"] + owed, **first}

    def _follow(self, dispute: Row, now: datetime) -> None:
        """Sets the facts of an open dispute."""
        order = self.order | self.new_facts
        claimable = order["total"] if order["payment_reversed_at"] is None else 0
        if order["paid_at"] is not None:
            claimable = order["amount_paid"] - order["amount_refunded"] - order["amount_sent"] - order["amount_owed"]
        if dispute["reason"] == "REFUND_NOT_RECEIVED":  # opened since this release
            claimable = order["amount_owed"]
        facts = {"claimable": claimable, "claimable_currency": order["currency"]}
        if dispute["answered_at"] is None:
            facts["answered_at"] = dispute["supplier_answered_at"]
        escalates_at = max(dispute["opened_at"] + ESCALATES_AFTER, now)
        is_turn = dispute["waits_for"] in ("BUYER", "SUPPLIER") and dispute["evidence_asked_at"] is None
        if is_turn and dispute["due_at"] > escalates_at:
            facts["due_at"] = escalates_at
        self._set(dispute, facts)

    def events(self, now: datetime) -> list[Row]:
        """Returns an event for each new refund that is shown and for each changed dispute. The last has the order's
        facts."""
        cases: dict[Any, Row] = {
            id: {"case_kind": "DISPUTE", "case_id": id, "case_facts": facts}
            for id, facts in self.new_case_facts.items()
        }
        for refund in self.new_refunds:
            if refund["hidden_until"] is None:
                case: Row = {"case_kind": refund["case_kind"], "case_id": refund["case_id"], "case_facts": {}}
                told = {"refund_id": refund["id"], "refund_status": refund["status"]}
                cases[refund["case_id"]] = cases.get(refund["case_id"], case) | told
        about = list(cases.values()) or ([{}] if self.new_facts else [])
        if about:
            about[-1] = about[-1] | {"facts": self.new_facts}
        common = {"order_id": self.order["id"], "at": now, "known_at": max(now, self.order["changed_at"])}
        empty: Row = dict.fromkeys(("case_kind", "case_id", "case_facts", "refund_id", "refund_status"))
        return [empty | {"facts": {}} | common | event for event in about]


class DetermineObligations(steps.Batches):
    """Goes through the orders that may owe something. An order is locked while it changes."""

    can_repeat = True

    def __init__(self, *, at_once: int = 200) -> None:
        super().__init__("orders", AFFECTED, at_once)

    def describe(self) -> str:
        return "determine what orders owe"

    async def batch(self, client: BaseDBAsyncClient, after: Sequence[Any]) -> list[Any]:
        orders = [_instants(row) for row in await self.rows(client, after, [*ORDER_COLUMNS, *ORDER_FACTS])]
        if not orders:
            return []
        plans = {order["id"]: Plan(order) for order in orders}
        for table, condition, more, kept in (
            ("disputes", "closed_at IS NULL OR outcome_resolution IS NOT NULL", ANSWERED, "disputes"),
            ("cancellations", "closed_at IS NOT NULL", "", "cancellations"),
            ("refunds", "TRUE", "", "refunds"),
        ):
            for row in await _of_orders(client, table, condition, more, list(plans)):
                getattr(plans[row["order_id"]], kept).append(row)
        now = datetime.now(UTC)
        for plan in plans.values():
            plan.determine(now)
        await self._write(client, list(plans.values()), now)
        return list(plans)

    async def _write(self, client: BaseDBAsyncClient, plans: Sequence[Plan], now: datetime) -> None:
        cancellations = [plan.new_cancellation for plan in plans if plan.new_cancellation]
        if cancellations:
            for row, n in zip(cancellations, await _case_numbers(client, len(cancellations)), strict=True):
                row["number"] = f"K-{now.year}-{n:06d}"
            await _insert(client, "cancellations", cancellations)
            await _tell_cancellations(client, cancellations)
        await _insert(client, "refunds", [refund for plan in plans for refund in plan.new_refunds])
        disputes = [dispute for plan in plans for dispute in plan.disputes if dispute["id"] in plan.new_case_facts]
        await _update(client, "disputes", DISPUTE_FACTS, disputes)
        events = [event for plan in plans for event in plan.events(now)]
        known_at = {event["order_id"]: event["known_at"] for event in events}
        changed = [
            plan.order | plan.new_facts | {"changed_at": known_at[plan.order["id"]]}
            for plan in plans
            if plan.order["id"] in known_at
        ]
        await _update(client, "orders", (*ORDER_FACTS, "changed_at"), changed)
        await _insert(client, "events", events)


class TellClaims(steps.Batches):
    """Adds the claim to the event that opened a dispute: since this release, it can be revised."""

    can_repeat = True
    STATEMENTS = {
        "postgres": """
UPDATE events SET case_facts = coalesce(case_facts, '{}') || jsonb_build_object('claim', claim, 'currency', currency)
FROM disputes WHERE case_id = disputes.id AND action = 'OPEN_DISPUTE' AND disputes.id BETWEEN $1 AND $2
  AND NOT coalesce(case_facts, '{}') ? 'currency'
""",
        "sqlite": """
UPDATE events SET case_facts = (
  SELECT json_set(coalesce(events.case_facts, '{}'), '$.claim', claim, '$.currency', currency)
  FROM disputes WHERE disputes.id = events.case_id
)
WHERE action = 'OPEN_DISPUTE' AND json_type(coalesce(case_facts, '{}'), '$.currency') IS NULL
  AND case_id IN (SELECT id FROM disputes WHERE id BETWEEN ? AND ?)
""",
    }

    def __init__(self, *, at_once: int = 500) -> None:
        super().__init__("disputes", "TRUE", at_once)

    def describe(self) -> str:
        return "tell the claims of disputes"

    async def batch(self, client: BaseDBAsyncClient, after: Sequence[Any]) -> list[Any]:
        ids = [row["id"] for row in await self.rows(client, after)]
        if ids:
            await client.execute_query(self.STATEMENTS[client.capabilities.dialect], [ids[0], ids[-1]])
        return ids


def _instants(row: Row) -> Row:
    """Returns the row with instants as datetimes, also on SQLite, whose driver has them as text."""
    names = [name for name, value in row.items() if name.endswith(("_at", "_since")) and isinstance(value, str)]
    return row | {name: datetime.fromisoformat(row[name]) for name in names}


async def _of_orders(
    client: BaseDBAsyncClient, table: str, condition: str, more: str, order_ids: list[Any]
) -> list[Row]:
    among, values = "= ANY($1)", [order_ids]
    if not steps.is_postgres(client):
        among, values = f"IN ({', '.join('?' * len(order_ids))})", order_ids
    columns = f"*, {more}" if more else "*"
    query = f"SELECT {columns} FROM {table} WHERE order_id {among} AND ({condition})"  # noqa: S608
    rows: list[Row] = await client.execute_query_dict(query, values)
    return [_instants(row) for row in rows]


async def _case_numbers(client: BaseDBAsyncClient, count: int) -> list[int]:
    if steps.is_postgres(client):
        query = "SELECT nextval('case_numbers_cancellation') AS n FROM generate_series(1, $1)"
        return [row["n"] for row in await client.execute_query_dict(query, [count])]
    await client.execute_query(
        "INSERT INTO case_numbers (kind, n) VALUES ('CANCELLATION', ?1) ON CONFLICT (kind) DO UPDATE SET n = n + ?1",
        [count],
    )
    rows: list[Row] = await client.execute_query_dict("SELECT n FROM case_numbers WHERE kind = 'CANCELLATION'")
    latest: int = rows[0]["n"]
    return list(range(latest - count + 1, latest + 1))


async def _tell_cancellations(client: BaseDBAsyncClient, cancellations: Iterable[Row]) -> None:
    """Makes the event that cancelled the order about the case too, as it is for cancellations since this release."""
    is_postgres = steps.is_postgres(client)
    is_set = "facts ->> 'cancelled_at'" if is_postgres else "json_extract(facts, '$.cancelled_at')"
    marks = ("$1", "$2", "$3") if is_postgres else ("?1", "?2", "?3")
    case_id, case_facts, order_id = marks
    await client.execute_many(
        f"UPDATE events SET case_kind = 'CANCELLATION', case_id = {case_id}, case_facts = {case_facts} WHERE id ="  # noqa: S608
        f" (SELECT max(id) FROM events WHERE order_id = {order_id} AND case_id IS NULL AND {is_set} IS NOT NULL)",
        [
            [
                case["id"],
                _json({name: case[name] for name in ("opened_at", "closed_at", "closed_as")}),
                case["order_id"],
            ]
            for case in cancellations
        ],
    )


def _json(facts: Row) -> str:
    return json.dumps(facts, default=datetime.isoformat)


def _values(row: Row, names: Sequence[str]) -> list[Any]:
    return [_json(row[name]) if isinstance(row[name], dict) else row[name] for name in names]


def _marks(client: BaseDBAsyncClient, count: int) -> list[str]:
    return [f"${number}" if steps.is_postgres(client) else "?" for number in range(1, count + 1)]


async def _insert(client: BaseDBAsyncClient, table: str, rows: Sequence[Row]) -> None:
    if rows:
        names = list(rows[0])
        marks = ", ".join(_marks(client, len(names)))
        text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        await client.execute_many(text, [_values(row, names) for row in rows])


async def _update(client: BaseDBAsyncClient, table: str, names: Sequence[str], rows: Sequence[Row]) -> None:
    if rows:
        *marks, last = _marks(client, len(names) + 1)
        assignments = ", ".join(f"{name} = {mark}" for name, mark in zip(names, marks, strict=True))
        text = f"UPDATE {table} SET {assignments} WHERE id = {last}"  # noqa: S608
        await client.execute_many(text, [[*_values(row, names), row["id"]] for row in rows])


class Migration(migrations.Migration):
    dependencies = [("models", "0010_refunds")]

    operations = [
        *(steps.CreateIndex(name, "orders", definition) for name, definition in ORDER_INDEXES.items()),
        steps.DropIndex("orders_to_reply"),  # orders_to_answer can also tell whose time to reply is over
        *(steps.CreateIndex(name, "refunds", definition) for name, definition in REPORTED_INDEXES.items()),
        steps.OnPostgres(
            "take every party of a refund for one of a hundred",  # see 0006_lists
            *(
                f"ALTER TABLE refunds ALTER COLUMN {column} SET (n_distinct = -0.01)"
                for column in ("buyer_id", "supplier_id", "recorded_by_id")
            ),
        ),
        DetermineObligations(),
        TellClaims(),
    ]
