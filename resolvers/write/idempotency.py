"""Doing something once, however often it is asked: by a key that the caller makes up for it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from strawberry import UNSET

import models
from models import database
from models.enums import Action, Reason
from models.keys import new_id
from resolvers.errors import ActionRefused, UserError
from resolvers.read.sql import Statement
from resolvers.write.inputs import Checks, Input

if TYPE_CHECKING:
    from datetime import datetime

    from resolvers.context import Context

RETENTION = timedelta(days=1)
MAX_KEY_LENGTH = 255  # characters
FIELD = "idempotencyKey"


@dataclass(kw_only=True)
class IdempotentInput(Input):
    """The input of something that can be done under a key."""

    EXACT = frozenset({"idempotency_key"})  # as the client made it, and as the release before stored it

    idempotency_key: str | None = UNSET


@dataclass(frozen=True, slots=True)
class FirstUse:
    """The first time that it was done. `case_id` is the case that came of it, where the input names none."""

    case_id: UUID | None


def check(checks: Checks, input: IdempotentInput) -> None:
    checks.text(FIELD, input.idempotency_key, MAX_KEY_LENGTH)


async def claim(context: Context, action: Action, input: IdempotentInput) -> FirstUse | None:
    """Takes the input's key for what the transaction is going to do; None where nobody has used it, or there is none.

    Waits for a twin that is under way. Keys and their age go by real time. Raises Refused where the key was used for
    something else.
    """
    if input.idempotency_key is None:
        return None
    caller, key, digest = context.viewer.id, input.idempotency_key, _digest(action, input)
    statement = Statement()
    bind = statement.bind
    row = ", ".join(map(bind, (new_id(), caller, key, action.value, digest, context.arrived_at)))
    taken = await database.returning(
        f"INSERT INTO idempotency_keys (id, caller_id, key, action, digest, used_at) VALUES ({row})"
        " ON CONFLICT (caller_id, key) DO UPDATE SET action = excluded.action, digest = excluded.digest,"
        f" case_id = NULL, used_at = excluded.used_at WHERE idempotency_keys.used_at < {bind(_expired(context))}"
        " RETURNING id",
        statement.values,
    )
    if taken:
        return None
    first = await models.IdempotencyKey.get(caller_id=caller, key=key)
    if first.digest != digest:
        message = "This key was used for something else; make up a new one for each thing that is to be done."
        raise ActionRefused([UserError(Reason.IDEMPOTENCY_KEY_REUSED, message, field=[FIELD])])
    return FirstUse(first.case_id)


async def note_case(context: Context, input: IdempotentInput, case_id: UUID) -> None:
    """Writes down which case came of what was done under the input's key."""
    if input.idempotency_key is not None:
        mine = models.IdempotencyKey.filter(caller_id=context.viewer.id, key=input.idempotency_key)
        await mine.update(case_id=case_id)


async def clear(now: datetime) -> None:
    """Removes the keys that nobody can use to ask again. `now` is the real time."""
    await models.IdempotencyKey.filter(used_at__lt=now - 2 * RETENTION).delete()


def _expired(context: Context) -> datetime:
    return context.arrived_at - RETENTION


# Fields that inputs did not always have: left out, they leave a digest as the release before made it.
_ADDED = ("proposal_id", "cancellation_id")


def _digest(action: Action, input: IdempotentInput) -> str:
    said = asdict(input)
    del said["idempotency_key"]
    for name in _ADDED:
        if said.get(name) is None:
            said.pop(name, None)
    text = orjson.dumps([action.value, said], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()
