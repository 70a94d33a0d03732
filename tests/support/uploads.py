"""Uploads files as an app does."""

from typing import Any

import httpx2

from tests.conftest import Person

UPLOAD = "upload { id url method headers { name value } expiresAt }"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40)


def announce(person: Person, content: bytes = PNG, content_type: str = "image/png", name: str = "a.png") -> Any:
    input = {"filename": name, "contentType": content_type, "size": len(content)}
    return person.succeed("createUpload", input, UPLOAD)["upload"]


def put(upload: Any, content: Any, **headers: str) -> httpx2.Response:
    said = {header["name"]: header["value"] for header in upload["headers"]}
    return httpx2.request(upload["method"], upload["url"], content=content, headers=said | headers)


def bring(person: Person, content: bytes = PNG, content_type: str = "image/png", name: str = "a.png") -> str:
    """Uploads a file. Returns its id."""
    announced = announce(person, content, content_type, name)
    answer = put(announced, content)
    assert answer.status_code == 204, answer.text
    return announced["id"]
