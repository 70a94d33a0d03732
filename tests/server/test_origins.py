"""Which web pages may use the API, and what a page may read of an answer."""

from typing import Any

import anyio
import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from server.app import create
from server.origins import Origins
from server.settings import Mode, Settings
from tests.conftest import TIME, Server, World, code
from tests.server.test_websocket import dial
from tests.support.uploads import announce, put

pytestmark = pytest.mark.either

SHOP = "https://shop.example"
LOCAL = "http://localhost:5173"
OWN = "https://api.shop.example:8443/base"


def settings(mode: Mode = Mode.PRODUCTION, **changes: Any) -> Settings:
    return Settings(**{"mode": mode, "cors_origins": f"{SHOP}, https://Help.example:443/"} | changes)


ORIGINS = [
    # origin, allowed in production, allowed in development
    (SHOP, True, True),
    ("https://SHOP.example", True, True),
    ("https://shop.example:443", True, True),
    ("https://help.example", True, True),
    ("wss://shop.example", True, True),
    ("wss://shop.example:443", True, True),
    ("http://shop.example", False, False),
    ("https://shop.example:8443", False, False),
    ("https://shop.example.evil.example", False, False),
    ("https://evilshop.example", False, False),
    ("https://shop.example@evil.example", False, False),
    ("https://evil.example", False, False),
    ("https://evil.example#shop.example", False, False),
    ("null", False, False),
    ("", False, False),
    ("nonsense", False, False),
    ("https://[", False, False),
    ("https://shop.example:x", False, False),
    ("https://api.shop.example:8443", True, True),
    ("wss://api.shop.example:8443", True, True),
    ("https://api.shop.example", False, False),
    (LOCAL, False, True),
    ("http://localhost", False, True),
    ("https://localhost:8000", False, True),
    ("http://LOCALHOST:3000", False, True),
    ("http://127.0.0.1:8080", False, True),
    ("http://127.8.9.1", False, True),
    ("http://[::1]:4200", False, True),
    ("https://shop.localhost:4200", False, True),
    ("http://localhost.evil.example", False, False),
    ("http://notlocalhost", False, False),
    ("http://127.0.0.1.evil.example", False, False),
    ("http://128.0.0.1", False, False),
    ("http://[::2]", False, False),
    ("http://192.168.1.7:5173", False, False),
    ("ftp://localhost", False, False),
    ("file://", False, False),
]


@pytest.mark.parametrize(("origin", "in_production", "in_development"), ORIGINS)
def test_pages_of_listed_origins_may_ask(origin: str, in_production: bool, in_development: bool) -> None:
    assert Origins(settings(public_url=OWN)).allows(origin) is in_production
    assert Origins(settings(Mode.DEVELOPMENT, public_url=OWN)).allows(origin) is in_development


def test_all_pages_may_ask_where_all_are_listed() -> None:
    origins = Origins(settings(cors_origins="*"))
    assert all(origins.allows(origin) for origin, *_ in ORIGINS)


@pytest.mark.parametrize("listed", ["shop.example", "https://shop.example/app", "https://", "https://a:b@shop.example"])
def test_what_is_listed_is_an_origin(listed: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid origin .* RECOURSE_CORS_ORIGINS"):
        Origins(settings(cors_origins=listed))


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "api.example", True),
        ("https://api.example", "api.example", True),
        ("http://api.example", "api.example", True),
        ("wss://api.example", "api.example", True),
        ("wss://api.example", "api.example:443", True),
        ("ws://api.example", "api.example:80", True),
        ("https://api.example", "API.example:443", True),
        ("https://api.example:443", "api.example", True),
        ("wss://api.example:8443", "api.example:8443", True),
        ("https://api.example", "api.example:80", True),
        ("https://[::1]:8000", "[::1]:8000", True),
        ("https://api.example", "api.example:8443", False),
        ("https://api.example:8443", "api.example", False),
        ("https://evil.example", "api.example", False),
        ("https://api.example.evil.example", "api.example", False),
        ("null", "api.example", False),
        ("", "", False),
        ("https://", "", False),
        ("https://api.example", "api.example:x", False),
        ("https://api.shop.example:8443", "inside:8000", True),
        ("wss://api.shop.example:8443", "inside:8000", True),
        ("https://inside", "inside:8000", False),
        (SHOP, "inside:8000", True),
        ("wss://shop.example", "inside:8000", True),
    ],
)
def test_a_socket_may_be_opened_by_the_servers_own_pages(origin: str | None, host: str, allowed: bool) -> None:
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    assert Origins(settings(public_url=OWN)).allows_socket(headers) is allowed
    assert Origins(settings(public_url=OWN)).allows_socket(headers | {"sec-fetch-site": "same-origin"})


def test_a_socket_of_a_foreign_page_is_refused_and_told_why(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    port = server.url.rpartition(":")[2]
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", f"https://evil.example:{port}"):
        with pytest.raises(InvalidStatus) as refused:
            dial(server, origin=origin)
        assert refused.value.response.status_code == 403
        assert b"RECOURSE_CORS_ORIGINS" in (refused.value.response.body or b"")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]  # refused origins are not logged
    for origin in (server.url, f"wss://127.0.0.1:{port}", f"https://127.0.0.1:{port}", LOCAL, None):
        with dial(server, origin=origin):
            pass


def test_a_socket_at_an_unknown_address_is_404(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{server.url.replace('http', 'ws', 1)}/nothing")
    assert refused.value.response.status_code == 404
    assert b"NOT_FOUND" in (refused.value.response.body or b"")


# ---------------------------------------------------------------- preflights


def asking(app: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test")


def preflight(app: Any, origin: str, headers: str | None, path: str = "/graphql", **more: str) -> httpx2.Response:
    said = {"Origin": origin, "Access-Control-Request-Method": "POST"} | more
    if headers is not None:
        said["Access-Control-Request-Headers"] = headers

    async def ask() -> httpx2.Response:
        async with asking(app) as http:
            return await http.options(path, headers=said)

    return anyio.run(ask)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create(
        settings(
            files_url=str(tmp_path_factory.mktemp("production")),
            jwks_url="http://127.0.0.1:1/keys",
            issuer="https://id.example",
            audience="recourse",
            rate_per_address="10/minute",
        )
    )


SENT = [  # sent by clients and tracing libraries
    "authorization, content-type",
    "apollographql-client-name,apollographql-client-version,authorization,content-type",
    "graphql-client-name, graphql-client-version",
    "traceparent,tracestate,baggage,sentry-trace",
    "apollo-require-preflight,x-apollo-operation-name,x-apollo-operation-id",
    "x-requested-with,cache-control,pragma,if-none-match,last-event-id",
    "accept-language,time-zone,x-recourse-now,x-request-id,idempotency-key",
    "x-datadog-trace-id,newrelic,b3,uber-trace-id,x-cloud-trace-context",
    "X-UPPER,x_under.score~!#$%&'*+^`|",
    "content-type,,  ,authorization",
    "",
    None,
]


@pytest.mark.parametrize("headers", SENT)
@pytest.mark.parametrize("path", ["/graphql", "/files/x", "/readyz", "/nothing"])
def test_a_page_may_send_any_headers(production: Any, headers: str | None, path: str) -> None:
    answer = preflight(production, SHOP, headers, path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == SHOP
    asked = {name.strip() for name in (headers or "").split(",") if name.strip()}
    assert set(filter(None, answer.headers.get("access-control-allow-headers", "").split(", "))) == asked
    assert {"GET", "POST", "PUT"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "Origin" in answer.headers["vary"]
    assert "Access-Control-Request-Headers" in answer.headers["vary"]


@pytest.mark.parametrize("headers", ["a b", "a:b", "content-type; x", "a/b", "a,(b)", '"x"', "a\tb"])
def test_what_is_no_name_of_a_header_is_not_repeated(production: Any, headers: str) -> None:
    answer = preflight(production, SHOP, headers)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
    assert "access-control-allow-headers" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", LOCAL, "null"])
def test_a_foreign_page_is_refused_and_told_why(production: Any, origin: str) -> None:
    answer = preflight(production, origin, "authorization")
    assert (answer.status_code, code(answer)) == (403, "FORBIDDEN")
    assert "www-authenticate" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_page_on_the_network_may_ask_a_server_within(production: Any) -> None:
    for said, allowed in (("true", "true"), ("false", None), ("x, y", None)):
        answer = preflight(production, SHOP, None, **{"Access-Control-Request-Private-Network": said})
        assert answer.headers.get("access-control-allow-private-network") == allowed


def test_a_page_of_this_machine_may_ask_in_development(server: Server) -> None:
    said = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for origin in (LOCAL, "http://[::1]:1", "https://app.localhost"):
        answer = httpx2.options(f"{server.url}/graphql", headers=said | {"Origin": origin})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, origin)
    assert httpx2.options(f"{server.url}/graphql", headers=said | {"Origin": SHOP}).status_code == 403


# ---------------------------------------------------------------- what a page can read


def test_a_page_may_read_every_answer_and_every_error(server: Server, world: World) -> None:
    token = {"Authorization": f"Bearer {world.buyer.token}", "Content-Type": "application/json"}
    asked: list[tuple[int, str, str, dict[str, Any]]] = [
        (200, "POST", "/graphql", {"json": TIME, "headers": token}),
        (200, "POST", "/graphql", {"json": TIME, "headers": token | {"Accept": "text/event-stream"}}),
        (400, "POST", "/graphql", {"content": b"{", "headers": token}),
        (401, "POST", "/graphql", {"json": TIME}),
        (405, "DELETE", "/graphql", {}),
        (406, "POST", "/graphql", {"json": TIME, "headers": token | {"Accept": "text/html"}}),
        (413, "POST", "/graphql", {"content": b" " * 1_000_001, "headers": token}),
        (415, "POST", "/graphql", {"content": b"{}", "headers": token | {"Content-Type": "text/plain"}}),
        (403, "GET", "/files/x", {}),
        (403, "PUT", "/files/x", {"content": b"x"}),
        (404, "GET", "/files/x/y", {}),
        (405, "POST", "/files/x", {}),
        (200, "GET", "/readyz", {}),
        (200, "GET", "/healthz", {}),
        (404, "GET", "/nothing", {}),
    ]
    for origin, allowed in ((LOCAL, True), ("https://evil.example", False), (None, False)):
        for status, method, path, options in asked:
            said = options.get("headers", {}) | ({"Origin": origin} if origin else {})
            answer = httpx2.request(method, f"{server.url}{path}", **options | {"headers": said})
            assert answer.status_code == status, path
            assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
            assert ("x-request-id" in answer.headers.get("access-control-expose-headers", "")) is allowed
            assert "Origin" in answer.headers["vary"].split(", ")
            assert "*" not in answer.headers["vary"]


def test_a_page_may_read_that_it_asks_too_often_and_what_nobody_foresaw(
    production: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application of this test lacks parts, so requests that need them fail."""
    monkeypatch.delattr(production.state.application, "hub")
    monkeypatch.delattr(production.state.application, "files")

    async def ask() -> list[httpx2.Response]:
        async with asking(production) as http:
            unforeseen = [await http.get(path, headers={"Origin": SHOP}) for path in ("/metrics", "/files/x")]
            return [*unforeseen, *[await http.post("/graphql", headers={"Origin": SHOP}) for _ in range(12)]]

    answers = anyio.run(ask)
    assert [answer.status_code for answer in answers] == [500] * 2 + [401] * 10 + [429] * 2
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert "retry-after" in answer.headers["access-control-expose-headers"]
    assert [code(answer) for answer in answers[:2]] == ["INTERNAL"] * 2


def test_a_file_is_sent_and_read_by_a_page(world: World) -> None:
    content = b"A lamp that is broken."
    upload = announce(world.buyer, content, "text/plain", "a.txt")
    answers = [put(upload, content[:-1], Origin=LOCAL), put(upload, content, Origin=LOCAL)]
    assert [answer.status_code for answer in answers] == [400, 204]
    assert [answer.headers["access-control-allow-origin"] for answer in answers] == [LOCAL] * 2
