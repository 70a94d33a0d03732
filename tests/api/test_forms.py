"""Forms: what the mutation of an action takes now. What fits a form is taken, and what does not is INVALID_INPUT."""

from typing import Any

import pytest

from tests.conftest import Person, World

FORM = """form { fields { path kind label hint required maxLength min max maxAmount { amount currencyCode } atMostItemsAt
  maxCount maxBytes contentTypes fileKinds { contentType maxBytes maxCount }
  choices { value label description recommendedEvidence onlyWith { path values } maxQuantity price { amount currencyCode } }
  onlyWith { path values } } groups { paths exactlyOne } }"""
OFFERED = f"""query($id: ID!) {{ node(id: $id) {{ ... on Actionable {{ availableActions {{ action {FORM} }} }} }} }}"""


def forms(person: Person, id: str) -> dict[str, Any]:
    """Returns the forms of the actions that are available, by action."""
    offered = person.ask(OFFERED, id=id)["node"]["availableActions"]
    return {decision["action"]: decision["form"] for decision in offered}


def paths(form: Any) -> list[str]:
    return [".".join(field["path"]) for field in form["fields"]]


@pytest.mark.parametrize(
    ("kind", "stars"),
    [
        ("TRADE_ASSURANCE", ["ratings.overall"]),
        (
            "SECURE_PAYMENT",
            ["ratings.areas.productAsAgreed", "ratings.areas.communication", "ratings.areas.shippingTime"],
        ),
    ],
)
def test_an_order_is_rated_as_its_kind_is(world: World, kind: str, stars: list[str]) -> None:
    form = forms(world.buyer, world.order(kind, completedAt=1))["LEAVE_FEEDBACK"]
    assert paths(form) == [*stars, "comment"]
    *rated, comment = form["fields"]
    assert {(field["kind"], field["min"], field["max"], field["required"]) for field in rated} == {
        ("STARS", 1, 5, True)
    }
    assert (comment["kind"], comment["maxLength"], comment["required"]) == ("TEXT", 4000, False)
    assert form["groups"] == []
