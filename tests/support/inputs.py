"""Inputs that are wrong in one place, made from the schema, and checks that hold for every answer."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx2
from graphql import is_enum_type, is_list_type
from graphql.type import get_nullable_type, is_input_object_type

from models.keys import new_id
from schema import SCHEMA
from tests.conftest import Person, World
from tests.support.actions import everything_possible

TYPES: Any = SCHEMA._schema.type_map
MUTATIONS: Any = {name: field for name, field in TYPES["Mutation"].fields.items() if "input" in field.args}
Path = tuple[str | int, ...]

SECONDS = 3.0  # an idle machine answers within one second; a busy one gets more
INSIDES = """Traceback|File "|.py|site-packages|object at 0x|NoneType|sqlite|asyncpg|tortoise|strawberry|starlette|
uvicorn|orjson|pydantic|SELECT |INSERT |UPDATE |Exception|ArithmeticError|AssertionError|AttributeError|DataError|
DoesNotExist|IndexError|IntegrityError|InvalidOperation|JSONDecodeError|KeyError|LookupError|NotImplementedError|
OperationalError|OverflowError|RecursionError|RuntimeError|StopIteration|TypeError|UnicodeDecodeError|
UnicodeEncodeError|ValueError""".replace("\n", "").split("|")


def wrong(answer: httpx2.Response) -> list[str]:
    """Returns what is wrong with an answer, whatever the request was."""
    told = [f"it tells {inside!r}" for inside in INSIDES if inside in answer.text]
    masked = ["it is masked"] if '"INTERNAL"' in answer.text else []
    return told + masked + ([f"it is {answer.status_code}"] if answer.status_code >= 500 else [])


def body(query: str, variables: dict[str, Any]) -> bytes:
    """Returns JSON that may hold anything, lone surrogates included."""
    return json.dumps({"query": query, "variables": variables}).encode()


def said(person: Person) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {person.token}",
        "Content-Type": "application/json",
        "X-Recourse-Now": "2026-06-15T12:00:00Z",
    }


def input_type(mutation: str) -> Any:
    return MUTATIONS[mutation].args["input"].type


def document(mutation: str, literal: str | None = None) -> str:
    """Returns the mutation with its input as a variable, or as the given literal."""
    shape = "{ __typename userErrors { code message problem field } }"
    if literal is not None:
        return f"mutation {{ {mutation}(input: {literal}) {shape} }}"
    return f"mutation($input: {input_type(mutation)}) {{ {mutation}(input: $input) {shape} }}"


def right_inputs(world: World) -> dict[str, tuple[Person, dict[str, Any]]]:
    """Returns for every mutation a person who may do it, and a valid input."""
    others: dict[str, tuple[Person, dict[str, Any]]] = {
        "createUpload": (world.buyer, {"filename": "a.png", "contentType": "image/png", "size": 100}),
        "recordOrders": (
            world.service,
            {"orders": [world.record(amountPaid={"amount": "1.00", "currencyCode": "USD"})]},
        ),
        "recordRefunds": (world.service, {"refunds": [refund_record(world)]}),
    }
    return everything_possible(world) | others


def refund_record(world: World) -> dict[str, Any]:
    """Returns a record of a payment of what a cancelled order owes."""
    number = f"N{new_id().hex}"
    world.order(number=number, paidAt=20, cancelledAt=11)
    owed = world.service.ask("query($n: String!) { order(number: $n) { cancellation { number } } }", n=number)
    return {
        "orderNumber": number,
        "caseNumber": owed["order"]["cancellation"]["number"],
        "amount": {"amount": "1.00", "currencyCode": "USD"},
        "status": "SENT",
        "reference": f"R-{number}",
        "recordedAt": "2026-06-15T12:00:00Z",
    }


def places(of: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yields every place in an input of this type, with its type. A list has one place: its first entry."""
    of = get_nullable_type(of)
    if is_list_type(of):
        yield (*path, 0), of.of_type
        yield from places(of.of_type, (*path, 0))
    elif is_input_object_type(of):
        for name, field in of.fields.items():
            yield (*path, name), field.type
            yield from places(field.type, (*path, name))


def put(input: Any, of: Any, path: Path, value: Any) -> Any:
    """Returns the input with `value` in the place, and makes the objects on the way that are missing."""
    if not path:
        return value
    of, (step, *rest) = get_nullable_type(of), path
    if is_list_type(of):
        return [put((input or [None])[0], of.of_type, tuple(rest), value)]
    before: dict[str, Any] = {} if of.is_one_of or not input else deepcopy(input)
    return before | {step: put(before.get(str(step)), of.fields[step].type, tuple(rest), value)}


def literal(wanted: Any, value: Any) -> str:
    """Returns the value as a literal of a document."""
    of: Any = get_nullable_type(wanted)
    if isinstance(value, list):
        return f"[{', '.join(literal(of.of_type, each) for each in value)}]"
    if isinstance(value, dict):
        fields: dict[str, Any] = value
        return f"{{{', '.join(f'{name}: {literal(of.fields[name].type, each)}' for name, each in fields.items())}}}"
    return str(value) if is_enum_type(of) else json.dumps(value)
