"""Which of Twilio's messages is an attempt's whose outcome is unknown: one to its recipient, with its text, of its time.

Twilio has no key of ours in what it lists, so what looks alike must be told apart: a message belongs to one attempt at
most. Those of the same contact are known from the journal; of two contacts with one number, this process remembers
which messages it sent or found, and no other one can have sent the same text within the seconds of a call by chance.
"""

import threading
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final

import msgspec

from domain.action import ActionResult, Question
from domain.consent import normal_address

CLOCKS_DIFFER_MS: Final = 5_000
"""How much Twilio's clock and ours may differ, and its whole seconds round."""
_TRIAL: Final = "Sent from your Twilio trial account - "
_LOOKED_THROUGH: Final = 500
"""The newest messages to the recipient, at most."""
_REMEMBERED: Final = 20_000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for."""

    to: str
    body: str
    sender: str | None
    """None: any of a messaging service's."""
    question: Question


class Matches:
    """Which attempt has which message, as far as this process sent or found them."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._lock = threading.Lock()

    def claim(self, sid: str, action_key: str) -> bool:
        """Take the message for an action's; False when it is another one's."""
        with self._lock:
            if len(self._owners) >= _REMEMBERED:
                del self._owners[next(iter(self._owners))]
            return self._owners.setdefault(sid, action_key) == action_key

    def find(self, client: Any, wanted: Wanted, action_key: str) -> ActionResult:
        """The message, claimed for the action; `not_found` when Twilio lists none that it could be."""
        for sent in sorted(_alike(client, wanted), key=_made):
            if self.claim(sent.sid, action_key):
                return ActionResult.succeeded({"message_id": sent.sid, "status": sent.status}, provider_id=sent.sid)
        return ActionResult.not_found("Twilio lists no such message to this number")


def _alike(client: Any, wanted: Wanted) -> Iterator[Any]:
    question, number = wanted.question, normal_address("sms", wanted.to)
    newest_first = client.messages.stream(to=wanted.to, page_size=100)
    for sent in islice(newest_first, _LOOKED_THROUGH):
        made_ms = _made(sent).timestamp() * 1000
        if made_ms < question.since_ms - CLOCKS_DIFFER_MS:
            return
        if (
            made_ms <= question.until_ms + CLOCKS_DIFFER_MS
            and str(sent.direction).startswith("outbound")
            and normal_address("sms", sent.to) == number
            and wanted.sender in (None, sent.from_)
            and (sent.body or "").removeprefix(_TRIAL) == wanted.body
            and sent.sid not in question.not_ids
        ):
            yield sent


def _made(sent: Any) -> datetime:
    made = sent.date_created
    return parsedate_to_datetime(made) if isinstance(made, str) else made
