"""What cancellations, disputes and complaints have in common: numbers, being open or closed, being written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import models
from models import database
from models.enums import CaseKind, Role, ViewerState
from models.keys import new_id
from resolvers.policy import CLOSING, Fact

if TYPE_CHECKING:
    from datetime import datetime

    from resolvers.write.perform import UnitOfWork

LETTERS = {CaseKind.CANCELLATION: "K", CaseKind.DISPUTE: "D", CaseKind.COMPLAINT: "C"}
MODELS: dict[CaseKind, Any] = {
    CaseKind.CANCELLATION: models.Cancellation,
    CaseKind.DISPUTE: models.Dispute,
    CaseKind.COMPLAINT: models.Complaint,
}


async def _next_number(kind: CaseKind, now: datetime) -> str:
    """For people and support calls, like D-2026-000123. Unique and rising; gaps are harmless."""
    if database.dialect() == "postgres":
        [[n]] = await database.select(f"SELECT nextval('case_numbers_{kind.lower()}')")
    else:
        [row] = await database.returning(
            "INSERT INTO case_numbers (kind, n) VALUES (?1, 1) ON CONFLICT (kind) DO UPDATE SET n = n + 1 RETURNING n",
            [kind.value],
        )
        n = row["n"]
    return f"{LETTERS[kind]}-{now.year}-{n:06d}"


async def open_case(performing: UnitOfWork, kind: CaseKind, facts: dict[str, Fact], /, **columns: Any) -> UUID:
    """Adds a case, and makes it what the performed action is about."""
    id = new_id()
    number = await _next_number(kind, performing.now)
    performing.insert(MODELS[kind], {"id": id, "number": number, **columns, **facts})
    performing.change.case = (kind, id)
    performing.change.case_facts = facts
    return id


def change_case(performing: UnitOfWork, kind: CaseKind, id: UUID, facts: dict[str, Fact], /, **columns: Any) -> None:
    """Sets facts, and what rules do not read, of a case, which the performed action is about."""
    performing.update(MODELS[kind], {"id": id}, {**facts, **columns})
    performing.change.case = (kind, id)
    performing.change.case_facts = facts


def close_case(performing: UnitOfWork, how: Any) -> dict[str, Any]:
    """The facts of a dispute or a complaint that is closed now."""
    return {"closed_at": performing.now, "closed_as": how, **CLOSING}


def viewer_state(mover: Role | None, viewer: Role, *, conflict: bool = False) -> ViewerState:
    """A case from where its viewer stands, by whose move it is; that is nobody's once it is closed. An agent with a
    `conflict` has no move."""
    if mover is None:
        return ViewerState.CLOSED
    if mover == viewer and not conflict:
        return ViewerState.ACTION_REQUIRED
    return ViewerState.UNDER_REVIEW if mover is Role.AGENT else ViewerState.WAITING_FOR_OTHER_PARTY
