"""The shapes of the events of the log, kept as golden files, with a fixture of every version ever written.

`python -m tests.support.event_shapes` brings the files up to date after a change that old records allow, and refuses
one that they don't. What it writes is committed; nothing that was ever written is taken away.
"""

import json
import sys
import typing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from domain.definition import AnyDefinitionEvent
from domain.journal import AnyJournalEvent
from schemas.definition_event import encode_definition_event
from schemas.journal import encode_event

GOLDEN = Path(__file__).parents[1] / "golden"
Shape = dict[str, Any]


class Golden(NamedTuple):
    """The golden files of one event type."""

    kind: Any
    directory: Path
    encode: Any

    @property
    def tag(self) -> str:
        return self.kind.__struct_config__.tag

    @property
    def shape(self) -> Shape | None:
        """The shape as it was last written down: its version and its fields."""
        path = self.directory / "shape.json"
        return json.loads(path.read_text()) if path.exists() else None

    def fixture(self, version: int) -> list[dict[str, Any]] | None:
        """Records of this version, as they stood in some log."""
        path = self.directory / f"v{version}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def write(self, name: str, value: Any) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / name).write_text(json.dumps(value, indent=1) + "\n")


def goldens() -> list[Golden]:
    journal = [
        Golden(kind, GOLDEN / "journal" / tag_of(kind), encode_event) for kind in typing.get_args(AnyJournalEvent)
    ]
    definitions = [
        Golden(kind, GOLDEN / "definition_events" / tag_of(kind), encode_definition_event)
        for kind in typing.get_args(AnyDefinitionEvent)
    ]
    return journal + definitions


def tag_of(kind: Any) -> str:
    return kind.__struct_config__.tag


# ---------------------------------------------------------------- shapes


def shape_of(kind: Any) -> Shape:
    """The version of a type and, for each field, what it holds and its default."""
    return {"version": kind.VERSION, "fields": _fields(inspect.type_info(kind))}


def _fields(info: Any) -> dict[str, Any]:
    return {field.encode_name: _field(field) for field in info.fields}


def _field(field: Any) -> Any:
    """A struct that is a part of its own as its fields; all else as `type` or `type = default`."""
    if isinstance(field.type, inspect.StructType) and not field.required:
        return _fields(field.type)
    words = _words(field.type)
    if field.required:
        return words
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"{words} = {json.dumps(msgspec.to_builtins(default))}"


def _words(info: Any) -> str:
    match info:
        case inspect.UnionType():
            return " | ".join(_words(one) for one in info.types)
        case inspect.DictType():
            return f"dict[{_words(info.key_type)}, {_words(info.value_type)}]"
        case inspect.VarTupleType() | inspect.ListType():
            return f"list[{_words(info.item_type)}]"
        case inspect.StructType():
            return info.cls.__name__
        case _:
            return type(info).__name__.removesuffix("Type").lower()


def incompatible(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Why records with the old fields would be misread by the new ones although both have the same version."""
    found = []
    for name, field in old.items():
        now = new.get(name)
        if now is None:
            found.append(f"the field {name} is gone")
        elif isinstance(field, dict) and isinstance(now, dict):
            found += [f"in {name}: {why}" for why in incompatible(field, now)]
        elif field != now:
            found.append(f"the field {name} was `{field}` and is `{now}`")
    added = {name: field for name, field in new.items() if name not in old}
    return found + [f"the new field {name} has no default" for name, field in added.items() if _is_required(field)]


def _is_required(field: Any) -> bool:
    return isinstance(field, str) and " = " not in field


# ---------------------------------------------------------------- fixtures


def covered(records: list[dict[str, Any]]) -> set[str]:
    """The dotted names of all fields that some record has."""
    return {name for record in records for name in _names(record)}


def _names(record: dict[str, Any], prefix: str = "") -> set[str]:
    names = {prefix + name for name in record}
    return names.union(*(_names(value, f"{prefix}{name}.") for name, value in record.items() if name == "personal"))


def wanted(shape: Shape) -> set[str]:
    """The dotted names of all fields of a shape (`v` is written from version 2 on)."""
    names = {name for name in shape["fields"] if name != "v" or shape["version"] > 1}
    return names | {"type"} | {f"personal.{name}" for name in shape["fields"].get("personal", ())}


def examples(golden: Golden) -> list[dict[str, Any]]:
    """A record with no more than it needs, and one with everything that it may have."""
    info = inspect.type_info(golden.kind)
    made = [golden.kind(**_values(info, full=full)) for full in (False, True)]
    records = [json.loads(golden.encode(event)) for event in made]
    return records if records[0] != records[1] else records[:1]


def _values(info: Any, *, full: bool) -> dict[str, Any]:
    return {
        field.name: _value(field.type, field.name)
        for field in info.fields
        if field.required or (full and field.name != "v")
    }


def _value(info: Any, name: str) -> Any:  # noqa: PLR0911 one return a kind of type
    match info:
        case inspect.UnionType():
            return _value(next(one for one in info.types if not isinstance(one, inspect.NoneType)), name)
        case inspect.StructType():
            return info.cls(**_values(info, full=True))
        case inspect.DictType(value_type=inspect.StructType() as inner):
            return {name: _value(inner, name)}
        case inspect.DictType():
            return {"tag": "kept", "count": 2, "nested": {"list": [1, None, True]}}
        case inspect.VarTupleType() | inspect.ListType():
            return (
                [_value(info.item_type, name)]
                if isinstance(info, inspect.ListType)
                else (_value(info.item_type, name),)
            )
        case inspect.IntType():
            return 1_800_000_000_000 if name.endswith("_ms") else 1
        case inspect.BoolType():
            return name not in ("applied", "fires")
        case _:
            return _TEXTS.get(name, name)


_TEXTS = {
    "contact_id": "ada",
    "enrollment_id": "0c1b2c0e-6f6d-8d7e-9a52-1c1f5b5a0001",
    "workflow_id": "6a8f2f4e-0d5c-8a11-9a52-1c1f5b5a0001",
    "event_type": "something.happened",
    "change": "something.happened",
    "step_id": "here",
    "first_step": "here",
    "next_step": "there",
    "how": "again",
    "channel": "sms",
}


def refresh(golden: Golden) -> str | None:
    """Bring one type's files up to date; says what was done, None when nothing was to do.

    Raises:
        SystemExit: the change is one that old records don't allow, and the version is still the same.
    """
    old, new = golden.shape, shape_of(golden.kind)
    if old == new:
        return None
    if old is not None and old["version"] == new["version"] and (why := incompatible(old["fields"], new["fields"])):
        message = (
            f"{golden.tag}: {'; '.join(why)}. Old records don't fit: set VERSION = {new['version'] + 1} in its class, "
            "add an upcaster to schemas/upcasters.py, and run this again"
        )
        raise SystemExit(message)
    if old is not None and new["version"] not in (old["version"], old["version"] + 1):
        raise SystemExit(
            f"{golden.tag}: version {old['version']} is followed by {old['version'] + 1}, found {new['version']}"
        )
    known = golden.fixture(new["version"]) or []
    golden.write(f"v{new['version']}.json", known + [one for one in examples(golden) if one not in known])
    golden.write("shape.json", new)
    return f"{golden.tag}: version {new['version']} was written down"


def main() -> None:
    for golden in goldens():
        done = refresh(golden)
        if done:
            sys.stdout.write(done + "\n")


if __name__ == "__main__":
    main()
