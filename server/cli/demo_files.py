"""The files that the parties of the demonstration send: texts, and a photo and a page that are drawn here."""

from __future__ import annotations

import io

from resolvers.files import content_type

PACKING_LIST, BOX, REPORT = "packing-list.txt", "photos-of-the-box.txt", "test-report.txt"
PHOTO, INVOICE = "broken-lamp.jpg", "invoice.pdf"
_LINES = "100 desk lamps, 12 crates, 340 kg\n"
_TURNED_RIGHT = 6  # the camera was held upright, and says so instead of turning the pixels


def demo_file(name: str) -> tuple[str, bytes]:
    """Returns the type and the content of a file by its name."""
    if name == PHOTO:
        return "image/jpeg", _photo()
    if name == INVOICE:
        return content_type.PDF, _invoice()
    return content_type.PLAIN, _LINES.encode()


def _photo() -> bytes:
    """Returns a photo of a lamp as a phone sends it: on its side, with the place and the device in its notes."""
    from PIL import Image, ImageDraw  # here and below, because only the demonstration needs it

    image = Image.new("RGB", (480, 640), "#d8d2c4")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 520, 480, 640), fill="#8a6f4d")
    pen.ellipse((150, 500, 330, 550), fill="#2f3a45")
    pen.line((240, 520, 190, 330, 300, 180), fill="#2f3a45", width=16)
    pen.polygon(((230, 150), (350, 110), (400, 250), (250, 260)), fill="#c0392b")
    pen.line((300, 130, 320, 180, 300, 200, 330, 255), fill="#fdf6e3", width=4)  # the crack
    notes = Image.Exif()
    notes[0x0112], notes[0x010F], notes[0x0110] = _TURNED_RIGHT, "Example", "Phone 1"
    notes.get_ifd(0x8825).update({1: "N", 2: (40.0, 24.0, 59.0), 3: "W", 4: (3.0, 42.0, 9.0)})
    content = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(content, "JPEG", quality=80, exif=notes)
    return content.getvalue()


def _invoice() -> bytes:
    """Returns a page with an invoice."""
    from PIL import Image, ImageDraw

    page = Image.new("L", (595, 842), "white")
    pen = ImageDraw.Draw(page)
    lines = ("Lumen Lighting", "Invoice", "", "100 desk lamps at 12.00 USD", "Total 1200.00 USD")
    pen.multiline_text((60, 70), "\n".join(lines), fill="black", font_size=22, spacing=14)
    content = io.BytesIO()
    page.save(content, "PDF", title="Invoice")
    return content.getvalue()
