"""Strawberry and Tortoise used as their documentation shows: async resolvers, DataLoaders, queries of the ORM."""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import jwt
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from tortoise import Tortoise
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

import models
from bench.peers.handwritten.serving import serve
from bench.peers.handwritten.shapes import decode_cursor
from bench.peers.idiomatic.common import Account, Connection, Info, Node, connection
from bench.peers.idiomatic.disputes import Dispute
from bench.peers.idiomatic.orders import Feedback, Order
from models.enums import Action, OrderKind, Reason, Role
from resolvers import policy

_DAYS = {OrderKind.TRADE_ASSURANCE: timedelta(days=60), OrderKind.SECURE_PAYMENT: timedelta(days=30)}


@strawberry.input
class OrderFilter:
    can: Action | None = None


def _mine(viewer: models.Account) -> Q:
    return Q(supplier_id=viewer.id) if viewer.role is Role.SUPPLIER else Q(buyer_id=viewer.id)


def _page(query: Any, column: str, first: int, after: str | None) -> Any:
    if after is not None:
        at, key = decode_cursor(after)
        earlier: dict[str, Any] = {f"{column}__lt": at}
        same: dict[str, Any] = {column: at, "id__lt": key}
        query = query.filter(Q(**earlier) | Q(**same))
    return query.order_by(f"-{column}", "-id").limit(first + 1)


@strawberry.type
class Viewer(Node):
    @strawberry.field
    def account(self, info: Info) -> Account | None:
        return Account.of(info.context["viewer"])

    @strawberry.field
    async def orders(
        self, info: Info, first: int = 20, after: str | None = None, filter: OrderFilter | None = None
    ) -> Connection[Order]:
        query = models.Order.filter(_mine(info.context["viewer"]))
        if filter is not None and filter.can is Action.LEAVE_FEEDBACK:
            since = {kind: info.context["now"] - days for kind, days in _DAYS.items()}
            windows = [Q(kind=kind, completed_at__gte=start) for kind, start in since.items()]
            query = query.filter(Q(*windows, join_type="OR"), cancelled_at=None, feedback_left_at=None)
        return connection(await _page(query, "placed_at", first, after), first, after, "placed_at", Order.of)

    @strawberry.field
    async def feedback(self, info: Info, first: int = 20, after: str | None = None) -> Connection[Feedback]:
        query = models.Order.filter(_mine(info.context["viewer"])).exclude(feedback_left_at=None)
        rows = await _page(query, "feedback_left_at", first, after)
        found = await info.context["feedback"].load_many([row.id for row in rows])
        by_order = {feedback.order_id: feedback for feedback in found}

        def node(row: models.Order) -> Feedback:
            return Feedback.about(by_order[row.id], row)

        return connection(rows, first, after, "feedback_left_at", node)


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self, info: Info) -> Viewer:
        return Viewer(id=strawberry.ID(f"viw_{info.context['viewer'].id.hex}"))

    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        prefix, _, key = id.partition("_")
        if prefix == "ord":
            order = await info.context["orders"].load(UUID(key))
            return order and Order.of(order)
        dispute = await models.Dispute.filter(_mine(info.context["viewer"])).get_or_none(id=UUID(key))
        return dispute and Dispute.of(dispute)


@strawberry.input
class AreaRatingsInput:
    product_as_agreed: int
    communication: int
    shipping_time: int


@strawberry.input
class RatingsInput:
    overall: int | None = None
    areas: AreaRatingsInput | None = None


@strawberry.input
class LeaveFeedbackInput:
    order_id: strawberry.ID
    ratings: RatingsInput
    comment: str | None = None


@strawberry.type
class UserError:
    code: Reason
    message: str
    field: list[str] | None = None


@strawberry.type
class FeedbackPayload:
    feedback: Feedback | None = None
    order: Order | None = None
    user_errors: list[UserError]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def leave_feedback(self, info: Info, input: LeaveFeedbackInput) -> FeedbackPayload:
        viewer, now = info.context["viewer"], info.context["now"]
        async with in_transaction():
            mine = models.Order.filter(_mine(viewer)).select_for_update(no_key=True)
            order = await mine.get_or_none(id=UUID(input.order_id[4:]))
            decision = policy.decide(Action.LEAVE_FEEDBACK, order and Order.of(order).facts, viewer, now)
            if order is None or decision.reason is not None:
                assert decision.reason is not None
                assert decision.message is not None
                return FeedbackPayload(user_errors=[UserError(code=decision.reason, message=decision.message)])
            areas = input.ratings.areas
            if (areas is None) == (order.kind is OrderKind.SECURE_PAYMENT):
                wrong = UserError(code=Reason.INVALID_INPUT, message="This is rated otherwise.", field=["ratings"])
                return FeedbackPayload(user_errors=[wrong])
            stars: dict[str, Any] = vars(areas) if areas else {"overall": input.ratings.overall}
            feedback = await models.Feedback.create(order=order, comment=input.comment, **stars)
            await models.Event.create(
                order=order,
                at=now,
                known_at=now,
                by_id=viewer.id,
                action=Action.LEAVE_FEEDBACK,
                facts={"feedback_left_at": now.isoformat()},
            )
            order.feedback_left_at = order.changed_at = now
            await order.save(update_fields=["feedback_left_at", "changed_at"])
        return FeedbackPayload(feedback=Feedback.about(feedback, order), order=Order.of(order), user_errors=[])


def _spell(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(name="DateTime", serialize=_spell, parse_value=datetime.fromisoformat),
    Decimal: strawberry.scalar(name="Decimal", serialize=str, parse_value=Decimal),
}
SCHEMA = strawberry.Schema(
    Query,
    Mutation,
    types=[Order, Dispute],
    config=StrawberryConfig(scalar_map=_SCALARS),
    extensions=[lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)],
)


def _loaders(viewer: models.Account) -> dict[str, DataLoader[Any, Any]]:
    def one(query: Any, column: str) -> DataLoader[Any, Any]:
        async def load(keys: Sequence[UUID]) -> list[Any]:
            found = {getattr(row, column): row for row in await query.filter(**{f"{column}__in": keys})}
            return [found.get(key) for key in keys]

        return DataLoader(load_fn=load)

    async def proposals(keys: Sequence[UUID]) -> list[Any]:
        found: dict[UUID, list[Any]] = {key: [] for key in keys}
        for row in await models.Proposal.filter(dispute_id__in=keys).order_by("id"):
            found[row.dispute_id].append(row)  # type: ignore[attr-defined]
        return list(found.values())

    return {
        "accounts": one(models.Account, "id"),
        "orders": one(models.Order.filter(_mine(viewer)), "id"),
        "feedback": one(models.Feedback, "order_id"),
        "disputes": one(models.Dispute.all().order_by("opened_at", "id"), "order_id"),
        "proposals": DataLoader(load_fn=proposals),
    }


class App(GraphQL[Any, None]):
    keys = jwt.PyJWKClient(os.environ["JWKS_URL"])
    accounts: dict[str, models.Account]

    async def get_context(self, request: Any, response: Any) -> Any:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = self.keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(
            token, key, algorithms=["RS256"], issuer=os.environ["ISSUER"], audience=os.environ["AUDIENCE"]
        )
        subject = claims["sub"]
        viewer = self.accounts.get(subject) or await models.Account.get(subject=subject, role=claims["role"])
        self.accounts[subject] = viewer
        return {"viewer": viewer, "now": datetime.now(UTC)} | _loaders(viewer)


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncGenerator[None]:
    credentials = {"host": os.environ["PGHOST"], "database": os.environ["PGDATABASE"], "user": "postgres"}
    credentials["application_name"] = os.environ["PGAPPNAME"]
    connections = {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials | {"maxsize": 10}}}
    apps = {"models": {"models": ["models"]}}
    await Tortoise.init(
        config={"connections": connections, "apps": apps, "use_tz": True, "timezone": "UTC"},
        _enable_global_fallback=True,
    )
    yield
    await Tortoise.close_connections()


if __name__ == "__main__":
    graphql = App(SCHEMA, graphql_ide=None)
    graphql.accounts = {}
    serve(Starlette(routes=[Route("/graphql", graphql)], lifespan=_lifespan))
