"""A made-up population: who the contacts are, what happens to them, and how they answer; the same for the same seed."""

import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from domain.contact import ATTRIBUTES
from headrace.simulator.vocabulary import Vocabulary

_FIRST: Final = (
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Frances",
    "John",
    "Katherine",
    "Niklaus",
    "Radia",
    "Tim",
)
_LAST: Final = (
    "Adams",
    "Berger",
    "Costa",
    "Diaz",
    "Evans",
    "Fischer",
    "Green",
    "Hansen",
    "Ito",
    "Jones",
    "Keller",
    "Lopez",
)
_SOURCES: Final = ("facebook_ad", "google", "referral", "newsletter", "website")
_TIMEZONES: Final = ("Europe/Berlin", "America/New_York", "Europe/London", "Asia/Tokyo")
_REPLIES: Final = ("Yes please", "Thanks, tell me more", "Who is this?", "Not now, maybe later", "Call me tomorrow")

_WANTED: Final = 0.55
"""How many have a value that a condition asks for."""
_TAGGED: Final = 0.3
_UNTAGGED: Final = 0.1
_UPDATED: Final = 0.3
_DID: Final = 0.35
"""How many do what an `event` trigger waits for."""
_BY_HAND: Final = 0.15
_VISITS: Final = 0.4
"""How many look at a page, which no workflow needs to know."""
_ANSWERS: Final = 0.35
"""How many SMS are answered."""
_OPTS_OUT: Final = 0.03
"""How many answers want no more of it."""
_NO_PHONE: Final = 0.03
_NO_EMAIL: Final = 0.02

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


class Fact(msgspec.Struct, frozen=True):
    """Something that happens to a contact; of type `enroll`, an operator's wish that names a workflow."""

    at_ms: int
    type: str
    data: dict[str, Any]


BY_HAND: Final = "enroll"


class Life:
    """One contact's: its facts beforehand, and its answers as messages come."""

    def __init__(self, number: int, vocabulary: Vocabulary, *, seed: int, since_ms: int, until_ms: int) -> None:
        self.contact_id = f"contact-{number:05}"
        self._number, self._vocabulary, self._until_ms = number, vocabulary, until_ms
        self._chance = random.Random(f"{seed}/{number}")  # noqa: S311 a made-up life guards no secret
        self._created_ms = since_ms + int(self._chance.random() * (until_ms - since_ms))

    def facts(self) -> list[Fact]:
        """What happens to the contact whatever it is sent, in order."""
        begin = Fact(self._created_ms, "contact.created", {"contact": self._contact()})
        later = [fact for fact in self._later() if fact.at_ms < self._until_ms]
        return [begin, *sorted(later, key=lambda fact: fact.at_ms)]

    def answer(self, at_ms: int) -> Fact | None:
        """The contact's answer to an SMS that it got now, if it gives one in time."""
        if self._chance.random() >= _ANSWERS:
            return None
        words = self._vocabulary.words
        body = self._chance.choice(words if words and self._happens(_WANTED) else _REPLIES)
        body = "STOP" if self._happens(_OPTS_OUT) else body
        fact = Fact(at_ms + self._within(8 * _HOUR_MS), "contact.sms_received", {"body": body, "from": self._phone})
        return fact if fact.at_ms < self._until_ms else None

    def _contact(self) -> dict[str, Any]:
        first, last = self._chance.choice(_FIRST), self._chance.choice(_LAST)
        contact: dict[str, Any] = {
            "first_name": first,
            "last_name": last,
            "email": f"{first}.{last}.{self._number}@example.com".lower(),
            "phone": self._phone,
            "source": self._chance.choice(_SOURCES),
            "timezone": self._chance.choice(_TIMEZONES),
        }
        for name, missing in (("phone", _NO_PHONE), ("email", _NO_EMAIL)):
            if self._happens(missing):
                del contact[name]
        custom: dict[str, Any] = {}
        for field, values in self._vocabulary.values.items():
            value = self._value(values)
            if value is not None:
                (contact if field in ATTRIBUTES else custom)[field] = value
        return contact | ({"custom_fields": custom} if custom else {})

    def _later(self) -> Iterator[Fact]:
        yield from self._changes()
        known = self._vocabulary
        for name, data in known.events.items():
            if self._happens(_DID):
                yield self._after(3 * _DAY_MS, name, {key: self._value(values) for key, values in data.items()})
        for workflow_id in known.manual:
            if self._happens(_BY_HAND):
                yield self._after(2 * _DAY_MS, BY_HAND, {"workflow_id": workflow_id})
        if self._happens(_VISITS):
            yield self._after(_DAY_MS, "page.viewed", {"path": self._chance.choice(("/", "/pricing", "/docs"))})

    def _changes(self) -> Iterator[Fact]:
        known = self._vocabulary
        for tag in known.tags:
            if self._happens(_TAGGED):
                added = self._after(2 * _DAY_MS, "contact.tag_added", {"tag": tag})
                yield added
                if self._happens(_UNTAGGED):
                    yield Fact(added.at_ms + self._within(3 * _DAY_MS), "contact.tag_removed", {"tag": tag})
        for field, values in known.fields.items():
            if self._happens(_UPDATED):
                value = self._value(values or known.values.get(field, ("yes",)))
                yield self._after(3 * _DAY_MS, "contact.field_updated", {"field": field, "value": value})

    @property
    def _phone(self) -> str:
        return f"+1555{self._number:07}"

    def _value(self, values: tuple[Any, ...]) -> Any:
        """One that is asked for, or something like it that is not; None for nothing at all."""
        if not values:
            return None
        value = self._chance.choice(values)
        if isinstance(value, bool):
            return value if self._happens(_WANTED) else not value
        if isinstance(value, int | float):
            return type(value)(value * self._chance.choice((0.5, 0.8, 1, 1.2, 2)))
        return value if self._happens(_WANTED) else None

    def _after(self, mean_ms: int, kind: str, data: dict[str, Any]) -> Fact:
        return Fact(self._created_ms + self._within(mean_ms), kind, data)

    def _within(self, mean_ms: int) -> int:
        """A time that is short for most and long for a few; a minute at least."""
        return 60_000 + int(self._chance.expovariate(1 / mean_ms))

    def _happens(self, rate: float) -> bool:
        return self._chance.random() < rate
