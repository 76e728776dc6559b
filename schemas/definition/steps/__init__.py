"""The step kinds of the language: one file each, and the one table that names them."""

from typing import Final

from domain.action import InvalidAction, WorkflowAction
from schemas.definition.steps import (
    ab_split,
    change_tags,
    condition,
    delay,
    exit,
    http_request,
    plug_in,
    send_email,
    send_sms,
    update_field,
    wait_for_event,
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
        wait_for_event.WAIT_FOR_EVENT,
        condition.KIND,
        ab_split.KIND,
        http_request.KIND,
        exit.KIND,
    )
}
"""Every step kind that can be run, by name."""

ALIASES: Final = {"webhook": "http_request"}
"""Other words for a step kind; documents keep the word that was used."""

SERVED: Final = frozenset({"send_sms", "send_email", "http_request", "webhook"})
"""Step kinds of the table that an action serves; a plug-in may serve them instead."""

NOT_AVAILABLE: Final = frozenset({"wait_until", "switch", "enroll"})
"""Step kinds of the language that this version does not run yet."""


def step_kind(word: str) -> StepKind | None:
    """The step kind of a `type`; None when there is none that can be run."""
    return STEP_KINDS.get(ALIASES.get(word, word)) or plug_in.KINDS.get(word)


def known_words() -> list[str]:
    """Every `type` that can be run."""
    return [*STEP_KINDS, *ALIASES, *plug_in.KINDS]


def add_plug_in(action: WorkflowAction) -> None:
    """Let the language have a step kind that this action serves. One that serves a kind of the table adds no word.

    Raises:
        InvalidAction: its type can't be a word of the language, or is one that has another meaning.
    """
    word = action.action_type
    if word in NOT_AVAILABLE or (word in STEP_KINDS and word not in SERVED) or not plug_in.is_word(word):
        message = f"expected the type of {type(action).__name__} to be a new word of up to {plug_in.WORD_LENGTH} letters, digits, '_', '-' and '.', found {word!r}"
        raise InvalidAction(message)
    if step_kind(word) is None:
        plug_in.KINDS[word] = plug_in.kind_of(word, action)
