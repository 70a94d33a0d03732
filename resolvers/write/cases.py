"""What cancellations, disputes and complaints have in common: their numbers, and how they are opened and changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import models
from models import database
from models.enums import CaseKind, Role, ViewerState
from models.keys import new_id
from resolvers.policy import Effect
from resolvers.write.perform import UnitOfWork

NUMBER_PREFIXES = {CaseKind.CANCELLATION: "K", CaseKind.DISPUTE: "D", CaseKind.COMPLAINT: "C"}
MODELS: dict[CaseKind, Any] = {
    CaseKind.CANCELLATION: models.Cancellation,
    CaseKind.DISPUTE: models.Dispute,
    CaseKind.COMPLAINT: models.Complaint,
}


async def next_numbers(kind: CaseKind, now: datetime, count: int = 1) -> list[str]:
    """Returns new numbers for people and support calls, like D-2026-000123. Numbers are unique and rise; a refused
    action may leave a gap."""
    if database.dialect() == "postgres":
        text = f"SELECT nextval('case_numbers_{kind.lower()}') FROM generate_series(1, $1)"
        numbers = [n for (n,) in await database.select(text, [count])]
    else:
        [row] = await database.returning(
            "INSERT INTO case_numbers (kind, n) VALUES (?1, ?2)"
            " ON CONFLICT (kind) DO UPDATE SET n = n + ?2 RETURNING n",
            [kind.value, count],
        )
        numbers = range(row["n"] - count + 1, row["n"] + 1)
    return [f"{NUMBER_PREFIXES[kind]}-{now.year}-{n:06d}" for n in numbers]


async def open_case(unit: UnitOfWork, kind: CaseKind, effect: Effect, /, **columns: Any) -> UUID:
    """Adds a case with the effect's facts and other columns. The action's event is about it. Returns its id."""
    id, facts = new_id(), unit.apply(effect)
    [number] = await next_numbers(kind, unit.now)
    unit.insert(MODELS[kind], {"id": id, "number": number, **columns, **facts})
    unit.event.case = (kind, id)
    unit.event.case_facts = facts
    return id


def update_case(unit: UnitOfWork, kind: CaseKind, id: UUID, effect: Effect, /, **columns: Any) -> None:
    """Sets the effect's facts of a case, and columns that rules do not read. The action's event is about it."""
    facts = unit.apply(effect)
    if facts or columns:
        unit.update(MODELS[kind], {"id": id}, {**facts, **columns})
    unit.event.case = (kind, id)
    unit.event.case_facts = facts


def viewer_state(next_to_act: Role | None, viewer: Role, *, conflict: bool = False) -> ViewerState:
    """Returns where a case stands for its viewer. `next_to_act` is None once the case is closed. An agent with a
    conflict of interest cannot act."""
    if next_to_act is None:
        return ViewerState.CLOSED
    if next_to_act == viewer and not conflict:
        return ViewerState.ACTION_REQUIRED
    return ViewerState.UNDER_REVIEW if next_to_act is Role.AGENT else ViewerState.WAITING_FOR_OTHER_PARTY
