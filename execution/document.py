"""A document: parsed, validated and measured once, however often it is asked for.

A request comes with the text of a document, the name of an operation in it, and variables. Apps send the same few texts
all day, so what depends on the text alone is found out once and kept in a cache of documents:

    document = prepare(schema, text, operation_name, limits)     parsed, or `document.syntax_error`
    variables = document.coerce({"first": 20})                   per request
    complexity = document.measure(variables)                     once for each combination of sizes that variables give
    errors = document.errors(complexity)                         limits first; validated once, if the limits allow it

and `document.compiled` holds the code that is compiled for its operation (execution.compiler).
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
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
from execution.compiler import CompiledVariants
from execution.complexity import Complexity, Sizing, TooExpensive, limit_error, measure, sizes, sizing
from execution.limits import Limits
from execution.lru import DOCUMENT_CHARACTERS, LRUCache, document_weight

MAX_MEASURED = 16  # combinations of sizes for which the complexity of one document is kept


class Document:
    """`named` is the operation that the request asks for by name."""

    def __init__(self, schema: GraphQLSchema, text: str, named: str | None, limits: Limits) -> None:
        self.schema, self.named, self.limits = schema, named, limits
        self.measured: LRUCache[tuple[int | None, ...], Complexity | TooExpensive] = LRUCache(MAX_MEASURED)
        self.parsed: DocumentNode | None = None
        self.syntax_error: GraphQLError | None = None
        try:
            self.parsed = Parser(text, max_tokens=limits.tokens).parse_document()
        except GraphQLError as error:
            self.syntax_error = error
        except RecursionError:  # the parser's limit, or the interpreter's
            self.syntax_error = TooExpensive("This document is nested too deeply.")
        except Exception as error:  # a value that Python cannot read
            self.syntax_error = GraphQLError(str(error), original_error=error)

    @cached_property
    def operation(self) -> OperationDefinitionNode | None:
        """The operation that runs: the first, if none is named."""
        assert self.parsed is not None
        return (
            get_operation_ast(self.parsed, self.named) if self.named is not None else get_first_operation(self.parsed)
        )

    @cached_property
    def kind(self) -> OperationType:
        assert self.operation is not None
        return OperationType(self.operation.operation.value)

    @cached_property
    def name(self) -> str:
        return self.operation.name.value if self.operation and self.operation.name else ""

    @cached_property
    def variables(self) -> Variables | None:
        """None if they are declared wrongly, which the validation reports."""
        if self.operation is None:
            return None
        try:
            return Variables(self.schema, self.operation)
        except GraphQLError:
            return None

    @cached_property
    def compiled(self) -> CompiledVariants:
        assert self.parsed is not None
        assert self.operation is not None
        parts = [part for part in self.parsed.definitions if isinstance(part, ExecutableDefinitionNode)]
        return CompiledVariants(self.schema, self.operation, parts)

    @cached_property
    def validation_errors(self) -> list[GraphQLError]:
        assert self.parsed is not None
        errors = validate_document(self.schema, self.parsed, tuple(specified_rules))
        if self.named is None and not errors and get_operation_ast(self.parsed) is None:
            errors = [GraphQLError("A document with several operations needs an operationName.")]
        return errors

    @cached_property
    def sizing(self) -> list[Sizing]:
        assert self.parsed is not None
        try:
            return sizing(self.schema, self.parsed, self.named, self.limits)
        except TooExpensive:  # whatever the variables say
            return []

    def coerce(self, values: dict[str, Any] | None) -> VariableValues | None:
        """The variables that the operation runs with; None if they do not fit, and nothing runs."""
        return None if self.variables is None else self.variables.coerce(values or {})

    def measure(self, variables: VariableValues | None) -> Complexity | TooExpensive:
        key = sizes(self.sizing, variables.coerced if variables else {}, self.limits)
        return self.measured.get_or_create(key, lambda: (self._measure(key), 1))

    def _measure(self, sizes: tuple[int | None, ...]) -> Complexity | TooExpensive:
        assert self.parsed is not None
        by_variable = dict(zip(self.sizing, sizes, strict=True))
        try:
            return measure(self.schema, self.parsed, self.named, self.limits, by_variable)
        except TooExpensive as error:
            return error

    def errors(self, complexity: Complexity | TooExpensive) -> list[GraphQLError]:
        """Why it cannot run. A document that is too expensive is not validated, which may take long."""
        error = complexity if isinstance(complexity, TooExpensive) else limit_error(complexity, self.limits)
        return self.validation_errors if error is None else [error]

    def extensions(self, complexity: Complexity | TooExpensive) -> dict[str, Any]:
        """What the answer says of the cost."""
        if isinstance(complexity, TooExpensive):
            return {}
        return {"cost": {"requested": complexity.cost, "maximum": self.limits.cost}}


_documents: LRUCache[tuple[int, str, str | None, int], Document] = LRUCache(DOCUMENT_CHARACTERS)


def prepare(schema: GraphQLSchema, text: str, named: str | None, limits: Limits) -> Document:
    """The document of this text. It keeps the schema and the limits alive, by whose identity it is found."""
    return _documents.get_or_create(
        (id(schema), text, named, id(limits)),
        lambda: (Document(schema, text, named, limits), document_weight(len(text) + len(named or ""))),
    )


class Preparing(SchemaExtension):
    """Prepares the operations of streams, which Strawberry takes through its own steps."""

    document: Document | None = None
    complexity: Complexity | TooExpensive | None = None

    def on_parse(self) -> Iterator[None]:
        """Reports no syntax error, which would end the stream without a message; parsing itself reports it."""
        context = self.execution_context
        schema: GraphQLSchema = context.schema._schema  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateUsage]
        limits: Limits = context.context.limits
        context.parse_options["max_tokens"] = limits.tokens
        named = context._provided_operation_name  # pyright: ignore[reportPrivateUsage]
        self.document = prepare(schema, context.query or "", named, limits)
        context.graphql_document = self.document.parsed
        yield

    def on_validate(self) -> Iterator[None]:
        assert self.document is not None
        context, schema = self.execution_context, self.execution_context.schema
        self.complexity = self.document.measure(self.document.coerce(context.variables))
        context.pre_execution_errors = self.document.errors(self.complexity)
        if not context.pre_execution_errors and isinstance(self.complexity, Complexity):
            schema.hooks.on_measured(self.document.name, self.complexity.cost)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        yield

    def get_results(self) -> dict[str, Any]:
        if self.document is None or self.complexity is None:
            return {}
        return self.document.extensions(self.complexity)
