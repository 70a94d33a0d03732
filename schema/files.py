"""Files: the attachments of cases, and the uploads that become attachments."""

from datetime import datetime

import strawberry

from execution.complexity import sized, weighing
from resolvers.files import attachment, upload
from schema.declare import resolved
from schema.node import Node
from schema.policy import UserError


@strawberry.type(description="A file of a case. The parties of the case and agents can read it.")
class Attachment(Node):
    filename: str = strawberry.field(description="The name, with the extension that fits the content.")
    content_type: str = strawberry.field(
        description="The media type of the file as it was sent, detected from the content."
    )
    size: int = strawberry.field(description="The size in bytes of the file as it was sent.")
    width: int | None = strawberry.field(
        description="The width of a picture in pixels, upright. Null for other files, for a picture that cannot be "
        "read, and until its copy is made, which happens when a case takes it or somebody first reads it."
    )
    height: int | None = strawberry.field(description="The height of a picture in pixels. Null where `width` is.")
    url: str = strawberry.field(
        metadata=weighing(10),  # it is signed, and long
        description="The URL to GET the file from, valid for at least an hour. Anyone who has it can read the file. "
        "The response is a download (Content-Disposition: attachment) and never opens as a page. Of a picture it is a "
        "copy without metadata (place, time, device, comments), turned upright; of HEIC the copy is a JPEG. A picture "
        "that cannot be read gives 404 with the code CANNOT_BE_SHOWN.",
    )
    thumbnail_url = resolved(
        attachment.thumbnail_url,
        str | None,
        "The URL to GET a thumbnail from, in WebP: of a picture, or of the first page of a PDF. As valid as `url`. "
        "Null for other files, and where it cannot be drawn. If that turns out later, GET gives 404 with the code "
        "CANNOT_BE_SHOWN.",
        weight=10,
    )
    original_url: str | None = strawberry.field(
        metadata=weighing(10),
        description="The URL to GET the file from as it was sent, byte for byte. Null for viewers who are not agents.",
    )


@strawberry.type(description="A header of an HTTP request.")
class Header:
    name: str = strawberry.field(description="The name.")
    value: str = strawberry.field(description="The value.")


@strawberry.type(
    description="Instructions to upload a file: send its bytes unchanged to `url`, then pass `id` as evidence or as an "
    "attachment within a day. It can be used once."
)
class Upload:
    id: strawberry.ID = strawberry.field(description="The id to pass as evidence or as an attachment.")
    url: str = strawberry.field(description="The URL to send the bytes to. Keep it secret.")
    method: str = strawberry.field(description="The HTTP method to use.")
    headers: list[Header] = strawberry.field(metadata=sized(2), description="The HTTP headers to send.")
    expires_at: datetime = strawberry.field(description="The last instant at which the upload can start.")


@strawberry.type(description="The upload, or why it was refused.")
class CreateUploadPayload:
    upload: Upload | None = strawberry.field(description="The upload. Null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        metadata=sized(3), description="All reasons why nothing was done. Empty if it was done."
    )


@strawberry.type
class UploadMutations:
    create_upload = resolved(
        upload.create_upload,
        CreateUploadPayload,
        "Creates an upload: the first step to attach a file to a dispute, a complaint or a message.",
    )
