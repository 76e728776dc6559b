"""Collections of YAML while they are read: a list or a mapping that is not closed yet."""

from typing import NamedTuple

from schemas.definition.positions import Entry, Mapping, Node, Position, Sequence


class Sized(NamedTuple):
    """A node, how many values it holds with itself, and how deep it is."""

    node: Node
    size: int
    height: int


class Frame:
    """A collection that is not closed yet."""

    def __init__(self, position: Position, anchor: str | None) -> None:
        self.position, self.anchor = position, anchor
        self.size, self.height = 1, 0

    def grow(self, child: Sized) -> None:
        """Count what was put into it."""
        self.size += child.size
        self.height = max(self.height, child.height)


class SequenceFrame(Frame):
    """A list."""

    def __init__(self, position: Position, anchor: str | None) -> None:
        super().__init__(position, anchor)
        self.items: list[Node] = []

    @property
    def part(self) -> str | int | None:
        """Where in this collection the reader is."""
        return len(self.items)

    def close(self) -> Node:
        """The finished list."""
        return Sequence(self.items, self.position)


class Key(NamedTuple):
    """A key whose value is still to come."""

    text: str | None
    """None for a key that can't be used: its value is read and dropped."""
    position: Position
    merge: bool = False


class MappingFrame(Frame):
    """A mapping."""

    def __init__(self, position: Position, anchor: str | None) -> None:
        super().__init__(position, anchor)
        self.own: dict[str, Entry] = {}
        self.parts: list[str | Mapping] = []
        """Own keys and merged mappings, in the order of the text."""
        self.key: Key | None = None

    @property
    def part(self) -> str | int | None:
        """Where in this collection the reader is."""
        return self.key.text if self.key else None

    def close(self) -> Node:
        """The finished mapping: own keys win over merged ones, and each stands where it was first written."""
        entries: dict[str, Entry] = {}
        for part in self.parts:
            if isinstance(part, str):
                entries[part] = self.own[part]
            else:
                for name, entry in part.entries.items():
                    if name not in self.own:
                        entries.setdefault(name, entry)
        return Mapping(entries, self.position)
