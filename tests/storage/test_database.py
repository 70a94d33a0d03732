"""Hazards of tables and stored values. Each is tested twice: the libraries' own behaviour, to notice when our fix is no
longer needed, and our fix."""

import contextlib
import re
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError
from tortoise.migrations.executor import PlanStep
from tortoise.migrations.schema_editor import SqliteSchemaEditor
from tortoise.utils import get_schema_sql

import models
from models import database, migrating
from models.backends.sqlite import instant_to_text
from models.config import APPS
from models.enums import Role
from models.keys import new_id
from resolvers.account import sign_in
from resolvers.ids import key_of
from schema.scalars import spell_instant
from tests.conftest import DAY, NOW, Server, World, on_sqlite, usd
from tests.support.actions import INPUTS

# ---------------------------------------------------------------- rebuilt tables


@on_sqlite
@pytest.mark.parametrize("safe", [False, True])
def test_rebuilding_a_table_changes_nothing_else(server: Server, world: World, safe: bool) -> None:
    world.buyer.succeed("leaveFeedback", {"orderId": world.order(completedAt=1), "ratings": {"overall": 4}})

    async def state(client: Any) -> tuple[Any, ...]:
        indexes = await client.execute_query_dict(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'orders' ORDER BY name"
        )
        named = [row["name"] for row in indexes if not row["name"].startswith("sqlite_")]
        return named, await models.Order.all().count(), await models.Feedback.all().count()

    async def work() -> list[Any]:
        client = database.connection()
        states = [await state(client)]
        await client.execute_query("PRAGMA foreign_keys = OFF")
        with contextlib.suppress(InterruptedError):
            async with client._in_transaction() as transaction:
                editor = (migrating.SafeSqliteSchemaEditor if safe else SqliteSchemaEditor)(transaction, atomic=True)
                await editor._remake_table(models.Order)
                states.append(await state(transaction))
                raise InterruptedError  # rolled back, so the database of the other tests is unchanged
        await client.execute_query("PRAGMA foreign_keys = ON")
        return states

    before, after = server.run(work)
    assert (before == after) == safe


@on_sqlite
def test_a_table_that_others_refer_to_can_be_migrated(server: Server, world: World) -> None:
    """Adds a column and removes it. The removal rebuilds the table, to which orders, feedback and events refer."""
    world.buyer.succeed("leaveFeedback", {"orderId": world.order(completedAt=1), "ratings": {"overall": 4}})

    class Rebuilding(migrating.Migrator):
        """Stands for a migration from a file."""

        async def _project_state(self, *_: Any, **__: Any) -> Any:
            return None

    async def counted(client: Any) -> list[int]:
        return [await model.all().count() for model in (models.Order, models.Feedback, models.Event)]

    async def work() -> tuple[list[int], list[int]]:
        client = database.connection()
        before = await counted(client)

        class Step:
            app_label, name, atomic = "models", "rebuild", True

            async def apply(self, _state: Any, *, dry_run: bool, schema_editor: Any) -> None:
                await schema_editor._remake_table(models.Order)

        migrator = Rebuilding(client, APPS)
        migrator._migration_plan = lambda *_: [PlanStep(Step(), backward=False)]  # type: ignore[method-assign, arg-type]
        await migrator.migrate()
        await client.execute_query("DELETE FROM tortoise_migrations WHERE name = 'rebuild'")
        return before, await counted(client)

    before, after = server.run(work)
    assert before == after
    assert before[1] > 0


@on_sqlite
def test_foreign_keys_are_enforced_again_after_migrating(server: Server) -> None:
    async def work() -> None:
        client = database.connection()
        await migrating.migrate(APPS, client)
        assert await client.execute_query_dict("PRAGMA foreign_keys") == [{"foreign_keys": 1}]
        assert await client.execute_query_dict("PRAGMA foreign_key_check") == []

    server.run(work)


# ---------------------------------------------------------------- rows of the former release


def test_disputes_of_the_release_before_learn_what_they_can_end_with(server: Server, world: World) -> None:
    """Removes the facts that a migration added, and checks that the migration fills them in."""
    decided = """query($id: ID!, $at: DateTime) { node(id: $id) { ... on Dispute {
      decision(action: ACCEPT_PROPOSAL) { reason } then: decision(action: ACCEPT_PROPOSAL, at: $at) { reason } } } }"""
    records = [world.record(paidAt=3, completedAt=2) for _ in range(3)]
    payload = world.service.succeed("recordOrders", {"orders": records}, "orders { id }")
    claims = ({"claim": usd("100.00")}, {"claim": usd("100.00")}, {"wanted": "REPLACEMENT", "claim": None})
    cases = [
        world.buyer.succeed("openDispute", INPUTS["openDispute"] | {"orderId": order["id"]} | claim, "dispute { id }")
        for order, claim in zip(payload["orders"], claims, strict=True)
    ]
    ids = [case["dispute"]["id"] for case in cases]
    later = spell_instant(NOW + DAY)
    corrected = [record | {"recordedAt": later} for record in records]
    corrected[0]["paidAt"] = corrected[2]["paidAt"] = None
    world.service.at(NOW + DAY).succeed("recordOrders", {"orders": corrected})
    fill = import_module("models.migrations.0007_limits").fill

    def said() -> list[list[str | None]]:
        supplier, at = world.supplier.at(NOW + 2 * DAY), spell_instant(NOW + 3 * DAY)
        found = [supplier.ask(decided, id=id, at=at)["node"] for id in ids]
        return [[node["decision"]["reason"], node["then"]["reason"]] for node in found]

    async def rows() -> list[Any]:
        names = ("offered", "offered_currency", "claimable", "claimable_currency")
        keys = [key for id in ids if (key := key_of("Dispute", id))]
        disputes = models.Dispute.filter(id__in=keys).order_by("id").values_list(*names)
        orders = models.Order.filter(number__in=[record["number"] for record in records]).order_by("number")
        return [await disputes, await orders.values_list("payment_reversed_at", "paid_at")]

    async def take_away() -> None:
        keys = [key for id in ids if (key := key_of("Dispute", id))]
        nothing = dict.fromkeys(("offered", "offered_currency", "claimable", "claimable_currency"))
        await models.Dispute.filter(id__in=keys).update(**nothing)
        await models.Order.filter(number__in=[record["number"] for record in records]).update(payment_reversed_at=None)
        for event in await models.Event.filter(case_id__in=keys):
            event.case_facts = {name: value for name, value in event.case_facts.items() if name not in nothing}
            await event.save()

    async def migrate() -> None:
        editor: Any = SimpleNamespace(DIALECT=database.dialect(), client=database.connection())
        await fill(None, editor)

    before = said(), server.run(rows)
    assert before[0] == [["OFFER_NOT_POSSIBLE"] * 2, [None] * 2, [None] * 2]
    server.run(take_away)
    assert said() == [[None] * 2] * 3
    for _ in range(2):
        server.run(migrate)
        assert (said(), server.run(rows)) == before


@pytest.mark.parametrize("claimable", [None, 10_000])
def test_what_is_accepted_is_possible_by_the_order_whatever_a_process_of_the_release_before_left(
    server: Server, world: World, claimable: int | None
) -> None:
    """While both releases run, the former one opens disputes and records orders without updating `claimable`."""
    [order] = world.service.succeed("recordOrders", {"orders": [world.record(paidAt=3)]}, "orders { id }")["orders"]
    claim = INPUTS["openDispute"] | {"orderId": order["id"], "claim": usd("100.00")}
    case = world.buyer.succeed("openDispute", claim, "dispute { id }")["dispute"]["id"]

    async def leave() -> None:
        await models.Dispute.filter(id=key_of("Dispute", case)).update(claimable=claimable)
        await models.Order.filter(id=key_of("Order", order["id"])).update(amount_paid=9_999)

    server.run(leave)
    assert world.supplier.refused("acceptProposal", {"caseId": case}) == "OFFER_NOT_POSSIBLE"


def test_what_happened_before_a_migration_is_told_in_the_same_words(server: Server, world: World) -> None:
    """The migration adds facts to the latest event of a dispute. Here that event was made by a deadline."""
    timeline = "query($id: ID!) { node(id: $id) { ... on Dispute { timeline { edges { node { text } } } } } }"
    record = world.record(paidAt=3)
    [order] = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"]
    opened = world.buyer.succeed("openDispute", INPUTS["openDispute"] | {"orderId": order["id"]}, "dispute { id }")
    then = NOW + 8 * DAY
    shipped = record | {"shippedAt": spell_instant(then), "recordedAt": spell_instant(then)}
    world.service.at(then).succeed("recordOrders", {"orders": [shipped]})
    fill = import_module("models.migrations.0007_limits").fill

    async def migrate() -> None:
        editor: Any = SimpleNamespace(DIALECT=database.dialect(), client=database.connection())
        await fill(None, editor)

    before = world.agent.at(then).ask(timeline, id=opened["dispute"]["id"])["node"]["timeline"]["edges"]
    assert before[-1]["node"]["text"] == "Nobody answered in time; an agent reviews the dispute."
    server.run(migrate)
    assert world.agent.at(then).ask(timeline, id=opened["dispute"]["id"])["node"]["timeline"]["edges"] == before


# ---------------------------------------------------------------- constraints: a second check behind the policy


def test_stock_schema_generation_leaves_checks_out(server: Server) -> None:
    async def work() -> str:
        return get_schema_sql(database.connection(), safe=False)

    assert "CHECK" not in server.run(work)


def _facts(**changes: Any) -> dict[str, Any]:
    return {"currency": "USD", "total": 100, "amount_paid": 0, "items": [], "search": "", "kind": "OFFLINE"} | changes


@pytest.mark.parametrize(
    "facts",
    [
        {"total": -1},
        {"amount_paid": -1, "paid_at": NOW},
        {"amount_paid": 1},
        {"total": 0, "amount_paid": 1},
        {"feedback_replied_at": NOW},
        {"feedback_left_at": NOW, "feedback_revised_at": NOW},
    ],
)
def test_the_database_refuses_impossible_orders(server: Server, facts: dict[str, Any]) -> None:
    async def work() -> None:
        account = await sign_in("walls", Role.BUYER, "x")
        who = {"buyer_id": account.id, "supplier_id": account.id, "recorded_by_id": account.id}
        when = {"placed_at": NOW, "recorded_at": NOW, "changed_at": NOW}
        await models.Order.create(number=str(new_id()), **_facts(**facts), **who, **when)

    with pytest.raises(IntegrityError):
        server.run(work)


def test_what_no_enum_knows_cannot_be_stored(server: Server, world: World) -> None:
    world.order()

    async def work() -> None:
        await database.connection().execute_query("UPDATE orders SET kind = 'BARTER'")

    with pytest.raises(IntegrityError):
        server.run(work)


WAITING = {"currency": "USD", "opened_at": NOW, "waits_for": "AGENT", "due_at": NOW}


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (models.Feedback, {"overall": 5}),
        (models.Cancellation, {"reason": "OTHER", "opened_at": NOW}),
        (models.Dispute, {"reason": "LATE", "description": "x", "wanted": "REPLACEMENT"} | WAITING),
        (models.Complaint, {"kind": "OTHER", "description": "x", "contact_email": "x"} | WAITING),
    ],
)
def test_the_database_keeps_one_feedback_and_one_open_case_of_each_kind(
    server: Server, world: World, model: Any, columns: dict[str, Any]
) -> None:
    world.order()

    async def add() -> Any:
        order = await models.Order.all().order_by("-id").first()
        assert order is not None
        parties: dict[str, Any] = {"order_id": order.id}
        if model is models.Dispute:
            parties |= {"buyer_id": order.buyer_id, "supplier_id": order.supplier_id}  # type: ignore[attr-defined]
        if model is models.Complaint:
            parties |= {"complainant_id": order.buyer_id}  # type: ignore[attr-defined]
        number = {} if model is models.Feedback else {"number": str(new_id())[:32]}
        return await model.create(**parties, **number, **columns)

    server.run(add)
    with pytest.raises(IntegrityError):
        server.run(add)


@pytest.mark.parametrize(
    "stars",
    [{"overall": 6}, {"overall": 0}, {}, {"overall": 3, "communication": 3}, {"communication": 3, "shipping_time": 3}],
)
def test_feedback_has_one_form(server: Server, world: World, stars: dict[str, int]) -> None:
    world.order()

    async def add() -> None:
        order = await models.Order.all().order_by("-id").first()
        assert order is not None
        await models.Feedback.create(order_id=order.id, **stars)

    with pytest.raises(IntegrityError):
        server.run(add)


# ---------------------------------------------------------------- limits on writes


def test_stock_deletes_and_updates_ignore_a_limit(server: Server) -> None:
    async def work() -> list[str]:
        some = models.Account.all().limit(1)
        return [some.delete().sql(), some.update(name="x").sql()]

    for sql in server.run(work):
        assert "LIMIT" not in sql.upper()


def test_no_write_of_ours_has_a_limit() -> None:
    limited = re.compile(r"\.limit\([^)]*\)\.(delete|update)\(")
    assert limited.search("some.limit(1).delete()")
    for folder in ("models", "resolvers", "server"):
        for file in Path(folder).rglob("*.py"):
            assert not limited.search("".join(file.read_text().split())), file


# ---------------------------------------------------------------- instants


def test_instants_are_compared_as_instants(server: Server, world: World) -> None:
    elsewhere = timezone(timedelta(hours=5))
    world.order(placedAt=0)

    async def work() -> list[bool]:
        order = models.Order.filter(number=(await models.Order.all().order_by("-id").first()).number)  # type: ignore[union-attr]
        same = NOW.astimezone(elsewhere)
        found = [await order.filter(placed_at=same).exists(), await order.filter(placed_at__gt=same).exists()]
        await order.update(placed_at=same)
        return [*found, await order.filter(placed_at=NOW).exists()]

    assert server.run(work) == [True, False, True]


def test_instants_are_stored_in_one_width() -> None:
    instants = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in (0, 1, 500_000, 999_999)]
    texts = [instant_to_text(instant) for instant in instants]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {len("2026-01-01 00:00:00.000000+00:00")}


def test_naive_instants_are_errors(server: Server) -> None:
    with pytest.raises(ValueError, match="naive"):
        instant_to_text(datetime(2026, 1, 1))  # noqa: DTZ001

    async def work() -> None:
        await models.Order.filter(placed_at=datetime(2026, 1, 1)).exists()  # noqa: DTZ001

    with pytest.raises(RuntimeWarning, match="naive"):
        server.run(work)
