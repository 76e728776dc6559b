"""Contact events as they stand on Kafka: CloudEvents 1.0 (structured or binary), or a bare JSON object.

Rules: DESIGN 5.1. `subject` beats the record's key; without an id, topic/partition/offset is the id (of a replayed
record: the first one); a bare event's source is its topic; `time` is checked and kept as text.
"""

import re
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from domain.contact_event import ContactEvent
from schemas.cloud_event import cloud_event
from schemas.contact_event_data import MAX_DEPTH, has_nul, is_too_deep, problem_with
from schemas.contact_event_errors import MAX_CONTACT_ID, MAX_EVENT_BYTES, REASONS, UnreadableContactEvent
from schemas.replay_headers import COMMAND_HEADER, ORIGINAL_HEADER

MAX_TEXT: Final = 512
"""The longest id, type, source and so on, in characters."""

MAX_HOPS: Final = 1_000_000

__all__ = [
    "MAX_CONTACT_ID",
    "MAX_EVENT_BYTES",
    "REASONS",
    "UnreadableContactEvent",
    "cloud_event",
    "read_contact_event",
]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_STRUCTURED: Final = "application/cloudevents+json"
_ZONED_TIME: Any = Annotated[datetime, msgspec.Meta(tz=True)]

Headers = Sequence[tuple[str, bytes]]


class _Envelope(msgspec.Struct):
    """A bare event, or a CloudEvent in structured mode."""

    type: str
    contact_id: str | None = None
    id: str | None = None
    time: str | None = None
    data: dict[str, Any] | None = None
    source: str | None = None
    subject: str | None = None
    specversion: str | None = None
    causationid: str | None = None
    hops: int | str | None = None
    commandid: str | None = None
    data_base64: str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_DATA: Final[msgspec.json.Decoder[dict[str, Any] | None]] = msgspec.json.Decoder(dict[str, Any] | None)

_REASON_OF: Final = {
    "type": "bad_type",
    "contact_id": "bad_contact_id",
    "subject": "bad_contact_id",
    "id": "bad_id",
    "time": "bad_time",
    "source": "bad_source",
    "specversion": "bad_specversion",
    "causationid": "bad_extension",
    "hops": "bad_extension",
    "commandid": "bad_extension",
    ORIGINAL_HEADER: "bad_id",
    COMMAND_HEADER: "bad_extension",
}


def read_contact_event(
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Headers = (),
    max_bytes: int = MAX_EVENT_BYTES,
) -> ContactEvent:
    """The contact event of a record.

    Raises:
        UnreadableContactEvent: the record is none; `reason` and the message say why.
    """
    if value is None:
        raise UnreadableContactEvent("tombstone", "expected a contact event, found a record without a value")
    if len(value) > max_bytes:
        raise UnreadableContactEvent("oversize", f"expected at most {max_bytes:,} bytes, found {len(value):,}")
    attributes = _attributes(headers) if headers else _NO_ATTRIBUTES
    if attributes and "ce_type" in attributes:
        event = _from_binary(attributes, value)
        cloud = True
    else:
        if attributes:
            _check_content_type(attributes)
        event = _decode_envelope(value)
        cloud = event.specversion is not None or attributes.get("content-type", "").startswith(_STRUCTURED)
        if event.data_base64 is not None:
            event.data = _decode_base64(event.data_base64)
    if cloud and event.specversion is not None and not event.specversion.startswith("1."):
        raise UnreadableContactEvent("bad_specversion", "expected a CloudEvent of version 1.0, found another version")
    contact_id = event.subject if cloud else event.contact_id
    contact_id = _key_text(key) if contact_id is None else contact_id
    _check_text("bad_contact_id", "contact id", contact_id, MAX_CONTACT_ID)
    _check_text("bad_type", "type", event.type)
    event_id = event.id
    if event_id is None:  # a record that was replayed keeps the place where it first stood
        event_id = attributes.get(ORIGINAL_HEADER) or f"{topic}/{partition}/{offset}"
    _check_text("bad_id", "id", event_id)
    source = event.source if cloud and event.source is not None else topic
    _check_text("bad_source", "source", source)
    if event.time is not None:
        _check_time(event.time)
    data = event.data or {}
    problem = problem_with(event.type, data) or _unkeepable(value, data)
    if problem is not None:
        raise UnreadableContactEvent("bad_data", f"{event.type}: {problem}")
    return ContactEvent(
        contact_id=contact_id,
        source=source,
        id=event_id,
        type=event.type,
        data=data,
        time=event.time,
        causation_id=_extension("causationid", event.causationid),
        hops=0 if event.hops is None else _hops(event.hops),
        command_id=_extension("commandid", attributes.get(COMMAND_HEADER, event.commandid)),
    )


# ---------------------------------------------------------------- the three modes

_NO_ATTRIBUTES: Final[dict[str, str]] = {}


_PLAIN_HEADERS: Final = frozenset({"content-type", ORIGINAL_HEADER, COMMAND_HEADER})


def _attributes(headers: Headers) -> dict[str, str]:
    """CloudEvents attributes, the content type and a replay's marks among a record's headers, as text."""
    found: dict[str, str] = {}
    for name, raw in headers:
        lower = name.lower()
        if raw is not None and (lower.startswith("ce_") or lower in _PLAIN_HEADERS):
            try:
                found[lower] = raw.decode()
            except UnicodeDecodeError:
                reason = _REASON_OF.get(lower.removeprefix("ce_"), "bad_content_type")
                raise UnreadableContactEvent(
                    reason, f"expected UTF-8 in the header {lower}, found other bytes"
                ) from None
    return found


def _check_content_type(attributes: dict[str, str]) -> None:
    """JSON of any kind, or nothing said; a batch of CloudEvents is not one event."""
    media = attributes.get("content-type", "application/json").partition(";")[0].strip().lower()
    if (
        media and not (media in ("application/json", "text/json", _STRUCTURED) or media.endswith("+json"))
    ) or "batch" in media:
        message = f"expected JSON or {_STRUCTURED} as the content type, found {media[:80]!r}"
        raise UnreadableContactEvent("bad_content_type", message)


def _from_binary(attributes: dict[str, str], value: bytes) -> _Envelope:
    _check_content_type(attributes)
    names = ("id", "time", "source", "subject", "specversion", "causationid", "hops", "commandid")
    found = {name: attributes.get(f"ce_{name}") for name in names}
    return _Envelope(type=attributes["ce_type"], data=_decode_data(value) if value else None, **found)


def _decode_envelope(value: bytes) -> _Envelope:
    try:
        return _ENVELOPE.decode(value)
    except msgspec.ValidationError as error:
        raise _refused(str(error)) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UnreadableContactEvent("not_json", f"expected a JSON object, found something else: {error}") from None


def _refused(message: str) -> UnreadableContactEvent:
    """The reason of an envelope of the wrong shape: msgspec names the key at the end of its message (`$.hops`)."""
    text, _, path = message.partition(" - at `$")
    name = path.lstrip(".").rstrip("`")
    if "required field `type`" in text:
        return UnreadableContactEvent("bad_type", "expected a key 'type' in the event, found none")
    if not path:
        return UnreadableContactEvent("not_object", f"expected a JSON object: {text}")
    if name.startswith("["):  # a number out of range, anywhere
        return UnreadableContactEvent("not_json", text)
    return UnreadableContactEvent(_REASON_OF.get(name, "bad_data"), f"{name}: {text}")


def _decode_data(value: bytes) -> dict[str, Any] | None:
    try:
        return _DATA.decode(value)
    except msgspec.ValidationError as error:
        raise UnreadableContactEvent("bad_data", f"data: {error}") from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UnreadableContactEvent(
            "not_json", f"expected a JSON object as data, found something else: {error}"
        ) from None


def _decode_base64(text: str) -> dict[str, Any] | None:
    try:
        return _decode_data(b64decode(text, validate=True))
    except ValueError:
        raise UnreadableContactEvent("bad_data", "data_base64: expected base64, found something else") from None


# ---------------------------------------------------------------- checks


def _check_text(reason: str, name: str, text: str, limit: int = MAX_TEXT) -> None:
    if 0 < len(text) <= limit and (text.isprintable() or not _CONTROL.search(text)):
        return
    found = f"{len(text)} characters" if not 0 < len(text) <= limit else "a control character"
    raise UnreadableContactEvent(
        reason, f"expected a {name} of 1 to {limit} characters without control characters, found {found}"
    )


def _key_text(key: bytes | None) -> str:
    if not key:
        message = "expected a contact id in the event or as the record's key, found neither"
        raise UnreadableContactEvent("no_contact_id", message)
    try:
        return key.decode()
    except UnicodeDecodeError:
        message = "expected a contact id as the record's key, found bytes that are not UTF-8"
        raise UnreadableContactEvent("bad_contact_id", message) from None


def _check_time(time: str) -> None:
    try:
        msgspec.convert(time, _ZONED_TIME)
    except msgspec.ValidationError:
        if not _is_leap_second(time):
            message = "expected a time as 2026-01-31T09:05:00Z (RFC 3339 with a zone), found something else"
            raise UnreadableContactEvent("bad_time", message) from None


def _is_leap_second(time: str) -> bool:
    """RFC 3339 knows them, Python does not."""
    try:
        msgspec.convert(time.replace(":60", ":59", 1), _ZONED_TIME)
    except msgspec.ValidationError:
        return False
    return True


def _extension(name: str, text: str | None) -> str | None:
    if text is not None:
        _check_text("bad_extension", name, text)
    return text


def _hops(found: int | str) -> int:
    count = (
        int(found)
        if isinstance(found, int) or (found.isascii() and found.isdecimal() and len(found) <= len(str(MAX_HOPS)))
        else -1
    )
    if not 0 <= count <= MAX_HOPS:
        message = f"expected hops to be a whole number from 0 to {MAX_HOPS:,}, found something else"
        raise UnreadableContactEvent("bad_extension", message)
    return count


def _unkeepable(value: bytes, data: dict[str, Any]) -> str | None:
    """What no store can keep. The bytes are looked at first: most events need no walk through their data."""
    brackets = value.count(b"[") + value.count(b"{") if len(value) > 2 * MAX_DEPTH else 0
    if brackets > MAX_DEPTH and is_too_deep(data):
        return f"data: expected at most {MAX_DEPTH} levels of lists and objects, found more"
    if b"\\u0000" in value and has_nul(data):
        return "data: expected readable text, found NUL (\\u0000)"
    return None
