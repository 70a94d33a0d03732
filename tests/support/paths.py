"""Generates documents that walk the schema: from every root, along every field of an object type, to every type."""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)
from graphql.type import is_abstract_type, is_object_type

from resolvers.read.rows import Row
from schema import SCHEMA
from tests.conftest import DAY, NOW, spell_instant

TYPES: Any = SCHEMA._schema.type_map
ROOTS: dict[str, Any] = {"query": TYPES["Query"], "mutation": TYPES["Mutation"], "subscription": TYPES["Subscription"]}

# Arguments of fields below the root. A new required argument needs a line here.
ARGUMENTS = {"action": "ESCALATE_DISPUTE", "at": f'"{spell_instant(NOW + 2 * DAY)}"', "first": "10"}
LARGEST = 800  # fields in one document


def rows(cls: type[Row] = Row) -> list[type[Row]]:
    """The types that are read from a table."""
    below = [each for child in cls.__subclasses__() for each in (child, *rows(child))]
    return [each for each in below if hasattr(each, "MODEL") and each.__module__.startswith("resolvers.")]


READ = {each.__name__.lstrip("_") for each in rows()}


@dataclass
class Part:
    """A selection: its head (a field or a fragment's condition), the leaves in it and what leads on."""

    head: str
    leaves: list[str] = field(default_factory=list[str])
    parts: list["Part"] = field(default_factory=list["Part"])

    @property
    def size(self) -> int:
        return len(self.leaves) + sum(1 + part.size for part in self.parts)

    def __str__(self) -> str:
        return f"{self.head} {{ {' '.join([*self.leaves, *map(str, self.parts)])} }}"

    def pieces(self, largest: int) -> Iterator["Part"]:
        """Yields it in pieces of a bounded size that lead to the same places."""
        if self.size <= largest:
            yield self
            return
        piece = Part(self.head, self.leaves)
        for smaller in (each for part in self.parts for each in part.pieces(largest)):
            if piece.size + smaller.size > largest:
                yield piece
                piece = Part(self.head, ["__typename"])
            piece.parts.append(smaller)
        yield piece


def _conditions(named: GraphQLNamedType) -> list[Any]:
    """Returns an interface, its possible types, and their interfaces."""
    possible = list(SCHEMA._schema.get_possible_types(TYPES[named.name]))
    names = {named.name} | {each.name for one in possible for each in (one, *one.interfaces)}
    return [TYPES[name] for name in sorted(names)]


def _call(name: str, of: GraphQLField) -> str:
    given = [f"{each}: {ARGUMENTS[each]}" for each in of.args if each in ARGUMENTS]
    missing = [each for each, argument in of.args.items() if is_required_argument(argument) and each not in ARGUMENTS]
    assert not missing, f"{name} cannot be asked without {missing}"
    return f"{name}({', '.join(given)})" if given else name


def below(head: str, named: GraphQLNamedType, hops: int, walked: frozenset[tuple[str, str]] = frozenset()) -> Part:
    """Returns all selections of `named`: no field twice on one path, and at most `hops` rows one below another."""
    if is_object_type(named):
        return _fields(head, named, hops, walked)
    conditions = [_fields(f"... on {each.name}", each, hops, walked) for each in _conditions(named)]
    return Part(head, ["__typename"], conditions)


def _fields(head: str, of: GraphQLObjectType, hops: int, walked: frozenset[tuple[str, str]]) -> Part:
    part = Part(head, ["__typename"])
    for name, each in of.fields.items():
        target, edge = TYPES[get_named_type(each.type).name], (of.name, name)
        asked = f"{of.name}_{name}: {_call(name, each)}"
        left = hops - (is_abstract_type(target) or target.name in READ)
        if is_leaf_type(target):
            part.leaves.append(asked)
        elif left >= 0 and edge not in walked:
            is_repeated = of.name == "Decision" and _is_repeated(target.name, walked)
            part.parts.append(
                Part(asked, ["__typename"]) if is_repeated else below(asked, target, left, walked | {edge})
            )
    return part


def _is_repeated(name: str, walked: frozenset[tuple[str, str]]) -> bool:
    """Whether this part of a decision is walked on another path: all of it below the available actions of a row, and its
    checks below any decision about one."""
    above = {field for _, field in walked}
    return (
        len(walked) > 5 or bool({"afterwards", "opens", "closes"} & above) or ("decision" in above and name != "Check")
    )


@dataclass(frozen=True)
class Document:
    """`variables` are the required arguments of the root field."""

    root: str
    text: str
    variables: tuple[str, ...]


def documents(operation: str, root: str, hops: int, literals: str = "") -> list[Document]:
    """Yields the documents below one root field, on every path. `literals` are arguments that are always the same."""
    of = ROOTS[operation].fields[root]
    needed = {name: argument for name, argument in of.args.items() if is_required_argument(argument)}
    declared = ", ".join(f"${name}: {argument.type}" for name, argument in needed.items())
    given = ", ".join([*(f"{name}: ${name}" for name in needed), *([literals] if literals else [])])
    head, target = root + (f"({given})" if given else ""), TYPES[get_named_type(of.type).name]
    start = f"{operation}({declared})" if declared else operation
    if is_leaf_type(target):
        return [Document(root, f"{start} {{ {head} }}", tuple(needed))]
    pieces = below(head, target, hops).pieces(LARGEST)
    return [Document(root, f"{start} {{ {piece} }}", tuple(needed)) for piece in pieces]


def objects(of: Any) -> list[str]:
    """Returns the names of the object types whose fields can be selected below a field of this type."""
    named = TYPES[get_named_type(of).name]
    if is_abstract_type(named):
        return [each.name for each in SCHEMA._schema.get_possible_types(named)]
    return [named.name] if is_object_type(named) else []


def nested(document: Document) -> Iterator[tuple[str, str]]:
    """Yields each field with the field that it is directly below, both as Type_field."""
    [operation] = parse(document.text).definitions
    waiting: list[tuple[str, Any]] = [(f"Query_{document.root}", each) for each in _selections(operation)]
    waiting = [(above, each) for above, root in waiting for each in _selections(root)]
    while waiting:
        above, selection = waiting.pop()
        if alias := getattr(selection, "alias", None):
            yield above, alias.value
            above = alias.value
        waiting += [(above, each) for each in _selections(selection)]


def _selections(node: Any) -> Sequence[Any]:
    return node.selection_set.selections if node.selection_set else ()


def paged(ids: Mapping[str, str]) -> dict[str, str]:
    """Returns a document for every paginated list, by the list's name. A list of a row is read below the row of its type in
    `ids`. `%` stands for the arguments of the list."""
    found: dict[str, str] = {}
    for name, of in TYPES.items():
        if name == "Case":  # its lists are those of its possible types
            continue
        for relation, each in getattr(of, "fields", {}).items():
            if "after" not in getattr(each, "args", ()):
                continue
            asked = f"{relation}(%) {{ pageInfo {{ endCursor }} }}"
            if name in ids:
                asked = f'node(id: "{ids[name]}") {{ ... on {name} {{ {asked} }} }}'
            found[f"{name}.{relation}"] = f"{{ viewer {{ {asked} }} }}" if name == "Viewer" else f"{{ {asked} }}"
    return found


# ---------------------------------------------------------------- the content of an answer


def legible(answer: Any) -> str:
    """Returns an answer as text, with its cursors decoded."""
    text = json.dumps(answer, ensure_ascii=False)
    return " ".join([text, *map(_spelled, re.findall(r'"([A-Za-z0-9_-]{16,})"', text))])


def _spelled(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        return ""


def reached(answer: Any) -> Iterator[str]:
    """Returns the names of all types in an answer, and, as Type_field, of all fields that are not empty."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name == "__typename":
                yield value
            elif value not in (None, []):
                yield name
            yield from reached(value)
    elif isinstance(answer, Sequence) and not isinstance(answer, str):
        for each in answer:
            yield from reached(each)
