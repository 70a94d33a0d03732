"""Pictures: what the parties read of them has no metadata and stands upright, and no file can harm the server."""

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import obstore.store
import pillow_heif
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

import models
from models.bucket import Bucket
from models.enums import Role
from models.files import COPY, LARGE, MADE_VARIANTS, SMALL
from models.keys import new_id
from models.pictures import MEMORY_BYTES, Interrupted, PictureProcesses, Unreadable
from tests.api.test_evidence import changed, kept, key
from tests.conftest import Person, Server, World
from tests.support.actions import INPUTS
from tests.support.processes import address, start
from tests.support.subscriptions import wait_until
from tests.support.uploads import bring, encoded

pillow_heif.register_heif_opener()

SECRET = "Secret street 5"
SHOWN = """id filename contentType size width height url originalUrl
  small: thumbnailUrl large: thumbnailUrl(size: LARGE)"""


_cms: Any = ImageCms
SCREEN_COLORS: bytes = _cms.ImageCmsProfile(_cms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> Image.Exif:
    """Returns a camera's notes, with the place."""
    notes = Image.Exif()
    notes[0x0112], notes[0x010E] = orientation, SECRET
    notes.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 14.0)})
    return notes


def photo(width: int = 40, height: int = 20, mode: str = "RGB") -> Image.Image:
    """Returns a picture that is dark on its left half."""
    image = Image.new("L", (width, height), 230)
    image.paste(20, (0, 0, width // 2, height))
    return image.convert(mode)


def text_chunks() -> PngInfo:
    notes = PngInfo()
    notes.add_text("Comment", SECRET)
    notes.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET}</x>")
    return notes


def sixteen_bits() -> Image.Image:
    return photo(mode="I").point(lambda value: value * 256).convert("I;16")


def attached(world: World, content: bytes, content_type: str, name: str = "a") -> tuple[dict[str, Any], dict[str, Any]]:
    """Attaches the file to a dispute. Returns it as its supplier and as an agent see it."""
    input = INPUTS["openDispute"] | {"orderId": world.order(paidAt=9)}
    input |= {"evidence": [bring(world.buyer, content, content_type, name)]}
    [file] = world.buyer.succeed("openDispute", input, "dispute { evidence { id } }")["dispute"]["evidence"]
    return look(world.supplier, file["id"]), look(world.agent, file["id"])


def look(person: Person, id: str) -> dict[str, Any]:
    return person.ask(f"query($id: ID!) {{ node(id: $id) {{ ... on Attachment {{ {SHOWN} }} }} }}", id=id)["node"]


def opened(url: str) -> Image.Image:
    answer = httpx2.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-length"] == str(len(answer.content))
    image = Image.open(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == Image.MIME[image.format or ""]
    return image


# ---------------------------------------------------------------- copies and thumbnails

GIF_FRAMES = [photo(), photo().rotate(180)]
PICTURES: list[tuple[str, bytes, str, str, tuple[int, int]]] = [
    ("a photo on its side", encoded(photo(), "JPEG", exif=exif(6), comment=SECRET), "image/jpeg", "JPEG", (20, 40)),
    ("a photo in print colors", encoded(photo(mode="CMYK"), "JPEG", exif=exif()), "image/jpeg", "JPEG", (40, 20)),
    ("a gray photo", encoded(photo(mode="L"), "JPEG", exif=exif(8)), "image/jpeg", "JPEG", (20, 40)),
    (
        "a photo with a color profile",
        encoded(photo(), "JPEG", icc_profile=SCREEN_COLORS),
        "image/jpeg",
        "JPEG",
        (40, 20),
    ),
    ("a photo with a broken profile", encoded(photo(), "JPEG", icc_profile=b"x" * 99), "image/jpeg", "JPEG", (40, 20)),
    ("a screenshot", encoded(photo(), "PNG", pnginfo=text_chunks(), exif=exif(3)), "image/png", "PNG", (40, 20)),
    ("a picture of sixteen bits", encoded(sixteen_bits(), "PNG", pnginfo=text_chunks()), "image/png", "PNG", (40, 20)),
    ("a transparent picture", encoded(photo(mode="RGBA"), "PNG", pnginfo=text_chunks()), "image/png", "PNG", (40, 20)),
    (
        "a picture with a palette",
        encoded(photo(mode="P"), "PNG", transparency=255, pnginfo=text_chunks()),
        "image/png",
        "PNG",
        (40, 20),
    ),
    ("a picture of two colors", encoded(photo(mode="1"), "PNG", pnginfo=text_chunks()), "image/png", "PNG", (40, 20)),
    (
        "an animation",
        encoded(GIF_FRAMES[0], "GIF", save_all=True, append_images=GIF_FRAMES[1:], comment=SECRET.encode()),
        "image/gif",
        "GIF",
        (40, 20),
    ),
    ("a WebP", encoded(photo(), "WEBP", exif=exif(6), xmp=SECRET.encode()), "image/webp", "WEBP", (20, 40)),
    ("a HEIC", encoded(photo(128, 64), "HEIF", exif=exif(6).tobytes()), "image/heic", "JPEG", (64, 128)),
]


@pytest.mark.parametrize(
    ("content", "content_type", "file_format", "size"), [each[1:] for each in PICTURES], ids=[p[0] for p in PICTURES]
)
def test_parties_read_pictures_upright_and_without_metadata(
    world: World, content: bytes, content_type: str, file_format: str, size: tuple[int, int]
) -> None:
    file, agents = attached(world, content, content_type)
    assert (file["contentType"], file["size"]) == (content_type, len(content))
    assert (file["width"], file["height"]) == size
    copy = opened(file["url"])
    copy.load()
    assert (copy.format, copy.size) == (file_format, size)
    assert getattr(copy, "n_frames", 1) == (2 if file_format == "GIF" else 1)
    assert not copy.getexif()
    assert set(copy.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "version", "background", "duration"} | {
        "extension", "loop", "transparency", "timestamp"
    }  # fmt: skip
    for url in (file["url"], file["small"], file["large"]):
        assert SECRET.encode() not in httpx2.get(url).content
    for thumbnail in ("small", "large"):
        assert (opened(file[thumbnail]).format, opened(file[thumbnail]).size) == ("WEBP", size)
    pixels = copy.convert("L")
    corners = {pixels.getpixel((2, 2)), pixels.getpixel((size[0] - 3, size[1] - 3))}  # dark and light
    assert min(corners) < 60  # type: ignore[type-var]
    assert max(corners) > 190  # type: ignore[type-var]
    assert file["originalUrl"] is None
    assert httpx2.get(agents["originalUrl"]).content == content
    assert opened(agents["url"]).size == size


def test_thumbnails_have_their_size_and_pdfs_have_some_too(world: World) -> None:
    file, _ = attached(world, encoded(photo(1500, 3000), "JPEG"), "image/jpeg")
    assert (file["width"], file["height"]) == (1500, 3000)
    assert opened(file["small"]).size == (100, 200)
    assert opened(file["large"]).size == (600, 1200)
    pdf = encoded(photo(600, 300), "PDF")
    file, agents = attached(world, pdf, "application/pdf")
    assert (file["width"], file["height"]) == (None, None)
    assert (opened(file["small"]).size, opened(file["large"]).size) == ((200, 100), (1200, 600))
    assert httpx2.get(file["url"]).content == httpx2.get(agents["originalUrl"]).content == pdf


def test_other_files_have_no_thumbnail(world: World) -> None:
    file, agents = attached(world, b"Hello", "text/plain")
    assert [file[name] for name in ("width", "height", "small", "large", "originalUrl")] == [None] * 5
    assert httpx2.get(file["url"]).content == httpx2.get(agents["originalUrl"]).content == b"Hello"


def test_only_agents_read_originals(world: World) -> None:
    file, agents = attached(world, encoded(photo(), "JPEG", exif=exif()), "image/jpeg")
    for person in (world.buyer, world.supplier):
        assert look(person, file["id"])["originalUrl"] is None
    assert look(world.person(Role.BUYER), file["id"]) is None
    for url in (file["url"], file["small"], file["large"]):
        for variant in {"original", "copy", "small", "large", "", "../x"} - {httpx2.URL(url).params["variant"]}:
            assert httpx2.get(changed(url, variant=variant)).status_code == 403
        assert httpx2.get(str(httpx2.URL(url).copy_remove_param("variant"))).status_code == 403
    assert httpx2.get(agents["originalUrl"]).status_code == 200


# ---------------------------------------------------------------- files that cannot be drawn

HUGE = encoded(Image.new("1", (20_000, 20_000)), "PNG")  # 400 megapixels in some 50 kB
BROKEN: list[tuple[str, bytes, str]] = [
    ("a decompression bomb", HUGE, "image/png"),
    ("a truncated photo", encoded(photo(400, 400), "JPEG", exif=exif())[:-200], "image/jpeg"),
    ("a truncated PNG", encoded(photo(400, 400), "PNG", exif=exif())[:-40], "image/png"),
    ("a HEIC that is none", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"x" * 400, "image/heic"),
    ("a PDF that is none", b"%PDF-1.7\n" + bytes(400), "application/pdf"),
    ("a drawing that pretends to be a GIF", b"GIF89a<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "image/gif"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "content_type"), [each[1:] for each in BROKEN], ids=[b[0] for b in BROKEN])
def test_what_cannot_be_drawn_is_shown_to_agents_only(world: World, content: bytes, content_type: str) -> None:
    file, agents = attached(world, content, content_type)
    assert [file[name] for name in ("width", "height", "small", "large")] == [None] * 4
    answer = httpx2.get(file["url"])
    if content_type == "application/pdf":
        assert answer.content == content
    else:
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["extensions"] == {"code": "CANNOT_BE_SHOWN"}
    assert httpx2.get(agents["originalUrl"]).content == content


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("limit", "most", "reason"),
    [("MAX_PIXELS", 700, "TooManyPixels: 40 x 20 pixels"), ("MEMORY_BYTES", 300_000_000, "MemoryError"), ("CPU_SECONDS", 1, "CPU")],
)  # fmt: skip
async def test_a_process_keeps_to_its_limits(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int, reason: str
) -> None:
    content = encoded(photo(), "PNG") if limit == "MAX_PIXELS" else encoded(photo(7000, 7000, "RGBA"), "PNG")
    monkeypatch.setattr(f"models.pictures.{limit}", most)
    processes = PictureProcesses()
    with pytest.raises(Unreadable, match=reason):
        await processes.draw(pieces(content), "image/png")
    monkeypatch.undo()
    assert (await processes.draw(pieces(encoded(photo(), "PNG")), "image/png")).width == 40


@pytest.mark.anyio
async def test_a_process_that_is_killed_or_takes_too_long_says_nothing_about_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.pictures.SECONDS", 0.01)
    with pytest.raises(Interrupted, match="not finished"):
        await PictureProcesses().draw(pieces(encoded(photo(), "PNG")), "image/png")
    monkeypatch.undo()
    monkeypatch.setattr("models.pictures._PROGRAM", Path("/nowhere"))
    with pytest.raises(Interrupted, match="exit code 2"):
        await PictureProcesses().draw(pieces(encoded(photo(), "PNG")), "image/png")


# ---------------------------------------------------------------- made when somebody reads


def forget(server: Server, row: UUID) -> None:
    """Removes the variants of a file."""
    for variant in MADE_VARIANTS:
        (Path(server.settings.files) / row.hex[-3:] / f"{row.hex}.{variant}").unlink(missing_ok=True)

    async def update() -> None:
        await models.Attachment.filter(id=row).update(drawn=None, width=None, height=None)

    server.run(update)


def test_a_file_of_an_older_release_is_made_when_it_is_read(server: Server, world: World) -> None:
    content = encoded(photo(), "JPEG", exif=exif(6))
    file, _ = attached(world, content, "image/jpeg")
    row = key(file["id"].replace("att_", "upl_"))
    folder = Path(server.settings.files) / row.hex[-3:]
    forget(server, row)
    before = look(world.supplier, file["id"])
    assert (before["width"], before["height"]) == (None, None)
    assert opened(before["small"]).size == (20, 40)
    after = look(world.supplier, file["id"])
    assert (after["width"], after["height"]) == (20, 40)
    (folder / f"{row.hex}.{COPY}").unlink()  # as if a process had ended between the variants
    assert opened(after["url"]).size == (20, 40)
    assert {f"{row.hex}.{variant}" for variant in MADE_VARIANTS} <= kept(server)


def has_ended(process: int) -> bool:
    """Returns whether it is gone, or nobody has asked yet how it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def stop_what_draws(server: int) -> int | None:
    """Stops a process of the server that is drawing, as if it took long. Returns its id; None if there is none."""
    for children in Path(f"/proc/{server}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            with contextlib.suppress(OSError):
                if str(MEMORY_BYTES) in Path(f"/proc/{child}/limits").read_text():  # it has begun
                    os.kill(child, signal.SIGSTOP)
                    return child
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not end a process with its parent")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends_while_it_draws_leaves_no_process_and_another_draws(
    server: Server, world: World, ending: signal.Signals
) -> None:
    file, _ = attached(world, encoded(photo(1000, 500), "JPEG"), "image/jpeg")
    row = key(file["id"].replace("att_", "upl_"))
    process = start(server.settings.database, str(server.settings.files_url))
    try:
        there = file["small"].replace(server.url, address(process))
        with ThreadPoolExecutor(1) as reading:
            while True:
                forget(server, row)
                answer = reading.submit(httpx2.get, there, timeout=60)
                while (drawing := stop_what_draws(process.pid)) is None and not answer.done():
                    time.sleep(0.005)
                if drawing is not None and not has_ended(drawing):
                    break  # otherwise, it ended before it was found
            process.send_signal(ending)
            process.wait(60)
            wait_until(lambda: has_ended(drawing))
            assert answer.exception() if ending is signal.SIGKILL else answer.result().status_code == 503
    finally:
        process.kill()
        process.communicate()
    assert opened(file["small"]).size == (200, 100)


@pytest.mark.anyio
async def test_a_bucket_keeps_variants_and_removes_them_with_the_file() -> None:
    memory: Any = obstore.store.MemoryStore()
    bucket, one = Bucket(memory), new_id()
    assert await bucket.size(one, SMALL) is None
    await bucket.keep(one, SMALL, b"small")
    await bucket.keep(one, SMALL, b"other")  # a second process was slower
    await bucket.keep(one, LARGE, b"large")
    assert await bucket.size(one, SMALL) == 5
    assert b"".join([chunk async for chunk in bucket.read(one, SMALL)]) == b"small"
    await bucket.remove([one])
    assert [await bucket.size(one, variant) for variant in MADE_VARIANTS] == [None] * 3
