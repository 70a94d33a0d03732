"""Documents: each is parsed, validated and measured once, and then taken from a cache.

A request has the text of a document, the name of an operation in it, and variables. Apps send the same few texts all
day, so everything that depends only on the text is computed once:

    document = prepare(schema, text, operation_name, limits)     parsed, or `document.syntax_error`
    variables = document.coerce({"first": 20})                   per request
    complexity = document.measure(variables)                     once for each combination of sizes in the variables
    errors = document.errors(complexity)                         limits first; then validated, once

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

MAX_MEASURED = 16  # complexities of one document, for different sizes in the variables


class Document:
    """A document of which a request executes the operation `operation_name`, or the first."""

    def __init__(self, schema: GraphQLSchema, text: str, operation_name: str | None, limits: Limits) -> None:
        self.schema, self.operation_name, self.limits = schema, operation_name, limits
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
        """The operation to execute: the first, if no name is given."""
        assert self.parsed is not None
        return (
            get_operation_ast(self.parsed, self.operation_name)
            if self.operation_name is not None
            else get_first_operation(self.parsed)
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
        """The operation's variables. None if their declaration is wrong, which validation reports."""
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
        if self.operation_name is None and not errors and get_operation_ast(self.parsed) is None:
            errors = [GraphQLError("A document with several operations needs an operationName.")]
        return errors

    @cached_property
    def sizing(self) -> list[Sizing]:
        assert self.parsed is not None
        try:
            return sizing(self.schema, self.parsed, self.operation_name, self.limits)
        except TooExpensive:  # for all values of the variables
            return []

    def coerce(self, values: dict[str, Any] | None) -> VariableValues | None:
        """Returns the coerced variables; None if they are not valid, so the operation cannot run."""
        return None if self.variables is None else self.variables.coerce(values or {})

    def measure(self, variables: VariableValues | None) -> Complexity | TooExpensive:
        key = sizes(self.sizing, variables.coerced if variables else {}, self.limits)
        return self.measured.get_or_create(key, lambda: (self._measure(key), 1))

    def _measure(self, sizes: tuple[int | None, ...]) -> Complexity | TooExpensive:
        assert self.parsed is not None
        by_variable = dict(zip(self.sizing, sizes, strict=True))
        try:
            return measure(self.schema, self.parsed, self.operation_name, self.limits, by_variable)
        except TooExpensive as error:
            return error

    def errors(self, complexity: Complexity | TooExpensive) -> list[GraphQLError]:
        """Returns why the document cannot run. Does not validate one that is too expensive, which could take long."""
        error = complexity if isinstance(complexity, TooExpensive) else limit_error(complexity, self.limits)
        return self.validation_errors if error is None else [error]

    def extensions(self, complexity: Complexity | TooExpensive) -> dict[str, Any]:
        """Returns the extensions of the answer: the cost."""
        if isinstance(complexity, TooExpensive):
            return {}
        return {"cost": {"requested": complexity.cost, "maximum": self.limits.cost}}


_documents: LRUCache[tuple[int, str, str | None, int], Document] = LRUCache(DOCUMENT_CHARACTERS)


def prepare(schema: GraphQLSchema, text: str, operation_name: str | None, limits: Limits) -> Document:
    """Returns the document of this text, cached. The cache's key has the ids of the schema and the limits, which the
    document keeps alive."""
    return _documents.get_or_create(
        (id(schema), text, operation_name, id(limits)),
        lambda: (
            Document(schema, text, operation_name, limits),
            document_weight(len(text) + len(operation_name or "")),
        ),
    )


class PrepareOperation(SchemaExtension):
    """Prepares the operations of streams, for which Strawberry's own steps run."""

    document: Document | None = None
    complexity: Complexity | TooExpensive | None = None

    def on_parse(self) -> Iterator[None]:
        """Reports no syntax error: here it would end the stream without a message. Schema.stream reports it."""
        context = self.execution_context
        schema: GraphQLSchema = context.schema._schema  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateUsage]
        limits: Limits = context.context.limits
        context.parse_options["max_tokens"] = limits.tokens
        operation_name = context._provided_operation_name  # pyright: ignore[reportPrivateUsage]
        self.document = prepare(schema, context.query or "", operation_name, limits)
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
