"""Requests for evidence: what an agent last asked a party for, and when the party answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models.enums import Action, Role
from resolvers.account import Account, names_account
from resolvers.context import Context
from resolvers.read.fetch import fetch, load_relations
from resolvers.read.plan import plan
from resolvers.read.relations import loaded_by
from resolvers.read.rows import RelationDeclaration, Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where

_OF_A_VISIBLE_DISPUTE = Unscoped("The viewer may see the dispute whose events and messages these are.")


@dataclass(slots=True, kw_only=True)
class EvidenceRequest(Row):
    """The event of asking for evidence. Its text is the agent's message of the same instant."""

    MODEL = models.Event
    relations = (names_account("by"),)

    context: Context = field(repr=False)
    id: int
    case_id: UUID
    by_id: UUID | None
    at: datetime
    action: Action | None
    case_facts: dict[str, Any] | None

    by: Account | None = field(init=False, default=None)
    text: str = field(init=False, default="")
    answered_at: datetime | None = field(init=False, default=None)

    @property
    def party(self) -> Role:
        return Role((self.case_facts or {})["waits_for"])


@dataclass(slots=True, kw_only=True)
class _Message(Row):
    MODEL = models.Message

    context: Context = field(repr=False)
    case_id: UUID
    by_id: UUID
    at: datetime
    text: str


def has_evidence_request() -> RelationDeclaration:
    """Declares the relation `evidenceRequest` of disputes: the latest request, in the attribute `evidence_request`."""
    return loaded_by("evidenceRequest", _load)


async def _load(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
    planned = plan(context, EvidenceRequest, field.selection)
    asked = Where.among("case_id", [row.id for row in rows])
    asked &= Where.among("action", [Action.REQUEST_EVIDENCE.value, Action.POST_DISPUTE_MESSAGE.value])
    events = await fetch(context, Select(EvidenceRequest, asked, order="id", visibility=_OF_A_VISIBLE_DISPUTE), planned)
    latest: dict[UUID, EvidenceRequest] = {}
    for event in events:
        if event.action is Action.REQUEST_EVIDENCE:
            latest[event.case_id] = event
        elif event.case_id in latest and _ends_request(event) and latest[event.case_id].answered_at is None:
            latest[event.case_id].answered_at = event.at
    await load_relations(context, list(latest.values()), planned)
    if latest and context.viewer.role is not Role.SERVICE:  # the order system does not read what people write
        written = Where.among("case_id", latest) & Where.among("at", {request.at for request in latest.values()})
        for message in await fetch(context, Select(_Message, written, visibility=_OF_A_VISIBLE_DISPUTE)):
            request = latest[message.case_id]
            if (message.at, message.by_id) == (request.at, request.by_id):
                request.text = message.text
    for row in rows:
        row.evidence_request = latest.get(row.id)


def _ends_request(event: EvidenceRequest) -> bool:
    return "evidence_asked_at" in (event.case_facts or {})
