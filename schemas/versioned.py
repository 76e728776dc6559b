"""Events of many versions in one log: the newest shape in one decode, older ones through upcasters, newer ones refused.

An event in memory always has the newest shape of its type. A record says which shape it has (`v`, 1 when it says none),
so a type whose shape changed says it in each record: `encode` sees to that.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from domain.errors import HeadraceError

Fields = dict[str, Any]
"""A record's JSON object."""
Upcast = Callable[[Fields], Fields]
"""Makes the fields of version n + 1 of those of version n; it may change the mapping that it is given."""
Upcasters = Mapping[tuple[str, int], Upcast]
"""By an event's type and the version n from which it leads to n + 1."""


class VersionedEvent(Protocol):
    """An event type of the log; `VERSION` is the version of the shape that the class has."""

    VERSION: ClassVar[int]

    @property
    def v(self) -> int:
        """The version that the record says."""
        ...


E = TypeVar("E", bound=VersionedEvent)


class UnknownShape(HeadraceError):
    """A record is no event of a type and version that is known here."""


class VersionedCodec(Generic[E]):
    """Writes and reads the events of one union of types."""

    def __init__(self, events: Any, upcasters: Upcasters, *, noun: str) -> None:
        """Make one; `noun` is what a record of these should be, in words.

        Raises:
            ValueError: a version that was written once has no upcaster, or an upcaster leads nowhere.
        """
        self._events, self._upcasters, self._noun = events, dict(upcasters), noun
        self._versions: Final = {kind.__struct_config__.tag: kind.VERSION for kind in get_args(events)}
        decoder = msgspec.json.Decoder(events)
        self._typed, self._typed_lines = decoder.decode, decoder.decode_lines
        self._encode = msgspec.json.Encoder().encode
        wanted = {(kind, n) for kind, newest in self._versions.items() for n in range(1, newest)}
        if wanted != self._upcasters.keys():
            odd = sorted(wanted ^ self._upcasters.keys())
            message = f"expected one upcaster from each older version of each type, found it otherwise for {odd}"
            raise ValueError(message)

    def encode(self, event: VersionedEvent) -> bytes:
        """The record's value."""
        if event.v != event.VERSION:  # it was made with the default, and a default is not written
            event = replace(event, v=event.VERSION)  # type: ignore[type-var]
        return self._encode(event)

    def decode(self, value: bytes) -> E:
        """The event in a record's value, in the newest shape of its type.

        Raises:
            UnknownShape: the bytes are no event of a known type, or of a version that is newer than this Headrace.
        """
        try:
            event: E = self._typed(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._decode_older(value, error)
        return event if event.v == event.VERSION else self._decode_older(value, None)

    def decode_many(self, values: Sequence[bytes]) -> list[E]:
        """The events in the values of many records, at once: half the cost of one after the other.

        Raises:
            UnknownShape: as `decode`, for the first that can't be read.
        """
        try:
            events: list[E] = self._typed_lines(b"\n".join(values))
        except (msgspec.DecodeError, UnicodeDecodeError):
            events = []
        if len(events) == len(values) and all([event.v == event.VERSION for event in events]):  # noqa: C419 twice as fast
            return events
        return [self.decode(value) for value in values]

    def _decode_older(self, value: bytes, error: Exception | None) -> E:
        fields = self._fields(value, error)
        kind, version = fields.get("type"), fields.get("v", 1)
        newest = self._versions.get(kind) if isinstance(kind, str) else None
        if not isinstance(kind, str) or newest is None or not isinstance(version, int) or version == newest:
            raise self._something_else(error) from error
        if version > newest or version < 1:
            what = f"{self._noun} {fields.get('contact_id', fields.get('workflow_id'))}/{fields.get('seq', kind)}"
            message = f"{what} has shape version {version}; this version of Headrace reads {newest}: upgrade it"
            raise UnknownShape(message)
        try:
            for number in range(version, newest):
                fields = self._upcasters[kind, number](fields)
            event: E = msgspec.convert({**fields, "type": kind, "v": newest}, self._events)
        except (LookupError, TypeError, ValueError, AttributeError) as problem:  # msgspec's own are ValueErrors
            raise self._something_else(problem) from problem
        return event

    def _fields(self, value: bytes, error: Exception | None) -> Fields:
        try:
            return msgspec.json.decode(value, type=Fields)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise self._something_else(error or problem) from problem

    def _something_else(self, error: Exception | None) -> UnknownShape:
        return UnknownShape(f"expected a {self._noun}, found something else: {error}")
