"""What is logged, and what is not."""

import json
import re
from typing import Any
from uuid import UUID

import httpx2

import models
from tests.conftest import Server, World
from tests.support.issuer import Issuer, token
from tests.support.processes import address, start
from tests.support.subscriptions import complete


def test_the_log_says_what_happened_and_nothing_of_what_people_say(server: Server, world: World) -> None:
    """Lines of JSON, each with the id of its request."""
    broken, whole = world.order(), complete(world)

    async def break_it(items: Any) -> None:
        await models.Order.filter(id=UUID(hex=broken[4:])).update(items=items)

    server.run(lambda: break_it([["???"]]))  # an order line that has only a title
    issuer = Issuer()
    with issuer.serving():
        production = issuer.settings(server.settings.database)
        needed = {name: str(getattr(production, name)) for name in ("mode", "jwks_url", "issuer", "audience")}
        process = start(server.settings.database, str(server.settings.files_url), log_level="info", **needed)
        said, errors = "", list[Any]()
        try:
            url = address(process)
            me = token(sub=world.buyer.subject)
            asked = "query Broken($id: ID!) { node(id: $id) { ... on Order { items { title } } } }"
            left = (
                "mutation Leave($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { userErrors { code } } }"
            )
            headers = {"Authorization": f"Bearer {me}", "apollographql-client-name": "phone"}
            for id, query, variables in (
                ("from-the-proxy-1", asked, {"id": broken}),
                ("no word at all: \u00fc", asked, {"id": broken}),
                (
                    "from-the-proxy-3",
                    left,
                    {"input": {"orderId": whole, "ratings": {"overall": 5}, "comment": "a secret"}},
                ),
                ("from-the-proxy-4", "query { private words }", {}),
            ):
                answer = httpx2.post(
                    f"{url}/graphql",
                    json={"query": query, "variables": variables},
                    headers=headers | {"x-request-id": id.encode()},  # type: ignore[dict-item]
                )
                if id.isascii():
                    assert answer.headers["x-request-id"] == id
                else:
                    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
                errors += answer.json().get("errors", [])
        finally:
            process.terminate()
            _, said = process.communicate()
            server.run(lambda: break_it([]))
    lines = [json.loads(line) for line in said.splitlines()]
    found = re.search(r"[0-9a-f]{32}", errors[0]["message"])
    assert found
    [failed] = [line for line in lines if found[0] in line["message"]]
    assert (failed["request"], failed["level"]) == ("from-the-proxy-1", "error")
    assert failed["exception"].endswith("ValueError")
    answered = {line["request"]: line for line in lines if line["message"] == "answered"}
    assert (
        answered["from-the-proxy-1"].items() >= {"operation": "Broken", "client": "phone", "code": "INTERNAL"}.items()
    )
    assert answered["from-the-proxy-3"].items() >= {"operation": "Leave", "code": ""}.items()
    assert answered["from-the-proxy-4"].items() >= {"operation": "", "code": "BAD_REQUEST"}.items()
    assert len(answered) == 4
    for unsaid in ("???", "a secret", "private", me, world.buyer.subject):
        assert unsaid not in said
