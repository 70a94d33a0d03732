"""The command line as a new user runs it: real processes, in a folder of their own."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from models.enums import Action, DisputeStatus, RefundCause, RefundStatus, ReturnStatus
from tests.conftest import DIALECT
from tests.support.processes import demonstrating, strangers_environment

pytestmark = pytest.mark.slow

ROOT = Path.cwd()
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(new_database: Callable[[], str]) -> dict[str, str]:
    """Returns a new user's environment: no settings on SQLite, an empty database on PostgreSQL."""
    return strangers_environment(new_database() if DIALECT == "postgres" else None)


@pytest.fixture
def migrated(migrated_database: Callable[[], str], tmp_path: Path) -> dict[str, str]:
    """Returns the same with an up-to-date database, on SQLite at the default path."""
    url = migrated_database()
    if DIALECT == "postgres":
        return strangers_environment(url)
    (tmp_path / "var").mkdir()
    shutil.move(url.removeprefix("sqlite://"), tmp_path / "var/recourse.db")
    return strangers_environment()


def commands(folder: Path, environment: dict[str, str]) -> Command:
    def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=folder,
            env=environment | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs commands that use no database."""
    return commands(tmp_path, strangers_environment())


@pytest.fixture
def recording(tmp_path: Path, migrated: dict[str, str]) -> Command:
    """Runs commands on a database that is up to date."""
    return commands(tmp_path, migrated)


USD = {"amount": "10.00", "currencyCode": "USD"}
LAMP = {"title": "Lamp", "quantity": 1, "unitPrice": USD}


def record(number: str, **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "TRADE_ASSURANCE",
        "buyer": {"subject": "ana", "name": "Ana"},
        "supplier": {"subject": "lumen", "name": "Lumen"},
        "total": USD,
        "items": [LAMP],
        "placedAt": "2026-01-01T00:00:00Z",
        "recordedAt": "2026-01-02T00:00:00Z",
    } | changes


def write(path: Path, *lines: Any) -> str:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return str(path)


def test_the_command_line_records_a_file(recording: Command, tmp_path: Path) -> None:
    file = write(tmp_path / "orders.jsonl", *(record(f"F{n}") for n in range(1200)))
    first = recording("record", file)
    assert (first.returncode, first.stdout) == (0, "1200 records imported.\n"), first.stderr
    assert recording("record", file).stdout == "1200 records imported.\n"


@pytest.mark.either
def test_a_bad_line_is_named_and_nothing_is_kept(recording: Command, tmp_path: Path) -> None:
    file = write(
        tmp_path / "orders.jsonl",
        record("B1"),
        "",
        record("B2", shippedAt="2025-01-01T00:00:00Z", items=[]),
        "{",
        record("B3", kind="BARTER"),
        record("B4", total={"amount": 10, "currencyCode": "USD"}),
        record("B5", colour="red"),
        [1],
        "null",
        {"number": "B6", "buyer": {"subject": "s", "name": "Ana Ruiz"}},
        record(
            "B7", shipBy="2025-01-01T00:00:00Z", items=[LAMP | {"imageUrl": "http://example.com/lamp.jpg", "sku": " "}]
        ),
        record("B8", deliveredAt="2026-01-03", items=[LAMP | {"sku": 7}]),
    )
    done = recording("record", file)
    assert done.returncode == 1
    said = done.stderr
    assert "Nothing was imported." in said
    for line in (
        "line 3: shippedAt: This is before the order was placed.",
        "line 3: items: This list is empty; add at least one entry.",
        "line 4: this is not JSON",
        "line 5: kind:",
        "line 6: total.amount:",
        "line 7: the record:",
        "line 8: the record:",
        "line 9: the record:",
        "line 10: the record: Expected value of type 'OrderRecordInput' to include required field 'kind'.; the record:",
        "line 11: shipBy: This is before the order was placed.",
        "line 11: items.0.sku: This field is empty; write something or leave it out.",
        "line 11: items.0.imageUrl: This is not an https address; write one like https://example.com/picture.jpg.",
        "line 12: items.0.sku:",
        "; deliveredAt:",
    ):
        assert line in said, said
    assert "Ana Ruiz" not in said  # what people wrote is not repeated
    good = write(tmp_path / "good.jsonl", record("B1", buyer={"subject": "somebody else", "name": "x"}))
    assert recording("record", good).returncode == 0  # B1 was not stored, so its buyer may differ


@pytest.mark.either
def test_bad_lines_are_skipped_into_a_file_of_their_own(recording: Command, tmp_path: Path) -> None:
    good, bad = record("K1"), record("K2", kind="BARTER")
    file = write(tmp_path / "orders.jsonl", good, bad, "{")
    (tmp_path / "orders.jsonl.rejected.jsonl").write_text("of an earlier attempt")
    done = recording("record", file, "--skip-invalid")
    assert (done.returncode, done.stdout) == (3, "1 records imported.\n"), done.stderr
    assert "line 2: kind:" in done.stderr
    assert done.stderr.endswith(f"2 lines were rejected and written to {file}.rejected.jsonl.\n")
    rejected = tmp_path / "orders.jsonl.rejected.jsonl"
    assert rejected.read_text().splitlines() == [json.dumps(bad), "{"]
    write(rejected, bad | {"kind": "OFFLINE"})
    again = recording("record", str(rejected), "--skip-invalid")
    assert (again.returncode, again.stdout) == (0, "1 records imported.\n"), again.stderr
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


@pytest.mark.either
def test_a_file_through_a_pipe_is_recorded(tmp_path: Path, environment: dict[str, str]) -> None:
    """The database is new."""
    lines = "".join(json.dumps(record(f"P{n}")) + "\n" for n in range(3))
    done = subprocess.run(
        [sys.executable, "-m", "server", "record", "/dev/stdin"],
        cwd=tmp_path,
        env=environment,
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "3 records imported.\n", done.stderr


@pytest.mark.either
def test_who_stops_an_import_is_told_where_to_go_on(tmp_path: Path, migrated: dict[str, str]) -> None:
    file = write(tmp_path / "orders.jsonl", *(record(f"S{n}") for n in range(3000)))
    importing = subprocess.Popen(
        [sys.executable, "-m", "server", "record", file],
        cwd=tmp_path,
        env=migrated,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # which shells ignore in the background
    )
    assert importing.stderr is not None
    for line in importing.stderr:
        if "of 3,000 records" in line:
            break
    importing.send_signal(signal.SIGINT)
    _, said = importing.communicate()
    assert importing.returncode == 1
    assert re.search(r"The lines before line \d+ were imported, the rest was not. Go on with --from-line \d+\.", said)
    assert "Traceback" not in said


def test_what_contradicts_the_database_is_named_too(recording: Command, tmp_path: Path) -> None:
    assert recording("record", write(tmp_path / "one.jsonl", record("C1"))).returncode == 0
    later = "2026-02-01T00:00:00Z"
    file = write(tmp_path / "two.jsonl", record("C2"), record("C1", kind="OFFLINE", recordedAt=later))
    done = recording("record", file)
    assert "line 2: kind: The kind of an order cannot change." in done.stderr
    taken = recording("record", write(tmp_path / "three.jsonl", record("C1")), "--as", "another")
    assert "line 1: number: Another service has recorded" in taken.stderr


def test_the_command_line_makes_tokens(command: Command) -> None:
    done = command("token", "ana", "ben", "--role", "BUYER")
    tokens = done.stdout.splitlines()
    assert (done.returncode, len(tokens)) == (0, 2)
    assert all(token.count(".") == 2 for token in tokens)
    for seconds in (60, -60):
        [token] = command("token", "ana", "--role", "BUYER", "--expires-in", str(seconds)).stdout.split()
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == seconds
    refused = command(
        "token",
        "ana",
        "--role",
        "BUYER",
        RECOURSE_MODE="production",
        RECOURSE_DATABASE_URL="sqlite://x.db",
        RECOURSE_ISSUER="i",
        RECOURSE_AUDIENCE="a",
        RECOURSE_JWKS_URL="http://127.0.0.1:1/",
    )
    assert (refused.returncode, refused.stdout) == (1, "")


def test_production_says_what_it_needs(command: Command) -> None:
    for settings in ({}, {"RECOURSE_DATABASE_URL": "postgres://db.example/shop"}):
        done = command("serve", **settings)  # in production mode by default
        assert done.returncode == 1
        for name in ("RECOURSE_JWKS_URL", "RECOURSE_ISSUER", "RECOURSE_AUDIENCE"):
            assert name in done.stderr
        assert ("RECOURSE_DATABASE_URL" in done.stderr) == (not settings)


@pytest.mark.parametrize("wrong", ["mysql://x/y", "sqlite://", "nonsense"])
def test_a_malformed_database_url_is_refused(command: Command, wrong: str) -> None:
    done = command("migrate", RECOURSE_DATABASE_URL=wrong)
    assert done.returncode == 1
    assert "are not valid" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_malformed_manifest_is_refused(command: Command, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "a"}]}')
    done = command("serve", RECOURSE_MODE="development", RECOURSE_DOCUMENTS=str(manifest))
    assert done.returncode == 1
    assert "are not valid: the manifest" in done.stderr
    assert "operations.0.name: Field required" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["postgres://nobody@127.0.0.1:1/none", "sqlite:///proc/none/x.db", "sqlite:///tmp"])
def test_an_unusable_database_is_named_without_a_traceback(command: Command, url: str) -> None:
    done = command("migrate", RECOURSE_DATABASE_URL=url)
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "99999"],
        ["serve", "--workers", "0"],
        ["token", "", "--role", "BUYER"],
        ["token", "x" * 256, "--role", "BUYER"],
        ["token", "x", "--role", "KING"],
        ["token", "x", "--role", "BUYER", "--expires-in", "soon"],
        ["token", "x", "--role", "BUYER", "--expires-in", "99999999999999"],
    ],
)
def test_malformed_arguments_are_refused(command: Command, arguments: list[str]) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_three_processes_can_migrate_at_once(tmp_path: Path, environment: dict[str, str]) -> None:
    arguments = [sys.executable, "-m", "server", "migrate"]
    started = [
        subprocess.Popen(arguments, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        _, said = process.communicate()
        assert process.returncode == 0, said


def test_the_command_line_prints_the_schema_and_the_rules(command: Command) -> None:
    assert command("schema").stdout == (ROOT / "schema.graphql").read_text()
    assert command("rules").stdout == (ROOT / "docs/policy.md").read_text()


def test_the_demonstration_shows_every_action(tmp_path: Path, environment: dict[str, str]) -> None:
    command = commands(tmp_path, environment)
    with demonstrating(tmp_path, environment) as said:
        _try_the_demonstration(said)
    if DIALECT == "postgres":
        assert command("record", write(tmp_path / "mine.jsonl", record("M1"))).returncode == 0
        refused = command("demo", "--port", "0")
        assert refused.returncode == 1
        assert "holds more than a demonstration" in refused.stderr


def _try_the_demonstration(said: str) -> None:
    tokens = re.findall(r"^  (\S+\.\S+\.\S+)$", said, re.MULTILINE)
    assert len(tokens) == 6
    curl = re.search(r"^curl -s (\S+) .*Bearer (\S+)' -d '(.*)'$", said, re.MULTILINE)
    assert curl
    address, token, body = curl.groups()
    answer = httpx2.post(address, json=json.loads(body), headers={"Authorization": f"Bearer {token}"}).json()
    orders = [edge["node"] for edge in answer["data"]["viewer"]["orders"]["edges"]]
    offered = {action["label"] for order in orders for action in order["availableActions"]}
    assert offered == {
        "Feedback",
        "Leave Feedback",
        "Revise Feedback",
        "Cancel Order",
        "Cancel Order Request",
        "Withdraw Request",
        "Open a dispute",
        "Open Dispute",
        "Offline Trade Dispute",
        "Report missing refund",
    }
    assert {order["status"] for order in orders} >= {"AWAITING_PAYMENT", "PAYMENT_PROCESSING", "PAID", "SHIPPED"}
    asked = """{ viewer { orders(first: 100) { edges { node {
      refunds { status cause } dispute { status returnShipment { status } } } } } } }"""
    answer = httpx2.post(address, json={"query": asked}, headers={"Authorization": f"Bearer {token}"}).json()
    orders = [edge["node"] for edge in answer["data"]["viewer"]["orders"]["edges"]]
    refunds = [refund for order in orders for refund in order["refunds"]]
    disputes = [order["dispute"] for order in orders if order["dispute"]]
    returns = [dispute["returnShipment"] for dispute in disputes if dispute["returnShipment"]]
    assert {refund["status"] for refund in refunds} == set(RefundStatus)
    assert {refund["cause"] for refund in refunds} == set(RefundCause)
    assert {dispute["status"] for dispute in disputes} == set(DisputeStatus)
    assert {each["status"] for each in returns} == set(ReturnStatus)
    asked = """{ viewer { orders(first: 1, filter: { search: "dispute with evidence" }) { edges { node {
      dispute { evidence { filename url thumbnailUrl } } } } } } }"""
    answer = httpx2.post(address, json={"query": asked}, headers={"Authorization": f"Bearer {token}"}).json()
    [edge] = answer["data"]["viewer"]["orders"]["edges"]
    evidence = {file["filename"]: (file["url"], file["thumbnailUrl"]) for file in edge["node"]["dispute"]["evidence"]}
    assert {name for name, (_, thumbnail) in evidence.items() if thumbnail} == {"broken-lamp.jpg", "invoice.pdf"}
    urls = [url for both in evidence.values() for url in both if url]
    assert [httpx2.get(url).status_code for url in urls] == [200] * 5
    cases = "dispute { availableActions { action } } complaint { availableActions { action } }"
    asked = f"{{ viewer {{ orders(first: 100) {{ edges {{ node {{ availableActions {{ action }} {cases} }} }} }} }} }}"
    actions: set[str] = set()
    for token in tokens:
        answer = httpx2.post(address, json={"query": asked}, headers={"Authorization": f"Bearer {token}"}).json()
        for edge in answer["data"]["viewer"]["orders"]["edges"]:
            rows = [edge["node"], edge["node"]["dispute"], edge["node"]["complaint"]]
            actions |= {available["action"] for row in rows if row for available in row["availableActions"]}
    assert actions == set(Action)
    asked = "{ viewer { account { role } agenda { edges { node { kind } } } } }"
    kinds: dict[str, set[str]] = {}
    for token in tokens:
        viewer = httpx2.post(address, json={"query": asked}, headers={"Authorization": f"Bearer {token}"}).json()
        viewer = viewer["data"]["viewer"]
        own = kinds.setdefault(viewer["account"]["role"], set())
        own |= {edge["node"]["kind"] for edge in viewer["agenda"]["edges"]}
    assert kinds == {
        "BUYER": {"LAST_CHANCE", "ANSWER_DUE", "REFUND_DUE"},
        "SUPPLIER": {"LAST_CHANCE", "ANSWER_DUE"},
        "AGENT": {"REPLY_DUE"},
        "SERVICE": {"REFUND_DUE"},
    }


def test_the_launcher_says_what_is_missing(tmp_path: Path) -> None:
    """For a machine whose only Python is too old, and one whose Python has no venv."""
    for name in ("recourse", "locks"):
        (tmp_path / name).symlink_to(ROOT / name)
    launcher = tmp_path / "launcher"
    launcher.write_text((ROOT / "recourse").read_text())
    (tmp_path / "recourse").unlink()
    launcher.rename(tmp_path / "recourse")
    (tmp_path / "recourse").chmod(0o755)
    bin = tmp_path / "bin"
    bin.mkdir()
    for tool in ("sh", "dirname", "basename", "cmp", "rm", "cp"):
        (bin / tool).symlink_to(
            next(Path(folder) / tool for folder in ("/bin", "/usr/bin") if (Path(folder) / tool).exists())
        )
    old = bin / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    def said() -> str:
        done = subprocess.run(
            [str(tmp_path / "recourse"), "rules"], env={"PATH": str(bin)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        return done.stderr

    assert "Python 3.11 or newer is needed" in said()
    old.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n')
    assert "no venv module" in said()


def test_production_is_ready_once_it_is_migrated(tmp_path: Path, environment: dict[str, str]) -> None:
    command = commands(tmp_path, environment)
    production = {
        "RECOURSE_MODE": "production",
        "RECOURSE_DATABASE_URL": environment.get("RECOURSE_DATABASE_URL", "sqlite://production.db"),
        "RECOURSE_ISSUER": "https://id.example",
        "RECOURSE_AUDIENCE": "recourse",
        "RECOURSE_JWKS_URL": "http://127.0.0.1:1/keys",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--port", "0"],
        cwd=tmp_path,
        env=environment | production,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = re.search(r"http://[^/]+", process.stdout.readline())
        assert address
        assert httpx2.get(f"{address[0]}/healthz", timeout=30).status_code == 200
        assert httpx2.get(f"{address[0]}/readyz").status_code == 503
        assert command("migrate", **production).returncode == 0
        assert httpx2.get(f"{address[0]}/readyz").status_code == 200
        unsigned = httpx2.post(f"{address[0]}/graphql", json={"query": "{ serverTime }"})
        assert unsigned.status_code == 401
    finally:
        process.terminate()
        process.communicate()
