"""Persisted queries: documents that requests name instead of sending them, from a cache or from a trusted manifest."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from cachetools import LRUCache
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, get_operation_ast, parse
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from server.errors import RequestRejected
from server.graphql.parameters import Parameters
from server.settings import Settings

MAX_CHARACTERS = 10_000_000  # of all documents that a process keeps
OVERHEAD = 1_000  # characters that a kept document counts in addition, a generous estimate


class Documents(Protocol):
    def text(self, parameters: Parameters) -> str:
        """Returns the document to execute. Raises RequestRejected where there is none."""
        ...


def _size(text: str) -> int:
    return len(text) + OVERHEAD


class AutomaticPersistedQueries:
    """Accepts any document. Keeps one that is sent with its SHA-256, so that later requests can send the hash only.

    Evicts the least recently used documents when it is full. Each process has its own cache: a client whose document is
    not found sends it again.
    """

    def __init__(self, max_size: int = MAX_CHARACTERS) -> None:
        self.texts: LRUCache[str, str] = LRUCache(max_size, getsizeof=_size)

    def text(self, parameters: Parameters) -> str:
        if not parameters.query:
            return self._find(parameters.name or "")
        if parameters.persisted is not None:
            hash = hashlib.sha256(parameters.query.encode()).hexdigest()
            if hash != parameters.name:
                raise RequestRejected(
                    400,
                    "BAD_REQUEST",
                    "extensions.persistedQuery.sha256Hash is not the hash of the query.",
                )
            self._keep(hash, parameters.query)
        return parameters.query

    def _find(self, hash: str) -> str:
        try:
            return self.texts[hash]
        except KeyError:
            # By this status and message, Apollo's clients know that they must send the document.
            raise RequestRejected(200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound") from None

    def _keep(self, hash: str, text: str) -> None:
        try:
            self.texts[hash] = text
        except ValueError:  # larger than the whole cache, which it would have emptied
            self.texts.clear()


class Operation(BaseModel, strict=True):
    id: str
    name: str
    type: Literal["query", "mutation", "subscription"]
    body: str


class Manifest(BaseModel, strict=True):
    """A manifest as Apollo's tools write it."""

    format: Literal["apollo-persisted-query-manifest"]
    version: Literal[1]
    operations: list[Operation]

    def bodies(self) -> Iterator[tuple[str, str]]:
        """Yields each operation's id and text. Raises ValueError for a text that the manifest describes wrongly."""
        for operation in self.operations:
            node = get_operation_ast(_parsed(operation.name, operation.body), operation.name)
            if node is None or node.operation.value != operation.type:
                raise ValueError(f"the body of {operation.name} holds no {operation.type} of that name")
            yield operation.id, operation.body


class TextsByHash(RootModel[dict[str, str]], strict=True):
    """A manifest as GraphQL Code Generator and Relay write it: `{hash: text}`, with any kind of hash."""

    def bodies(self) -> Iterator[tuple[str, str]]:
        """Yields each document's hash and text. Raises ValueError for a text without an operation."""
        for name, text in self.root.items():
            if not any(isinstance(node, OperationDefinitionNode) for node in _parsed(name, text).definitions):
                raise ValueError(f"the body of {name} holds no operation")
            yield name, text


def _parsed(name: str, text: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLError as wrong:
        raise ValueError(f"the body of {name} cannot be parsed: {wrong.message}") from None


class TrustedDocuments:
    """Executes only the documents of a manifest. A request sends a document's id or its exact text."""

    def __init__(self, manifest: Manifest | TextsByHash) -> None:
        """Raises ValueError where the manifest contradicts itself."""
        self.by_id: dict[str, str] = {}
        for id, body in manifest.bodies():
            name = id.removeprefix("sha256:")
            if name in self.by_id:
                raise ValueError(f"two operations have the id {id}")
            self.by_id[name] = body
        self.bodies = frozenset(self.by_id.values())

    def text(self, parameters: Parameters) -> str:
        # Where a client sends both, the manifest's text is executed: the client may have formatted its own differently.
        text = next((self.by_id[name] for name in parameters.names if name in self.by_id), parameters.query)
        if text not in self.bodies:
            raise RequestRejected(
                400, "DOCUMENT_NOT_TRUSTED", "This server only runs operations that were registered with it."
            )
        return text


_JSON: TypeAdapter[Any] = TypeAdapter(Any)


def _read(content: bytes) -> Manifest | TextsByHash:
    """Raises ValidationError where it is neither."""
    value = _JSON.validate_json(content)
    is_by_hash = isinstance(value, dict) and not {"format", "operations"} & value.keys()
    return (TextsByHash if is_by_hash else Manifest).model_validate_json(content)


def open_documents(settings: Settings) -> Documents:
    """Returns the documents that the settings allow. Raises ValueError where the manifest cannot be used."""
    if not settings.documents:
        return AutomaticPersistedQueries()
    try:
        return TrustedDocuments(_read(Path(settings.documents).read_bytes()))
    except OSError as error:
        raise ValueError(f"the manifest {settings.documents} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"the manifest {settings.documents} is malformed: {place}: {first['msg']}") from None
    except ValueError as error:
        raise ValueError(f"the manifest {settings.documents} is malformed: {error}") from None
