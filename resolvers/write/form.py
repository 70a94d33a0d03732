"""Makes an action's form from the declaration of its input, by which the mutation checks what it gets.

For `leaveFeedback` of a TRADE_ASSURANCE order, the input

    class RatingsInput(Input):
        overall: int | None = input_field("…", within=(1, 5), label="Your rating", now=…)
        areas: AreaRatingsInput | None = input_field("…", now=…)

    class LeaveFeedback(OrderInput):
        ratings: RatingsInput = input_field("The stars.")
        comment: str | None = input_field("The comment.", max_length=4000, label="Comment")

gives the fields ratings.overall (STARS from 1 to 5, required) and comment (TEXT up to 4,000 characters). The functions
`now` say that such an order takes `overall` and no `areas`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import EnumType
from functools import cache
from typing import Any, get_args, get_origin

from strawberry.utils.str_converters import to_camel_case

from models.enums import Action, DescribedEnum, FieldKind
from resolvers.actionable import Actionable
from resolvers.form import ActionForm, Choice, FieldCondition, FieldGroup, FormField, Path
from resolvers.policy import Decision
from resolvers.write.inputs import Declaration, Input, MoneyInput, Now, declarations, input_types


def form(root: Decision) -> ActionForm | None:
    """Returns what the mutation takes now; None where the action is not allowed now."""
    if not root.allowed or root.basis is None:
        return None
    subject = root.basis[1]
    # A decision about another instant has facts that are no row.
    return form_of(root.action, subject) if isinstance(subject, Actionable) else None


def form_of(action: Action, subject: Any) -> ActionForm:
    """Returns the form for an order or a case. `subject` is its row, or the facts of a trade that is not on record."""
    blank = _blank(input_types[action])
    if blank.complete is not None:
        return blank.complete
    fields = [field for declared in blank.fields for field in declared.as_of_now(subject)]
    paths = {field.path for field in fields}
    # A group of which one field is left is no choice. That field is required by itself.
    groups = [group for group in blank.groups if paths.issuperset(group.paths)]
    return ActionForm(fields, groups)


@dataclass(frozen=True, slots=True)
class _BlankField:
    """A field without what depends on the order or case, which `now` adds: of the input around it, then its own."""

    field: FormField
    now: tuple[Now, ...]

    def as_of_now(self, subject: Any) -> list[FormField]:
        fields = [self.field]
        for now in self.now:
            fields = [changed for field in fields for changed in now(field, subject)]
        return fields


@dataclass(frozen=True, slots=True)
class _BlankForm:
    """`complete` is the form itself, if nothing of it depends on the order or case."""

    fields: list[_BlankField]
    groups: list[FieldGroup]
    complete: ActionForm | None


@cache
def _blank(cls: type[Input]) -> _BlankForm:
    fields, groups = list(_fields(cls, (), (), required=True)), list(_groups(cls, ()))
    is_fixed = not any(field.now for field in fields)
    return _BlankForm(fields, groups, ActionForm([field.field for field in fields], groups) if is_fixed else None)


def _fields(cls: type[Input], path: Path, now: tuple[Now, ...], *, required: bool) -> Iterator[_BlankField]:
    for name, hint, declared in declarations(cls):
        below = (*path, to_camel_case(name))
        around = now if declared.now is None else (*now, declared.now)
        is_required = required and not declared.optional
        if declared.label is not None:
            field = _field(cls, below, _kind(hint, declared), _base(hint), declared, required=is_required)
            yield _BlankField(field, around)
        elif (inner := _base(hint)) is not MoneyInput and _is_input(inner):
            yield from _fields(inner, below, around, required=is_required)


def _field(
    cls: type[Input], path: Path, kind: FieldKind, base: Any, declared: Declaration, *, required: bool
) -> FormField:
    assert declared.label is not None
    least, most = declared.within or (None, None)
    only_with: tuple[FieldCondition, ...] = ()
    if declared.only_with is not None:
        name, values = declared.only_with
        [decides] = (hint for other, hint, _ in declarations(cls) if other == name)
        chosen = tuple([member.value for member in decides if member in values])
        only_with = (FieldCondition((*path[:-1], to_camel_case(name)), chosen),)
    choices = [
        Choice(member.value, member, evidence=declared.evidence.get(member, ()))
        for member in _members(base)
        if member not in declared.not_accepted
    ]
    return FormField(
        path=path,
        kind=kind,
        english_label=declared.label,
        english_hint=declared.hint,
        required=required or declared.only_with is not None,
        max_length=declared.max_length,
        one_line=declared.one_line if kind is FieldKind.TEXT else None,
        min=least,
        max=most,
        max_count=declared.max_items,
        choices=choices or None,
        only_with=only_with,
    )


def _members(base: Any) -> Iterable[DescribedEnum]:
    return base if isinstance(base, EnumType) else ()  # type: ignore[return-value]


def _kind(hint: Any, declared: Declaration) -> FieldKind:
    base = _base(hint)
    if declared.kind is not None:
        return declared.kind
    if declared.form is not None:
        return declared.form.kind
    if base is MoneyInput:
        return FieldKind.MONEY
    if isinstance(base, EnumType):
        return FieldKind.CHOICE
    return FieldKind.TEXT


def _groups(cls: type[Input], path: Path) -> Iterator[FieldGroup]:
    """Yields the groups of the inputs in this one. Their own fields are not inputs."""
    for name, hint, _ in declarations(cls):
        below = (*path, to_camel_case(name))
        inner = _base(hint)
        if inner is MoneyInput or not _is_input(inner) or get_origin(hint) is list:
            continue
        members = declarations(inner)
        paths = tuple([(*below, to_camel_case(member)) for member, _, _ in members])
        if any(declared.one_of for _, _, declared in members):
            yield FieldGroup(paths, exactly_one=True)
        elif inner.at_least_one is not None:
            yield FieldGroup(paths, exactly_one=False)
        yield from _groups(inner, below)


def _base(hint: Any) -> Any:
    """Returns X of `X | None`."""
    return (
        next((part for part in get_args(hint) if part is not type(None)), hint)
        if type(None) in get_args(hint)
        else hint
    )


def _is_input(base: Any) -> bool:
    return isinstance(base, type) and get_origin(base) is None and issubclass(base, Input)


def sentences() -> Iterator[str]:
    """Yields the sentences of all forms, for their translation. All modules that declare inputs must be imported."""
    for action in Action:
        for declared in _blank(input_types[action]).fields:
            field = declared.field
            yield field.english_label
            if field.english_hint is not None:
                yield field.english_hint
            for choice in field.choices or ():
                yield from choice.evidence


def taken_if(test: Callable[[Any], bool], *, required: bool = False) -> Now:
    """Returns the rule of a field that only some orders or cases take, and then may be required."""

    def now(field: FormField, subject: Any) -> list[FormField]:
        if not test(subject):
            return []
        return [replace(field, required=True) if required else field]

    return now
