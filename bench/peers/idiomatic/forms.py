"""The forms of the idiomatic peer: objects made at start, of which each request changes what depends on its order."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import strawberry

import models
from bench.peers.handwritten.forms import FORMS, OTHERS, OWED, REASONS, limits, reasons_for
from bench.peers.idiomatic.common import Money, money
from models.enums import Action, FieldKind


@strawberry.type
class FieldCondition:
    path: list[str]
    values: list[str]


@strawberry.type
class FileKind:
    content_type: str
    max_bytes: int
    max_count: int


@strawberry.type
class Choice:
    value: str
    label: str
    only_with: list[FieldCondition]
    max_quantity: int | None = None
    price: Money | None = None


@strawberry.type
class FormField:
    path: list[str]
    kind: FieldKind
    label: str
    hint: str | None
    required: bool
    max_length: int | None
    one_line: bool | None
    min: int | None
    max: int | None
    max_amount: Money | None
    at_most_items_at: list[str] | None
    max_count: int | None
    max_bytes: int | None
    content_types: list[str] | None
    file_kinds: list[FileKind] | None
    choices: list[Choice] | None
    only_with: list[FieldCondition]


@strawberry.type
class FieldGroup:
    paths: list[list[str]]
    exactly_one: bool


@strawberry.type
class ActionForm:
    fields: list[FormField]
    groups: list[FieldGroup]


def _conditions(stored: Iterable[dict[str, Any]]) -> list[FieldCondition]:
    return [FieldCondition(**condition) for condition in stored]


def _file_kind(stored: dict[str, Any]) -> FileKind:
    return FileKind(content_type=stored["contentType"], max_bytes=stored["maxBytes"], max_count=stored["maxCount"])


def _field(stored: dict[str, Any]) -> FormField:
    files, choices = stored["fileKinds"], stored["choices"]
    return FormField(
        path=stored["path"],
        kind=FieldKind(stored["kind"]),
        label=stored["label"],
        hint=stored["hint"],
        required=stored["required"],
        max_length=stored["maxLength"],
        one_line=stored["oneLine"],
        min=stored["min"],
        max=stored["max"],
        max_amount=None,
        at_most_items_at=None,
        max_count=stored["maxCount"],
        max_bytes=stored["maxBytes"],
        content_types=stored["contentTypes"],
        file_kinds=files and [_file_kind(file) for file in files],
        choices=choices and [Choice(value=each["value"], label=each["label"], only_with=[]) for each in choices],
        only_with=_conditions(stored["onlyWith"]),
    )


_FORMS = {
    name: ActionForm(
        fields=[_field(field) for field in form["fields"]],
        groups=[FieldGroup(paths=group["paths"], exactly_one=group["exactlyOne"]) for group in form["groups"]],
    )
    for name, form in FORMS.items()
}


def form_of(action: Action, order: models.Order) -> ActionForm:
    form = _FORMS.get(action.value) or _FORMS[f"{action.value} {order.kind.value}"]
    if action is not Action.OPEN_DISPUTE:
        return form
    lines, possible = _lines(order), limits(vars(order))
    fields: list[FormField] = []
    for field in form.fields:
        match field.path:
            case ["lines"]:
                fields += [replace(field, choices=lines, max_count=len(lines))] if lines else []
            case ["wanted"]:
                fields.append(replace(field, choices=_wishes(field, possible)))
            case ["claim"]:
                fields += [
                    replace(
                        field,
                        max_amount=money(amount, order.currency),
                        at_most_items_at=["lines"] if lines else None,
                        only_with=field.only_with + _with_reasons(reasons),
                    )
                    for amount, reasons in possible
                ]
            case _:
                fields.append(field)
    return ActionForm(fields=fields, groups=[])


def _with_reasons(reasons: list[str]) -> list[FieldCondition]:
    return [FieldCondition(path=["reason"], values=reasons)] if len(reasons) < len(REASONS) else []


def _wishes(field: FormField, possible: list[tuple[int, list[str]]]) -> list[Choice]:
    paying = {reason for _, reasons in possible for reason in reasons}
    return [
        replace(choice, only_with=_with_reasons(reasons))
        for choice in field.choices or ()
        if (reasons := reasons_for(choice.value, OTHERS[0] in paying, OWED in paying))
    ]


def _lines(order: models.Order) -> list[Choice]:
    return [
        Choice(
            value=f"lin_{order.id.hex}_{place}",
            label=title,
            only_with=[],
            max_quantity=quantity,
            price=money(price, order.currency, *more[:1]),
        )
        for place, (title, quantity, price, *more) in enumerate(order.items)
        if price >= 0  # no discount
    ]
