"""Documents that requests name instead of sending them, and the manifest beside which nothing is run."""

import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Literal, Protocol

from graphql import GraphQLError, get_operation_ast, parse
from pydantic import BaseModel, ValidationError

from server.errors import Refused
from server.parameters import Parameters
from server.settings import Settings

MOST_KEPT = 10_000_000  # characters, of all documents that a process keeps
OVERHEAD = 1_000  # what keeping a document takes besides, by a generous estimate


class Documents(Protocol):
    def text(self, asked: Parameters) -> str:
        """The document to run. Raises Refused where there is none."""
        ...


class Registered:
    """Any document may be sent, and one that is sent with its SHA-256 is kept under it until others need the room.
    Each process keeps its own: a client whose document is not found sends it again."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self.most = most
        self.size = 0
        self.kept: OrderedDict[str, str] = OrderedDict()  # the one that was used last is last

    def text(self, asked: Parameters) -> str:
        name = asked.named
        if not asked.query:
            return self._found(name or "")
        if asked.persisted is not None:
            made = hashlib.sha256(asked.query.encode()).hexdigest()
            if made != name:
                raise Refused(400, "BAD_REQUEST", "extensions.persistedQuery.sha256Hash is not that of the query.")
            self._keep(made, asked.query)
        return asked.query

    def _found(self, name: str) -> str:
        if name not in self.kept:
            # The status and the words are those by which Apollo's clients know that they have to send it.
            raise Refused(200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
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


class Trusted:
    """What is in the manifest is run, named or sent as it stands there, and nothing else."""

    def __init__(self, manifest: Manifest) -> None:
        """Raises ValueError where the manifest contradicts itself."""
        self.named: dict[str, str] = {}
        for operation in manifest.operations:
            name = operation.id.removeprefix("sha256:")
            if name in self.named:
                raise ValueError(f"two operations have the id {operation.id}")
            try:
                found = get_operation_ast(parse(operation.body), operation.name)
            except GraphQLError as wrong:
                raise ValueError(f"the body of {operation.name} cannot be parsed: {wrong.message}") from None
            if found is None or found.operation.value != operation.type:
                raise ValueError(f"the body of {operation.name} holds no {operation.type} of that name")
            self.named[name] = operation.body
        self.bodies = frozenset(self.named.values())

    def text(self, asked: Parameters) -> str:
        text = asked.query or self.named.get(asked.named or "")
        if text not in self.bodies:
            raise Refused(400, "DOCUMENT_NOT_TRUSTED", "Only operations that this server knows beforehand are run.")
        return text


def opened(settings: Settings) -> Documents:
    """Raises ValueError where the settings name a manifest that cannot be used."""
    if not settings.documents:
        return Registered()
    try:
        return Trusted(Manifest.model_validate_json(Path(settings.documents).read_bytes()))
    except OSError as error:
        raise ValueError(f"the manifest {settings.documents} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"the manifest {settings.documents} is malformed: {place}: {first['msg']}") from None
    except ValueError as error:
        raise ValueError(f"the manifest {settings.documents} is malformed: {error}") from None
