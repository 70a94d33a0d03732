import strawberry

from models.enums import Role
from schema.node import Node


@strawberry.type(description="Somebody who takes part, in one role. A person with two roles has two accounts.")
class Account(Node):
    name: str = strawberry.field(description="The name to show.")
    role: Role = strawberry.field(description="What the account is.")
