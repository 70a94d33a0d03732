"""A document on its way to being run: read, measured and validated once, however often it is asked."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    specified_rules,
)
from graphql.execution.values import VariableValues
from graphql.language.parser import Parser
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types.graphql import OperationType
from strawberry.utils.operation import get_first_operation

from execution.arguments import Variables
from execution.complexity import Measure, Sizing, TooExpensive, measure, refusal, sizes, sizing
from execution.limits import Limits
from execution.lru import DOCUMENTS, Recent
from execution.operation import Whole
from resolvers.telemetry import current

MEASURES = 16  # kept of one document, by what its variables say of the sizes of pages


class Document:
    """`named` is the operation that was asked for by name."""

    def __init__(self, schema: GraphQLSchema, text: str, named: str | None, tokens: int) -> None:
        self.schema, self.named = schema, named
        self.measures: Recent[tuple[int | None, ...], Measure | TooExpensive] = Recent(MEASURES)
        self.parsed: DocumentNode | None = None
        self.unreadable: GraphQLError | None = None
        try:
            self.parsed = Parser(text, max_tokens=tokens).parse_document()
        except GraphQLError as error:
            self.unreadable = error
        except RecursionError:  # the parser's limit, or the interpreter's
            self.unreadable = TooExpensive("This document is nested too deep.")
        except Exception as error:  # a value that Python cannot read
            self.unreadable = GraphQLError(str(error), original_error=error)

    @cached_property
    def operation(self) -> OperationDefinitionNode | None:
        """The one that runs; the first, where none is named."""
        assert self.parsed is not None
        return (
            get_operation_ast(self.parsed, self.named) if self.named is not None else get_first_operation(self.parsed)
        )

    @cached_property
    def kind(self) -> OperationType:
        assert self.operation is not None
        return OperationType(self.operation.operation.value)

    @cached_property
    def variables(self) -> Variables | None:
        """How they are read; None where they are not well declared, which the validation tells."""
        if self.operation is None:
            return None
        try:
            return Variables(self.schema, self.operation)
        except GraphQLError:
            return None

    @cached_property
    def whole(self) -> Whole | None:
        """Where it has one answer."""
        assert self.parsed is not None
        if self.operation is None or self.kind is OperationType.SUBSCRIPTION:
            return None
        return Whole(self.schema, self.parsed, self.operation)

    @cached_property
    def name(self) -> str:
        return self.operation.name.value if self.operation and self.operation.name else ""

    @cached_property
    def invalid(self) -> list[GraphQLError]:
        assert self.parsed is not None
        errors = validate_document(self.schema, self.parsed, tuple(specified_rules))
        if self.named is None and not errors and get_operation_ast(self.parsed) is None:
            errors = [GraphQLError("A document of several operations needs an operationName.")]
        return errors

    @cached_property
    def sizing(self) -> list[Sizing]:
        assert self.parsed is not None
        try:
            return sizing(self.schema, self.parsed, self.named)
        except TooExpensive:  # whatever they say
            return []

    def read(self, given: dict[str, Any] | None) -> VariableValues | None:
        """The variables as they are executed with; None where they do not fit, and nothing is executed."""
        return None if self.variables is None else self.variables.read(given or {})

    def measured(self, variables: VariableValues | None) -> Measure | TooExpensive:
        """With what the variables say of the sizes of pages and lists."""
        key = sizes(self.sizing, variables.coerced if variables else {})
        return self.measures.get(key, lambda: self._measured(key))

    def _measured(self, said: tuple[int | None, ...]) -> Measure | TooExpensive:
        assert self.parsed is not None
        try:
            return measure(self.schema, self.parsed, self.named, dict(zip(self.sizing, said, strict=True)))
        except TooExpensive as too_deep:
            return too_deep

    def errors(self, found: Measure | TooExpensive, limits: Limits) -> list[GraphQLError]:
        """Why it is not run. What asks for too much is not validated, which may take long."""
        error = found if isinstance(found, TooExpensive) else refusal(found, limits)
        errors = self.invalid if error is None else [error]
        if not errors and isinstance(found, Measure):
            request = current.get()
            request.operation = self.name
            if request.id:  # it is somebody's
                request.cost = found.cost
        return errors


_documents: Recent[tuple[int, str, str | None, int], Document] = Recent(DOCUMENTS)


def prepared(schema: GraphQLSchema, text: str, named: str | None, limits: Limits) -> Document:
    key = (id(schema), text, named, limits.tokens)
    return _documents.get(
        key, lambda: Document(schema, text, named, limits.tokens), weight=len(text) + len(named or "") + 1000
    )


class Preparing(SchemaExtension):
    """For streams, which Strawberry prepares step by step."""

    document: Document | None = None
    found: Measure | TooExpensive | None = None

    def on_parse(self) -> Iterator[None]:
        """Leaves what cannot be read to the parsing itself: an error in an extension ends a stream unsaid."""
        context = self.execution_context
        schema: GraphQLSchema = context.schema._schema  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateUsage]
        limits: Limits = context.context.limits
        context.parse_options["max_tokens"] = limits.tokens
        named = context._provided_operation_name  # pyright: ignore[reportPrivateUsage]
        self.document = prepared(schema, context.query or "", named, limits)
        context.graphql_document = self.document.parsed
        yield

    def on_validate(self) -> Iterator[None]:
        assert self.document is not None
        context = self.execution_context
        self.found = self.document.measured(self.document.read(context.variables))
        context.pre_execution_errors = self.document.errors(self.found, context.context.limits)
        yield

    def get_results(self) -> dict[str, Any]:
        return {} if self.found is None else cost(self.found, self.execution_context.context.limits)


def cost(found: Measure | TooExpensive, limits: Limits) -> dict[str, Any]:
    """As the answer's extensions say it."""
    if isinstance(found, TooExpensive):
        return {}
    return {"cost": {"requested": found.cost, "maximum": limits.cost}}
