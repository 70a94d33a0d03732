from datetime import datetime

import strawberry

from resolvers import node as by_id
from resolvers import rules
from resolvers.context import Info
from resolvers.viewer import Viewer as ViewerRow
from schema.case import Case
from schema.node import Node
from schema.order import Order
from schema.rules import Rule
from schema.viewer import Viewer


@strawberry.type(description="Reading. What is somebody else's reads as absent, everywhere.")
class Query:
    node: Node | None = strawberry.field(
        by_id.node,
        graphql_type=Node | None,
        description="Anything by its id. Null for what is not there for the viewer.",
    )
    nodes: list[Node | None] = strawberry.field(
        by_id.nodes,
        graphql_type=list[Node | None],
        description="Things by their ids, in that order; 100 at most.",
    )
    order: Order | None = strawberry.field(
        by_id.order_by_number,
        graphql_type=Order | None,
        description="An order by the number that people know it by.",
    )
    case_by_number: Case | None = strawberry.field(
        by_id.case_by_number,
        graphql_type=Case | None,
        description="A case by its number, like D-2026-000123.",
    )
    rules: list[Rule] = strawberry.field(
        rules.rules,
        graphql_type=list[Rule],
        description="The policy table itself, or its lines for an action or a kind: for help pages and support.",
    )

    @strawberry.field(graphql_type=Viewer, description="Everything that is the viewer's.")
    def viewer(self, info: Info) -> ViewerRow:
        return ViewerRow(info.context.viewer)

    @strawberry.field(description="The instant at which this request is answered, by which every field decides.")
    def server_time(self, info: Info) -> datetime:
        return info.context.now
