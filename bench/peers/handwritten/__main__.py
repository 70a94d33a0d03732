"""A hand-written endpoint for each operation: Starlette, asyncpg and orjson, one statement for each page, no GraphQL.

It gives the same answer as the operation's document, and imports nothing from Recourse.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers.handwritten.details import detail, dispute_answer
from bench.peers.handwritten.forms import forms_answer
from bench.peers.handwritten.policy import BY_ACTION, RULES, bounds, message_for, next_change_at, reason_against
from bench.peers.handwritten.serving import Tokens, serve
from bench.peers.handwritten.shapes import (
    actions,
    cursor,
    deadline,
    decode_cursor,
    feedback_row,
    instant,
    is_allowed,
    item,
    money,
    rating,
    status,
)

SQL = {file.stem: file.read_text() for file in (Path(__file__).parent.parent / "sql").glob("*.sql")}
Answer = Callable[[Any, Any, datetime, dict[str, Any]], Awaitable[Any]]  # pool, viewer, now, variables


def _page_info(rows: list[Any], size: int, edges: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    info = {"hasNextPage": len(rows) > size, "endCursor": edges[-1]["cursor"] if edges else None}
    return info | more | {"__typename": "PageInfo"}


def _order_row(row: Any, now: datetime) -> dict[str, Any]:
    currency, rules = row["currency"], RULES[row["kind"]]
    return {
        "id": f"ord_{row['id'].hex}",
        "number": row["number"],
        "kind": row["kind"],
        "status": status(row),
        "placedAt": instant(row["placed_at"]),
        "total": money(row["total"], currency, typed=True),
        "supplier": {"id": f"acc_{row['supplier_id'].hex}", "name": row["supplier_name"], "__typename": "Account"},
        "items": [item(stored, currency, typed=True) for stored in orjson.loads(row["items"])],
        "canLeaveFeedback": is_allowed("LEAVE_FEEDBACK", row, now),
        "feedbackDeadline": deadline("LEAVE_FEEDBACK", row, now),
        "revisionDeadline": deadline("REVISE_FEEDBACK", row, now),
        "nextChangeAt": instant(next_change_at(rules, row, now)),
        "availableActions": actions(rules, row, now),
        "feedback": feedback_row(row) if row["feedback_id"] is not None else None,
        "__typename": "Order",
    }


def _order_list(viewer: Any, rows: list[Any], size: int, after: str | None, now: datetime) -> Any:
    edges = [
        {"cursor": cursor(row["placed_at"], row["id"]), "node": _order_row(row, now), "__typename": "OrderEdge"}
        for row in rows[:size]
    ]
    start = edges[0]["cursor"] if edges else None
    info = _page_info(rows, size, edges, hasPreviousPage=after is not None, startCursor=start)
    orders = {"edges": edges, "pageInfo": info, "__typename": "OrderConnection"}
    return {"viewer": {"id": f"viw_{viewer['id'].hex}", "orders": orders, "__typename": "Viewer"}}


async def all_orders(pool: Any, viewer: Any, now: datetime, variables: dict[str, Any]) -> Any:
    size, after = min(variables.get("first") or 20, 100), variables.get("after")
    at, key = decode_cursor(after) if after is not None else (None, None)
    rows = await pool.fetch(SQL["orders"], viewer["id"], at, key, size + 1)
    return _order_list(viewer, rows, size, after, now)


async def can_leave_feedback(pool: Any, viewer: Any, now: datetime, variables: dict[str, Any]) -> Any:
    size = min(variables.get("first") or 20, 100)
    since = now - timedelta(days=60), now - timedelta(days=30)
    rows = await pool.fetch(SQL["can"], viewer["id"], *since, size + 1)
    return _order_list(viewer, rows, size, None, now)


async def order_detail(pool: Any, viewer: Any, now: datetime, variables: dict[str, Any]) -> Any:
    row = await pool.fetchrow(SQL["order"], UUID(variables["id"][4:]), viewer["id"])
    return {"node": None if row is None else detail(row, now)}


async def order_forms(pool: Any, viewer: Any, now: datetime, variables: dict[str, Any]) -> Any:
    row = await pool.fetchrow(SQL["forms"], UUID(variables["id"][4:]), viewer["id"])
    return {"node": None if row is None else forms_answer(row, now)}


async def dispute_messages(pool: Any, viewer: Any, now: datetime, variables: dict[str, Any]) -> Any:
    row = await pool.fetchrow(SQL["dispute"], UUID(variables["id"][4:]), viewer["id"])
    return {"node": None if row is None else dispute_answer(row, now)}


async def feedback_management(pool: Any, viewer: Any, now: datetime, variables: dict[str, Any]) -> Any:
    size = min(variables.get("first") or 20, 100)
    rows = await pool.fetch(SQL["feedback"], viewer["id"], size + 1)
    edges: list[dict[str, Any]] = []
    for row in rows[:size]:
        rule = BY_ACTION[row["kind"], "REVISE_FEEDBACK"]
        opens, closes = bounds(rule, row)
        reason = reason_against(rule, row, now, opens, closes)
        revising = {
            "allowed": reason is None,
            "label": rule.label,
            "reason": reason,
            "message": message_for("REVISE_FEEDBACK", reason, closes) if reason else None,
            "closesAt": instant(closes),
            "__typename": "Decision",
        }
        order = {
            "id": f"ord_{row['id'].hex}",
            "number": row["number"],
            "kind": row["kind"],
            "status": status(row),
            "supplier": {"id": f"acc_{row['supplier_id'].hex}", "name": row["supplier_name"], "__typename": "Account"},
            "revisionDeadline": deadline("REVISE_FEEDBACK", row, now),
            "revising": revising,
            "__typename": "Order",
        }
        node = feedback_row(row, whole=True, typed=True) | {"order": order}
        edges.append({"cursor": cursor(row["feedback_left_at"], row["id"]), "node": node, "__typename": "FeedbackEdge"})
    feedback = {"edges": edges, "pageInfo": _page_info(rows, size, edges), "__typename": "FeedbackConnection"}
    return {"viewer": {"id": f"viw_{viewer['id'].hex}", "feedback": feedback, "__typename": "Viewer"}}


_FACTS = """id, kind, placed_at, payment_submitted_at, paid_at, ship_by, shipped_at, completed_at, cancelled_at,
  feedback_left_at, feedback_replied_at, feedback_revised_at, cancellation_pending_since, cancellation_declined_at,
  dispute_open_since, dispute_lapses_at, dispute_settled_at, replacement_agreed_at, refund_due_at,
  refund_reportable_at, complaint_open_since"""
_LOCK = f"SELECT {_FACTS} FROM orders WHERE id = $1 AND buyer_id = $2 FOR NO KEY UPDATE"
_INSERT_FEEDBACK = """INSERT INTO feedback (id, order_id, overall, product_as_agreed, communication, shipping_time,
  comment)
  VALUES (uuidv7(), $1, $2, $3, $4, $5, $6) RETURNING id"""
_INSERT_EVENT = """INSERT INTO events (order_id, at, known_at, by_id, action, facts)
  VALUES ($1, $2, $2, $3, 'LEAVE_FEEDBACK', $4)"""
_UPDATE_ORDER = "UPDATE orders SET feedback_left_at = $2, changed_at = $2 WHERE id = $1"


async def leave_feedback(pool: Any, viewer: Any, now: datetime, variables: dict[str, Any]) -> Any:
    input = variables["input"]
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(_LOCK, UUID(input["orderId"][4:]), viewer["id"])
        rule = BY_ACTION.get((row["kind"], "LEAVE_FEEDBACK")) if row else None
        if rule is None:
            return _refused("NOT_OFFERED" if row else "NOT_FOUND", "This action is not available here.")
        opens, closes = bounds(rule, row)
        if reason := reason_against(rule, row, now, opens, closes):
            return _refused(reason, message_for("LEAVE_FEEDBACK", reason, closes))
        areas = input["ratings"].get("areas")
        if areas:
            stars = [None, areas["productAsAgreed"], areas["communication"], areas["shippingTime"]]
        else:
            stars = [input["ratings"]["overall"], None, None, None]
        if (areas is None) == (row["kind"] == "SECURE_PAYMENT") or not all(1 <= s <= 5 for s in stars if s is not None):
            return _refused("INVALID_INPUT", "The ratings are not those of this kind of order.")
        comment = input.get("comment")
        key = await connection.fetchval(_INSERT_FEEDBACK, row["id"], *stars, comment)
        left_at = instant(now)
        facts = orjson.dumps({"feedback_left_at": left_at}).decode()
        await connection.execute(_INSERT_EVENT, row["id"], now, viewer["id"], facts)
        await connection.execute(_UPDATE_ORDER, row["id"], now)
    facts_now = dict(row) | {"feedback_left_at": now}
    rules = RULES[row["kind"]]
    names = ("overall", "product_as_agreed", "communication", "shipping_time")
    feedback = {
        "id": f"fbk_{key.hex}",
        "rating": rating(dict(zip(names, stars, strict=True))),
        "comment": comment,
        "leftAt": left_at,
        "__typename": "Feedback",
    }
    order = {
        "id": input["orderId"],
        "status": status(facts_now),
        "canLeaveFeedback": is_allowed("LEAVE_FEEDBACK", facts_now, now),
        "feedbackDeadline": deadline("LEAVE_FEEDBACK", facts_now, now),
        "nextChangeAt": instant(next_change_at(rules, facts_now, now)),
        "availableActions": actions(rules, facts_now, now),
        "__typename": "Order",
    }
    payload = {"feedback": feedback, "order": order, "userErrors": [], "__typename": "FeedbackPayload"}
    return {"leaveFeedback": payload}


def _refused(code: str, message: str) -> Any:
    error = {"code": code, "message": message, "field": None, "__typename": "UserError"}
    payload = {"feedback": None, "order": None, "userErrors": [error], "__typename": "FeedbackPayload"}
    return {"leaveFeedback": payload}


OPERATIONS: dict[str, Answer] = {
    "AllOrders": all_orders,
    "CanLeaveFeedback": can_leave_feedback,
    "OrderDetail": order_detail,
    "OrderForms": order_forms,
    "DisputeMessages": dispute_messages,
    "FeedbackManagement": feedback_management,
    "LeaveFeedback": leave_feedback,
}


async def _no_reset(_connection: Any) -> None:
    """Does nothing: no statement changes the state of its session."""


def create() -> Starlette:
    state: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        host, name = os.environ["PGHOST"], os.environ["PGDATABASE"]
        pool = await asyncpg.create_pool(
            host=host,
            database=name,
            user="postgres",
            min_size=10,
            max_size=10,
            reset=_no_reset,
            server_settings={"application_name": os.environ["PGAPPNAME"]},
        )
        state.update(pool=pool, tokens=Tokens())
        yield
        await pool.close()

    def endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            viewer = await state["tokens"].viewer(state["pool"], request.headers.get("authorization", ""))
            variables = orjson.loads(await request.body())
            data = await answer(state["pool"], viewer, datetime.now(UTC), variables)
            return Response(orjson.dumps({"data": data}), media_type="application/json")

        return respond

    routes = [Route(f"/{name}", endpoint(answer), methods=["POST"]) for name, answer in OPERATIONS.items()]
    return Starlette(routes=routes, lifespan=lifespan)


if __name__ == "__main__":
    serve(create())
