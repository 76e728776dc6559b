"""Masking: a workflow test without the person in it, that still takes the same path.

Names, addresses, numbers and messages become stand-ins, the same for the same, wherever they stand. Where a decision
depends on one, the part that it depends on is kept if that can be told, else all of it, and that is said.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from domain.consent import normal_address
from domain.path import Path
from domain.rehearsal import rehearse
from domain.workflow import Workflow
from domain.workflow_test import Consent, Fact, Happening, WorkflowTest

CONTACT_IDS: Final = 1_000
"""How many stand-ins for a contact's id are tried: the arm of an A/B split depends on it."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w+])\+\d[\d ()/-]{5,}\d(?!\w)")
_ATTRIBUTES: Final = ("first_name", "last_name", "email", "phone")
_FIRST: Final = ("Alex", "Bo", "Charlie", "Dana", "Eli", "Frankie", "Glenn", "Harper")
_LAST: Final = ("Smith", "Miller", "Brown", "Taylor", "Wilson", "Moore", "Clark", "Hall")
_CHANNELS: Final = {"email": "email", "phone": "sms"}
H = TypeVar("H", bound=Happening)
_WORDS: Final = 8
"""Words of a message that are tried alone, when it decides by a pattern."""
_SHORTEST: Final = 2
"""Names of fewer letters are replaced only where they stand alone."""


class Personal(msgspec.Struct, frozen=True):
    """A text that says who somebody is: `first_name`, `last_name`, `email`, `phone`, `message`, `provider_id` or a custom field."""

    kind: str
    text: str


class Masked(msgspec.Struct, frozen=True, kw_only=True):
    """The test without its person; `kept` says, in words, what had to stay."""

    test: WorkflowTest
    kept: tuple[str, ...]


def mask(test: WorkflowTest, workflow: Workflow, *, fields: Sequence[str] = (), words: Iterable[str] = ()) -> Masked:
    """The test with stand-ins, and with the path that they lead to.

    Args:
        test: as it was recorded; its rehearsal takes the path that it expects.
        workflow: the version that it ran.
        fields: custom fields that are personal too.
        words: texts of the definition, which a decision may look for in a message.
    """
    test, kept = _without_id(test, workflow)
    found = list(_grouped(_personal(test, frozenset(fields))))
    choices = [_choices(group, number, words) for number, group in found]
    chosen = {one: stand_in for first, *_ in choices for one, stand_in in first.items()}
    if not _same_way(test.expects, _rehearsed(test, chosen, workflow)):
        chosen = {}
        for (_, group), options in zip(found, choices, strict=True):
            fitting = (one for one in options if _same_way(test.expects, _rehearsed(test, chosen | one, workflow)))
            stand_ins = next(fitting, None)
            if stand_ins is None:
                kept.append(f"{_kind_in_words(group[0])} was kept: without it the contact would take another path")
            chosen |= stand_ins or {}
    masked = _replaced(test, chosen)
    return Masked(test=replace(masked, expects=rehearse(masked, workflow)), kept=tuple(kept))


def _without_id(test: WorkflowTest, workflow: Workflow) -> tuple[WorkflowTest, list[str]]:
    for number in range(1, CONTACT_IDS + 1):
        contact = replace(test.contact, id=f"contact-{number}")
        name = test.name.replace(test.contact.id, contact.id)
        other = replace(test, contact=contact, name=name)
        if _same_way(test.expects, rehearse(other, workflow)):
            return other, []
    return test, ["the contact's id was kept: with none that was tried the contact would take the same path"]


def _rehearsed(test: WorkflowTest, chosen: dict[Personal, str], workflow: Workflow) -> Path:
    return rehearse(_replaced(test, chosen), workflow)


def _same_way(wanted: Path, found: Path) -> bool:
    """Whether the same is done at the same steps; what messages and changes say may differ."""
    return bool(_structure(wanted) == _structure(found))


def _structure(path: Path) -> Any:
    visits = [
        (
            *(visit.step, visit.visit, visit.did, visit.branch, visit.code, visit.waits_ms),
            visit.sends and visit.sends["channel"],
            [(change["type"], change["data"].get("field")) for change in visit.changes],
        )
        for visit in path.visits
    ]
    return path.trigger, path.ends, visits


# ---------------------------------------------------------------- finding what is personal


def _personal(test: WorkflowTest, fields: frozenset[str]) -> Iterator[Personal]:
    contact = test.contact
    yield from _of_attributes({name: getattr(contact, name) for name in _ATTRIBUTES})
    yield from _of_fields(contact.custom_fields, fields)
    if test.last_sms_reply:
        yield Personal("message", test.last_sms_reply)
    for one in test.happens:
        if isinstance(one, Fact):
            yield from _of_fact(one, fields)
    for consent in (*test.opted_out, *(one for one in test.happens if isinstance(one, Consent))):
        yield Personal("email" if consent.channel == "email" else "phone", consent.address)
    for outcome in test.outcomes:
        if outcome.provider_id is not None:
            yield Personal("provider_id", outcome.provider_id)
        yield from _anywhere([outcome.output, outcome.message, outcome.state])


def _of_fact(fact: Fact, fields: frozenset[str]) -> Iterator[Personal]:
    data = fact.data
    match fact.type:
        case "contact.created":
            given = data.get("contact") or {}
            yield from _of_attributes(given)
            yield from _of_fields(given.get("custom_fields") or {}, fields)
        case "contact.field_updated":
            for value in (data.get("value"), data.get("old_value")):
                yield from _of_attributes({data["field"]: value})
                yield from _of_fields({data["field"]: value}, fields)
        case "contact.sms_received":
            yield from _of_attributes({"phone": data.get("from")})
            yield from _of_attributes({"phone": data.get("to")})
            if data.get("body"):
                yield Personal("message", data["body"])
    yield from _anywhere(data)


def _of_attributes(values: dict[str, Any]) -> Iterator[Personal]:
    for name in _ATTRIBUTES:
        value = values.get(name)
        if isinstance(value, str) and value.strip():
            yield Personal(name, value)


def _of_fields(values: dict[str, Any], fields: frozenset[str]) -> Iterator[Personal]:
    for name, value in values.items():
        if name in fields and isinstance(value, str) and value.strip():
            yield Personal(name, value)
    yield from _anywhere(values)


def _anywhere(value: Any) -> Iterator[Personal]:
    """Addresses and numbers in any text."""
    for text in _texts(value):
        yield from (Personal("email", found) for found in _EMAIL.findall(text))
        yield from (Personal("phone", found) for found in _PHONE.findall(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


# ---------------------------------------------------------------- stand-ins


def _grouped(found: Iterable[Personal]) -> Iterator[tuple[int, list[Personal]]]:
    """The spellings of each, with its number among those of its kind, from 1."""
    groups: dict[Personal, list[Personal]] = {}
    for one in found:
        channel = _CHANNELS.get(one.kind)
        text = one.text if channel is None else normal_address(channel, one.text)
        group = groups.setdefault(Personal(one.kind, text), [])
        if one not in group:
            group.append(one)
    counts: Counter[str] = Counter()
    for key, group in groups.items():
        counts[key.kind] += 1
        yield counts[key.kind], group


def _choices(group: Sequence[Personal], number: int, words: Iterable[str]) -> list[dict[Personal, str]]:
    """What may stand for all spellings of one thing, in the order in which to try."""
    stand_ins = [_stand_ins(one, number, words) for one in group]
    return [dict(zip(group, same, strict=True)) for same in zip(*stand_ins, strict=False)]


def _stand_ins(one: Personal, number: int, words: Iterable[str]) -> list[str]:  # noqa: PLR0911 one return a kind
    """What may stand for it: first nothing of it, then with the part that decisions most likely look at."""
    text = one.text
    match one.kind:
        case "first_name":
            return [_name(_FIRST, number)]
        case "last_name":
            return [_name(_LAST, number)]
        case "email":
            return [f"person{number}@example.com", f"person{number}@{text.rpartition('@')[2]}"]
        case "phone":
            return [f"+1555010{number:04}", f"{text[:4]}{_digits_hidden(text[4:])}"]
        case "message":
            said = [word for word in words if word and word.lower() in text.lower()]
            together = [f"message {number}: {', '.join(said)}"] if said else []
            return [f"message {number}", *together, *said, *text.split()[:_WORDS]]
        case "provider_id":
            return [f"provider-id-{number}"]
        case _:
            return [f"{one.kind} {number}"]


def _name(names: Sequence[str], number: int) -> str:
    return names[number - 1] if number <= len(names) else f"{names[0]}{number}"


def _digits_hidden(text: str) -> str:
    return "".join("0" if letter.isdigit() else letter for letter in text)


def _kind_in_words(one: Personal) -> str:
    return f"a {one.kind.replace('_', ' ')}" if one.kind != "email" else "an e-mail address"


# ---------------------------------------------------------------- putting them in


def _replaced(test: WorkflowTest, chosen: dict[Personal, str]) -> WorkflowTest:
    swap = _swapper(chosen)
    happens = tuple(_swapped(one, swap) for one in test.happens)
    outcomes = tuple(
        replace(
            one,
            provider_id=_deep(one.provider_id, swap),
            output=_deep(one.output, swap),
            message=_deep(one.message, swap),
            state=_deep(one.state, swap),
        )
        for one in test.outcomes
    )
    contact = msgspec.convert(_deep(msgspec.to_builtins(test.contact), swap), type(test.contact))
    return replace(
        test,
        contact=replace(contact, id=test.contact.id),
        last_sms_reply=_deep(test.last_sms_reply, swap),
        opted_out=tuple(_swapped(one, swap) for one in test.opted_out),
        happens=happens,
        outcomes=outcomes,
    )


def _swapped(one: H, swap: Callable[[str], str]) -> H:
    if isinstance(one, Fact):
        return replace(one, data=_deep(one.data, swap))
    return replace(one, address=swap(one.address)) if isinstance(one, Consent) else one


def _swapper(chosen: dict[Personal, str]) -> Callable[[str], str]:
    """Swaps whole texts, and within others all but messages, the longest first, where no word goes on."""
    whole = {one.text: stand_in for one, stand_in in chosen.items()}
    for one, stand_in in chosen.items():  # consent knows addresses in the form in which two of them are compared
        channel = _CHANNELS.get(one.kind)
        if channel is not None:
            whole[normal_address(channel, one.text)] = normal_address(channel, stand_in)
    inside = {one.text: new for one, new in chosen.items() if one.kind != "message" and len(one.text) > _SHORTEST}
    parts = sorted(inside, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(part)}(?!\w)" for part in parts)) if parts else None

    def swap(text: str) -> str:
        if text in whole:
            return whole[text]
        return pattern.sub(lambda found: inside[found.group()], text) if pattern is not None else text

    return swap


def _deep(value: Any, swap: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return swap(value)
    if isinstance(value, dict):
        return {key: _deep(item, swap) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_deep(item, swap) for item in value]
    return value
