"""Files: announced, uploaded, attached to a case, and read by those who see the case; and everything that goes wrong."""

import io
import os
import socket
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

import httpx2
import obstore
import obstore.store
import pytest
from PIL import Image

import models
from models.bucket import Bucket
from models.enums import Role
from models.files import HEAD, TAIL, Folder, Sample
from models.keys import new_id
from resolvers.files import upload
from resolvers.files.attachment import MAX_FILES_IN_A_CASE
from resolvers.files.content_type import KINDS, MAX_BYTES, UNKNOWN, sniff, with_extension
from resolvers.signed_url import FileUrls
from schema.scalars import spell_instant
from tests.conftest import DAY, NOW, Server, World
from tests.support.actions import INPUTS
from tests.support.uploads import LETTER, PNG, UPLOAD, announce, bring, encoded, put

JPEG = encoded(Image.new("L", (1, 1), 128), "JPEG", quality=90)  # its copy has the same bytes
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(40)
MOV = b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(40)
OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500)


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return content.getvalue()


def key(upload: str) -> UUID:
    return UUID(hex=upload.removeprefix("upl_"))


def open_dispute(world: World, **more: Any) -> dict[str, Any]:
    input = INPUTS["openDispute"] | {"orderId": world.order(paidAt=9)} | more
    shown = "dispute { id evidence { id filename contentType size url } }"
    return world.buyer.succeed("openDispute", input, shown)["dispute"]


def kept(server: Server) -> set[str]:
    """Returns the names of all stored files, including those of uploads in progress."""
    folder = Path(server.settings.files)
    return {path.name for path in folder.rglob("*") if path.is_file() and path.name != "secret"}


# ---------------------------------------------------------------- from the upload to the download


def test_a_file_goes_from_the_phone_to_the_agent(world: World) -> None:
    announced = announce(world.buyer, JPEG, "image/jpeg", "broken lamp.jpg")
    assert announced["method"] == "PUT"
    assert put(announced, JPEG).status_code == 204
    dispute = open_dispute(world, evidence=[announced["id"]])
    [file] = dispute["evidence"]
    assert (file["filename"], file["contentType"], file["size"]) == ("broken lamp.jpg", "image/jpeg", len(JPEG))
    for person in (world.buyer, world.supplier, world.agent):
        seen = person.ask("query($id: ID!) { node(id: $id) { ... on Attachment { filename url } } }", id=file["id"])[
            "node"
        ]
        answer = httpx2.get(seen["url"])
        assert answer.status_code == 200
        assert answer.content == JPEG


def test_a_file_comes_with_headers_that_keep_a_browser_safe(world: World) -> None:
    [file] = open_dispute(world, evidence=[bring(world.buyer, b"Hello", "text/plain", "ein Brief – 1.txt")])["evidence"]
    headers = httpx2.get(file["url"]).headers
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''ein%20Brief%20%E2%80%93%201.txt"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["content-type"].startswith("text/plain")
    assert headers["content-length"] == "5"
    assert headers["cache-control"].startswith("private")


def test_files_come_with_messages_and_complaints_too(world: World) -> None:
    dispute = open_dispute(world, evidence=[bring(world.buyer)])
    post = {"caseId": dispute["id"], "text": "See.", "attachments": [bring(world.supplier) for _ in range(10)]}
    shown = "dispute { evidence { id } messages { edges { node { text attachments { id } } } } }"
    seen = world.supplier.succeed("postDisputeMessage", post, shown)["dispute"]
    [message] = [edge["node"] for edge in seen["messages"]["edges"]]
    assert len(message["attachments"]) == 10
    assert seen["evidence"] == [{"id": dispute["evidence"][0]["id"]}, *message["attachments"]]
    filing = INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}, "evidence": [bring(world.buyer)]}
    complaint = world.buyer.succeed("fileComplaint", filing, "complaint { id evidence { id } }")["complaint"]
    assert len(complaint["evidence"]) == 1
    post = {"caseId": complaint["id"], "text": "See.", "attachments": [bring(world.agent)]}
    seen = world.agent.succeed("postComplaintMessage", post, "complaint { evidence { id } }")["complaint"]
    assert len(seen["evidence"]) == 2


def test_a_request_for_evidence_is_answered_by_a_file(world: World) -> None:
    case = {"caseId": open_dispute(world)["id"]}
    then = NOW + 3 * DAY
    world.buyer.at(then).succeed("escalateDispute", case)
    assert world.buyer.ask(EVIDENCE_REQUEST, id=case["caseId"])["node"]["evidenceRequest"] is None
    world.agent.at(then).succeed("requestEvidence", case | {"party": "SUPPLIER", "text": "Photos, please."})
    post = case | {"text": "Here."}
    assert world.supplier.at(then).problems("postDisputeMessage", post) == {("attachments", "REQUIRED")}
    shown = "dispute { status messages { edges { node { text } } } }"
    for person, more, stands in (
        (world.buyer, {}, "EVIDENCE_REQUESTED"),
        (world.buyer, {"attachments": [bring(world.buyer)]}, "EVIDENCE_REQUESTED"),
        (world.supplier, {"attachments": [bring(world.supplier)]}, "UNDER_REVIEW"),
        (world.supplier, {}, "UNDER_REVIEW"),
    ):
        asked = {"party": "SUPPLIER", "text": "Photos, please.", "at": spell_instant(then), "by": {"role": "AGENT"}}
        seen = person.ask(EVIDENCE_REQUEST, id=case["caseId"])["node"]["evidenceRequest"]
        assert seen == asked | {"answeredAt": None if not seen["answeredAt"] else spell_instant(then + DAY)}
        assert (seen["answeredAt"] is None) == (stands == "EVIDENCE_REQUESTED" or bool(more))
        payload = person.at(then + DAY).succeed("postDisputeMessage", post | more, shown)
        assert payload["dispute"]["status"] == stands
    assert len(payload["dispute"]["messages"]["edges"]) == 5  # the agent's too; what was refused is not there
    world.agent.at(then + 2 * DAY).succeed("requestEvidence", case | {"party": "BUYER", "text": "And yours."})
    seen = world.service.ask(EVIDENCE_REQUEST, id=case["caseId"])["node"]["evidenceRequest"]
    assert (seen["party"], seen["text"], seen["answeredAt"]) == ("BUYER", "", None)


EVIDENCE_REQUEST = """query($id: ID!) { node(id: $id) { ... on Dispute {
  evidenceRequest { party text at answeredAt by { role } } } } }"""


# ---------------------------------------------------------------- visibility


def test_only_those_who_see_a_case_read_its_files(world: World) -> None:
    of_dispute = open_dispute(world, evidence=[bring(world.buyer)])["evidence"][0]["id"]
    filing = INPUTS["fileComplaint"] | {"orderId": world.order("OFFLINE"), "evidence": [bring(world.buyer)]}
    complaint = world.buyer.succeed("fileComplaint", filing, "complaint { evidence { id } }")["complaint"]
    of_complaint = complaint["evidence"][0]["id"]
    unused = bring(world.buyer).replace("upl_", "att_")
    asked = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    for person, sees in (
        (world.buyer, [of_dispute, of_complaint]),
        (world.supplier, [of_dispute]),
        (world.agent, [of_dispute, of_complaint]),
        (world.service, []),
        (world.person(Role.BUYER), []),
        (world.person(Role.SUPPLIER), []),
        (world.person(Role.SERVICE), []),
    ):
        found = person.ask(asked, ids=[of_dispute, of_complaint, unused])["nodes"]
        assert [node["id"] for node in found if node] == sees, person.role
    nested = "{ viewer { disputes { edges { node { evidence { id } messages { edges { node { id } } } } } } } }"
    [edge] = world.service.ask(nested)["viewer"]["disputes"]["edges"]
    assert edge["node"]["evidence"] == []


def changed(url: str, **query: str) -> str:
    parts = urlsplit(url)
    said = dict(part.split("=", 1) for part in parts.query.split("&")) | query
    return urlunsplit(parts._replace(query=urlencode(said)))


def test_addresses_are_good_for_one_thing_only(world: World) -> None:
    [file] = open_dispute(world, evidence=[bring(world.buyer)])["evidence"]
    [other] = open_dispute(world, evidence=[bring(world.buyer)])["evidence"]
    key, other_key = (each["id"].removeprefix("att_") for each in (file, other))
    announced = announce(world.buyer)
    bad = [
        ("GET", file["url"].replace(key, other_key)),
        ("GET", changed(file["url"], expires="9999999999")),
        ("GET", changed(file["url"], type="text/html")),
        ("GET", changed(file["url"], signature="0" * 64)),
        ("GET", changed(file["url"], signature="é")),
        ("GET", file["url"].split("?")[0]),
        ("GET", file["url"].replace(key, "../secret")),
        ("GET", file["url"].replace(key, key.upper())),
        ("PUT", file["url"]),
        ("GET", announced["url"]),
        ("PUT", changed(announced["url"], size="1")),
    ]
    for method, url in bad:
        answer = httpx2.request(method, url, content=PNG if method == "PUT" else None)
        assert answer.status_code in (403, 404), url
    assert httpx2.get(file["url"]).content == LETTER
    assert httpx2.post(file["url"]).status_code == 405


def test_addresses_expire(server: Server, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [file] = open_dispute(world, evidence=[bring(world.buyer)])["evidence"]
    announced = announce(world.buyer)
    later = datetime.now(UTC).timestamp() + 15 * 60 + 5
    monkeypatch.setattr("time.time", lambda: later)
    assert put(announced, PNG).status_code == 403
    assert httpx2.get(file["url"]).status_code == 200
    monkeypatch.setattr("time.time", lambda: later + 2 * 3600)
    assert httpx2.get(file["url"]).status_code == 403


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("input", "problems"),
    [
        ({"size": 0}, {("size", "OUT_OF_RANGE")}),
        ({"size": -1}, {("size", "OUT_OF_RANGE")}),
        ({"size": 20_000_001}, {("size", "OUT_OF_RANGE")}),
        ({"size": 100_000_001, "contentType": "video/mp4"}, {("size", "OUT_OF_RANGE")}),
        ({"size": 100_000_001, "contentType": ""}, {("size", "OUT_OF_RANGE")}),
        ({"size": 20_000_001, "contentType": "text/csv"}, {("size", "OUT_OF_RANGE")}),
        ({"contentType": "text/html"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "image/svg+xml"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "text/javascript"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "application/x-msdownload"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "audio/mpeg"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "video/webm"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "image/png\r\nx: y"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "a picture"}, {("contentType", "WRONG_FORM")}),
        ({"contentType": "x" * 300}, {("contentType", "WRONG_FORM")}),
        ({"filename": ""}, {("filename", "REQUIRED")}),
        ({"filename": "x" * 201}, {("filename", "TOO_LONG")}),
        ({"filename": "../../etc/passwd"}, {("filename", "WRONG_FORM")}),
        ({"filename": "a\r\nb: c.png"}, {("filename", "WRONG_FORM")}),
        ({"filename": "a\u202egnp.exe"}, {("filename", "WRONG_FORM")}),
        ({"filename": "a\u2028.png"}, {("filename", "WRONG_FORM")}),
        ({"filename": "a\0.png", "size": 0}, {("filename", "OTHER"), ("size", "OUT_OF_RANGE")}),
    ],
)
def test_an_upload_that_cannot_be_announced_is_refused(
    world: World, input: dict[str, Any], problems: set[tuple[str, str]]
) -> None:
    right = {"filename": "a.png", "contentType": "image/png", "size": 20_000_000}
    world.buyer.succeed("createUpload", right)
    assert world.buyer.problems("createUpload", right | input) == problems


@pytest.mark.parametrize(
    "name",
    [
        "Chat 2026-01-01 at 3.04.05\u202fPM.txt",
        "a\u00a0b.txt",
        "می\u200cخواهم.txt",
        "👩\u200d👩\u200d👧.txt",
        "é 'x' \"y\".txt",
    ],
)
def test_file_names_are_kept_as_people_write_them(world: World, name: str) -> None:
    [file] = open_dispute(world, evidence=[bring(world.buyer, name=name)])["evidence"]
    assert file["filename"] == name
    assert httpx2.get(file["url"]).status_code == 200


def test_the_order_system_brings_no_files(world: World) -> None:
    payload = world.service.do("createUpload", {"filename": "a.png", "contentType": "image/png", "size": 1}, UPLOAD)
    assert payload["upload"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_YOUR_ROLE"]


def test_nobody_fills_the_store_with_uploads(world: World) -> None:
    small = {"filename": "a.png", "contentType": "image/png", "size": 1}

    def announce_one(_: int) -> int:
        return len(world.buyer.do("createUpload", small)["userErrors"])

    with ThreadPoolExecutor(8) as announcing:
        refused = sum(announcing.map(announce_one, range(upload.MAX_UNUSED + 20)))
    assert refused == 20
    [error] = world.buyer.do("createUpload", small)["userErrors"]
    assert (error["code"], error["problem"]) == ("INVALID_INPUT", "TOO_MANY")
    announce(world.supplier)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (PNG + b"!", 413, "TOO_LARGE"),
        (PNG[:-1], 400, "TOO_SHORT"),
        (b"", 400, "TOO_SHORT"),
        (b"<script>alert(1)</script>".ljust(len(PNG)), 415, "WRONG_KIND"),
        (b"\x7fELF\2\1\1".ljust(len(PNG), b"\0"), 415, "WRONG_KIND"),
    ],
)
def test_an_upload_that_differs_from_its_announcement_is_refused(
    server: Server, world: World, content: bytes, status: int, code: str
) -> None:
    before = kept(server)
    announced = announce(world.buyer)
    answer = put(announced, content)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"] == {"code": code}
    assert kept(server) == before
    # The upload is still usable: the right content is accepted.
    assert put(announced, PNG).status_code == 204


def test_what_is_too_large_is_stopped_while_it_comes_in(server: Server, world: World) -> None:
    before = kept(server)
    parts = urlsplit(str(announce(world.buyer)["url"]))
    with socket.create_connection((parts.hostname, parts.port)) as sending:
        # A body without a length, which would never end.
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
        sending.sendall(head.encode() + b"1000\r\n" + bytes(0x1000) + b"\r\n")
        sending.settimeout(10)
        answer = sending.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 413")
    assert kept(server) == before


def test_an_upload_that_is_broken_off_leaves_nothing(server: Server, world: World) -> None:
    before = kept(server)
    announced = announce(world.buyer)
    parts = urlsplit(str(announced["url"]))
    with socket.create_connection((parts.hostname, parts.port)) as sending:
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(PNG)}\r\n\r\n"
        sending.sendall(head.encode() + PNG[:20])
    assert put(announced, PNG).status_code == 204
    assert kept(server) - before == {key(announced["id"]).hex}


def test_what_came_in_cannot_be_changed(world: World) -> None:
    announced = announce(world.buyer)
    other = PNG[:-1] + b"!"
    assert put(announced, PNG).status_code == 204
    assert put(announced, other).status_code == 409
    [file] = open_dispute(world, evidence=[announced["id"]])["evidence"]
    assert put(announced, other).status_code == 409
    assert httpx2.get(file["url"]).content == PNG


def a_used_one(_server: Server, world: World) -> str:
    used = bring(world.buyer)
    open_dispute(world, evidence=[used])
    return used


def an_old_one(server: Server, world: World) -> str:
    old = bring(world.buyer)
    long_ago = datetime.now(UTC) - upload.UNUSED_UPLOAD_RETENTION - timedelta(seconds=1)

    async def age() -> None:
        await models.Attachment.filter(id=key(old)).update(created_at=long_ago)

    server.run(age)
    return old


GIVEN: dict[str, tuple[Callable[[Server, World], str], str]] = {
    "used": (a_used_one, "already belongs to a case"),
    "expired": (an_old_one, "has expired"),
    "somebody else's": (lambda _, world: bring(world.supplier), "Upload not found"),
    "not sent": (lambda _, world: announce(world.buyer)["id"], "has not been uploaded yet"),
    "no id": (lambda _server, _world: "nonsense", "Upload not found"),
    "an attachment's id": (lambda _, world: bring(world.buyer).replace("upl_", "att_"), "Upload not found"),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_case_refuses_files_that_are_not_fit_for_it(server: Server, world: World, name: str) -> None:
    given, says = GIVEN[name]
    order = world.order(paidAt=9)
    wish = INPUTS["openDispute"] | {"orderId": order}
    fine = bring(world.buyer)
    [error] = world.buyer.do("openDispute", wish | {"evidence": [fine, given(server, world)]})["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_INPUT", ["evidence", "1"])
    assert says in error["message"]
    # Nothing was done, and the valid uploads can still be used.
    seen = world.buyer.ask("query($id: ID!) { node(id: $id) { ... on Order { dispute { id } } } }", id=order)
    assert seen["node"] == {"dispute": None}
    world.buyer.succeed("openDispute", wish | {"evidence": [fine]})


def test_the_shape_comes_first_and_the_decision_before_the_files(world: World) -> None:
    wish = INPUTS["openDispute"] | {"orderId": world.order(paidAt=9)}
    eleven = [f"upl_{place:032x}" for place in range(11)]
    assert world.buyer.problems("openDispute", wish | {"evidence": eleven}) == {("evidence", "TOO_MANY")}
    assert world.buyer.problems("openDispute", wish | {"evidence": eleven[:1] * 2}) == {("evidence", "OTHER")}
    unpaid = wish | {"orderId": world.order()}
    assert world.buyer.refused("openDispute", unpaid | {"evidence": eleven[:1]}) == "NOT_PAID"


def test_a_case_holds_a_bounded_number_of_files(server: Server, world: World) -> None:
    case = open_dispute(world)["id"]

    async def fill() -> None:
        account = await models.Account.get(subject=world.buyer.subject)
        await models.Attachment.bulk_create(
            models.Attachment(
                by_id=account.id, filename="x.png", content_type="image/png", size=1, created_at=NOW,
                case_kind="DISPUTE", case_id=UUID(hex=case.removeprefix("dsp_")),
            )
            for _ in range(MAX_FILES_IN_A_CASE - 1)
        )  # fmt: skip

    server.run(fill)
    post = {"caseId": case, "text": "x"}
    two = post | {"attachments": [bring(world.buyer), bring(world.buyer)]}
    assert world.buyer.problems("postDisputeMessage", two) == {("attachments", "TOO_MANY")}
    world.buyer.succeed("postDisputeMessage", post | {"attachments": two["attachments"][:1]})


def test_one_of_many_who_bring_the_same_at_once_wins(server: Server, world: World) -> None:
    contents = [b"%02d" % place for place in range(12)]
    announced = announce(world.buyer, contents[0], "text/plain", "a.txt")

    def bring_one(content: bytes) -> int:
        return put(announced, content).status_code

    with ThreadPoolExecutor(12) as bringing:
        answers = list(bringing.map(bring_one, contents))
    assert sorted(answers) == [204, *[409] * 11]
    [file] = open_dispute(world, evidence=[announced["id"]])["evidence"]
    assert httpx2.get(file["url"]).content == contents[answers.index(204)]


def test_two_cases_cannot_have_the_same_file(world: World) -> None:
    file = bring(world.buyer)
    cases = [open_dispute(world)["id"] for _ in range(4)]

    def post(case: str) -> int:
        payload = world.buyer.do("postDisputeMessage", {"caseId": case, "text": "x", "attachments": [file]})
        return len(payload["userErrors"])

    with ThreadPoolExecutor(4) as posting:
        assert sorted(posting.map(post, cases)) == [0, 1, 1, 1]


def test_unused_uploads_are_cleared_away(server: Server, world: World) -> None:
    used = bring(world.buyer)
    open_dispute(world, evidence=[used])
    unused, fresh = an_old_one(server, world), bring(world.buyer)
    left_by_a_crash = Path(server.settings.files) / "incoming" / "left"
    left_by_a_crash.touch()
    two_days_ago = datetime.now(UTC).timestamp() - 2 * 24 * 3600
    os.utime(left_by_a_crash, (two_days_ago, two_days_ago))

    async def clear(now: datetime) -> None:
        store = Folder(Path(server.settings.files))
        await upload.clear_expired(FileUrls(store, b""), now)

    server.run(lambda: clear(datetime.now(UTC) + timedelta(hours=2)))
    names = {key(id).hex for id in (used, unused, fresh)}
    assert names & kept(server) == names - {key(unused).hex}
    assert not left_by_a_crash.exists()

    async def count() -> int:
        return await models.Attachment.filter(id=key(unused)).count()

    assert server.run(count) == 0


# ---------------------------------------------------------------- types as browsers send them, and large files


@pytest.mark.parametrize(
    ("content", "called", "kind"),
    [
        (b"a;b\r\n1;2\r\n", "application/vnd.ms-excel", "text/plain"),
        (b"a,b\n1,2\n", "text/x-csv", "text/plain"),
        (b"a,b\n1,2\n", "text/comma-separated-values", "text/plain"),
        (b"a,b\n1,2\n", "application/csv", "text/plain"),
        (b'{"a": 1}', "application/json", "text/plain"),
        (b"# Title", "text/markdown; charset=utf-8", "text/plain"),
        (b"hello", "", "text/plain"),
        (PNG, "", "image/png"),
        (PNG, "image", "image/png"),
        (PNG, "image/*", "image/png"),
        (PNG, "*/*", "image/png"),
        (b"hello", "text/*", "text/plain"),
        (PNG, "image/x-png", "image/png"),
        (PNG, "application/x-unknown", "image/png"),
        (JPEG, "image/pjpeg", "image/jpeg"),
        (JPEG, "IMAGE/JPG", "image/jpeg"),
        (b"\xef\xbb\xbf\r\n%PDF-1.7\n" + bytes(40), "application/x-pdf", "application/pdf"),
        (b"\n%PDF-1.7\n" + bytes(40), "", "application/pdf"),
        (archive("a.txt"), "application/x-zip", "application/zip"),
        (MOV, "video/quicktime", "video/quicktime"),
        (MP4, "video/x-m4v", "video/mp4"),
        (MP4, "", "video/mp4"),
        (MP4, "video", "video/mp4"),
        (MP4, "video/*", "video/mp4"),
    ],
)
def test_a_file_is_what_its_content_says_whatever_it_is_called(
    world: World, content: bytes, called: str, kind: str
) -> None:
    [file] = open_dispute(world, evidence=[bring(world.buyer, content, called, "table.csv")])["evidence"]
    assert file["contentType"] == kind
    assert file["filename"].startswith("table.csv")
    assert file["filename"].endswith(KINDS[kind].extensions)
    answer = httpx2.get(file["url"])
    assert answer.content == content
    assert answer.headers["content-type"].startswith(kind)


def test_a_video_may_be_larger_than_other_files(server: Server, world: World) -> None:
    film, picture = (each.ljust(MAX_BYTES + 1, b"x") for each in (MP4, PNG))
    brought = bring(world.buyer, film, "video/mp4", "unboxing.mp4")
    before = kept(server)
    refused = put(announce(world.buyer, picture, "", "picture"), picture)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]) == (413, {"code": "TOO_LARGE"})
    assert "A video has at most 100,000,000 bytes, any other file 20,000,000." in refused.text
    assert kept(server) == before
    [file] = open_dispute(world, evidence=[brought])["evidence"]
    assert (file["contentType"], file["size"]) == ("video/mp4", MAX_BYTES + 1)
    assert httpx2.get(file["url"]).content == film


def test_few_large_uploads_wait_for_a_case(world: World) -> None:
    large = {"filename": "a.mp4", "contentType": "video/mp4", "size": 100_000_000}
    for _ in range(upload.MAX_LARGE_UNUSED):
        world.buyer.succeed("createUpload", large)
    [error] = world.buyer.do("createUpload", large)["userErrors"]
    assert (error["code"], error["problem"]) == ("INVALID_INPUT", "TOO_MANY")
    announce(world.buyer)


def test_a_case_holds_two_videos(world: World) -> None:
    case = open_dispute(world, evidence=[bring(world.buyer, MOV, "video/quicktime", "a.mov")])["id"]
    post = {"caseId": case, "text": "See."}
    films = [bring(world.supplier, MP4, "video/mp4", "b.mp4") for _ in range(2)]
    wish = post | {"attachments": films}
    assert world.supplier.problems("postDisputeMessage", wish) == {("attachments", "TOO_MANY")}
    world.supplier.succeed("postDisputeMessage", post | {"attachments": films[:1]})
    assert world.supplier.problems("postDisputeMessage", post | {"attachments": films[1:]}) == {
        ("attachments", "TOO_MANY")
    }
    world.supplier.succeed("postDisputeMessage", post | {"attachments": [bring(world.supplier)]})


@pytest.mark.anyio
async def test_a_large_file_comes_in_without_being_held_in_memory(tmp_path: Path) -> None:
    count, key, samples = 30, new_id(), list[Sample]()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(1_000_000)

    tracemalloc.start()
    try:
        await Folder(tmp_path).put(key, chunks(), count * 1_000_000, samples.append)
        taken = await Folder(tmp_path).take(key, count * 1_000_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [taken] == samples == [Sample(count * 1_000_000, bytes(HEAD + TAIL))]
    assert most < 5_000_000


# ---------------------------------------------------------------- in a bucket


@pytest.mark.anyio
async def test_a_bucket_keeps_files_as_a_folder_does() -> None:
    memory: Any = obstore.store.MemoryStore()
    bucket = Bucket(memory)
    one, other = new_id(), new_id()
    assert await bucket.secret() == await bucket.secret() != b""
    assert await bucket.take(one, len(PNG)) is None
    for content in (PNG + b"!", PNG):
        await obstore.put_async(memory, f"incoming/{one.hex}", content)
        sample = await bucket.take(one, len(PNG))
        assert sample == Sample(len(content), content if content == PNG else b"")
    # The presigned URL no longer changes anything: its object was moved.
    with pytest.raises(FileNotFoundError):
        await obstore.head_async(memory, f"incoming/{one.hex}")
    await obstore.put_async(memory, f"incoming/{one.hex}", bytes(len(PNG)))
    assert await bucket.take(one, len(PNG)) == Sample(len(PNG), PNG)
    assert b"".join([chunk async for chunk in bucket.read(one)]) == PNG
    long = bytes(range(250)) * 1000
    await obstore.put_async(memory, f"incoming/{other.hex}", long)
    assert await bucket.take(other, len(long)) == Sample(len(long), long[:HEAD] + long[-TAIL:])
    await bucket.remove([one, other, new_id()])
    with pytest.raises(FileNotFoundError):
        await anext(bucket.read(one))


@pytest.mark.anyio
async def test_a_buckets_uploads_go_straight_into_it() -> None:
    key = new_id()
    s3 = obstore.store.S3Store("evidence", region="eu-central-1", access_key_id="a", secret_access_key="b")
    address = await Bucket(s3).upload_address(key, 5, 900)
    assert address is not None
    assert f"/incoming/{key.hex}?" in address
    assert "X-Amz-Expires=900" in address
    assert "X-Amz-Signature=" in address
    assert "X-Amz-SignedHeaders=content-length%3Bhost" in address


# ---------------------------------------------------------------- content types

MAIL = b"Received: from a by b\r\nFrom: ana@example.com\r\nSubject: Lamps\r\n\r\nThey came broken.\r\n"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SIGNATURES: list[tuple[str, bytes, str, str | None]] = [
    ("a JPEG", JPEG, "image/jpeg", "image/jpeg"),
    ("a JPEG from a camera", bytes.fromhex("ffd8ffe12a104578696600004d4d002a") + bytes(40), "image/jpeg", "image/jpeg"),
    ("a JPEG that is called a PNG", JPEG, "image/png", "image/jpeg"),
    ("a picture of which nothing is said", PNG, "application/octet-stream", "image/png"),
    ("a GIF", b"GIF89a" + bytes(40), "image/gif", "image/gif"),
    ("a WebP", b"RIFF\x24\0\0\0WEBPVP8 " + bytes(40), "image/webp", "image/webp"),
    ("a HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "image/heic", "image/heic"),
    ("a HEIC with more than eight bits", b"\0\0\0\x18ftypheix\0\0\0\0mif1heic" + bytes(40), "image/heic", "image/heic"),
    ("a PDF", b"%PDF-1.7\n" + bytes(40), "application/pdf", "application/pdf"),
    ("a zip", archive("a.txt"), "application/zip", "application/zip"),
    ("an empty zip", archive(), "application/zip", "application/zip"),
    ("a new office document", archive("[Content_Types].xml", "word/document.xml"), DOCX, DOCX),
    ("an archive that is called a picture", archive("a.txt"), "image/png", "application/zip"),
    ("an old office document", OLE, "application/msword", "application/msword"),
    ("an old office document that is called a picture", OLE, "image/png", "application/x-ole-storage"),
    (
        "a HEIC of another major brand",
        b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf" + bytes(40),
        "image/heic",
        "image/heic",
    ),
    (
        "a picture of a kind that is not taken",
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(40),
        "image/heic",
        None,
    ),
    ("a sound", b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "image/webp", None),
    ("an archive that is called a document", archive("evil.exe"), DOCX, "application/zip"),
    (
        "a document that is called an archive",
        archive("[Content_Types].xml", "xl/workbook.xml"),
        "application/zip",
        XLSX,
    ),
    ("an old office document of which nothing is said", OLE, "application/octet-stream", "application/x-ole-storage"),
    ("plain text in sixteen bits", "Größe 40".encode("utf-16"), "text/plain", "text/plain"),
    ("a page behind an invisible sign", "\u200b<html>".encode(), "text/plain", None),
    ("a mail without its way", b"Subject: Lamps\r\nDate: today\r\n\r\nBroken.", "message/rfc822", "message/rfc822"),
    ("rich text", b"{\\rtf1\\ansi hello}", "application/rtf", "application/rtf"),
    ("plain text", "Größe 40 – zu klein".encode(), "text/plain", "text/plain"),
    ("plain text of an old kind", "Größe".encode("latin-1"), "text/plain", "text/plain"),
    ("plain text that begins like something else", b"BMW sent MZ and PK", "text/plain", "text/plain"),
    ("plain text that is called a picture", b"hello", "image/png", "text/plain"),
    ("a table by the name that Windows has for it", b"a;b\r\n1;2\r\n", "application/vnd.ms-excel", "text/plain"),
    ("a spreadsheet by the same name", OLE, "application/vnd.ms-excel", "application/vnd.ms-excel"),
    ("a new spreadsheet by the same name", archive("[Content_Types].xml", "xl/x"), "application/vnd.ms-excel", XLSX),
    ("a PDF with a byte order mark", b"\xef\xbb\xbf%PDF-1.7\n" + bytes(40), "application/pdf", "application/pdf"),
    ("a PDF behind blank lines", b"\r\n\r\n \n%PDF-1.4\n" + bytes(40), "application/pdf", "application/pdf"),
    ("a PDF of which nothing is said", b"\n%PDF-1.4\n" + bytes(40), UNKNOWN, "application/pdf"),
    ("a PDF behind more than readers look through", b"\n" * 2000 + b"%PDF-1.4\n" + bytes(40), UNKNOWN, None),
    ("an MP4", MP4, "video/mp4", "video/mp4"),
    ("an MP4 of which nothing is said", MP4, UNKNOWN, "video/mp4"),
    ("an MP4 of another brand", b"\0\0\0\x1cftypmp42\0\0\0\0mp42isomM4V " + bytes(40), "video/mp4", "video/mp4"),
    ("an MP4 from an older phone", b"\0\0\0\x18ftyp3gp5\0\0\0\0isom3gp5" + bytes(40), "video/mp4", "video/mp4"),
    ("an MP4 that is called a MOV", MP4, "video/quicktime", "video/mp4"),
    ("a MOV", MOV, "video/quicktime", "video/quicktime"),
    ("a MOV that is called an MP4", MOV, "video/mp4", "video/quicktime"),
    ("a film that is called a picture", MP4, "image/heic", "video/mp4"),
    (
        "music that says that it can be read as a film",
        b"\0\0\0\x1cftypM4A \0\0\0\0M4A mp42isom" + bytes(40),
        UNKNOWN,
        None,
    ),
    (
        "a picture that says that it can be read as a film",
        b"\0\0\0\x1cftypavif\0\0\0\0avifiso8" + bytes(40),
        "video/mp4",
        None,
    ),
    ("a film that says nothing", b"\0\0\0\x08ftyp" + bytes(40), "video/mp4", None),
    ("another film", b"\x1aE\xdf\xa3" + bytes(40), "video/mp4", None),
    ("a mail", MAIL, "message/rfc822", "message/rfc822"),
    ("a mail of which nothing is said", MAIL, "application/octet-stream", "message/rfc822"),
    ("plain text that is called a mail", b"hello", "message/rfc822", "text/plain"),
    ("a page", b"\xef\xbb\xbf \n<!DOCTYPE html><script>alert(1)</script>", "text/plain", None),
    ("a drawing that can run", b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "text/plain", None),
    ("a program", b"MZ\x90\0\x03\0" + bytes(100), "application/octet-stream", None),
    ("another program", b"\x7fELF\2\1\1" + bytes(100), "image/png", None),
    ("another archive", b"\x1f\x8b\x08\0" + bytes(40), "application/zip", None),
    ("anything", bytes(range(256)), "text/plain", None),
]


@pytest.mark.parametrize(
    ("content", "announced", "kind"), [each[1:] for each in SIGNATURES], ids=[s[0] for s in SIGNATURES]
)
def test_the_content_decides_what_a_file_is(content: bytes, announced: str, kind: str | None) -> None:
    assert sniff(content, announced) == kind


@pytest.mark.parametrize(
    ("filename", "kind", "name"),
    [
        ("a.JPG", "image/jpeg", "a.JPG"),
        ("a.jpeg", "image/jpeg", "a.jpeg"),
        ("a", "image/jpeg", "a.jpg"),
        ("setup.exe", "application/zip", "setup.exe.zip"),
        ("setup.msi", "application/msword", "setup.msi.doc"),
        ("photo.png.html", "image/png", "photo.png.html.png"),
    ],
)
def test_a_name_ends_as_the_kind_does(filename: str, kind: str, name: str) -> None:
    assert with_extension(filename, kind) == name
    assert all(each.extensions for each in KINDS.values())
