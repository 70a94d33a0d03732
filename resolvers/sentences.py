"""All sentences that stand in tables, with what a translator should know about them.

`gettext` gets these from a table, so that no search of the code finds them. The sentences that code names in a call of
`gettext` are found there.
"""

from collections.abc import Iterator

from models.enums import Action
from resolvers import policy, timeline
from resolvers.names import CHOICES, NAMED, english_name
from resolvers.policy import ends
from resolvers.policy.messages import ACTION_MESSAGES, MESSAGES, humanize
from resolvers.write import form

Sentence = tuple[str, str]  # the sentence, and a comment for translators

_CONDITION = 'A condition. It completes "Allowed when …".'


def table_sentences() -> Iterator[Sentence]:
    for rule in policy.TABLE.values():
        yield rule.label, "The text of a button."
        for condition in rule.condition_texts:
            yield condition, _CONDITION
        if rule.window is not None:
            yield rule.window.text, _CONDITION
            yield rule.window.start_text, "The start of a period of some days."
    for message in (*MESSAGES.values(), *ACTION_MESSAGES.values()):
        yield message, "Why an action is refused."
    for action in Action:
        yield humanize(action), "The text of a button."
        yield action.done, "What happened."
    for change in timeline.sentences():
        yield change, "What happened."
    for enum in NAMED:
        for member in enum:
            yield english_name(member), f"A value of {enum.__name__}."
            if enum in CHOICES:
                yield member.description, "Explains a choice."
    for sentence in ends.SENTENCES:
        yield sentence, "An entry of the viewer's agenda and calendar."
    for sentence in form.sentences():
        yield sentence, "A label of a form, a hint below a field, or evidence that helps."
