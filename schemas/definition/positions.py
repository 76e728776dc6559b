"""A document as it was written: each value with its line and column, so that every finding can point at its place."""

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

MAX_BYTES: Final = 1 << 20
"""A larger file is refused before it is read."""

MAX_DEPTH: Final = 64
"""Mappings and lists nested deeper than this are refused."""

MAX_VALUES: Final = 50_000
"""A document of more values than this, counted after its aliases are written out, is refused."""

Path = tuple[str | int, ...]
"""From a document's root to a value: keys of mappings and indices of lists."""

_PLAIN_NAME = re.compile(r"[\w-]+")


class Position(NamedTuple):
    """A place in the text, counted from 1."""

    line: int
    column: int


START: Final = Position(1, 1)


class Scalar(NamedTuple):
    """Text, a number, a boolean or null. `block`: it is YAML text that begins on the line below its position."""

    value: str | int | float | bool | None
    position: Position
    block: bool = False


class Sequence(NamedTuple):
    """A list."""

    items: list["Node"]
    position: Position


class Entry(NamedTuple):
    """A value in a mapping, and where its key stands."""

    key: Position
    node: "Node"


class Mapping(NamedTuple):
    """A mapping from text to values, in the order of the text."""

    entries: dict[str, Entry]
    position: Position


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Any:
    """The document alone: dicts, lists, text, numbers, booleans and None."""
    match node:
        case Mapping(entries):
            return {key: plain(entry.node) for key, entry in entries.items()}
        case Sequence(items):
            return [plain(item) for item in items]
        case Scalar(value):
            return value


def unplaced(document: Any) -> Node:
    """Nodes for a document whose text is not at hand: everything stands at its start."""
    match document:
        case dict():
            return Mapping({key: Entry(START, unplaced(value)) for key, value in document.items()}, START)
        case list():
            return Sequence([unplaced(item) for item in document], START)
        case _:
            return Scalar(document, START)


class Place(NamedTuple):
    """What a path led to: the node, the path as it is in the text, and where its key and its value begin."""

    node: Node
    path: Path
    key: Position
    value: Position


def locate(root: Node, path: Iterable[str | int]) -> Place:
    """Follow a path as far as it goes; a part that the text does not have is passed over.

    So a path to a key that is missing leads to the mapping that lacks it.
    """
    place = Place(root, (), root.position, root.position)
    for part in path:
        node = place.node
        if isinstance(node, Mapping) and part in node.entries:
            entry = node.entries[str(part)]
            place = Place(entry.node, (*place.path, part), entry.key, entry.node.position)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            item = node.items[part]
            place = Place(item, (*place.path, part), item.position, item.position)
    return place


def dotted(path: Iterable[str | int]) -> str:
    """A path as words: `steps[2].config.duration`; unusual keys in brackets and quotes."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        elif _PLAIN_NAME.fullmatch(part):
            words += f".{part}" if words else part
        else:
            words += f'["{part}"]'
    return words
