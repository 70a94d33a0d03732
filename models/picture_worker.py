"""Draws one file and ends: the program that runs in a process of its own, for content that nobody trusts.

`python -I picture_worker.py TYPE MEMORY PIXELS CPU_SECONDS PARENT` reads the file from standard input. It writes a line
of JSON and then the contents that the line announces:

    {"width": 3024, "height": 4032, "parts": [["copy", 2301877], ["large", 81544], ["small", 6120]]}

A copy has no metadata and stands upright. It is made anew from the pixels, so nothing else of the file gets into it.
Exit code 3 says that the file cannot be drawn; the last line on standard error says why. This module imports nothing of
the project.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false

import contextlib
import ctypes
import io
import json
import os
import signal
import sys
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageOps, ImageSequence

SIZES = {"large": 1200, "small": 200}  # pixels on the longer side; in this order
MAX_RESULT_BYTES = 100_000_000
CANNOT_BE_DRAWN = 3
PDF = "application/pdf"
FORMATS = {
    "image/jpeg": "JPEG",  # it may hold further pictures, for depth or a second eye (MPO); they are left out
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/heic": "HEIF",
}
COPIES: dict[str, tuple[str, dict[str, Any]]] = {  # format and options of the copy; browsers do not show HEIC
    "image/jpeg": ("JPEG", {"quality": 90}),
    "image/png": ("PNG", {"compress_level": 4}),
    "image/gif": ("GIF", {}),
    "image/webp": ("WEBP", {"quality": 90, "method": 2}),
    "image/heic": ("JPEG", {"quality": 90}),
}
_ANIMATED = ("PNG", "GIF", "WEBP")
_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


class TooManyPixels(Exception):
    """The picture has more pixels than are read."""


def draw(content: BinaryIO, content_type: str, max_pixels: int) -> tuple[dict[str, Any], list[bytes]]:
    """Returns the line and the parts for this file. Raises what Pillow raises for a file that it cannot read."""
    if content_type == PDF:
        image, copy, size = _first_page(content), None, (None, None)
    else:
        image, copy = _picture(content, content_type, max_pixels)
        size = image.size
    parts = {} if copy is None else {"copy": copy}
    for name, longer in SIZES.items():
        image.thumbnail((longer, longer), reducing_gap=2)
        parts[name] = _encoded(image, "WEBP", quality=80, method=4)
    line = {"width": size[0], "height": size[1], "parts": [[name, len(part)] for name, part in parts.items()]}
    return line, list(parts.values())


def _first_page(content: BinaryIO) -> Image.Image:
    import pypdfium2  # only here: it takes a moment to load

    page: Any = pypdfium2.PdfDocument(content.read())[0]
    width, height = page.get_size()
    return page.render(scale=SIZES["large"] / max(width, height)).to_pil().convert("RGB")


def _picture(content: BinaryIO, content_type: str, max_pixels: int) -> tuple[Image.Image, bytes]:
    """Returns the upright picture, of an animation the first one, and the copy."""
    if content_type == "image/heic":
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1
        pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None  # this function has its own limit, which is an error and no warning
    with Image.open(content, formats=[FORMATS[content_type]]) as opened:
        pixels = opened.width * opened.height
        if pixels > max_pixels:
            raise TooManyPixels(f"{opened.width} x {opened.height} pixels")
        file_format, options = COPIES[content_type]
        frames = getattr(opened, "n_frames", 1) if opened.format in _ANIMATED else 1
        if frames == 1 or frames * pixels > max_pixels:
            image = _plain(opened)
            return image, _encoded(image, file_format, **options)
        loop: dict[str, Any] = {"loop": opened.info["loop"]} if "loop" in opened.info else {}
        durations: list[int] = []
        images: list[Image.Image] = []
        for frame in ImageSequence.Iterator(opened):
            images.append(_plain(frame))
            durations.append(int(frame.info.get("duration", 100)))
        animation = {"save_all": True, "append_images": images[1:], "duration": durations}
        copy = _encoded(images[0], file_format, **options, **loop, **animation)
        return images[0], copy


def _plain(image: Image.Image) -> Image.Image:
    """Returns the picture upright, with eight bits a channel, in the colors of screens, and with nothing but pixels."""
    profile = image.info.get("icc_profile")
    transparent = "A" in image.mode or "a" in image.mode or "transparency" in image.info
    plain = ImageOps.exif_transpose(image)
    if plain.mode == "I" or plain.mode.startswith("I;16"):
        # `convert` would cut off what is brighter than 255.
        plain = plain.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif profile and plain.mode in ("RGB", "CMYK"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):  # such a profile is passed over
            plain = _in_screen_colors(plain, profile)
    mode = "RGBA" if transparent else "L" if plain.mode in ("1", "L") else "RGB"
    if plain.mode != mode:
        plain = plain.convert(mode)
    elif plain is image:
        plain = plain.copy()
    plain.info = {}
    return plain


def _in_screen_colors(image: Image.Image, profile: bytes) -> Image.Image:
    cms: Any = ImageCms
    return cms.profileToProfile(image, io.BytesIO(profile), cms.createProfile("sRGB"), outputMode="RGB")


def _encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, file_format, **options)
    return encoded.getvalue()


def _limit(memory: int, cpu_seconds: int) -> None:
    """Limits what this process can use. Windows has no such limits; there the parent's clock is the only one."""
    try:
        import resource
    except ImportError:
        return
    for limit, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 5),  # SIGXCPU; at the hard limit it would be SIGKILL
        (resource.RLIMIT_FSIZE, MAX_RESULT_BYTES, MAX_RESULT_BYTES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has each limit
            resource.setrlimit(limit, (soft, hard))


def _end_with(parent: int) -> None:
    """Has the system kill this process when its parent ends, by whatever. Elsewhere than on Linux, an orphan ends with
    its work, or its CPU time."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the system knew
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    content_type, memory, max_pixels, cpu_seconds, parent = sys.argv[1], *map(int, sys.argv[2:6])
    _end_with(parent)
    _limit(memory, cpu_seconds)
    try:
        line, parts = draw(io.BytesIO(sys.stdin.buffer.read()), content_type, max_pixels)
    except ImportError:
        raise  # of the installation, not of the file
    except Exception as error:  # also MemoryError
        message = " ".join(str(error).split())[:200]
        sys.stderr.write(f"{type(error).__name__}: {message}\n")
        return CANNOT_BE_DRAWN
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n")
    sys.stdout.buffer.writelines(parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
