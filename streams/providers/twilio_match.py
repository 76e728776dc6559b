"""Which of Twilio's messages is an attempt's whose outcome is unknown: one to its recipient, with its text, of its time.

Twilio has no key of ours in what it lists, so a match is a likeness, and a message belongs to one attempt at most. Those
of the same contact are known from the journal, and those that this process sent or found by itself. What other workers
sent is not known here. So a likeness is only taken where nobody else is seen who could have the message: it went to the
contact's own number, and there are no more such messages than attempts that look for one. Else it stays unknown, and the
answer names what it may be.
"""

import threading
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final

import msgspec

from domain.action import ActionResult, Question
from domain.phones import comparable

CLOCKS_DIFFER_MS: Final = 5_000
"""How much Twilio's clock and ours may differ, and its whole seconds round."""
_TRIAL: Final = "Sent from your Twilio trial account - "
_LOOKED_THROUGH: Final = 500
"""The newest messages to the recipient, at most."""
_REMEMBERED: Final = 20_000
_NAMED: Final = 5
"""Messages that an answer names, at most."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for."""

    to: str
    """In the form in which Twilio was given it."""
    body: str
    sender: str | None
    """None: any of a messaging service's."""
    own: bool
    """Whether it is the contact's own number; messages of other contacts go to any other one, too."""
    question: Question

    @property
    def looks(self) -> tuple[str, str]:
        """What attempts that could be taken for each other have in common."""
        return self.to, self.body


class Matches:
    """Which attempt has which message, and which attempts look for one, as far as this process knows."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._looking: dict[tuple[str, str], dict[str, Question]] = {}
        self._lock = threading.Lock()

    def claim(self, sid: str, action_key: str) -> None:
        """Take the message for an action's, as Twilio itself said."""
        with self._lock:
            self._take(sid, action_key)

    def find(self, client: Any, wanted: Wanted, action_key: str) -> ActionResult:
        """The message, claimed for the action; `not_found` when Twilio lists none, or none that surely is this one's."""
        alike = sorted(_alike(client, wanted), key=_made)
        with self._lock:
            free = [sent for sent in alike if self._owners.get(sent.sid, action_key) == action_key]
            if free and (self._owners.get(free[0].sid) == action_key or self._is_only_ours(wanted, action_key, free)):
                sent = free[0]
                self._take(sent.sid, action_key)
                self._looking.get(wanted.looks, {}).pop(action_key, None)
                return ActionResult.succeeded({"message_id": sent.sid, "status": sent.status}, provider_id=sent.sid)
        if not free:
            return ActionResult.not_found("Twilio lists no such message to this number")
        ids = ", ".join(sent.sid for sent in free[:_NAMED])
        return ActionResult.not_found(f"it may be {ids} of Twilio's, or that is another contact's: look there")

    def _take(self, sid: str, action_key: str) -> None:
        _forget_oldest(self._owners)
        self._owners.setdefault(sid, action_key)

    def _is_only_ours(self, wanted: Wanted, action_key: str, free: list[Any]) -> bool:
        """Whether each of the messages is of an attempt that this process knows of."""
        _forget_oldest(self._looking)
        looking = self._looking.setdefault(wanted.looks, {})
        looking[action_key] = wanted.question
        rivals = [question for question in looking.values() if _overlap(question, wanted.question)]
        return wanted.own and len(free) <= len(rivals)


def _forget_oldest(memory: dict[Any, Any]) -> None:
    if len(memory) >= _REMEMBERED:
        del memory[next(iter(memory))]


def _overlap(one: Question, other: Question) -> bool:
    """Whether one message could be of both of their times."""
    slack_ms = 2 * CLOCKS_DIFFER_MS
    return one.since_ms <= other.until_ms + slack_ms and other.since_ms <= one.until_ms + slack_ms


def _alike(client: Any, wanted: Wanted) -> Iterator[Any]:
    question = wanted.question
    newest_first = client.messages.stream(to=wanted.to, page_size=100)
    for sent in islice(newest_first, _LOOKED_THROUGH):
        made_ms = _made(sent).timestamp() * 1000
        if made_ms < question.since_ms - CLOCKS_DIFFER_MS:
            return
        if (
            made_ms <= question.until_ms + CLOCKS_DIFFER_MS
            and str(sent.direction).startswith("outbound")
            and comparable(sent.to) == wanted.to
            and wanted.sender in (None, sent.from_)
            and (sent.body or "").removeprefix(_TRIAL) == wanted.body
            and sent.sid not in question.not_ids
        ):
            yield sent


def _made(sent: Any) -> datetime:
    made = sent.date_created
    return parsedate_to_datetime(made) if isinstance(made, str) else made
