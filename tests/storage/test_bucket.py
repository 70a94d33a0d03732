"""Files in a bucket of an S3 server: presigned URLs, and answers while the store is away or hangs."""

import json
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Generator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import obstore
import obstore.store
import pytest

from models.availability import Availability
from models.bucket import Bucket
from models.files import Away
from models.keys import new_id
from models.signing import signed_again
from resolvers.signed_url import FileUrls
from server import file_store
from tests.api.test_evidence import open_dispute
from tests.conftest import NOW, TIME, Server, World
from tests.support import s3
from tests.support.actions import INPUTS
from tests.support.processes import serving
from tests.support.uploads import PNG, UPLOAD, announce, bring, put


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Returns the port at which this process's settings expect the S3 server."""
    port = s3.free_port()
    for name, value in s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    return port


@pytest.fixture
def hanging(port: int) -> Generator[Bucket]:
    """Yields a bucket in a store that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", port)):
        yield Bucket.at(f"s3://{s3.BUCKET}", 0.2)


# ---------------------------------------------------------------- a server with its files in a bucket


def test_a_store_may_hang_go_away_and_come_back(server: Server, world: World, port: int) -> None:
    """One server runs through all of it, and serves requests without files meanwhile."""
    [earlier] = open_dispute(world, evidence=[bring(world.buyer)])["evidence"]
    with (
        socket.create_server(("127.0.0.1", port)) as hangs,
        serving(server.settings.database, f"s3://{s3.BUCKET}/pre fix", files_seconds="1") as [address],
        httpx2.Client(base_url=address, timeout=30) as http,
    ):
        before, world = world, World(http)
        assert http.get("/readyz").status_code == 200
        announced = announce(world.buyer)  # needs no answer from the store
        wish = INPUTS["openDispute"] | {"orderId": world.order(paidAt=9), "evidence": [announced["id"]]}
        somewhere = f"/files/{new_id().hex}?type=image/png&name=a&size=5&expires=9999999999&signature=0"

        def is_unavailable() -> None:
            answer = http.get(somewhere)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
            opening = "mutation($input: OpenDisputeInput!) { openDispute(input: $input) { dispute { id } } }"
            answer = world.buyer.send({"query": opening, "variables": {"input": wish}})
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
            [error] = answer.json()["errors"]
            assert error["extensions"] == {"code": "UNAVAILABLE"}
            assert error["message"] == "Files cannot be reached at the moment. Try again in a few seconds."
            assert world.buyer.send(TIME).status_code == 200

        with before.buyer.elsewhere(address, NOW) as buyer:
            shown = "query($id: ID!) { node(id: $id) { ... on Attachment { filename url } } }"
            errors = buyer.answer(shown, id=earlier["id"])["errors"]
            assert errors[0]["extensions"]["code"] == "UNAVAILABLE"  # the secret that signs URLs was never read
        is_unavailable()
        hangs.close()
        is_unavailable()
        with s3.running(port) as store:
            for _ in range(200):
                if (
                    http.get(somewhere).status_code == 403
                ):  # by now the server has the secret, and knows that this was never signed
                    break
                time.sleep(0.1)
            assert announced["url"].startswith(f"{store}/{s3.BUCKET}/pre%20fix/incoming/")
            assert put(announced, PNG).status_code == 200
            shown = "dispute { evidence { id filename contentType size url } }"
            [file] = world.buyer.succeed("openDispute", wish, shown)["dispute"]["evidence"]
            _is_read_from_the_store(file, store)
            key = file["id"].removeprefix("att_")
            objects = [f"taken/{key}", f"taken/{key}.copy"]
            obstore.delete(obstore.store.S3Store.from_url(f"s3://{s3.BUCKET}/pre fix"), objects)
            gone = httpx2.get(file["url"])
            assert (gone.status_code, gone.json()["errors"][0]["extensions"]) == (404, {"code": "NOT_FOUND"})
            shown = "mutation($input: CreateUploadInput!) { createUpload(input: $input) { " + UPLOAD + " } }"
            later = world.buyer.ask(shown, input={"filename": "b.png", "contentType": "image/png", "size": 5})
            assert "content-length" in later["createUpload"]["upload"]["url"]


def _is_read_from_the_store(file: dict[str, Any], store: str) -> None:
    led = httpx2.get(file["url"])
    assert led.status_code == 302
    assert led.headers["cache-control"] == "no-store"
    assert led.headers["referrer-policy"] == "no-referrer"
    said = parse_qs(urlsplit(led.headers["location"]).query)
    assert led.headers["location"].startswith(store)
    assert int(said["X-Amz-Expires"][0]) <= 60
    read = httpx2.get(led.headers["location"])
    assert read.content == PNG
    assert read.headers["content-type"] == "image/png"
    assert read.headers["content-disposition"] == "attachment; filename*=UTF-8''a.png"
    assert read.headers["cache-control"].startswith("private")


# ---------------------------------------------------------------- a store that hangs

KEY = new_id()
CALLS: dict[str, Callable[[Bucket], Awaitable[object]]] = {
    "its secret": lambda bucket: bucket.secret(),
    "a look": lambda bucket: bucket.check(),
    "what came in": lambda bucket: bucket.take(KEY, 5),
    "an address to read from": lambda bucket: bucket.read_address(KEY, "a.png", "image/png"),
    "a content": lambda bucket: anext(bucket.read(KEY)),
    "removing": lambda bucket: bucket.remove([KEY]),
}


@pytest.mark.anyio
@pytest.mark.parametrize("what", CALLS)
async def test_no_call_waits_for_a_store_that_hangs(hanging: Bucket, what: str) -> None:
    with pytest.raises(Away):
        await CALLS[what](hanging)


@pytest.mark.anyio
@pytest.mark.parametrize("what", CALLS)
async def test_no_call_gets_past_a_store_that_is_away(port: int, what: str) -> None:
    with pytest.raises(Away):
        await CALLS[what](Bucket.at(f"s3://{s3.BUCKET}", 0.2))


@pytest.mark.anyio
async def test_a_store_that_is_away_is_logged_once(hanging: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    availability = Availability("files")
    for _ in range(3):
        await file_store.check_store(FileUrls(hanging), availability)
    assert availability.is_lost
    [record] = caplog.records
    assert record.getMessage().startswith("files cannot be used: ")
    assert record.getMessage().endswith("; trying again")


# ---------------------------------------------------------------- signatures

ADDRESS = (
    "https://evidence.s3.eu-central-1.amazonaws.com/pre%20fix/incoming/0{port}?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AK%2F20261128%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20261128T151543Z&X-Amz-Expires=900"
    "&X-Amz-SignedHeaders=host{token}&X-Amz-Signature=0"
)
PLAIN, OF_A_SESSION = (
    ADDRESS.format(port="", token=""),
    ADDRESS.format(port="", token="&X-Amz-Security-Token=t%2Fo%2Bk%3D"),
)
SIGNED: list[tuple[str, str, dict[str, str], dict[str, str]]] = [
    ("GET", PLAIN, {}, {}),
    ("PUT", PLAIN, {"content-length": "1"}, {}),
    ("PUT", PLAIN, {"content-length": "20000000"}, {}),
    ("PUT", OF_A_SESSION, {"content-length": "7", "content-type": "image/png"}, {}),
    (
        "PUT",
        PLAIN.replace("https://evidence.s3.eu-central-1.amazonaws.com", "http://127.0.0.1:9000/evidence"),
        {"content-length": "7"},
        {},
    ),
    ("GET", PLAIN, {}, {"response-content-type": "image/png"}),
    ("GET", OF_A_SESSION, {}, {"response-content-disposition": "attachment; filename*=UTF-8''%E2%80%93%20a.png"}),
    ("GET", PLAIN, {}, {"response-content-disposition": 'é ~ + & = / "x"'}),
]
BY_BOTOCORE = """
import json, sys
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
signatures = []
for method, url, headers in json.load(sys.stdin):
    auth = S3SigV4QueryAuth(Credentials("AK", "SK"), "s3", "eu-central-1")
    request = AWSRequest(method=method, url=url, headers=headers)
    request.context["timestamp"] = "20261128T151543Z"
    signatures.append(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
print(json.dumps(signatures))
"""


def test_addresses_are_signed_as_amazon_signs_them() -> None:
    ours = [signed_again(url, "SK", method, headers, query) for method, url, headers, query in SIGNED]
    unsigned = [url.rpartition("&X-Amz-Signature=") for url in ours]
    asked = [(method, url, headers) for (method, _, headers, _), (url, _, _) in zip(SIGNED, unsigned, strict=True)]
    done = subprocess.run(
        [s3.program("python"), "-c", BY_BOTOCORE], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [signature for _, _, signature in unsigned]


@pytest.mark.anyio
async def test_an_address_is_for_one_length_only(port: int) -> None:
    bucket = Bucket.at(f"s3://{s3.BUCKET}", 5)
    addresses = [await bucket.upload_address(KEY, size, 900) for size in (5, 6)]
    said = [parse_qs(urlsplit(address or "").query) for address in addresses]
    assert all(each["X-Amz-SignedHeaders"] == ["content-length;host"] for each in said)
    assert len({each["X-Amz-Signature"][0] for each in said}) == 2


@pytest.mark.anyio
async def test_without_the_secret_key_files_go_through_the_server() -> None:
    """This is so with credentials of a role. The length is checked when a case takes the file."""

    class Role:
        def __call__(self) -> Any:
            return {"access_key_id": "a", "secret_access_key": "b", "expires_at": datetime(2100, 1, 1, tzinfo=UTC)}

    bucket = Bucket(obstore.store.S3Store("evidence", region="eu-central-1", credential_provider=Role()))
    assert "X-Amz-SignedHeaders=host" in (await bucket.upload_address(KEY, 5, 900) or "")
    assert await bucket.read_address(KEY, "a.png", "image/png") is None
