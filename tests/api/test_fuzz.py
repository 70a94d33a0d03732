"""Every mutation with random inputs, generated from the schema's types: it is done, or it is refused with reasons that
name what is wrong. It never causes an internal error."""

import string
from collections.abc import Generator
from typing import Any, cast

import httpx2
import pytest
from graphql import is_enum_type, is_list_type, is_non_null_type
from graphql.type import get_nullable_type, is_input_object_type
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Person, Server, World
from tests.support.inputs import MUTATIONS, SECONDS, body, document, input_type, right_inputs, said, wrong

pytestmark = pytest.mark.slow

EXAMPLES = 40  # of each mutation
Strategy = st.SearchStrategy[Any]
Right = tuple[Person, dict[str, Any]]

ODD = "\0\t\n\r\x7f\x85\u200b\u2028\u202e\ufeff\ufffe\uffffßİıﬃ０Ａ😀👨‍👩‍👧é\U0010ffff%_\\'\"{}$"
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(st.sampled_from(string.ascii_letters + ODD), max_size=50),
    st.integers(1, 5_000).map(lambda length: "x" * length),
    st.sampled_from(
        ["", " ", "\ud800", "null", "a@b.example", "https://a.example/1", "+34 600 000 000", "image/png", "a.png"]
    ),
)
IDS = st.one_of(
    TEXTS,
    st.from_regex(r"(acc|viw|ord|fbk|can|dsp|cmp|msg|att|upl|rfd)_[0-9a-f]{32}", fullmatch=True),
    st.from_regex(r"lin_[0-9a-f]{32}_[0-9]{1,9}", fullmatch=True),
    st.integers(-(2**31), 2**31 - 1),
)
DECIMALS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(-(10**16), 10**16, places=2).map(str),
    st.decimals(0, 100, places=2).map(str),
    st.from_regex(r"-?\d{1,31}(\.\d{1,11})?", fullmatch=True),
    TEXTS,
)
CURRENCIES = st.one_of(st.sampled_from(["USD", "JPY", "BHD", "XAU", "XXX", "usd"]), st.from_regex(r"[A-Z]{3}"), TEXTS)
INSTANTS = st.one_of(
    st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    st.from_regex(
        r"(19|20|90)\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", fullmatch=True
    ),
    TEXTS,
)
SCALARS: dict[str, Strategy] = {
    "String": TEXTS,
    "ID": IDS,
    "Int": st.one_of(st.integers(0, 6), st.integers(-(2**31), 2**31 - 1)),
    "Boolean": st.booleans(),
    "Decimal": DECIMALS,
    "CurrencyCode": CURRENCIES,
    "DateTime": INSTANTS,
}


def anything(of: Any) -> Strategy:
    """Generates any value of this type."""
    if not is_non_null_type(of):
        return st.none() | anything_but_null(of)
    return anything_but_null(of.of_type)


def anything_but_null(of: Any) -> Strategy:
    if is_list_type(of):
        return st.lists(anything(of.of_type), max_size=12)
    if is_enum_type(of):
        return st.sampled_from(sorted(of.values))
    if is_input_object_type(of):
        return some_fields(of.fields, one_of=of.is_one_of)
    return SCALARS[of.name]


def some_fields(fields: dict[str, Any], *, one_of: bool) -> Strategy:
    if one_of:
        alone = [st.fixed_dictionaries({name: anything_but_null(each.type)}) for name, each in fields.items()]
        return st.one_of(alone)
    made = {name: anything(each.type) for name, each in fields.items()}
    needed = {name for name, each in fields.items() if is_non_null_type(each.type)}
    return st.fixed_dictionaries(
        {name: made[name] for name in needed}, optional={name: made[name] for name in made.keys() - needed}
    )


def astray(of: Any, right: dict[str, Any]) -> Strategy:
    """Generates a valid input with some fields replaced, so that it passes as many checks as possible."""
    made = {name: anything(each.type) | entries_astray(each.type, right.get(name)) for name, each in of.fields.items()}
    return st.fixed_dictionaries({}, optional=made).map(lambda some: right | some)


def entries_astray(wanted: Any, right: Any) -> Strategy:
    """Generates lists of inputs of which each is valid except for some fields; nothing for other types."""
    of: Any = get_nullable_type(wanted)
    entry = cast("Any", get_nullable_type(cast("Any", of).of_type)) if is_list_type(of) else None
    if not right or not is_input_object_type(entry):
        return st.nothing()
    return st.lists(astray(entry, right[0]), min_size=1, max_size=2)


@pytest.fixture(scope="module")
def impatient(server: Server) -> Generator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=SECONDS) as http:
        yield http


@pytest.fixture(scope="module")
def right(server: Server) -> Generator[dict[str, Right]]:
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        yield right_inputs(World(http))


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_whatever_is_sent(impatient: httpx2.Client, right: dict[str, Right], mutation: str) -> None:
    person, input = right[mutation]
    of: Any = get_nullable_type(input_type(mutation))

    @settings(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(st.one_of(anything_but_null(of), astray(of, input)))
    def sent(given: dict[str, Any]) -> None:
        answer = impatient.post("/graphql", content=body(document(mutation), {"input": given}), headers=said(person))
        assert wrong(answer) == []
        told = answer.json()
        if told.get("data") is not None:
            check(of, told["data"][mutation]["userErrors"])
        else:
            assert {error.get("extensions", {}).get("code") for error in told["errors"]} == {"BAD_REQUEST"}

    sent()
    assert impatient.post("/graphql", content=body("{ serverTime }", {}), headers=said(person)).status_code == 200


def check(of: Any, errors: list[dict[str, Any]]) -> None:
    """Checks that every error has a readable message, and that an error about the input names an existing field."""
    for error in errors:
        assert error["code"]
        assert error["message"].strip()
        if error["code"] == "INVALID_INPUT":
            assert error["problem"]
            assert is_place(of, error["field"]), error
        assert (error["code"] in ("INVALID_INPUT", "IDEMPOTENCY_KEY_REUSED")) == (error["field"] is not None)


def is_place(wanted: Any, path: list[str]) -> bool:
    of: Any = get_nullable_type(wanted)
    if not path:
        return True
    step, *rest = path
    if is_list_type(of):
        return step.isdecimal() and is_place(of.of_type, rest)
    fields = cast("dict[str, Any]", of.fields) if is_input_object_type(of) else {}
    return step in fields and is_place(fields[step].type, rest)
