"""Records of every version: the newest is read at once, older ones through the upcasters, newer ones are refused."""

import json
from typing import ClassVar

import msgspec
import pytest

from domain.journal import ContactEventAccepted
from schemas.journal import UnreadableJournalEvent, decode_event
from schemas.versioned import UnknownShape, VersionedCodec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """As events of the journal are; those are a closed set, of which no test makes more."""

    VERSION: ClassVar[int] = 1

    seq: int
    at_ms: int
    contact_id: str
    v: int = 1


class Moved(Event, frozen=True, kw_only=True, omit_defaults=True, tag="moved"):
    """A type at its third version: `to` was `where`, and then a text."""

    VERSION: ClassVar[int] = 3

    to: tuple[str, ...]


class Seen(Event, frozen=True, kw_only=True, omit_defaults=True, tag="seen"):
    """A type at its first version."""


def renamed(fields):
    return {**{name: value for name, value in fields.items() if name != "where"}, "to": fields["where"]}


def as_list(fields):
    return {**fields, "to": [fields["to"]]}


UPCASTERS = {("moved", 1): renamed, ("moved", 2): as_list}
CODEC = VersionedCodec(Moved | Seen, UPCASTERS, noun="journal event")
SAME = {"type": "moved", "seq": 7, "at_ms": 1, "contact_id": "ada"}
EVENT = Moved(seq=7, at_ms=1, contact_id="ada", v=3, to=("home",))


@pytest.mark.parametrize(
    "record",
    [
        {**SAME, "where": "home"},
        {**SAME, "v": 1, "where": "home"},
        {**SAME, "v": 2, "to": "home"},
        {**SAME, "v": 3, "to": ["home"]},
    ],
    ids=["v1 that does not say so", "v1", "v2", "v3"],
)
def test_every_version_gives_the_newest_shape(record):
    assert CODEC.decode(json.dumps(record).encode()) == EVENT


def test_a_record_says_the_version_of_its_shape():
    made = Moved(seq=7, at_ms=1, contact_id="ada", to=("home",))

    assert json.loads(CODEC.encode(made))["v"] == 3
    assert CODEC.decode(CODEC.encode(made)) == EVENT


def test_a_first_version_needs_no_words():
    assert b'"v"' not in CODEC.encode(Seen(seq=1, at_ms=1, contact_id=""))


@pytest.mark.parametrize("more", [{"to": ["home"]}, {"to": {"place": "home"}}, {}], ids=["readable", "other", "gone"])
def test_a_newer_version_is_refused_and_told_how_to_mend_it(more):
    with pytest.raises(
        UnknownShape, match="journal event ada/7 has shape version 4; this version of Headrace reads 3: upgrade it"
    ):
        CODEC.decode(json.dumps({**SAME, "v": 4, **more}).encode())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"type":"nonsense","seq":1}',
        b'{"seq":1}',
        b'{"type":["moved"],"v":1}',
        b'{"type":"moved","v":"2"}',
    ],
)
def test_what_is_no_event_is_refused(value):
    with pytest.raises(UnknownShape, match="expected a journal event, found something else"):
        CODEC.decode(value)


def test_an_older_record_that_does_not_fit_its_upcasters_is_no_event():
    with pytest.raises(UnknownShape, match="found something else: 'where'"):
        CODEC.decode(json.dumps({**SAME, "v": 1, "wohin": "home"}).encode())
    with pytest.raises(UnknownShape, match="found something else: Expected `str`"):
        CODEC.decode(json.dumps({**SAME, "v": 2, "to": 5}).encode())


@pytest.mark.parametrize(
    "upcasters",
    [{}, {("moved", 1): renamed}, {**UPCASTERS, ("moved", 3): as_list}, {**UPCASTERS, ("seen", 1): dict}],
)
def test_a_chain_with_a_gap_or_a_loose_end_is_no_chain(upcasters):
    with pytest.raises(ValueError, match="one upcaster from each older version"):
        VersionedCodec(Moved | Seen, upcasters, noun="journal event")


def test_the_journal_refuses_what_it_does_not_know():
    newer = b'{"type":"inputs_advanced","seq":3,"at_ms":1,"contact_id":"","v":2}'

    with pytest.raises(UnreadableJournalEvent, match=r"journal event /3 has shape version 2; .* reads 1: upgrade it"):
        decode_event(newer)
    with pytest.raises(UnreadableJournalEvent, match="expected a journal event"):
        decode_event(b"no event")


def test_fields_of_a_newer_headrace_are_passed_over():
    record = {"type": "contact_event_accepted", "seq": 1, "at_ms": 1, "contact_id": "ada", "source": "crm"}
    more = {"event_id": "1", "event_type": "x", "invented_later": {"a": 1}}

    assert decode_event(json.dumps(record | more).encode()) == ContactEventAccepted(
        seq=1, at_ms=1, contact_id="ada", source="crm", event_id="1", event_type="x"
    )
