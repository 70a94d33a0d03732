"""Fixtures: a real server on a real database, shared by all tests of a worker. Each test makes its own people and orders."""

import asyncio
import contextlib
import functools
import gc
import itertools
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpcore2
import httpx2
import pytest
import uvicorn
from hypothesis import HealthCheck, settings

from models.enums import Role
from schema.scalars import spell_instant
from server.app import create, uvicorn_options
from server.auth.tokens import development_token
from server.graphql.endpoint import GraphQLEndpoint
from server.settings import Settings
from server.state import State
from tests.support import node
from tests.support.databases import Databases, made_in
from tests.support.distribution import dialect_of_this_process
from tests.support.processes import serving
from tests.support.sentences import watching_sentences

T = TypeVar("T")

DIALECT = dialect_of_this_process()
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
TIME = {"query": "query Clock { serverTime }"}  # a request that anybody with a token may send

on_sqlite = pytest.mark.only_on("sqlite")
on_postgres = pytest.mark.only_on("postgres")

settings.register_profile(
    "recourse",
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.load_profile("recourse")

_numbers = itertools.count(1)

gc.disable()  # until all tests are collected, as the server does until it has started


def pytest_collection_finish() -> None:
    """Spares the collector what lives as long as the run: 100,000 objects for the tests alone."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop of asynchronous tests."""
    return "asyncio"


@pytest.fixture(scope="session")
def dialect(request: pytest.FixtureRequest) -> str:
    """Returns the database of this worker. A test that uses this fixture runs once on each database."""
    return request.param


@pytest.fixture(scope="session")
def databases(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Databases]:
    """Makes databases in this worker's dialect."""
    folder = tmp_path_factory.mktemp("databases")
    of_all_workers = folder.parents[1] if "PYTEST_XDIST_WORKER" in os.environ else folder
    with made_in(dialect, folder, of_all_workers) as databases:
        yield databases


@pytest.fixture(scope="session")
def new_database(databases: Databases) -> Callable[[], str]:
    """Makes empty databases. Returns their URLs."""
    return databases.empty


@pytest.fixture(scope="session")
def migrated_database(databases: Databases) -> Callable[[], str]:
    """Makes databases that are up to date and hold nothing yet. Returns their URLs."""
    return databases.migrated


@pytest.fixture(scope="session")
def database_url(migrated_database: Callable[[], str]) -> str:
    return migrated_database()


@pytest.fixture(scope="session", autouse=True)
def one_tls_context() -> Generator[None]:
    """Gives all clients one TLS context: making one takes 20 ms, and the servers of tests speak plain HTTP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", functools.cache(httpcore2.default_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def every_sentence_is_known() -> Generator[None]:
    with watching_sentences():
        yield


class Server:
    """The application in a thread of this process, with its own event loop and port."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.settings = Settings(database_url=database_url, files_url=str(folder))
        self.loop = asyncio.new_event_loop()
        self.app = create(self.settings)
        self.state: State = self.app.state.application
        self.endpoint: GraphQLEndpoint = self.app.state.endpoint
        options = uvicorn_options(self.settings)
        self.uvicorn = uvicorn.Server(uvicorn.Config(self.app, port=0, log_level="error", **options))
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.uvicorn.serve())

    def __enter__(self) -> "Server":
        self.thread.start()
        while not self.uvicorn.started:
            assert self.thread.is_alive()
            threading.Event().wait(0.01)
        [listening] = self.uvicorn.servers
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.uvicorn.should_exit = True
        self.thread.join()
        self.loop.close()

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs `work` in the server's event loop, on the server's connections. Returns its result."""

        async def wrapped() -> T:
            return await work()

        future: Future[T] = asyncio.run_coroutine_threadsafe(wrapped(), self.loop)
        return future.result(60)


@pytest.fixture(scope="session")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with Server(database_url, tmp_path_factory.mktemp("files")) as running:
        yield running


class Person:
    """A client with an account and its token. `now` is the instant of its requests; None stands for the real clock."""

    def __init__(self, http: httpx2.Client, subject: str, role: Role, now: datetime | None = NOW) -> None:
        self.http = http
        self.subject = subject
        self.role = role
        self.now = now
        self.token = development_token(subject, role, f"{role.capitalize()} {subject}")

    def at(self, now: datetime | None) -> "Person":
        person = object.__new__(Person)
        person.__dict__ = self.__dict__ | {"now": now}
        return person

    @contextlib.contextmanager
    def elsewhere(self, url: str, now: datetime | None = None) -> Generator["Person"]:
        """The same person as a client of another server; by the real clock, unless `now` is given."""
        with httpx2.Client(base_url=url, timeout=60) as http:
            moved = self.at(now)
            moved.http = http
            yield moved

    def send(self, body: Any, **headers: str) -> httpx2.Response:
        clock = {"X-Recourse-Now": spell_instant(self.now)} if self.now else {}
        return self.http.post(
            "/graphql", json=body, headers={"Authorization": f"Bearer {self.token}"} | clock | headers
        )

    def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        """Returns the whole answer, with its errors."""
        return self.send({"query": query, "variables": variables}).json()

    def ask(self, query: str, **variables: Any) -> Any:
        """Returns the data of the answer, which must have no errors."""
        answer = self.answer(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def do(self, mutation: str, input: dict[str, Any], shows: str = "") -> dict[str, Any]:
        """Returns the payload of a mutation."""
        name = mutation[0].upper() + mutation[1:]
        errors = "userErrors { code message problem field decision { reason } }"
        query = f"mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ {shows} {errors} }} }}"
        return self.ask(query, input=input)[mutation]

    def succeed(self, mutation: str, input: dict[str, Any], shows: str = "") -> dict[str, Any]:
        payload = self.do(mutation, input, shows)
        assert payload["userErrors"] == [], payload["userErrors"]
        return payload

    def refused(self, mutation: str, input: dict[str, Any]) -> str:
        """Returns the code with which the policy refuses the mutation."""
        [error] = self.do(mutation, input)["userErrors"]
        assert error["decision"]["reason"] == error["code"]
        return error["code"]

    def problems(self, mutation: str, input: dict[str, Any]) -> set[tuple[str, str]]:
        """Returns the fields that input validation names, with their problems."""
        errors = self.do(mutation, input)["userErrors"]
        assert {error["code"] for error in errors} == {"INVALID_INPUT"}
        return {(".".join(error["field"]), error["problem"]) for error in errors}


def code(answer: httpx2.Response) -> str:
    [error] = answer.json()["errors"]
    return error["extensions"]["code"]


def codes(answers: list[httpx2.Response]) -> list[str | None]:
    return [code(answer) if "errors" in answer.json() else None for answer in answers]


class World:
    """New people, and orders between them. Facts are days before NOW; negative ones are after it."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.buyer = self.person(Role.BUYER)
        self.supplier = self.person(Role.SUPPLIER)
        self.agent = self.person(Role.AGENT)
        self.service = self.person(Role.SERVICE)

    def person(self, role: Role) -> Person:
        return Person(self.http, f"{role.lower()}-{next(_numbers)}-{os.getpid()}", role)

    def record(self, kind: str = "TRADE_ASSURANCE", **changes: Any) -> dict[str, Any]:
        """Returns a record as the order system sends it. A fact that is a number is that many days before NOW."""
        record: dict[str, Any] = {
            "number": f"N{next(_numbers)}-{os.getpid()}",
            "kind": kind,
            "buyer": {"subject": self.buyer.subject, "name": "Ana Ruiz"},
            "supplier": {"subject": self.supplier.subject, "name": "Lumen Lighting"},
            "total": usd("100.00"),
            "items": [{"title": "Desk lamp", "quantity": 4, "unitPrice": usd("25.00")}],
            "placedAt": 400,
            "recordedAt": 0,
        } | changes
        for name in record:
            if name.endswith(("At", "By")) and isinstance(record[name], int | float):
                record[name] = spell_instant(NOW - record[name] * DAY)
        return record

    def order(self, kind: str = "TRADE_ASSURANCE", **facts: Any) -> str:
        """Records an order. Returns its id."""
        payload = self.service.succeed("recordOrders", {"orders": [self.record(kind, **facts)]}, "orders { id }")
        return payload["orders"][0]["id"]


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "USD"}


@pytest.fixture
def world(server: Server) -> Generator[World]:
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        yield World(http)


class Statements(logging.Handler):
    """Collects the statements that the database client sends, with their parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 2:
            self.sent.append((str(record.args[0]), record.args[1]))


@pytest.fixture
def statements() -> Generator[Statements]:
    logger = logging.getLogger("tortoise.db_client")
    handler, level, propagate = Statements(), logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = propagate


@pytest.fixture(scope="session")
def serve(server: Server) -> Callable[..., Any]:
    """Starts servers as processes on the worker's database, with the given settings. Yields their addresses."""
    assert server.settings.files_url is not None
    files = server.settings.files_url

    def started(count: int = 1, **settings: Any) -> Any:
        return serving(server.settings.database, files, count, **settings)

    return started


@pytest.fixture(scope="session")
def two_processes(serve: Callable[..., Any]) -> Generator[list[str]]:
    """Yields the addresses of two more servers on the worker's database."""
    with serve(2) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def clients(server: Server, tmp_path_factory: pytest.TempPathFactory) -> node.Clients:
    """Returns the clients in Node, installed once for all tests of a worker."""
    return node.installed(server.url, tmp_path_factory.mktemp("npm"))
