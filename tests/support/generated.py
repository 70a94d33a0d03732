"""Generates documents from the schema's types, with page sizes as arguments and variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import get_named_type, is_interface_type, is_leaf_type, is_object_type

from schema import SCHEMA
from tests.support.paths import ARGUMENTS, TYPES

Choose = Callable[[list[Any]], Any]  # picks one of several: by Hypothesis, or at random
SIZES = [0, 1, 3, 20, 20, 100, 100.0, 100, None]


@dataclass
class Generated:
    """`roots` are the fields to begin with, by name, with the arguments that they need; below them lie up to `most`
    fields, up to `depth` objects deep."""

    choose: Choose
    roots: Mapping[str, str]
    depth: int = 8
    most: int = 200
    widths: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 5])
    sizes: list[Any] = field(default_factory=lambda: SIZES)
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    declared: list[str] = field(default_factory=list[str])
    fragments: list[str] = field(default_factory=list[str])
    fields: int = 0

    def document(self) -> str:
        asked: list[str] = []
        for place in range(self.choose([1, 1, 2, 3])):
            name = self.choose(sorted(self.roots))
            asked.append(f"r{place}: {self.asked(TYPES['Query'], name, self.depth)}")
        head = f"query({', '.join(self.declared)})" if self.declared else "query"
        return "\n".join([f"{head} {{ {' '.join(asked)} }}", *self.fragments])

    def asked(self, of: Any, name: str, depth: int) -> str:
        self.fields += 1
        definition = of.fields[name]
        given = [f"{each}: {ARGUMENTS[each]}" for each in definition.args if each in ("action", "at")]
        if of is TYPES["Query"] and self.roots[name]:
            given.append(self.roots[name])
        sizes = [*(each for each in ("first", "last") if each in definition.args), ""]
        if len(sizes) > 1 and (size := self.choose(sizes)):
            given.append(f"{size}: {self.size()}")
        head = f"{name}({', '.join(given)})" if given else name
        target: Any = get_named_type(definition.type)
        return head if is_leaf_type(target) else f"{head} {self.below(target, depth - 1)}"

    def size(self) -> str:
        """Returns a page size: a number, a variable, or a variable's default."""
        size, how = self.choose(self.sizes), self.choose(["literal", "variable", "default", "null"])
        if how == "literal" or size is None:
            return str(int(size or 0)) if size is not None else "null"
        name = f"v{len(self.declared)}"
        self.declared.append(f"${name}: Int{f' = {int(size)}' if how != 'variable' else ''}")
        if how != "default":
            self.variables[name] = size if how == "variable" else None
        return f"${name}"

    def below(self, target: Any, depth: int, *, together: bool = False) -> str:
        """`together` are selections in one place, in which the same name may have different types."""
        if is_interface_type(target):
            types = self.some([one.name for one in SCHEMA._schema.get_possible_types(target)])
            parts = [f"... on {each} {self.below(TYPES[each], depth, together=True)}" for each in types]
            return f"{{ __typename {' '.join(parts)} }}"
        assert is_object_type(target)
        leaves: list[str] = []
        others: list[str] = []
        for name, each in target.fields.items():
            (leaves if is_leaf_type(get_named_type(each.type)) else others).append(name)
        names = self.some(leaves)
        if "edges" in others or "node" in others:  # prefer fields that lead to more fields
            names += ["edges" if "edges" in others else "node"]
        elif depth > 0:
            names += self.some(others)
        shown: set[str] = set()
        parts: list[str] = []
        for name in names:
            if self.fields < self.most:
                alias = f"f{self.fields}: " if together or name in shown else ""
                shown.add(name)
                parts.append(f"{alias}{self.asked(target, name, depth)}")
        text = f"{{ __typename {' '.join(parts)} }}"
        if self.choose([False, False, False, True]):
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {target.name} {text}")
            return f"{{ ...{name} }}"
        return text

    def some(self, names: list[str]) -> list[str]:
        if not names:
            return []
        return [self.choose(names) for _ in range(self.choose(self.widths))]


def fields_in(answer: Any) -> int:
    """Returns the number of fields in an answer."""
    if isinstance(answer, dict):
        return len(answer) + sum(map(fields_in, answer.values()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return sum(map(fields_in, answer)) if isinstance(answer, list) else 0  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
