"""Fills forms by what they say, and just beyond it."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from resolvers.money import EXPONENTS
from tests.conftest import Person
from tests.support.inputs import TYPES, input_type, places
from tests.support.uploads import bring

FORM = """form { fields { path kind label hint required maxLength oneLine min max maxAmount { amount currencyCode } atMostItemsAt
  maxCount maxBytes contentTypes fileKinds { contentType maxBytes maxCount }
  choices { value label description recommendedEvidence onlyWith { path values } maxQuantity price { amount currencyCode } }
  onlyWith { path values } } groups { paths exactlyOne } }"""
DECISIONS = (
    f"""query($id: ID!) {{ node(id: $id) {{ ... on Actionable {{ availableActions {{ action {FORM} }} }} }} }}"""
)
COMPLAINT = f"{{ viewer {{ complaintForm {FORM.removeprefix('form')} }} }}"

Form = dict[str, Any]
Field = dict[str, Any]
Input = dict[str, Any]
Path = tuple[str, ...]
PAID_BACK = ("REFUND", "PARTIAL_REFUND", "RETURN_AND_REFUND")
AMOUNTS = {("wanted",): "claim", ("resolution",): "amount"}  # by the field that decides whether there is one
SAMPLES = {"EMAIL": "ana@x.example", "PHONE": "+34 600 000 000", "URL": "https://x.example/lamp"}


def forms(person: Person, id: str) -> dict[str, Form]:
    """Returns the forms of the actions that are available, by action."""
    offered = person.ask(DECISIONS, id=id)["node"]["availableActions"]
    return {decision["action"]: decision["form"] for decision in offered}


def paths(form: Form) -> list[str]:
    return [".".join(field["path"]) for field in form["fields"]]


def field_at(form: Form, path: str) -> Field:
    [found] = (field for field in form["fields"] if ".".join(field["path"]) == path)
    return found


def chosen(input: Input, path: Path) -> Any:
    for step in path:
        input = (input or {}).get(step)  # type: ignore[assignment]
    return input


def put(input: Input, path: Path, value: Any) -> Input:
    """Returns the input with the value at that path; without it, if the value is None."""
    changed = deepcopy(input)
    inside = changed
    for step in path[:-1]:
        inside = inside.setdefault(step, {})
    if value is None:
        inside.pop(path[-1], None)
    else:
        inside[path[-1]] = value
    return changed


def holds(conditions: list[dict[str, Any]], input: Input) -> bool:
    return all(chosen(input, tuple(each["path"])) in each["values"] for each in conditions)


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": f"{amount:f}", "currencyCode": currency}


def unit_of(currency: str) -> Decimal:
    return Decimal(1).scaleb(-EXPONENTS[currency])


@dataclass
class Filler:
    """Fills one form. `fills_all` takes every optional field, at its limit; otherwise only what is required, at its
    least. `pick` chooses among choices and the members of a group."""

    form: Form
    person: Person
    fills_all: bool
    pick: int
    files: list[str] = field(default_factory=list[str])

    def filled(self, fixed: Input | None = None) -> Input:
        """Returns an input that fits. The choices in `fixed` are made already."""
        input: Input = dict(fixed or {})
        for each in self.form["fields"]:
            if each["kind"] == "CHOICE" and chosen(input, tuple(each["path"])) is None:
                offered = [choice["value"] for choice in each["choices"] if holds(choice["onlyWith"], input)]
                input = put(input, tuple(each["path"]), offered[self.pick % len(offered)])
        for each in sorted(self.form["fields"], key=lambda each: each["kind"] == "MONEY"):  # limited by the items
            if each["kind"] != "CHOICE" and holds(each["onlyWith"], input) and self._takes(each):
                input = put(input, tuple(each["path"]), self.value(each, input))
        return input

    def _takes(self, each: Field) -> bool:
        for group in self.form["groups"]:
            if each["path"] in group["paths"]:
                is_picked = group["paths"].index(each["path"]) == self.pick % len(group["paths"])
                return is_picked or (self.fills_all and not group["exactlyOne"])
        return each["required"] or (self.fills_all and each["maxCount"] != 0)

    def value(self, each: Field, input: Input) -> Any:
        kind = each["kind"]
        if kind == "STARS":
            return each["max"] if self.fills_all else each["min"]
        if kind == "TEXT":
            text = "😀" * (each["maxLength"] if self.fills_all else 1)
            return text if each["oneLine"] or len(text) == 1 else f"{text[:-2]}\n😀"
        if kind == "MONEY":
            most = most_of(self.form, each, input)
            return money(most if self.fills_all else unit_of(currency_of(each)), currency_of(each))
        if kind == "FILES":
            self.files.append(bring(self.person))
            return [self.files[-1]]
        if kind == "ITEMS":
            return [{"itemId": each["value"], "quantity": each["maxQuantity"]} for each in each["choices"]]
        return SAMPLES[kind]


def currency_of(each: Field) -> str:
    return each["maxAmount"]["currencyCode"] if each["maxAmount"] else "EUR"


def most_of(form: Form, each: Field, input: Input) -> Decimal:
    """Returns the largest amount that a MONEY field takes with the items that are chosen."""
    if each["maxAmount"] is None:
        return Decimal(10) ** 9
    most = Decimal(each["maxAmount"]["amount"])
    if each["atMostItemsAt"] is None or not (lines := chosen(input, tuple(each["atMostItemsAt"]))):
        return most
    items = field_at(form, ".".join(each["atMostItemsAt"]))["choices"]
    prices = {choice["value"]: Decimal(choice["price"]["amount"]) for choice in items}
    cost = sum((prices[line["itemId"]] * line["quantity"] for line in lines), Decimal(0))
    return min(most, cost.quantize(unit_of(currency_of(each)), ROUND_DOWN))


def beyond(mutation: str, form: Form, filler: Filler, fits: Input) -> Iterator[tuple[str, set[Path], Input]]:
    """Yields inputs that do not fit in one place: what is wrong, where that can be said, and the input."""
    for each in form["fields"]:
        path = tuple(each["path"])
        if not holds(each["onlyWith"], fits):
            others = [other for other in form["fields"] if other["path"] == each["path"] and other is not each]
            if not any(holds(other["onlyWith"], fits) for other in others):
                yield "not taken now", {path}, put(fits, path, filler.value(each, fits))
            continue
        alone = without_alternatives(form, each, fits)
        for what, value in wrong_values(mutation, form, each, fits):
            if each["kind"] == "CHOICE":  # with the fields that this choice would bring
                before = {name: fits[name] for name in fits if name not in {f["path"][0] for f in form["fields"]}}
                for choice in form["fields"]:
                    if choice["kind"] == "CHOICE":
                        before = put(before, tuple(choice["path"]), chosen(fits, tuple(choice["path"])))
                changed = filler.filled(put(before, path, value))
                amount = AMOUNTS.get(path)
                if amount is not None and value in PAID_BACK and amount not in changed:
                    # Where nothing is left to pay back, it is the amount that is refused.
                    yield what, {path, (amount,)}, changed | {amount: money(Decimal(1), "USD")}
                else:
                    yield what, {path}, changed
            else:
                yield what, {path}, put(alone, path, value)
        if each["required"]:
            yield "left out", {path}, put(fits, path, None)
    for group in form["groups"]:
        members = [tuple(path) for path in group["paths"]]
        around = members[0][:-1]
        yield "none of a group", {around}, put(fits, around, None if group["exactlyOne"] else {})
        if group["exactlyOne"]:
            both = fits
            for each in form["fields"]:
                if each["path"] in group["paths"]:
                    both = put(both, tuple(each["path"]), filler.value(each, fits))
            yield "several of a group", {around}, both


def without_alternatives(form: Form, each: Field, input: Input) -> Input:
    """Returns the input without the other fields of a group that takes exactly one."""
    for group in form["groups"]:
        if group["exactlyOne"] and each["path"] in group["paths"]:
            for path in group["paths"]:
                input = put(input, tuple(path), None)
    return input


def wrong_values(mutation: str, form: Form, each: Field, fits: Input) -> Iterator[tuple[str, Any]]:
    kind = each["kind"]
    if kind == "STARS":
        yield "too few stars", each["min"] - 1
        yield "too many stars", each["max"] + 1
    elif kind == "CHOICE":
        offered = {choice["value"] for choice in each["choices"] if holds(choice["onlyWith"], fits)}
        for value in enum_at(mutation, tuple(each["path"])):
            if value not in offered:
                yield f"{value}, which is not offered", value
    elif kind == "MONEY":
        most, currency = most_of(form, each, fits), currency_of(each)
        yield "nothing", money(Decimal(0), currency)
        yield "too many decimals", money(unit_of(currency) / 10, currency)
        if each["maxAmount"] is not None:
            yield "a unit too much", money(most + unit_of(currency), currency)
            yield "another currency", money(min(most, Decimal(1)), "EUR" if currency != "EUR" else "USD")
    elif kind == "FILES":
        yield "a file too many", [f"upl_{number:032x}" for number in range(each["maxCount"] + 1)]
    elif kind == "ITEMS":
        [first, *_] = each["choices"]
        line = {"itemId": first["value"], "quantity": first["maxQuantity"]}
        yield "too many of a line", [line | {"quantity": first["maxQuantity"] + 1}]
        yield "none of a line", [line | {"quantity": 0}]
        yield "a line twice", [line, line]
        yield "no such line", [line | {"itemId": f"{first['value'].rsplit('_', 1)[0]}_99"}]
    else:
        yield "a letter too long", "x" * (each["maxLength"] + 1)
        yield "blank", " "
        if kind != "TEXT":
            yield "malformed", "??"
        elif each["oneLine"]:
            yield "two lines", "one\ntwo"


def enum_at(mutation: str, path: Path) -> list[str]:
    [of] = [of for place, of in places(input_type(mutation)) if place == path]
    return list(TYPES[str(of).rstrip("!")].values)
