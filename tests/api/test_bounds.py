"""Bounds of inputs are declared once: the schema describes each bound, and the mutation enforces it."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from strawberry.utils.str_converters import to_camel_case

from resolvers.write.checks import Checks
from resolvers.write.inputs import EMAIL, Declaration, Input, declarations, input_field, input_type
from tests.conftest import World
from tests.support import inputs
from tests.support.actions import AREAS
from tests.support.inputs import MUTATIONS, Path, put, right_inputs


def input_class(mutation: str) -> type[Input]:
    return inputs.input_type(mutation).of_type.extensions["strawberry-definition"].origin


def bounded(cls: type[Input], path: Path = ()) -> Iterator[tuple[Path, Declaration]]:
    """Yields every field with bounds below an input, with its path. A list of inputs has one: its first entry."""
    for name, hint, declared in declarations(cls):
        below = (*path, to_camel_case(name))
        if declared.has_bounds:
            yield below, declared
        for kind in (hint, *get_args(hint)):
            if get_origin(kind) is list and issubclass_of_input(get_args(kind)[0]):
                yield from bounded(get_args(kind)[0], (*below, 0))
            elif issubclass_of_input(kind) and get_origin(hint) is not list:
                yield from bounded(kind, below)


def issubclass_of_input(kind: Any) -> bool:
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, Input)


def violations(declared: Declaration, value: Any) -> Iterator[tuple[Any, str]]:
    """Yields values that break a bound, each with its problem. `value` is a valid one."""
    if declared.max_length is not None:
        yield "x" * (declared.max_length + 1), "TOO_LONG"
        yield " ", "REQUIRED"
        yield "\0", "OTHER"
    if declared.one_line:
        yield "two\nlines", "WRONG_FORM"
    if declared.form is not None:
        yield "??", "WRONG_FORM"
    if declared.within is not None:
        yield declared.within[0] - 1, "OUT_OF_RANGE"
        yield declared.within[1] + 1, "OUT_OF_RANGE"
    if declared.max_items is not None:
        number = declared.max_items + 1
        yield (value * number if value else [f"upload-{n}" for n in range(number)]), "TOO_MANY"
    if declared.not_empty:
        yield [], "REQUIRED"


def value_at(input: Any, path: Path) -> Any:
    for step in path:
        input = input[step] if isinstance(step, int) else (input or {}).get(step)
    return input


def test_every_declared_bound_is_enforced(world: World) -> None:
    missed: list[tuple[str, str, str]] = []
    checked = 0
    for mutation, (person, right) in right_inputs(world).items():
        of = inputs.input_type(mutation)
        for path, declared in bounded(input_class(mutation)):
            base = put(right, of, ("ratings",), AREAS) if path[:2] == ("ratings", "areas") else right
            for value, problem in violations(declared, value_at(base, path)):
                field = ".".join(map(str, path))
                checked += 1
                if (field, problem) not in person.problems(mutation, put(base, of, path, value)):
                    missed.append((mutation, field, problem))
    assert missed == []
    assert checked > 150


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_every_bound_is_described(mutation: str) -> None:
    for name, _, declared in declarations(input_class(mutation)):
        described = inputs.input_type(mutation).of_type.fields[to_camel_case(name)].description
        for bound in (declared.max_length, declared.max_items, *(declared.within or ())):
            assert bound is None or f"{bound:,}" in described


def test_a_field_says_its_bounds() -> None:
    @input_type("Something.")
    class Something(Input):
        title: str = input_field("The title.", max_length=1000, one_line=True)
        note: str | None = input_field("The note.", max_length=10)
        stars: int = input_field("The stars.", within=(1, 5))
        files: list[str] = input_field("The ids.", max_items=3, items="files", not_empty=True)
        more: list[str] | None = input_field("More ids.", max_items=3)
        email: str | None = input_field("An address.", form=EMAIL)
        plain: str | None = input_field("No bounds.")

    definition: Any = Something
    assert [each.description for each in definition.__strawberry_definition__.fields] == [
        "The title. Up to 1,000 characters in one line.",
        "The note. Up to 10 characters; may be left out.",
        "The stars. From 1 to 5.",
        "The ids. 1 to 3 files.",
        "More ids. At most 3 entries; may be left out.",
        "An address. Up to 254 characters; may be left out.",
        "No bounds.",
    ]
    assert definition.__strawberry_definition__.name == "SomethingInput"


def test_a_field_without_a_declaration_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Bare.text is not declared"):

        @input_type("Bare.")
        class Bare(Input):  # type: ignore[reportUnusedClass]
            text: str


def test_problems_are_reported_in_order_with_their_paths() -> None:
    @input_type("An entry.")
    class EntryInput(Input):
        the_stars: int = input_field("The stars.", within=(1, 5))

    @input_type("An input with a key.")
    class Keyed(Input):
        key: str | None = input_field("The key.", max_length=1, checked_last=True)

    @input_type("The whole.")
    class Whole(Keyed):
        first: str = input_field("The first.", max_length=1)
        second: str | None = input_field("The second.", max_length=1)
        my_entries: list[EntryInput] = input_field("The entries.", max_items=3)
        one: EntryInput | None = input_field("One.")

    whole = Whole(key="xx", first="xx", second="xx", my_entries=[EntryInput(the_stars=9)] * 2, one=None)
    checks = Checks(whole, "wholes.3.")
    checks.declared("second")
    checks.declared()
    assert [".".join(error.field or ()) for error in checks.errors] == [
        "wholes.3.second",
        "wholes.3.first",
        "wholes.3.myEntries.0.theStars",
        "wholes.3.myEntries.1.theStars",
        "wholes.3.key",
    ]
