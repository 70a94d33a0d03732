import strawberry

from execution.sizes import weighing
from schema.node import Node


@strawberry.type(description="A file of a case. Its parties and agents can read it.")
class Attachment(Node):
    filename: str = strawberry.field(description="Its name, with the ending that fits what it is.")
    content_type: str = strawberry.field(description="What its content is, told by the content itself.")
    size: int = strawberry.field(description="In bytes.")
    url: str = strawberry.field(
        metadata=weighing(10),  # it is signed, and long
        description="Where to GET it, for an hour at least; whoever has the address can read the file. It comes as an "
        "attachment, never to be shown as a page.",
    )
