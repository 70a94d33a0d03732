"""What the orders of an earlier release owe after they were migrated: cancellations, outcomes, returns and facts."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, TypeVar, cast
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.transactions import in_transaction

import models
from models import migrating
from models.config import APPS
from models.enums import Role
from models.keys import new_id
from models.steps import Editing, Step, is_postgres
from resolvers import ids, policy
from resolvers.context import Context
from resolvers.orders.order import Order
from resolvers.read.fetch import fetch
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.timeline import change_of
from resolvers.write.events import PendingEvent
from resolvers.write.refunds import read_ledgers
from tests.storage.test_migrating import opened
from tests.support.machine import row_is_fold_of_events

T = TypeVar("T")
Row = dict[str, Any]

MIGRATION: Any = import_module("models.migrations.0011_obligations")
RELEASE_BEFORE = "0009_records"
DAY = timedelta(days=1)
START = datetime.now(UTC) - 100 * DAY
NEVER = policy.NEVER_DUE


def day(number: float) -> datetime:
    return START + number * DAY


def change(at: float, case: str = "", action: str | None = None, by: str = "", **facts: Any) -> Row:
    """An event of the order, or of one of its cases. Facts that start with "case_" are the case's."""
    of_case = {name.removeprefix("case_"): value for name, value in facts.items() if name.startswith("case_")}
    of_order = {name: value for name, value in facts.items() if not name.startswith("case_")}
    return {"at": day(at), "case": case, "action": action, "by": by, "facts": of_order, "case_facts": of_case}


def placed(total: int = 100) -> Row:
    return change(0, placed_at=day(0), total=total, amount_paid=0)


def paid(at: float = 1, amount: int = 100) -> Row:
    return change(at, paid_at=day(at), amount_paid=amount)


def cancelled(at: float) -> Row:
    return change(at, cancelled_at=day(at))


def requested(at: float, name: str = "K") -> Row:
    facts = {"cancellation_pending_since": day(at), "case_opened_at": day(at)}
    return change(at, name, "REQUEST_CANCELLATION", "buyer", **facts)


def answered(at: float, action: str, closed_as: str, name: str = "K", **facts: Any) -> Row:
    closed = {"case_closed_at": day(at), "case_closed_as": closed_as}
    return change(at, name, action, "supplier", cancellation_pending_since=None, **closed, **facts)


def disputed(at: float, claim: int | None = 90, claimable: int = 100, due: float = 7, name: str = "D") -> Row:
    return change(
        at,
        name,
        "OPEN_DISPUTE",
        "buyer",
        dispute_open_since=day(at),
        case_opened_at=day(at),
        case_proposed_at=day(at),
        case_waits_for="SUPPLIER",
        case_due_at=day(at + due),
        case_offered=claim,
        case_offered_currency="USD" if claim else None,
        case_claimable=claimable,
        case_claimable_currency="USD",
    )


def ended(at: float, closed_as: str = "SETTLED", name: str = "D") -> Row:
    settled = {"dispute_settled_at": day(at)} if closed_as in ("SETTLED", "RESOLVED") else {}
    facts = {"case_closed_at": day(at), "case_closed_as": closed_as, "case_waits_for": None, "case_due_at": NEVER}
    action = {"SETTLED": "ACCEPT_PROPOSAL", "RESOLVED": "RESOLVE_DISPUTE"}.get(closed_as, "WITHDRAW_DISPUTE")
    return change(at, name, action, "buyer", dispute_open_since=None, dispute_lapses_at=None, **settled, **facts)


@dataclass
class Old:
    """An order of the release before: what happened to it, its outcome; and what it owes after the migration.

    `refunds` are (case, amount, the day since which it is owed). The case is "K" or "D", or "own" for the cancellation
    that the migration adds. `facts` and `case_facts` are what else the migration sets, days for instants; NOW is when it
    ran.
    """

    says: str
    happened: Sequence[Row]
    kind: str = "TRADE_ASSURANCE"
    outcome: tuple[str, int | None, str] | None = None  # resolution, amount, currency
    reason: str = "DAMAGED"
    refunds: Sequence[tuple[str, int, Any]] = ()
    own_cancellation: float | None = None
    facts: Row = field(default_factory=Row)
    case_facts: Row = field(default_factory=Row)
    texts: Sequence[str] = ()


NOW, SINCE_NOW = "when the migration ran", 5 * DAY
OWED = "A refund is owed."
FOLLOWS = "What follows from earlier agreements and decisions was determined."
SP = "SECURE_PAYMENT"
settled_with_60 = [placed(), paid(), disputed(2), ended(4)]
in_dollars = ("PARTIAL_REFUND", 60, "USD")

ORDERS = [
    Old("nothing happened to it", [placed()]),
    Old("it is paid", [placed(), paid()]),
    Old("the order system cancelled it before it was paid", [placed(), cancelled(2)], own_cancellation=2),
    Old(
        "the order system cancelled it after it was paid",
        [placed(), paid(), cancelled(2)],
        refunds=[("own", 100, 2)],
        own_cancellation=2,
        texts=[OWED],
    ),
    Old(
        "it was paid after it was cancelled",
        [placed(), cancelled(1), paid(3)],
        refunds=[("own", 100, 3)],
        own_cancellation=1,
        texts=[OWED],
    ),
    Old(
        "the cancellation was taken back, and told again",
        [placed(), paid(), cancelled(2), change(3, cancelled_at=None), cancelled(4)],
        refunds=[("own", 100, 4)],
        own_cancellation=4,
        texts=[OWED],
    ),
    Old(
        "the order system cancelled it while a request was pending",
        [placed(), paid(), requested(2), cancelled(3), answered(3, "", "SUPERSEDED")],
        SP,
        refunds=[("own", 100, 3)],
        own_cancellation=3,
        texts=[OWED],
    ),
    Old(
        "the buyer cancelled it",
        [
            placed(),
            change(
                2,
                "K",
                "CANCEL_ORDER",
                "buyer",
                cancelled_at=day(2),
                case_opened_at=day(2),
                case_closed_at=day(2),
                case_closed_as="CANCELLED",
            ),
        ],
    ),
    Old(
        "the supplier accepted to cancel it",
        [placed(), paid(), requested(2), answered(3, "ACCEPT_CANCELLATION", "ACCEPTED", cancelled_at=day(3))],
        SP,
        refunds=[("K", 100, 3)],
        texts=[OWED],
    ),
    Old("it is an offline order", [placed(), paid(), cancelled(2)], "OFFLINE", own_cancellation=2),
    Old("it was settled", settled_with_60, outcome=in_dollars, refunds=[("D", 60, 4)], texts=[OWED]),
    Old(
        "it was decided",
        [placed(), paid(), disputed(2), ended(4, "RESOLVED")],
        outcome=in_dollars,
        refunds=[("D", 60, 4)],
        texts=[OWED],
    ),
    Old("it was settled in a currency that the order no longer has", settled_with_60, outcome=("REFUND", 60, "EUR")),
    Old("it was settled without money", settled_with_60, outcome=("NO_REFUND", None, "USD")),
    Old("it was settled, and was never paid", [placed(), disputed(2), ended(4)], outcome=in_dollars),
    Old(
        "it was settled before it was paid",
        [placed(), disputed(2), ended(4), paid(6)],
        outcome=in_dollars,
        refunds=[("D", 60, 6)],
        texts=[OWED],
    ),
    Old(
        "it was settled with more than is paid now",
        [placed(), paid(), disputed(2), ended(4), change(5, amount_paid=50)],
        outcome=in_dollars,
        refunds=[("D", 50, 4)],
        texts=[OWED],
    ),
    Old(
        "it was settled and cancelled",
        [*settled_with_60, cancelled(6)],
        outcome=in_dollars,
        refunds=[("D", 60, 4), ("own", 40, 6)],
        own_cancellation=6,
        texts=[OWED, OWED],
    ),
    Old(
        "it was cancelled and then settled",
        [placed(), paid(), cancelled(2), disputed(3), ended(4)],
        outcome=in_dollars,
        refunds=[("D", 60, 4), ("own", 40, 2)],
        own_cancellation=2,
        texts=[OWED, OWED],
    ),
    Old(
        "goods are to be sent back",
        settled_with_60,
        outcome=("RETURN_AND_REFUND", 60, "USD"),
        refunds=[("D", 60, SINCE_NOW)],
        facts={"return_open_since": NOW},
        case_facts={"return_began_at": NOW, "due_at": SINCE_NOW},
        texts=[FOLLOWS],
    ),
    Old(
        "goods that never arrived are to be sent back",
        settled_with_60,
        outcome=("RETURN_AND_REFUND", 60, "USD"),
        reason="NOT_RECEIVED",
        refunds=[("D", 60, NOW)],
        case_facts={"return_began_at": NOW, "return_waived_at": NOW},
        texts=[OWED],
    ),
    Old(
        "a replacement was agreed",
        settled_with_60,
        outcome=("REPLACEMENT", None, "USD"),
        facts={"replacement_agreed_at": 4},
        texts=[FOLLOWS],
    ),
    Old(
        "the supplier declined to cancel it, twice",
        [
            placed(),
            requested(1),
            answered(2, "DECLINE_CANCELLATION", "DECLINED"),
            requested(3, "K2"),
            answered(5, "DECLINE_CANCELLATION", "DECLINED", "K2"),
        ],
        SP,
        facts={"cancellation_declined_at": 5},
        texts=[FOLLOWS],
    ),
    Old("the buyer withdrew the dispute", [placed(), paid(), disputed(2), ended(4, "WITHDRAWN")]),
    Old("the dispute waits for its first answer", [placed(), paid(), disputed(95)]),
    Old(
        "the supplier rejected and then proposed",
        [
            placed(),
            paid(),
            disputed(90),
            change(92, "D", "REJECT_PROPOSAL", "supplier", case_waits_for="BUYER", case_due_at=day(99)),
            change(94, "D", "REJECT_PROPOSAL", "buyer", case_waits_for="SUPPLIER", case_due_at=day(101)),
            change(95, "D", "PROPOSE_RESOLUTION", "supplier", case_waits_for="BUYER", case_due_at=day(102)),
        ],
        case_facts={"answered_at": 92},
        texts=[FOLLOWS],
    ),
    Old(
        "turns were taken for more than 30 days",
        [placed(), paid(), disputed(60, due=42)],
        case_facts={"due_at": NOW},
        texts=[FOLLOWS],
    ),
    Old(
        "a turn would last longer than 30 days from the opening",
        [placed(), paid(), disputed(75, due=31)],
        case_facts={"due_at": 105},
        texts=[FOLLOWS],
    ),
    Old("a turn was over long ago", [placed(), paid(), disputed(20)]),
    Old(
        "it was cancelled while a dispute was open",
        [placed(), paid(), disputed(95), cancelled(96)],
        refunds=[("own", 100, 96)],
        own_cancellation=96,
        case_facts={"claimable": 0},
        texts=["The amount that can be claimed for the order changed.", OWED],
    ),
]


# ---------------------------------------------------------------- rows of the release before


@dataclass
class Stored:
    """The ids of an old order and of its cases, by name."""

    id: UUID
    cases: dict[str, UUID]


async def insert(client: BaseDBAsyncClient, table: str, **columns: Any) -> None:
    values = [json.dumps(value, default=str) if isinstance(value, dict | list) else value for value in columns.values()]
    marks = [f"${number}" if is_postgres(client) else "?" for number in range(1, len(columns) + 1)]
    text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(marks)})"
    await client.execute_query(text, values)


async def fill(client: BaseDBAsyncClient, orders: Sequence[Old], prefix: str = "") -> dict[str, Stored]:
    """Adds the orders as the release before stored them. Subjects and numbers begin with the prefix."""
    accounts = {role: new_id() for role in Role}
    for role, id in accounts.items():
        await insert(client, "accounts", id=id, subject=prefix + role.lower(), role=role.value, name=role.capitalize())
    parties = {"buyer_id": accounts[Role.BUYER], "supplier_id": accounts[Role.SUPPLIER]}
    stored: dict[str, Stored] = {}
    for number, old in enumerate(orders, 1):
        order = Stored(new_id(), {})
        stored[old.says] = order
        facts: Row = {}
        case_facts: dict[str, Row] = {}
        for event in old.happened:
            facts |= event["facts"]
            if event["case"]:
                case_facts.setdefault(event["case"], {}).update(event["case_facts"])
                order.cases.setdefault(event["case"], new_id())
        columns = {"currency": "USD", "items": [], "search": "", "recorded_by_id": accounts[Role.SERVICE], **parties}
        instants = {"recorded_at": day(0), "changed_at": max(event["at"] for event in old.happened)}
        await insert(
            client, "orders", id=order.id, number=f"{prefix}N{number}", kind=old.kind, **columns, **facts, **instants
        )
        for name, its_facts in case_facts.items():
            case = {"id": order.cases[name], "number": f"{prefix}{name}-{number}", "order_id": order.id}
            if name.startswith("K"):
                await insert(client, "cancellations", **case, reason="OTHER", **its_facts)
                continue
            case |= parties | {"reason": old.reason, "description": "", "wanted": "REFUND", "currency": "USD"}
            case["claim"] = its_facts["offered"]
            if old.outcome:
                resolution, amount, currency = old.outcome
                case |= {"outcome_resolution": resolution, "outcome_by_id": parties["supplier_id"]}
                case |= {"outcome_amount": amount, "outcome_currency": currency if amount else None}
            await insert(client, "disputes", **case, **its_facts)
        for event in old.happened:
            kind = {"K": "CANCELLATION", "D": "DISPUTE"}.get(event["case"][:1])
            await insert(
                client,
                "events",
                order_id=order.id,
                case_kind=kind,
                case_id=order.cases.get(event["case"]),
                at=event["at"],
                known_at=event["at"],
                by_id=accounts[Role[event["by"].upper()]] if event["by"] else None,
                action=event["action"] or None,
                facts=event["facts"],
                case_facts=event["case_facts"] if kind else None,
            )
    return stored


# ---------------------------------------------------------------- the migrated database


class InTransactions(Editing):
    """A schema editor with a transaction for each batch, as on PostgreSQL."""

    def __init__(self, client: BaseDBAsyncClient) -> None:
        self.client = client

    async def attempt(self, work: Callable[[BaseDBAsyncClient], Awaitable[T]]) -> T:
        async with in_transaction(self.client.connection_name) as client:
            return await work(client)


class Interrupted(MIGRATION.DetermineObligations):
    """Is interrupted after the rows of the third batch were written, before they are committed."""

    batches = 0

    async def batch(self, client: BaseDBAsyncClient, after: Sequence[Any]) -> list[Any]:
        ids = await super().batch(client, after)
        self.batches += 1
        if self.batches == 3:
            raise InterruptedError
        return ids


class Migrated:
    """A database of the release before with all of these orders, after the migration."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stored: dict[str, Stored] = {}
        self.before = self.after = START
        self.kept = 0  # refunds that the interrupted run has left

    def run(self, work: Callable[[BaseDBAsyncClient], Awaitable[T]]) -> T:
        async def connected() -> T:
            async with opened(self.url) as client:
                return await work(client)

        return asyncio.run(connected())

    async def fill(self, client: BaseDBAsyncClient) -> None:
        await migrating.migrate(APPS, client, to=RELEASE_BEFORE)
        self.stored = await fill(client, ORDERS)

    async def migrate(self, client: BaseDBAsyncClient) -> None:
        """Migrates, with one interruption after some of the orders."""
        await migrating.migrate(APPS, client, to="0010_refunds")
        self.before = datetime.now(UTC)
        with pytest.raises(InterruptedError):
            await Interrupted(at_once=5).forward(InTransactions(client))
        self.kept = await models.Refund.all().count()
        await migrating.migrate(APPS, client)
        self.after = datetime.now(UTC)

    def is_at(self, value: datetime, expected: Any) -> bool:
        if isinstance(expected, timedelta):
            return self.before <= value - expected <= self.after
        return self.before <= value <= self.after if expected == NOW else value == day(expected)


@pytest.fixture(scope="module")
def migrated(new_database: Callable[[], str]) -> Migrated:
    made = Migrated(new_database())
    made.run(made.fill)
    made.run(made.migrate)
    return made


@pytest.mark.parametrize("old", ORDERS, ids=lambda old: old.says)
def test_an_older_order_owes_what_the_rules_say(old: Old, migrated: Migrated) -> None:
    stored = migrated.stored[old.says]

    async def work(_: BaseDBAsyncClient) -> None:
        order = await models.Order.get(id=stored.id)
        cases = dict(stored.cases)
        added = await models.Cancellation.filter(order_id=stored.id).exclude(id__in=[*cases.values(), new_id()])
        if old.own_cancellation is None:
            assert added == []
        else:
            [own] = added
            at = day(old.own_cancellation)
            assert (own.opened_at, own.closed_at, own.closed_as, own.reason) == (at, at, "CANCELLED", "OTHER")
            assert own.number.startswith("K-")
            [told] = await models.Event.filter(case_id=own.id, refund_id=None)
            assert (told.at, told.facts) == (at, {"cancelled_at": str(at)})
            assert told.case_facts["closed_as"] == "CANCELLED"
            cases["own"] = own.id
        refunds = {refund.case_id: refund for refund in await models.Refund.filter(order_id=stored.id)}
        assert set(refunds) == {cases[name] for name, _, _ in old.refunds}
        for name, amount, since in old.refunds:
            refund = refunds[cases[name]]
            assert (refund.amount, refund.outstanding, refund.status, refund.currency) == (amount, amount, "DUE", "USD")
            assert refund.owed_since is not None
            assert migrated.is_at(refund.owed_since, since)
            assert (refund.since, refund.due_at) == (refund.owed_since, refund.owed_since + 10 * DAY)
            assert refund.hidden_until == (refund.owed_since if since == SINCE_NOW else None)
        assert order.amount_owed == sum(amount for _, amount, _ in old.refunds)
        due_at = min((refund.due_at for refund in refunds.values()), default=None)
        assert (order.refund_due_at, order.refund_reportable_at) == (due_at, due_at)
        check(old.facts, order, ("return_open_since", "replacement_agreed_at", "cancellation_declined_at"))
        if "D" in cases:
            dispute = await models.Dispute.get(id=cases["D"])
            check(old.case_facts, dispute, ("answered_at", "return_began_at", "return_waived_at"))
        new: Any = await models.Event.filter(order_id=stored.id, known_at__gte=migrated.before).order_by("id")
        assert [change_of(e.action, e.facts | (e.case_facts or {}), e.refund_status)[1] for e in new] == [*old.texts]
        assert all(event.by_id is None and event.known_at == order.changed_at for event in new)

    def check(expected: Row, row: Any, others: Sequence[str]) -> None:
        for name, value in expected.items():
            assert getattr(row, name) == value if name == "claimable" else migrated.is_at(getattr(row, name), value)
        for name in others:
            assert name in expected or getattr(row, name) is None, name

    migrated.run(work)


def test_rows_stay_the_folds_of_their_events_and_the_rules_of_today_change_nothing(migrated: Migrated) -> None:
    async def work(_: BaseDBAsyncClient) -> None:
        orders = [stored.id for stored in migrated.stored.values()]
        for id in orders:
            await row_is_fold_of_events(ids.encode("Order", id))
        for dispute in await models.Dispute.all():
            await row_is_fold_of_events(ids.encode("Dispute", dispute.id))
        viewer: Any = await models.Account.get(role=Role.AGENT)
        nothing: Any = None
        now = datetime.now(UTC)
        context = Context(viewer, now, now, nothing, nothing, nothing)
        rows = await fetch(context, Select(Order, Where.among("id", orders)))
        assert len(rows) == len(ORDERS)
        for ledger in (await read_ledgers(context, cast("Any", rows))).values():
            event = PendingEvent(at=now)
            assert ledger.follow([event]) == []
            assert event.facts == {}
            assert ledger.writes({}) == []

    migrated.run(work)


def test_decisions_about_the_past_stay(migrated: Migrated) -> None:
    """Until the migration, nothing of what it determined is known."""

    async def work(_: BaseDBAsyncClient) -> None:
        for event in await models.Event.filter(known_at__lt=migrated.before):
            facts = {*event.facts, *(event.case_facts or {})}
            assert not facts & {*MIGRATION.ORDER_FACTS, *MIGRATION.DISPUTE_FACTS} - {
                "due_at",
                "claimable",
                "claimable_currency",
            }
        events: Any = await models.Event.all().order_by("id")
        latest: dict[UUID, datetime] = {}
        for event in events:
            assert event.known_at >= latest.get(event.order_id, START)
            latest[event.order_id] = event.known_at

    migrated.run(work)


# ---------------------------------------------------------------- run again


async def everything() -> dict[str, list[Any]]:
    """Returns what every table has, without ids and instants that each run makes anew."""
    refunds = await models.Refund.all().order_by("order_id", "case_kind").values()
    orders = await models.Order.all().order_by("id").values()
    disputes = await models.Dispute.all().order_by("id").values()
    events = await models.Event.all().order_by("order_id", "id").values()
    cancellations = await models.Cancellation.all().order_by("order_id", "opened_at").values()
    return {"refunds": refunds, "orders": orders, "disputes": disputes, "events": events, "cases": cancellations}


def test_a_second_run_changes_nothing(migrated: Migrated) -> None:
    async def work(client: BaseDBAsyncClient) -> None:
        before = await everything()
        for step in MIGRATION.Migration.operations:
            if isinstance(step, Step):
                await step.forward(InTransactions(client))
        assert await everything() == before

    migrated.run(work)


def test_a_run_goes_on_where_it_was_interrupted(migrated: Migrated) -> None:
    """The migration of this database was interrupted: see `Migrated.migrate`."""

    async def work(_: BaseDBAsyncClient) -> None:
        assert 0 < migrated.kept < await models.Refund.all().count()

    migrated.run(work)


def test_what_the_release_before_wrote_after_the_migration_is_filled_later(migrated: Migrated) -> None:
    """Servers of that release may run for a while. They do not write what is new."""
    says = {"it was settled": 60, "the order system cancelled it after it was paid": 100, "a replacement was agreed": 0}

    async def work(client: BaseDBAsyncClient) -> tuple[list[int], list[int]]:
        stored = await fill(client, [old for old in ORDERS if old.says in says], "late ")
        owed = [(await models.Order.get(id=stored[each].id)).amount_owed for each in says]
        await migrating.repeat(APPS, client)
        rows = [await models.Order.get(id=stored[each].id) for each in says]
        for order in rows:
            await row_is_fold_of_events(ids.encode("Order", order.id))
        assert rows[2].replacement_agreed_at == day(4)
        return owed, [order.amount_owed for order in rows]

    assert migrated.run(work) == ([0, 0, 0], list(says.values()))
