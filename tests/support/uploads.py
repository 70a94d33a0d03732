"""Uploads files as an app does."""

import io
from typing import Any

import httpx2
from PIL import Image

from tests.conftest import Person


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, file_format, **options)
    return content.getvalue()


UPLOAD = "upload { id url method headers { name value } expiresAt }"
# A picture of 1 x 1 pixel that Recourse would encode in the same way, so its copy has the same bytes.
PNG = encoded(Image.new("RGB", (1, 1), "red"), "PNG", compress_level=4)
LETTER = b"The lamp is broken."


def announce(person: Person, content: bytes = PNG, content_type: str = "image/png", name: str = "a.png") -> Any:
    input = {"filename": name, "contentType": content_type, "size": len(content)}
    return person.succeed("createUpload", input, UPLOAD)["upload"]


def put(upload: Any, content: Any, **headers: str) -> httpx2.Response:
    said = {header["name"]: header["value"] for header in upload["headers"]}
    return httpx2.request(upload["method"], upload["url"], content=content, headers=said | headers)


def bring(person: Person, content: bytes = LETTER, content_type: str = "text/plain", name: str = "a.txt") -> str:
    """Uploads a file. Returns its id. A picture costs 0.2 s more where it is attached, since a process draws it."""
    announced = announce(person, content, content_type, name)
    answer = put(announced, content)
    assert answer.status_code == 204, answer.text
    return announced["id"]
