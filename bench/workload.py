"""The workload: the operations of a mobile app, each sent by many buyers and about many orders."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import data
from bench.contenders import Server
from bench.issuer import Issuer
from resolvers.ids import encode

DOCUMENTS = Path(__file__).parent / "operations"


@dataclass(frozen=True)
class Request:
    """The token and the variables of one request."""

    token: str
    variables: dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """An operation and its requests. A request of a `fresh` operation succeeds once, until its feedback is deleted.

    `text` is the document; if None, it is the file with the name of the operation.
    """

    name: str
    title: str
    requests: list[Request]
    fresh: bool = False
    text: str | None = None

    @property
    def document(self) -> str:
        """The full text of the document, as a client sends it."""
        return self.text or (DOCUMENTS / f"{self.name}.graphql").read_text()

    def http_request(self, server: Server, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {"query": self.document, "variables": request.variables}
        headers = {"content-type": "application/json", "authorization": f"Bearer {request.token}"}
        if server.contender.graphql:
            return {"method": "POST", "path": "/graphql", "headers": headers, "body": json.dumps(body)}
        return {"method": "POST", "path": f"/{self.name}", "headers": headers, "body": json.dumps(request.variables)}

    def answer(self, server: Server, request: Request) -> Any:
        """Sends a request and returns the data of the answer."""
        message = self.http_request(server, request)
        http_request = urllib.request.Request(
            server.url + message["path"], message["body"].encode(), message["headers"], method=message["method"]
        )
        with urllib.request.urlopen(http_request) as response:
            answer = json.load(response)
        if "errors" in answer:
            raise RuntimeError(f"{server.contender.name}, {self.name}: {json.dumps(answer['errors'])[:600]}")
        return answer["data"]


async def operations(url: str, issuer: Issuer, first: int = 20) -> list[Operation]:
    connection = await data.connect(url)
    buyers = await connection.fetch("SELECT id, subject, name FROM accounts WHERE role = 'BUYER' ORDER BY subject")
    tokens = {row["id"]: issuer.token(row["subject"], "BUYER", row["name"]) for row in buyers}

    async def for_rows(sql: str, variables: Callable[[Any], dict[str, Any]]) -> list[Request]:
        return [Request(tokens[row["buyer_id"]], variables(row)) for row in await connection.fetch(sql)]

    def id_variable(type_name: str) -> Callable[[Any], dict[str, Any]]:
        return lambda row: {"id": encode(type_name, row["id"])}

    pages = [Request(token, {"first": first}) for token in tokens.values()]
    can = [Request(token, {"first": first, "filter": {"can": "LEAVE_FEEDBACK"}}) for token in tokens.values()]
    orders = await for_rows("SELECT id, buyer_id FROM orders ORDER BY md5(number) LIMIT 1000", id_variable("Order"))
    disputes = await for_rows(
        "SELECT id, buyer_id FROM disputes ORDER BY md5(number) LIMIT 1000", id_variable("Dispute")
    )
    unrated = await for_rows(UNRATED, _rating)
    await connection.close()
    return [
        Operation("AllOrders", "All Orders", pages),
        Operation("OrderDetail", "order detail", orders),
        Operation("OrderForms", "order with checks and forms", orders),
        Operation("FeedbackManagement", "Feedback Management", pages),
        Operation("DisputeMessages", "dispute with messages", disputes),
        Operation("CanLeaveFeedback", "orders(can: LEAVE_FEEDBACK)", can),
        Operation("LeaveFeedback", "leaveFeedback", unrated, fresh=True),
    ]


# Orders whose window stays open until the benchmark ends.
UNRATED = """
SELECT id, buyer_id, kind FROM orders WHERE completed_at > now() - '27 days'::interval AND feedback_left_at IS NULL
AND cancelled_at IS NULL AND kind <> 'OFFLINE' ORDER BY md5(number)
"""


def _rating(row: Any) -> dict[str, Any]:
    areas = {"areas": {"productAsAgreed": 5, "communication": 4, "shippingTime": 4}}
    ratings = areas if row["kind"] == "SECURE_PAYMENT" else {"overall": 4}
    comment = "The lamps are as described; two cartons were dented."
    return {"input": {"orderId": encode("Order", row["id"]), "ratings": ratings, "comment": comment}}


async def restore_feedback(url: str) -> None:
    """Deletes the feedback that leaveFeedback added, so that the same requests succeed again."""
    connection = await data.connect(url)
    orders = "(SELECT order_id FROM events WHERE action = 'LEAVE_FEEDBACK' AND id > (SELECT id FROM last_event))"
    await connection.execute("CREATE TABLE IF NOT EXISTS last_event AS SELECT max(id) AS id FROM events")
    await connection.execute(f"DELETE FROM feedback WHERE order_id IN {orders}")
    await connection.execute(f"UPDATE orders SET feedback_left_at = NULL WHERE id IN {orders}")
    await connection.execute("DELETE FROM events WHERE id > (SELECT id FROM last_event)")
    await connection.close()
