"""Languages, and the names of enum values."""

import strawberry

from execution.complexity import sized
from schema.form import Choice


@strawberry.type(description="A language that the server speaks.")
class Language:
    tag: str = strawberry.field(description="Its BCP 47 tag, for the header Accept-Language.")
    name: str = strawberry.field(description='Its own name, like "Español".')
    is_right_to_left: bool = strawberry.field(description="True if it is written from right to left.")


@strawberry.type(description="The names of an enum's values.")
class EnumLabels:
    enum: str = strawberry.field(description="The enum, like OrderStatus.")
    values: list[Choice] = strawberry.field(
        metadata=sized(10), description="Its values with their names, in the order of the schema."
    )
