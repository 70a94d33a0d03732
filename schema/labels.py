"""Languages, and the names of enum values."""

import strawberry


@strawberry.type(description="A language that the server speaks.")
class Language:
    tag: str = strawberry.field(description="Its BCP 47 tag, for the header Accept-Language.")
    name: str = strawberry.field(description='Its own name, like "Español".')
    is_right_to_left: bool = strawberry.field(description="True if it is written from right to left.")
