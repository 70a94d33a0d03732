"""What is asked: the operations of a mobile app, each by many buyers and of many orders."""

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
class Asked:
    """One request: by whom, and with which variables."""

    token: str
    variables: dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """`fresh` are orders that can each be asked for once, until they are put back. `text` is the document, where it is
    not the file that is named like the operation."""

    name: str
    title: str
    asked: list[Asked]
    fresh: bool = False
    text: str | None = None

    @property
    def document(self) -> str:
        """As a client sends it: its whole text, each time."""
        return self.text or (DOCUMENTS / f"{self.name}.graphql").read_text()

    def request(self, server: Server, asked: Asked) -> dict[str, Any]:
        body: dict[str, Any] = {"query": self.document, "variables": asked.variables}
        headers = {"content-type": "application/json", "authorization": f"Bearer {asked.token}"}
        if server.contender.graphql:
            return {"method": "POST", "path": "/graphql", "headers": headers, "body": json.dumps(body)}
        return {"method": "POST", "path": f"/{self.name}", "headers": headers, "body": json.dumps(asked.variables)}

    def answer(self, server: Server, asked: Asked) -> Any:
        """The data of one answer."""
        made = self.request(server, asked)
        request = urllib.request.Request(
            server.url + made["path"], made["body"].encode(), made["headers"], method=made["method"]
        )
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)
        if "errors" in answer:
            raise RuntimeError(f"{server.contender.name}, {self.name}: {json.dumps(answer['errors'])[:600]}")
        return answer["data"]


async def operations(url: str, issuer: Issuer, first: int = 20) -> list[Operation]:
    connection = await data.connect(url)
    buyers = await connection.fetch("SELECT id, subject, name FROM accounts WHERE role = 'BUYER' ORDER BY subject")
    tokens = {each["id"]: issuer.token(each["subject"], "BUYER", each["name"]) for each in buyers}

    async def each(sql: str, variables: Callable[[Any], dict[str, Any]]) -> list[Asked]:
        return [Asked(tokens[row["buyer_id"]], variables(row)) for row in await connection.fetch(sql)]

    def of(type_name: str) -> Callable[[Any], dict[str, Any]]:
        return lambda row: {"id": encode(type_name, row["id"])}

    pages = [Asked(token, {"first": first}) for token in tokens.values()]
    can = [Asked(token, {"first": first, "filter": {"can": "LEAVE_FEEDBACK"}}) for token in tokens.values()]
    orders = await each("SELECT id, buyer_id FROM orders ORDER BY md5(number) LIMIT 1000", of("Order"))
    disputes = await each("SELECT id, buyer_id FROM disputes ORDER BY md5(number) LIMIT 1000", of("Dispute"))
    unrated = await each(UNRATED, _rating)
    await connection.close()
    return [
        Operation("AllOrders", "All Orders", pages),
        Operation("OrderDetail", "order detail", orders),
        Operation("FeedbackManagement", "Feedback Management", pages),
        Operation("DisputeMessages", "dispute with messages", disputes),
        Operation("CanLeaveFeedback", "orders(can: LEAVE_FEEDBACK)", can),
        Operation("LeaveFeedback", "leaveFeedback", unrated, fresh=True),
    ]


# Not those that cannot be rated any more before the measuring ends.
UNRATED = """
SELECT id, buyer_id, kind FROM orders WHERE completed_at > now() - '27 days'::interval AND feedback_left_at IS NULL
AND cancelled_at IS NULL AND kind <> 'OFFLINE' ORDER BY md5(number)
"""


def _rating(row: Any) -> dict[str, Any]:
    areas = {"areas": {"productAsAgreed": 5, "communication": 4, "shippingTime": 4}}
    ratings = areas if row["kind"] == "SECURE_PAYMENT" else {"overall": 4}
    comment = "The lamps are as described; two cartons were dented."
    return {"input": {"orderId": encode("Order", row["id"]), "ratings": ratings, "comment": comment}}


async def put_back(url: str) -> None:
    """Takes back what leaveFeedback did since the data was made."""
    connection = await data.connect(url)
    made = "(SELECT order_id FROM events WHERE action = 'LEAVE_FEEDBACK' AND id > (SELECT id FROM last_event))"
    await connection.execute("CREATE TABLE IF NOT EXISTS last_event AS SELECT max(id) AS id FROM events")
    await connection.execute(f"DELETE FROM feedback WHERE order_id IN {made}")
    await connection.execute(f"UPDATE orders SET feedback_left_at = NULL WHERE id IN {made}")
    await connection.execute("DELETE FROM events WHERE id > (SELECT id FROM last_event)")
    await connection.close()
