"""Searches for the most expensive documents that the limits allow: `python -m tests.expensive [SECONDS [SEED]]`.

First it selects each field of the schema as often as the limits allow, on the shortest path of pages and lists to its
type. Then it generates random documents that cost nearly as much as the limit. It prints those that take the most, with
their CPU (of the first run and of the best of several), fields and bytes.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import contextlib
import gc
import itertools
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import orjson
from graphql import get_named_type, is_interface_type, is_leaf_type, is_object_type

import models
from execution.complexity import TooExpensive
from execution.document import Document
from execution.limits import Limits
from models import database, migrating
from models.config import APPS
from models.enums import CaseKind, Role
from models.files import Folder
from resolvers import ids
from resolvers.account import Account, sign_in
from resolvers.signed_url import FileUrls
from resolvers.telemetry import Request, current
from schema import SCHEMA
from schema.scalars import spell_instant
from server.graphql.endpoint import GraphQLEndpoint
from server.settings import Settings
from server.state import State
from tests.conftest import usd
from tests.support.generated import Generated, fields_in
from tests.support.paths import ARGUMENTS, TYPES

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
ORDERS, ITEMS, PROPOSALS, MESSAGES = 100, 100, 10, 5
LIMITS = Settings().limits


class Rich:
    """A buyer with as much data as the limits allow, in a database of its own. Requests do not use a socket."""

    def __init__(self, view: GraphQLEndpoint) -> None:
        self.view = view
        self.people: dict[Role, Account] = {}
        self.ids: list[str] = []

    async def run(self, role: Role, query: str, variables: Mapping[str, Any], minutes: float = 0) -> Any:
        current.set(Request(id="a request"))
        now = NOW + timedelta(minutes=minutes)
        context = replace(self.view.context(self.people[role], "http://127.0.0.1"), now=now)
        return await SCHEMA.execute(query, dict(variables), context)

    async def do(self, role: Role, mutation: str, shows: str, input: dict[str, Any], minutes: float = 0) -> Any:
        type_name = mutation[0].upper() + mutation[1:]
        query = f"mutation($input: {type_name}Input!) {{ {mutation}(input: $input) {{ {shows} userErrors {{ message }} }} }}"
        result = await self.run(role, query, {"input": input}, minutes)
        assert not result.errors, result.errors
        payload = result.data[mutation]
        assert payload["userErrors"] == [], payload
        return payload

    async def fill(self) -> None:
        for role in Role:
            self.people[role] = await sign_in(role.lower(), role, role.lower())
        lines = [{"title": f"Line {place}", "quantity": 1, "unitPrice": usd("1.00")} for place in range(ITEMS)]
        for start in range(0, ORDERS, 20):
            records = [self._record(place, lines) for place in range(start, start + 20)]
            recorded = await self.do(Role.SERVICE, "recordOrders", "orders { id }", {"orders": records})
            self.ids += [order["id"] for order in recorded["orders"]]
        for place, order in enumerate(list(self.ids)):
            rating = {"orderId": order, "ratings": {"overall": 4}, "comment": "As described. " * 20}
            await self.do(Role.BUYER, "leaveFeedback", "", rating, place)
            opening = {"orderId": order, "reason": "LATE", "description": "Late. " * 50, "wanted": "REFUND"}
            opened = await self.do(Role.BUYER, "openDispute", "dispute { id }", opening | {"claim": usd("1.00")}, place)
            case = {"caseId": opened["dispute"]["id"]}
            self.ids.append(case["caseId"])
            for turn in range(PROPOSALS):
                proposal = {"resolution": "PARTIAL_REFUND", "amount": usd("0.50"), "note": "Half of it. " * 10}
                proposer = (Role.SUPPLIER, Role.BUYER)[turn % 2]
                await self.do(proposer, "proposeResolution", "", case | proposal, place + turn / 100)
            for turn in range(100 if place < 3 else MESSAGES):
                post = case | {"text": f"Message {turn}. " * 20}
                await self.do(Role.BUYER, "postDisputeMessage", "", post, place + turn / 100)

            await self._attach(case["caseId"], 200 if place < 30 else 10)
            if place >= ORDERS // 2:
                await self._settle(order, case, place)

    async def _settle(self, order: str, case: dict[str, str], place: int) -> None:
        """Makes the order owe a refund, of which the half is paid in parts."""
        settled = await self.do(Role.SUPPLIER, "acceptProposal", "dispute { number order { number } }", case, place + 1)
        dispute = settled["dispute"]
        about = {"orderNumber": dispute["order"]["number"], "caseNumber": dispute["number"], "status": "SUCCEEDED"}
        told = about | {"amount": usd("0.05"), "recordedAt": spell_instant(NOW)}
        refunds = [told | {"reference": f"{order} {part}"} for part in range(5)]
        await self.do(Role.SERVICE, "recordRefunds", "", {"refunds": refunds}, place + 1)

    async def _attach(self, case: str, count: int) -> None:
        key = ids.key_of("Dispute", case)
        files = [
            models.Attachment(
                by_id=self.people[Role.BUYER].id,
                filename=f"A picture of what came, No. {place}.png",
                content_type="image/png",
                size=1000,
                created_at=NOW,
                case_kind=CaseKind.DISPUTE,
                case_id=key,
            )
            for place in range(count)
        ]
        await models.Attachment.bulk_create(files)

    def _record(self, place: int, lines: list[Any]) -> dict[str, Any]:
        parties = {role: {"subject": role, "name": f"The {role}"} for role in ("buyer", "supplier")}
        days = {"placedAt": 40, "paidAt": 30, "completedAt": 10, "recordedAt": 1}
        instants = {name: spell_instant(NOW - timedelta(days=ago)) for name, ago in days.items()}
        return {
            "number": f"N-{place}",
            "kind": "TRADE_ASSURANCE",
            "total": usd("100.00"),
            "items": lines,
            **parties,
            **instants,
        }

    @property
    def roots(self) -> dict[str, str]:
        ids = " ".join(f'"{id}"' for id in self.ids[-100:])
        return {
            "viewer": "",
            "nodes": f"ids: [{ids}]",
            "node": f'id: "{self.ids[0]}"',
            "order": 'number: "N-0"',
            "caseByNumber": 'number: "D-2026-000001"',
            "rules": "",
        }


@dataclass
class Spent:
    cpu: float  # seconds, of the best of several
    first: float  # the first time
    longest: float  # between two turns of the event loop
    fields: int
    bytes: int
    cost: int
    query: str
    variables: dict[str, Any]

    def __str__(self) -> str:
        took = f"{self.cpu * 1000:.0f} ms, the first time {self.first * 1000:.0f} ms"
        took += f", {self.longest * 1000:.0f} ms in one piece"
        return f"{took}; {self.fields:,} fields, {self.bytes:,} bytes, cost {self.cost:,}"


async def spend(rich: Rich, query: str, variables: dict[str, Any], times: int = 3) -> Spent | str:
    """Returns what an answer costs, the first time with parsing and validating its document; or the refusal."""
    took: list[float] = []
    longest = 0.0
    result: Any = None
    body = b""
    query = f"#{random.random()}\n{query}"  # noqa: S311 - a document that was never seen
    for _ in range(times):
        began = time.process_time()
        waited = asyncio.create_task(_longest_wait())
        await asyncio.sleep(0)
        result = await rich.run(Role.BUYER, query, variables)
        body = orjson.dumps(result.data)
        took.append(float(time.process_time() - began))
        waited.cancel()
        longest = max(longest, await waited)
    if result.errors:
        return str(result.errors[0])
    cost = result.extensions["cost"]["requested"]
    return Spent(min(took), took[0], longest, fields_in(result.data), len(body), cost, query, variables)


async def _longest_wait() -> float:
    """Returns the most CPU that was used between two turns of the event loop."""
    longest = 0.0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            longest = max(longest, time.thread_time() - before)
    return longest


def leaves(target: Any) -> str:
    """Returns a selection of all leaf fields; of a page, those of its entries."""
    fields = target.fields
    if "edges" in fields:
        edge = TYPES[get_named_type(fields["edges"].type).name]
        return f"{{ edges {{ cursor node {leaves(get_named_type(edge.fields['node'].type))} }} }}"
    if is_interface_type(target):
        return "{ __typename }"
    return f"{{ {' '.join(name for name, each in fields.items() if is_leaf_type(get_named_type(each.type)))} }}"


def ways() -> dict[str, list[str]]:
    """Returns for each type the shortest path of fields to it from the viewer."""
    found: dict[str, list[str]] = {"Viewer": ["viewer"]}
    left = ["Viewer"]
    while left:
        name = left.pop(0)
        for each, definition in TYPES[name].fields.items():
            target: str = cast("Any", get_named_type(definition.type)).name
            if target not in found and is_object_type(TYPES[target]):
                found[target] = [*found[name], _call(each, definition, "100" if "orders" in str(found[name]) else "$n")]
                left.append(target)
    return found


def _call(name: str, definition: Any, size: str) -> str:
    given = [f"{each}: {ARGUMENTS[each]}" for each in definition.args if each in ("action", "at")]
    given += [f"first: {size}"] if "first" in definition.args else []
    return f"{name}({', '.join(given)})" if given else name


def amplified() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each field of each type, with as many entries and aliases as the limits allow."""
    for type_name, way in ways().items():
        for name, definition in TYPES[type_name].fields.items():
            target: Any = get_named_type(definition.type)
            shown = "" if is_leaf_type(target) else leaves(target)
            best: tuple[int, str, dict[str, Any]] = (0, "", {})
            for times, n in itertools.product((1, 3, 10, 30, 80), (1, 5, 20, 50, 100)):
                call = _call(name, definition, "100")
                inner = " ".join(f"a{place}: {call} {shown}" for place in range(times))
                query = f"{' { '.join(way)} {{ {inner} {'} ' * len(way)}"
                query = f"query($n: Int) {{ {query} }}" if "$n" in query else f"{{ {query} }}"
                document = Document(SCHEMA._schema, query, None, LIMITS)
                found = document.measure(document.coerce({"n": n}))
                if isinstance(found, TooExpensive) or document.errors(found):
                    continue
                best = max(best, (found.cost, query, {"n": n}), key=lambda each: each[0])
            if best[0]:
                yield best[1:]


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def generate(chance: random.Random, roots: dict[str, str], limits: Limits) -> tuple[str, dict[str, Any]] | None:
    """Returns a random document that costs at least a third of the limit, or None."""
    root = chance.choice(list(roots))
    sizes = chance.choice([[100], [20, 100], [5, 20, 100], [1, 10, 100], [50], [30]])
    widths = chance.choice([[1], [1, 2, 3], [2, 4], [5], [1, 20], [0, 30]])
    generated = Generated(chance.choice, {root: roots[root]}, chance.choice([3, 5, 7, 9]), 480, widths, sizes)
    query = generated.document()
    document = Document(SCHEMA._schema, query, None, limits)
    if document.syntax_error is not None:
        return None
    found = document.measure(document.coerce(generated.variables))
    if isinstance(found, TooExpensive) or not limits.cost / 3 <= found.cost <= limits.cost:
        return None
    return query, generated.variables


async def search(rich: Rich, seconds: float, chance: random.Random) -> list[Spent]:
    worst: list[Spent] = []
    tried = refused = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (made := generate(chance, rich.roots, LIMITS)) is None:
            continue
        spent = await spend(rich, *made, times=1)
        if isinstance(spent, str):
            refused += 1
            continue
        tried += 1
        worst = sorted([*worst, spent], key=lambda each: -each.first)[:10]
        if worst[0] is spent:
            say(f"{spent}")
    say(f"{tried} tried, {refused} refused")
    return worst


async def main(seconds: float, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/rich.db"
        async with database.connected(url) as connection:
            await migrating.migrate(APPS, connection)
            state = State(Settings(database_url=url, files_url=folder))
            state.files = FileUrls(Folder(Path(folder)), b"secret")
            rich = Rich(GraphQLEndpoint(state))
            await rich.fill()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            gc.freeze()  # as the server does
            gc.set_threshold(50_000, 20, 50)
            known = [spent for made in amplified() if not isinstance(spent := await spend(rich, *made), str)]
            for spent in sorted(known, key=lambda each: -each.first)[:40]:
                say(f"{spent} {spent.query[:150]} {spent.variables}")
            for spent in await search(rich, seconds, random.Random(seed)):  # noqa: S311
                say(f"\n{await spend(rich, spent.query, spent.variables)}\n{spent.query[:2000]}")
            say(f"\nmemory grew by {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1000} MB")


if __name__ == "__main__":
    given = [*map(float, sys.argv[1:]), 60, 1][:2]
    asyncio.run(main(given[0], int(given[1])))
