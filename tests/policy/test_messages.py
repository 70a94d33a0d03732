"""What a person reads: every refusal has a message in short sentences, and every condition completes "Allowed when …"."""

from itertools import product

import pytest

from models.enums import Action, Reason
from resolvers import policy
from resolvers.policy.messages import ACTION_MESSAGES, MESSAGES, message_for
from tests.conftest import NOW

RULES = list(policy.TABLE.values())
OF_ANY_RULE = {
    Reason.NOT_FOUND,
    Reason.NOT_OFFERED,
    Reason.NOT_YOUR_ROLE,
    Reason.CONFLICT_OF_INTEREST,
    Reason.WINDOW_NOT_OPEN,
    Reason.WINDOW_CLOSED,
    Reason.PROPOSAL_CHANGED,  # by what the person saw, not by a condition
}
OF_RULES = {condition.reason for rule in RULES for condition in rule.conditions}
BY_THE_ORDER = {(Action.APPEAL_DECISION, Reason.DISPUTE_OPEN)}  # what a dispute's facts do not say
INPUT_ERRORS = {Reason.INVALID_INPUT, Reason.IDEMPOTENCY_KEY_REUSED}  # their messages name the field


def test_every_reason_has_a_message() -> None:
    assert set(MESSAGES) == OF_RULES | OF_ANY_RULE == set(Reason) - INPUT_ERRORS


@pytest.mark.parametrize("reason", MESSAGES)
def test_a_message_is_made_of_short_sentences(reason: Reason) -> None:
    for action, opens_by_time in product(Action, (False, True)):
        text = message_for(action, reason, NOW, NOW, opens_by_time=opens_by_time)
        assert text.endswith(".")
        assert "{" not in text
        assert all(0 < len(sentence.split()) <= 25 for sentence in text.rstrip(".").split(". "))
        assert all(sentence[0].isupper() for sentence in text.split(". "))


@pytest.mark.parametrize(("action", "reason"), ACTION_MESSAGES)
def test_a_message_of_an_action_is_about_a_reason_that_it_can_have(action: Action, reason: Reason) -> None:
    own = {condition.reason for rule in RULES if rule.action is action for condition in rule.conditions}
    assert reason in own | OF_ANY_RULE or (action, reason) in BY_THE_ORDER
    if reason is Reason.WINDOW_CLOSED:
        assert any(rule.window and rule.window.days for rule in RULES if rule.action is action)


def test_conditions_complete_a_sentence() -> None:
    for rule in RULES:
        for text in [*rule.condition_texts, *([rule.window.text] if rule.window else [])]:
            assert ";" not in text, "docs/policy.md separates conditions by semicolons"
            assert not text[0].isupper()
            assert not text.endswith(".")
