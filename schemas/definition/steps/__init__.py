"""The step kinds of the language: one file each, and the one table that names them."""

from typing import Final

from schemas.definition.steps import (
    ab_split,
    change_tags,
    condition,
    delay,
    exit,
    http_request,
    send_email,
    send_sms,
    update_field,
)
from schemas.definition.steps.kind import StepKind

STEP_KINDS: Final[dict[str, StepKind]] = {
    kind.name: kind
    for kind in (
        send_sms.KIND,
        send_email.KIND,
        change_tags.ADD,
        change_tags.REMOVE,
        update_field.KIND,
        delay.KIND,
        condition.KIND,
        ab_split.KIND,
        http_request.KIND,
        exit.KIND,
    )
}
"""Every step kind that can be run, by name."""

ALIASES: Final = {"webhook": "http_request"}
"""Other words for a step kind; documents keep the word that was used."""

NOT_AVAILABLE: Final = frozenset({"wait_until", "wait_for_event", "switch", "enroll"})
"""Step kinds of the language that this version does not run yet."""


def step_kind(word: str) -> StepKind | None:
    """The step kind of a `type`; None when there is none that can be run."""
    return STEP_KINDS.get(ALIASES.get(word, word))
