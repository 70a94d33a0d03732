"""Importing a file of orders in batches: what is stored if a record is refused, and how to resume."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import click
import pytest

import models
from models import database
from server.cli import record as imports
from server.settings import Settings
from tests.conftest import on_postgres
from tests.server.test_cli import LAMP, record, write
from tests.support import postgres

LATER, LATEST = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
OTHER = {"subject": "somebody else", "name": "x"}
Importing = Callable[..., int]


@pytest.fixture(scope="module")
def settings(migrated_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(database_url=migrated_database(), files_url=str(tmp_path_factory.mktemp("files")))


@pytest.fixture
def importing(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importing:
    """Imports lines in batches of five."""
    monkeypatch.setattr(imports, "BATCH", 5)

    def run(*lines: Any, from_line: int = 1, skip: bool = False) -> int:
        file = Path(write(tmp_path / "orders.jsonl", *lines))
        rejected = tmp_path / "rejected.jsonl" if skip else None
        return asyncio.run(imports.record(settings, file, "order-system", from_line, rejected)).imported

    return run


def test_what_was_recorded_stays_and_says_where_to_go_on(
    importing: Importing, capsys: pytest.CaptureFixture[str]
) -> None:
    importing(record("L7"))
    lines: list[Any] = ["", *(record(f"L{n}", recordedAt=LATER) for n in range(1, 13))]
    lines[7] = record("L7", kind="OFFLINE", recordedAt=LATER)
    capsys.readouterr()
    with pytest.raises(click.ClickException) as stopped:
        importing(*lines)
    assert stopped.value.message.splitlines() == [
        "The lines before line 7 were imported, the rest was not. Go on with --from-line 7.",
        "line 8: kind: The kind of an order cannot change.",
    ]
    assert capsys.readouterr().err == "5 of 12 records, up to line 6\n"
    # The first batch is stored. Of the batch with the bad record, nothing is.
    with pytest.raises(click.ClickException, match=r"^Nothing was imported\.\nline 1: buyer\.subject"):
        importing(record("L5", buyer=OTHER, recordedAt=LATEST))
    assert importing(record("L6", buyer=OTHER, recordedAt=LATEST)) == 1
    lines[6], lines[7] = record("L6", buyer=OTHER, recordedAt=LATER), record("L7", recordedAt=LATER)
    assert importing(*lines, from_line=7) == 7
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "5 of 7 records, up to line 11",
        "7 of 7 records, up to line 13",
    ]


@pytest.mark.parametrize(
    ("lines", "from_line", "taken"),
    [
        ([], 1, 0),
        (["", "  "], 1, 0),
        ([record("T1"), record("T2")], 3, 0),
        (["{", record("T3")], 2, 1),  # earlier lines are not read
        ([record("T4"), record("T4", recordedAt=LATER), record("T4")], 1, 3),
        ([*(record("T5", recordedAt=LATER) for _ in range(11))], 1, 11),
        (["\ufeff" + json.dumps(record("T6")), record("T7")], 1, 2),
    ],
)
def test_an_import_begins_at_the_given_line(importing: Importing, lines: list[Any], from_line: int, taken: int) -> None:
    assert importing(*lines, from_line=from_line) == taken


def test_what_a_line_says_of_shipping_and_its_items_is_recorded(importing: Importing, settings: Settings) -> None:
    lamps = [LAMP | {"sku": "L-7", "imageUrl": "https://example.com/lamp.jpg"}, LAMP | {"sku": None}, LAMP]
    told = {"shipBy": LATER, "deliveredAt": LATEST, "items": lamps}
    assert importing(record("E1", **told), record("E2", **told), record("E2", recordedAt=LATER)) == 3

    async def stored() -> list[tuple[Any, ...]]:
        async with database.connected(settings.database):
            orders = await models.Order.filter(number__in=["E1", "E2"]).order_by("number")
            return [(order.ship_by, order.delivered_at, order.items) for order in orders]

    plain = ["Lamp", 1, 1000]
    assert asyncio.run(stored()) == [
        (
            datetime.fromisoformat(LATER),
            datetime.fromisoformat(LATEST),
            [[*plain, None, "L-7", "https://example.com/lamp.jpg"], plain, plain],
        ),
        (None, None, [plain]),
    ]


def test_a_bad_line_behind_the_first_batches_keeps_all_from_being_recorded(importing: Importing) -> None:
    lines: list[Any] = [*(record(f"N{n}") for n in range(12)), "{"]
    with pytest.raises(click.ClickException, match=r"^Nothing was imported\.\nline 13: this is not JSON$"):
        importing(*lines)
    assert importing(record("N1", buyer=OTHER)) == 1


def test_lines_that_cannot_be_recorded_are_put_aside(
    importing: Importing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    importing(record("R1"))
    capsys.readouterr()
    lines: list[Any] = [*(record(f"R{n}", recordedAt=LATER) for n in range(1, 14))]
    lines[0] = json.dumps(record("R1", kind="OFFLINE", recordedAt=LATER)) + "   "
    lines[6:8] = ["{", record("", items=[])]
    assert importing(*lines, skip=True) == 10
    put_aside = (tmp_path / "rejected.jsonl").read_text().splitlines()
    assert put_aside == [lines[0], "{", json.dumps(lines[7])]
    assert capsys.readouterr().err.splitlines() == [
        "line 1: kind: The kind of an order cannot change.",
        "5 of 13 records, up to line 5",
        "line 7: this is not JSON",
        "line 8: number: This field is empty; write something.",
        "line 8: items: This list is empty; add at least one entry.",
        "10 of 13 records, up to line 10",
        "13 of 13 records, up to line 13",
    ]
    assert importing("{", *lines[1:3], from_line=2, skip=True) == 2
    assert importing(*lines[:3], from_line=1, skip=True) == 2
    assert (tmp_path / "rejected.jsonl").read_text().splitlines() == [*put_aside, lines[0]]
    assert importing(record("R1", recordedAt=LATER), record("R8")) == 2  # corrected


def test_where_nothing_can_be_recorded_all_is_put_aside(importing: Importing, tmp_path: Path) -> None:
    assert importing(*"{[x<,", skip=True) == 0
    assert (tmp_path / "rejected.jsonl").read_text() == "{\n[\nx\n<\n,\n"


def test_progress_is_a_bounded_number_of_lines(importing: Importing, capsys: pytest.CaptureFixture[str]) -> None:
    importing(*(record(f"P{n}") for n in range(150)))
    told = capsys.readouterr().err
    assert 2 < len(told.splitlines()) <= imports.MAX_PROGRESS_LINES
    assert told.endswith("150 of 150 records, up to line 150\n")
    assert "\r" not in told


@on_postgres
def test_others_see_the_orders_of_each_batch_while_a_file_is_recorded(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 5)
    file = Path(write(tmp_path / "orders.jsonl", *(record(f"W{n}") for n in range(60))))

    async def watch() -> set[Any]:
        connection: Any = await asyncpg.connect(**postgres.credentials(settings.database))
        seen: set[Any] = set()
        importing = asyncio.create_task(imports.record(settings, file, "order-system"))
        while not importing.done():
            seen.add(await connection.fetchval("SELECT count(*) FROM orders WHERE number LIKE 'W%'"))
        await connection.close()
        assert (await importing).imported == 60
        return seen

    seen = asyncio.run(watch())
    assert {count for count in seen if 0 < count < 60}
    assert all(count % 5 == 0 for count in seen)
