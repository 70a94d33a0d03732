"""Documents that requests name instead of sending them, and the manifest of those that alone are run."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, get_operation_ast, parse
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from server.errors import RequestRejected
from server.graphql.parameters import Parameters
from server.settings import Settings

MAX_CHARACTERS = 10_000_000  # characters, of all documents that a process keeps
OVERHEAD = 1_000  # what keeping a document takes besides, by a generous estimate


class Documents(Protocol):
    def text(self, asked: Parameters) -> str:
        """The document to run. Raises Refused where there is none."""
        ...


class AutomaticPersistedQueries:
    """Any document may be sent, and one that is sent with its SHA-256 is kept under it until others need the room.
    Each process keeps its own: a client whose document is not found sends it again."""

    def __init__(self, most: int = MAX_CHARACTERS) -> None:
        self.most = most
        self.size = 0
        self.kept: OrderedDict[str, str] = OrderedDict()  # the one that was used last is last

    def text(self, asked: Parameters) -> str:
        if not asked.query:
            return self._found(asked.named or "")
        if asked.persisted is not None:
            made = hashlib.sha256(asked.query.encode()).hexdigest()
            if made != asked.named:
                raise RequestRejected(
                    400, "BAD_REQUEST", "extensions.persistedQuery.sha256Hash is not that of the query."
                )
            self._keep(made, asked.query)
        return asked.query

    def _found(self, name: str) -> str:
        if name not in self.kept:
            # The status and the words are those by which Apollo's clients know that they have to send it.
            raise RequestRejected(200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        self.kept.move_to_end(name)
        return self.kept[name]

    def _keep(self, name: str, text: str) -> None:
        if name not in self.kept:
            self.kept[name] = text
            self.size += len(text) + OVERHEAD
        self.kept.move_to_end(name)
        while self.size > self.most:
            _, oldest = self.kept.popitem(last=False)
            self.size -= len(oldest) + OVERHEAD


class Operation(BaseModel, strict=True):
    id: str
    name: str
    type: Literal["query", "mutation", "subscription"]
    body: str


class Manifest(BaseModel, strict=True):
    """As Apollo's tools write it."""

    format: Literal["apollo-persisted-query-manifest"]
    version: Literal[1]
    operations: list[Operation]

    def bodies(self) -> Iterator[tuple[str, str]]:
        """Each operation's id and text. Raises ValueError for a text that is not what the manifest says of it."""
        for operation in self.operations:
            found = get_operation_ast(_parsed(operation.name, operation.body), operation.name)
            if found is None or found.operation.value != operation.type:
                raise ValueError(f"the body of {operation.name} holds no {operation.type} of that name")
            yield operation.id, operation.body


class TextsByHash(RootModel[dict[str, str]], strict=True):
    """As GraphQL Code Generator and Relay write it: `{hash: text}`. The hash may be of any kind."""

    def bodies(self) -> Iterator[tuple[str, str]]:
        """Each document's hash and text. Raises ValueError for a text without an operation."""
        for name, text in self.root.items():
            if not any(isinstance(each, OperationDefinitionNode) for each in _parsed(name, text).definitions):
                raise ValueError(f"the body of {name} holds no operation")
            yield name, text


def _parsed(name: str, text: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLError as wrong:
        raise ValueError(f"the body of {name} cannot be parsed: {wrong.message}") from None


class TrustedDocuments:
    """Runs the documents of a manifest, and nothing else. A request names one by its id, or sends its exact text."""

    def __init__(self, manifest: Manifest | TextsByHash) -> None:
        """Raises ValueError where the manifest contradicts itself."""
        self.named: dict[str, str] = {}
        for id, body in manifest.bodies():
            name = id.removeprefix("sha256:")
            if name in self.named:
                raise ValueError(f"two operations have the id {id}")
            self.named[name] = body
        self.bodies = frozenset(self.named.values())

    def text(self, asked: Parameters) -> str:
        # Clients may send their own text beside the id, differently formatted: the manifest decides what runs.
        text = next((self.named[name] for name in asked.names if name in self.named), asked.query)
        if text not in self.bodies:
            raise RequestRejected(
                400, "DOCUMENT_NOT_TRUSTED", "Only operations that this server knows beforehand are run."
            )
        return text


_JSON: TypeAdapter[Any] = TypeAdapter(Any)


def _read(content: bytes) -> Manifest | TextsByHash:
    """Raises ValidationError where it is neither."""
    said = _JSON.validate_json(content)
    is_by_hash = isinstance(said, dict) and not {"format", "operations"} & said.keys()
    return (TextsByHash if is_by_hash else Manifest).model_validate_json(content)


def opened(settings: Settings) -> Documents:
    """Raises ValueError where the settings name a manifest that cannot be used."""
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
