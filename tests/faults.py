"""The fault run: mutations with idempotency keys while clients drop answers, servers are killed and PostgreSQL crashes.
Afterwards every acknowledgement is compared with the database.

`python -m tests.faults --dialect postgres --acknowledged 10000` is the long form; tests/storage/test_faults.py runs a short one.
"""

import argparse
import asyncio
import contextlib
import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from models import database
from models.enums import Role
from models.keys import new_id
from server.auth.tokens import development_token
from tests.support.postgres import Postgres

DROPPED = 1 / 3  # of the answers are never read
WORKERS = 8
KILL_SECONDS, CRASH_SECONDS = 2.0, 7.0  # average time between two of them
LONGEST_SECONDS = 1800.0  # for the whole run


@dataclass
class Report:
    acknowledged: int = 0
    asked: int = 0
    dropped: int = 0
    kills: int = 0
    crashes: int = 0
    cancellations: int = 0
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    half_applied: list[str] = field(default_factory=list[str])
    connections_lost: int = 0

    @property
    def faultless(self) -> bool:
        return not (self.lost or self.doubled or self.half_applied or self.connections_lost)

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} acknowledged of {self.asked:,} asked ({self.dropped:,} answers dropped), "
            f"{self.kills} servers killed, {self.crashes} database crashes, {self.cancellations:,} cancellations: "
            f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.half_applied)} half-applied, "
            f"{self.connections_lost} connections lost"
        )


class Servers:
    """Two server processes at ports that stay the same."""

    def __init__(self, url: str, files: str) -> None:
        self.environment = os.environ | {
            "RECOURSE_DATABASE_URL": url,
            "RECOURSE_FILES_URL": files,
            "RECOURSE_MODE": "development",
        }
        self.ports = [_free_port() for _ in range(2)]
        self.processes: list[subprocess.Popen[bytes] | None] = [None, None]
        for place in range(2):
            self.start(place)
            self.wait(place)

    def start(self, place: int) -> None:
        command = [sys.executable, "-m", "server", "serve", "--port", str(self.ports[place])]
        quiet = subprocess.DEVNULL
        self.processes[place] = subprocess.Popen(command, env=self.environment, stdout=quiet, stderr=quiet)

    def kill(self, place: int) -> None:
        process = self.processes[place]
        assert process is not None
        process.kill()
        process.wait()

    def wait(self, place: int, path: str = "/readyz") -> None:
        """Waits until the server is ready. Starts it again if it has ended."""
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.ports[place], timeout=5)
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return
            process = self.processes[place]
            if process is not None and process.poll() is not None:
                self.start(place)  # it cannot migrate while the database is away
            if time.monotonic() > until:
                raise AssertionError("a server did not get well again")
            time.sleep(0.1)

    def stop(self) -> None:
        for process in self.processes:
            if process is not None:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Run:
    def __init__(self, servers: Servers, wanted: int, seed: int, crashes: int) -> None:
        """`crashes` of the database, at least."""
        self.servers = servers
        self.crashes = crashes
        self.wanted = wanted
        self.random = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self.report = Report()
        self.over = threading.Event()
        self.until = time.monotonic() + LONGEST_SECONDS
        self.done: dict[str, tuple[str, str]] = {}  # what was acknowledged: the mutation and its subject, by its mark
        self.tried: set[str] = set()
        self.tokens = {role: development_token(f"faults-{role}", role) for role in Role}

    # ------------------------------------------------------------ requests

    def ask(self, role: Role, mutation: str, input: dict[str, Any], shown: str = "", drops: bool = True) -> Any:
        """Sends the request until there is an answer. Drops a third of the answers, and sends those requests again."""
        name = mutation[0].upper() + mutation[1:]
        query = f"mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ {shown} userErrors {{ code }} }} }}"
        body = orjson.dumps({"query": query, "variables": {"input": input}})
        headers = {"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"}
        while time.monotonic() < self.until:
            port = self.random.choice(self.servers.ports)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            self.report.asked += 1
            try:
                connection.request("POST", "/graphql", body, headers)
                if drops and self.random.random() < DROPPED:
                    time.sleep(self.random.random() * 0.02)
                    self.report.dropped += 1
                    continue
                answer = orjson.loads(connection.getresponse().read())
            except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
                time.sleep(0.05)
                continue
            finally:
                connection.close()
            if "errors" in answer:
                time.sleep(0.05)
                continue
            payload = answer["data"][mutation]
            if payload["userErrors"]:
                raise AssertionError(f"{mutation}: {payload['userErrors']}")
            return payload
        raise AssertionError("the run took too long")

    def order(self) -> str:
        record = {
            "number": new_id().hex,
            "kind": "TRADE_ASSURANCE",
            "buyer": {"subject": "faults-BUYER", "name": "Ana"},
            "supplier": {"subject": "faults-SUPPLIER", "name": "Lumen"},
            "total": {"amount": "100.00", "currencyCode": "USD"},
            "items": [{"title": "Lamp", "quantity": 1, "unitPrice": {"amount": "100.00", "currencyCode": "USD"}}],
            "placedAt": "2026-01-01T00:00:00Z",
            "paidAt": "2026-01-02T00:00:00Z",
            "completedAt": _yesterday(),
            "recordedAt": "2026-01-03T00:00:00Z",
        }
        return self.ask(Role.SERVICE, "recordOrders", {"orders": [record]}, "orders { id }")["orders"][0]["id"]

    def keyed(self, role: Role, mutation: str, input: dict[str, Any], mark: str, shown: str = "") -> Any:
        self.tried.add(mark)
        payload = self.ask(role, mutation, input | {"idempotencyKey": mark}, shown)
        self.done[mark] = (mutation, input.get("orderId") or input.get("caseId") or "")
        self.report.acknowledged = len(self.done)
        if len(self.done) >= self.wanted and self.report.kills and self.report.crashes >= self.crashes:
            self.over.set()
        return payload

    def work(self, _worker: int) -> None:
        while not self.over.is_set():
            order, mark = self.order(), new_id().hex
            self.keyed(Role.BUYER, "leaveFeedback", _feedback(order, mark), mark)
            mark = new_id().hex
            opened = self.keyed(Role.BUYER, "openDispute", _dispute(order, mark), mark, "dispute { id }")
            for _ in range(6):
                mark = new_id().hex
                post = {"caseId": opened["dispute"]["id"], "text": mark}
                self.keyed(self.random.choice((Role.BUYER, Role.SUPPLIER)), "postDisputeMessage", post, mark)
            mark = new_id().hex
            self.keyed(Role.BUYER, "fileComplaint", _complaint(mark), mark)

    # ------------------------------------------------------------ faults

    def kill_servers(self) -> None:
        while not self.over.wait(self.random.uniform(0.5, 1.5) * KILL_SECONDS):
            place = self.random.randrange(2)
            self.servers.kill(place)
            self.servers.start(place)
            self.servers.wait(place, "/healthz")
            self.report.kills += 1

    def crash(self, postgres: Postgres) -> None:
        while not self.over.wait(self.random.uniform(0.5, 1.5) * CRASH_SECONDS):
            postgres.stop(signal.SIGQUIT)
            time.sleep(self.random.random())
            postgres.start()
            self.report.crashes += 1

    def cancel(self, count: int) -> None:
        """Opens sockets that close in the middle of a mutation, which cancels their requests."""
        order = self.order()
        opened = self.ask(Role.BUYER, "openDispute", _dispute(order, "x"), "dispute { id }", drops=False)
        case = opened["dispute"]["id"]

        def drop(place: int) -> None:
            mark = new_id().hex
            self.tried.add(mark)
            query = (
                f'mutation {{ postDisputeMessage(input: {{caseId: "{case}", text: "{mark}", idempotencyKey: "{mark}"}})'
                " { userErrors { code } } }"
            )
            address = f"ws://127.0.0.1:{self.servers.ports[place % 2]}/graphql"
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                protocol: Any = "graphql-transport-ws"
                with connect(address, subprotocols=[protocol], close_timeout=0.1) as dropped:
                    greeting = {"authorization": f"Bearer {self.tokens[Role.BUYER]}"}
                    dropped.send(orjson.dumps({"type": "connection_init", "payload": greeting}).decode())
                    dropped.recv(10)
                    dropped.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}).decode())
                    time.sleep(self.random.random() * 0.01)
                    dropped.socket.shutdown(socket.SHUT_RDWR)
            self.report.cancellations += 1

        with ThreadPoolExecutor(WORKERS) as dropping:
            list(dropping.map(drop, range(count)))

    # ------------------------------------------------------------ checks

    def check_wellness(self) -> None:
        """Checks that each server still runs as many requests at once as before, so it has lost no connection."""
        order = self.order()
        opened = self.ask(Role.BUYER, "openDispute", _dispute(order, "x"), "dispute { id }", drops=False)
        for place in range(2):
            self.servers.wait(place)

        def post(_: int) -> None:
            mark = new_id().hex
            self.keyed(Role.BUYER, "postDisputeMessage", {"caseId": opened["dispute"]["id"], "text": mark}, mark)

        with ThreadPoolExecutor(24) as posting:
            list(posting.map(post, range(48)))

    def check_pools(self) -> None:
        """Checks the servers' own metrics: no connection is in use any more."""
        for port in self.servers.ports:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
            busy = re.findall(r'recourse_pool_connections{pool="default",state="busy"} (\S+)', page)
            self.report.connections_lost += sum(int(float(count)) for count in busy)

    async def check(self, url: str) -> None:
        """Compares what was acknowledged with what is stored."""
        async with database.connected(url):
            messages = Counter(text for [text] in await database.select("SELECT text FROM messages"))
            complaints = Counter(text for [text] in await database.select("SELECT description FROM complaints"))
            disputes = Counter(text for [text] in await database.select("SELECT description FROM disputes"))
            comments = Counter(text for [text] in await database.select("SELECT comment FROM feedback"))
            found = messages + complaints + disputes + comments
            self.report.lost = [mark for mark in self.done if found[mark] == 0]
            self.report.doubled = [mark for mark in self.tried if found[mark] > 1]
            for what, sql in (
                ("messages without their event, or events without their message", _UNMATCHED_MESSAGES),
                ("orders whose facts are not their feedback's", _UNMATCHED_FEEDBACK),
                ("orders whose facts are not their dispute's", _UNMATCHED_DISPUTES),
                ("cases without their opening", _UNOPENED),
                ("keys without what they were used for", _UNUSED_KEYS),
            ):
                self.report.half_applied += [f"{what}: {row}" for [row] in await database.select(sql)]
            if database.dialect() == "postgres":
                [[stuck]] = await database.select(
                    "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
                )
                self.report.connections_lost += stuck


_UNMATCHED_MESSAGES = """SELECT case_id FROM (
  SELECT case_id, 1 AS n FROM messages UNION ALL
  SELECT case_id, -1 FROM events WHERE action = 'POST_DISPUTE_MESSAGE') AS both_sides GROUP BY case_id HAVING sum(n) <> 0"""
_UNMATCHED_FEEDBACK = """SELECT o.id FROM orders o LEFT JOIN feedback f ON f.order_id = o.id
  LEFT JOIN events e ON e.order_id = o.id AND e.action = 'LEAVE_FEEDBACK'
  WHERE (o.feedback_left_at IS NULL) <> (f.id IS NULL) OR (f.id IS NULL) <> (e.id IS NULL)"""
_UNMATCHED_DISPUTES = """SELECT o.id FROM orders o LEFT JOIN disputes d ON d.order_id = o.id AND d.closed_at IS NULL
  WHERE (o.dispute_open_since IS NULL) <> (d.id IS NULL)"""
_UNOPENED = """SELECT id FROM disputes d WHERE NOT EXISTS
  (SELECT 1 FROM events e WHERE e.case_id = d.id AND e.action = 'OPEN_DISPUTE')
  OR NOT EXISTS (SELECT 1 FROM proposals p WHERE p.dispute_id = d.id) UNION ALL SELECT id FROM complaints c WHERE NOT EXISTS
  (SELECT 1 FROM events e WHERE e.case_id = c.id AND e.action = 'FILE_COMPLAINT')"""
_UNUSED_KEYS = """SELECT key FROM idempotency_keys WHERE action = 'POST_DISPUTE_MESSAGE'
  AND NOT EXISTS (SELECT 1 FROM messages WHERE text = key) OR action = 'OPEN_DISPUTE' AND case_id IS NULL"""


def _yesterday() -> str:
    return time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - 2 * 24 * 3600))


def _feedback(order: str, mark: str) -> dict[str, Any]:
    return {"orderId": order, "ratings": {"overall": 4}, "comment": mark}


def _dispute(order: str, mark: str) -> dict[str, Any]:
    claim = {"amount": "1.00", "currencyCode": "USD"}
    return {"orderId": order, "reason": "LATE", "description": mark, "wanted": "REFUND", "claim": claim}


def _complaint(mark: str) -> dict[str, Any]:
    return {
        "kind": "OTHER",
        "description": mark,
        "respondent": {"memberId": "x"},
        "contact": {"phone": "+34 600 000 000"},
    }


@contextlib.contextmanager
def fresh_database(dialect: str) -> Generator[tuple[str, Postgres | None]]:
    with tempfile.TemporaryDirectory(prefix="recourse-faults-") as folder:
        if dialect == "sqlite":
            yield f"sqlite://{folder}/faults.db", None
            return
        postgres = Postgres(Path(folder))
        try:
            postgres.start()
            yield f"postgres://postgres@/postgres?host={folder}", postgres
        finally:
            postgres.stop()


def run(
    dialect: str,
    acknowledged: int,
    cancellations: int,
    restarts: int,
    seed: int,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    with fresh_database(dialect) as (url, postgres), tempfile.TemporaryDirectory() as files:
        servers = Servers(url, files)
        try:
            faults = Run(servers, acknowledged, seed, restarts if postgres else 0)
            breaking = [threading.Thread(target=faults.kill_servers, daemon=True)]
            if postgres is not None:
                breaking.append(threading.Thread(target=faults.crash, args=(postgres,), daemon=True))
            for each in breaking:
                each.start()
            with ThreadPoolExecutor(WORKERS) as pool:
                working = [pool.submit(faults.work, worker) for worker in range(WORKERS)]
                try:
                    while not faults.over.wait(2) and not any(each.done() for each in working):
                        progress(faults.report)
                finally:
                    faults.over.set()
                for each in working:
                    each.result()
            for each in breaking:
                each.join()
            faults.cancel(cancellations)
            faults.check_wellness()
            faults.check_pools()
            asyncio.run(faults.check(url))
            return faults.report
        finally:
            servers.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--acknowledged", type=int, default=10_000)
    parser.add_argument("--cancellations", type=int, default=1_000)
    parser.add_argument("--restarts", type=int, default=10, help="of PostgreSQL, after crashes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    report = run(
        given.dialect,
        given.acknowledged,
        given.cancellations,
        given.restarts,
        given.seed,
        lambda so_far: print(so_far, flush=True),  # noqa: T201
    )
    print(report)  # noqa: T201
    for problem in (*report.lost, *report.doubled, *report.half_applied)[:20]:
        print(problem)  # noqa: T201
    sys.exit(0 if report.faultless else 1)


if __name__ == "__main__":
    main()
