"""Accounts: the participants."""

import strawberry

from models.enums import Role
from schema.node import Node


@strawberry.type(description="A participant in one role. A person with two roles has two accounts.")
class Account(Node):
    name: str = strawberry.field(description="The name to display.")
    role: Role = strawberry.field(description="The role of the account.")
