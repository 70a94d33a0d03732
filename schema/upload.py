from datetime import datetime

import strawberry

from execution.sizes import sized
from resolvers.files import upload
from resolvers.files.upload import CreateUpload
from schema.decision import UserError
from schema.declare import input_type, resolved

input_type(
    CreateUpload,
    "A file that is going to be brought.",
    filename="Its name, up to 200 characters.",
    content_type="Its media type as the client knows it. This is a hint; the content decides. Empty or "
    "application/octet-stream if the client cannot tell.",
    size="In bytes, exactly; up to 20,000,000, and of a video up to 100,000,000.",
)


@strawberry.type(description="A header of an HTTP request.")
class Header:
    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value.")


@strawberry.type(
    description="How to bring a file: send its bytes as they are to the address, then name the id as evidence or as an "
    "attachment within a day. It can be used once."
)
class Upload:
    id: strawberry.ID = strawberry.field(description="What to name it by.")
    url: str = strawberry.field(description="Where to send the bytes; a secret of whoever made it.")
    method: str = strawberry.field(description="With which HTTP method.")
    headers: list[Header] = strawberry.field(metadata=sized(2), description="With which headers.")
    expires_at: datetime = strawberry.field(description="Until when the sending can begin.")


@strawberry.type(description="How to bring the file, or why not.")
class CreateUploadPayload:
    upload: Upload | None = strawberry.field(description="How to bring it; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(metadata=sized(3), description="Everything that speaks against it.")


@strawberry.type
class UploadMutations:
    create_upload = resolved(
        upload.create_upload, CreateUploadPayload, "Announces a file, as evidence or to go with a message."
    )
