"""Idempotency: an action with a key is done once, however often the request arrives.

The client makes up a key for each action. The first statement of the transaction claims it:

    INSERT INTO idempotency_keys (id, caller_id, key, action, digest, used_at) VALUES (…)
        ON CONFLICT (caller_id, key) DO UPDATE SET … WHERE idempotency_keys.used_at < $7 RETURNING id

A returned row means that the key is new, or has expired, so the action is performed. Otherwise, the key is in use.
If the digest of the input is the same, the request is a repeat: the answer shows the current state. If it differs, the
action is refused. A second request that arrives while the first one runs waits at this statement.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

import models
from models import database
from models.enums import Action, Reason
from models.keys import new_id
from resolvers.context import Context
from resolvers.errors import ActionRefused, UserError
from resolvers.language import gettext
from resolvers.read.sql import Statement
from resolvers.write.inputs import Input, input_field, input_type

RETENTION = timedelta(days=1)
FIELD = "idempotencyKey"


@input_type("The input of an action that takes an idempotency key.")
class IdempotentInput(Input):
    idempotency_key: str | None = input_field(
        "A key that the client makes up for this one action. If it is sent again with the same input within "
        f"{RETENTION // timedelta(hours=1)} hours, nothing is done again, and the payload shows what was done. "
        "With another input it is refused.",
        max_length=255,
        exact=True,  # as the client made it, and as the release before stored it
        checked_last=True,
    )


@dataclass(frozen=True, slots=True)
class FirstUse:
    """The first use of a key. `case_id` is the case that the action was about, where the input names none."""

    case_id: UUID | None


async def claim(context: Context, action: Action, input: IdempotentInput) -> FirstUse | None:
    """Claims the input's key for this transaction. Returns the key's first use, or None where the action is to be done.

    Waits for another transaction that has claimed the key and not ended yet. A key's age is measured in real time.
    Raises ActionRefused where the key was used for something else.
    """
    if input.idempotency_key is None:
        return None
    caller, key, digest = context.viewer.id, input.idempotency_key, _digest(action, input)
    statement = Statement()
    bind = statement.bind
    row = ", ".join(map(bind, (new_id(), caller, key, action.value, digest, context.arrived_at)))
    claimed = await database.returning(
        f"INSERT INTO idempotency_keys (id, caller_id, key, action, digest, used_at) VALUES ({row})"
        " ON CONFLICT (caller_id, key) DO UPDATE SET action = excluded.action, digest = excluded.digest,"
        f" case_id = NULL, used_at = excluded.used_at WHERE idempotency_keys.used_at < {bind(_expiry(context))}"
        " RETURNING id",
        statement.values,
    )
    if claimed:
        return None
    first = await models.IdempotencyKey.get(caller_id=caller, key=key)
    if first.digest != digest:
        message = gettext("This key was used for a different request. Use a new key for each request.")
        raise ActionRefused([UserError(Reason.IDEMPOTENCY_KEY_REUSED, message, field=[FIELD])])
    return FirstUse(first.case_id)


async def set_case(context: Context, input: IdempotentInput, case_id: UUID) -> None:
    """Stores with the input's key, if there is one, the case that the action was about."""
    if input.idempotency_key is not None:
        used = models.IdempotencyKey.filter(caller_id=context.viewer.id, key=input.idempotency_key)
        await used.update(case_id=case_id)


async def clear(now: datetime) -> None:
    """Deletes keys that no request can repeat any more. `now` is the real time."""
    await models.IdempotencyKey.filter(used_at__lt=now - 2 * RETENTION).delete()


def _expiry(context: Context) -> datetime:
    """Returns the time before which used keys have expired."""
    return context.arrived_at - RETENTION


# Fields that later releases added. While they are null, the digest is the one that the release before them made.
_ADDED_FIELDS = ("proposal_id", "cancellation_id", "lines")


def _digest(action: Action, input: IdempotentInput) -> str:
    values = asdict(input)
    del values["idempotency_key"]
    for name in _ADDED_FIELDS:
        if values.get(name) is None:
            values.pop(name, None)
    text = orjson.dumps([action.value, values], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()
