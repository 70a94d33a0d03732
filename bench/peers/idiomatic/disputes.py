"""The disputes of the idiomatic peer."""

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, cast

import strawberry
from strawberry import Private

import models
from bench.peers.idiomatic.common import Account, Connection, Decided, Decision, Info, Money, Node, connection, money
from models.enums import DisputeReason, DisputeStatus, ResolutionKind, ViewerState
from resolvers import policy
from resolvers.policy import DisputeFacts
from resolvers.write.cases import viewer_state

FACTS = [name for name in DisputeFacts.__dataclass_fields__ if name != "subject"]
Order = Annotated["Order", strawberry.lazy("bench.peers.idiomatic.orders")]


@strawberry.type
class Proposal:
    by_id: Private[Any]
    resolution: ResolutionKind
    amount: Money | None
    at: datetime
    accepted: bool | None

    @strawberry.field
    async def by(self, info: Info) -> Account | None:
        return Account.of(await info.context["accounts"].load(self.by_id))


@strawberry.type
class Outcome:
    by_id: Private[Any]
    resolution: ResolutionKind
    amount: Money | None
    at: datetime
    note: str | None

    @strawberry.field
    async def by(self, info: Info) -> Account | None:
        return Account.of(await info.context["accounts"].load(self.by_id))


@strawberry.type
class Message(Node):
    by_id: Private[Any]
    at: datetime
    text: str

    @strawberry.field
    async def by(self, info: Info) -> Account | None:
        return Account.of(await info.context["accounts"].load(self.by_id))


@strawberry.type
class Dispute(Decided, Node):
    model: Private[Any]
    number: str
    reason: DisputeReason
    description: str
    wanted: ResolutionKind
    opened_at: datetime

    @classmethod
    def of(cls, model: models.Dispute) -> "Dispute":
        names = ("number", "reason", "description", "wanted", "opened_at")
        return cls(
            id=strawberry.ID(f"dsp_{model.id.hex}"), model=model, **{name: getattr(model, name) for name in names}
        )

    @cached_property
    def facts(self) -> DisputeFacts:  # pyright: ignore[reportIncompatibleVariableOverride]
        return DisputeFacts(**{name: getattr(self.model, name) for name in FACTS})

    def _status(self, now: datetime) -> DisputeStatus:
        return policy.status_at(policy.DISPUTE_STATUSES, self.facts, now)

    def _ended_at(self, now: datetime) -> datetime | None:
        lapsed = self.model.closed_at is None and self._status(now) is DisputeStatus.LAPSED
        return self.model.due_at if lapsed else self.model.closed_at

    @strawberry.field
    def status(self, info: Info) -> DisputeStatus:
        return self._status(info.context["now"])

    @strawberry.field
    def claim(self) -> Money | None:
        return money(self.model.claim, self.model.currency)

    @strawberry.field
    def closed_at(self, info: Info) -> datetime | None:
        return self._ended_at(info.context["now"])

    @strawberry.field
    def is_final(self, info: Info) -> bool:
        return policy.DISPUTE_FINAL.holds(self.facts, info.context["viewer"].role, info.context["now"])

    @strawberry.field
    def viewer_state(self, info: Info) -> ViewerState:
        return viewer_state(policy.waits_for(self.facts, info.context["now"]), info.context["viewer"].role)

    @strawberry.field
    def respond_by(self, info: Info) -> datetime | None:
        return policy.respond_by(self.facts, info.context["now"])

    @strawberry.field
    def available_actions(self, info: Info) -> list[Decision]:
        return self.decided(info)

    @strawberry.field
    def next_change_at(self, info: Info) -> datetime | None:
        return self.changes(info)

    @strawberry.field
    async def order(self, info: Info) -> Order:
        from bench.peers.idiomatic.orders import Order

        return cast("Any", Order.of(await info.context["orders"].load(self.model.order_id)))

    async def _proposals(self, info: Info) -> list[Proposal]:
        return [
            Proposal(
                by_id=row.by_id,
                resolution=row.resolution,
                amount=money(row.amount, row.currency),
                at=row.at,
                accepted=row.accepted,
            )
            for row in await info.context["proposals"].load(self.model.id)
        ]

    @strawberry.field
    async def proposals(self, info: Info) -> list[Proposal]:
        return await self._proposals(info)

    @strawberry.field
    async def proposal(self, info: Info) -> Proposal | None:
        settled = True if self.model.closed_as is DisputeStatus.SETTLED else None
        if settled is None and self._ended_at(info.context["now"]) is not None:
            return None
        return next((each for each in reversed(await self._proposals(info)) if each.accepted is settled), None)

    @strawberry.field
    def outcome(self) -> Outcome | None:
        row = self.model
        return row.outcome_resolution and Outcome(
            by_id=row.outcome_by_id,
            resolution=row.outcome_resolution,
            amount=money(row.outcome_amount, row.outcome_currency),
            at=row.closed_at,
            note=row.outcome_note,
        )

    @strawberry.field
    async def messages(self, first: int = 20) -> Connection[Message]:
        rows = await models.Message.filter(case_id=self.model.id).order_by("-at", "-id").limit(first + 1)
        return connection(rows, first, None, "at", _message)


def _message(row: Any) -> Message:
    return Message(id=strawberry.ID(f"msg_{row.id.hex}"), by_id=row.by_id, at=row.at, text=row.text)
