"""One YAML document from the parser's events into nodes; depth, size and aliases are bounded on the way."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from domain.definition import Diagnostic
from schemas.definition.diagnostics import finding
from schemas.definition.positions import MAX_DEPTH, MAX_VALUES, Entry, Mapping, Node, Position, Scalar, Sequence
from schemas.definition.yaml_frames import Key, MappingFrame, SequenceFrame, Sized
from schemas.definition.yaml_scalars import TAG, Value, plain_value, tag_name, tagged_value

_MERGE: Final = "<<"
_QUOTE_KEY: Final = 'put text that begins with {, [ or * in quotes, as "{{first_name}}"'


class YamlDocument(NamedTuple):
    """One document of a stream; `root` is None when nothing could be made of it."""

    root: Node | None
    start_line: int
    problems: tuple[Diagnostic, ...]


class Stop(Exception):
    """The document can't be read further."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def position_of(event: Any) -> Position:
    """Where an event of the parser begins."""
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


class Composer:
    """Builds one document's nodes from its events, with a stack of its own: nesting can't exhaust Python's."""

    def __init__(self, start_line: int) -> None:
        self.start_line = start_line
        self.root: Node | None = None
        self.problems: list[Diagnostic] = []
        self.stack: list[SequenceFrame | MappingFrame] = []
        self.anchors: dict[str, Sized] = {}
        self.values = 0

    def document(self, stopped: Diagnostic | None = None) -> YamlDocument:
        """What was built, unless it had to stop; of the findings in that line, only the last one says why."""
        problems = [one for one in self.problems if stopped is None or one.line != stopped.line]
        if stopped is not None:
            return YamlDocument(None, self.start_line, (*problems, stopped))
        return YamlDocument(self.root, self.start_line, tuple(problems))

    def take(self, event: Any) -> None:
        """Go on by one event.

        Raises:
            Stop: the document can't be read further.
        """
        at = position_of(event)
        match event:
            case yaml.ScalarEvent():
                self._scalar(event, at)
            case yaml.SequenceStartEvent():
                self._open(SequenceFrame(at, event.anchor), event.tag, "seq")
            case yaml.MappingStartEvent():
                self._open(MappingFrame(at, event.anchor), event.tag, "map")
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                frame = self.stack.pop()
                self._place(Sized(frame.close(), frame.size, frame.height + 1), frame.anchor)
            case yaml.AliasEvent():
                self._alias(str(event.anchor), at)

    # ------------------------------------------------------------ collections

    def _open(self, frame: SequenceFrame | MappingFrame, tag: str | None, kind: str) -> None:
        if tag not in (None, "!", TAG + kind):
            self._problem("unknown_tag", frame.position, f"expected no tag here, found {tag_name(tag)}", "delete it")
        if len(self.stack) >= MAX_DEPTH:
            raise Stop(self._too_deep(frame.position))
        self._count(1, frame.position)
        if self._wants_key():
            self._bad_key(frame.position, "expected a key that is text, found a list or a mapping")
            # The value of this key is read like any other and then dropped.
        self.stack.append(frame)

    def _place(self, sized: Sized, anchor: str | None) -> None:
        """Put a finished node where it belongs."""
        if anchor is not None:
            self.anchors[anchor] = sized
        if not self.stack:
            self.root = sized.node
            return
        frame = self.stack[-1]
        frame.grow(sized)
        if isinstance(frame, SequenceFrame):
            frame.items.append(sized.node)
        elif frame.key is not None and not self._is_key_itself(sized.node, frame.key):
            key, frame.key = frame.key, None
            self._enter(frame, key, sized)

    @staticmethod
    def _is_key_itself(node: Node, key: Key) -> bool:
        """A collection that stands where a key should: what follows it is still to be dropped."""
        return key.text is None and not isinstance(node, Scalar) and node.position == key.position

    def _enter(self, frame: MappingFrame, key: Key, sized: Sized) -> None:
        if key.merge:
            self._merge(frame, key, sized)
        elif key.text is None:
            return
        elif key.text in frame.own:
            first = frame.own[key.text].key
            message = f"the key '{key.text}' is here twice, first in line {first.line}"
            frame.key = key  # so that the path names it
            self._problem("duplicate_key", key.position, message, "keep one of them")
            frame.key = None
        else:
            frame.own[key.text] = Entry(key.position, sized.node)
            frame.parts.append(key.text)

    def _merge(self, frame: MappingFrame, key: Key, sized: Sized) -> None:
        """YAML's merge key: own keys win, then earlier mappings (yaml.org/type/merge.html)."""
        nodes = sized.node.items if isinstance(sized.node, Sequence) else [sized.node]
        for node in nodes:
            if isinstance(node, Mapping):
                frame.parts.append(node)
            else:
                message = "expected a mapping, or a list of mappings, to merge by `<<`"
                self._problem("bad_merge", key.position, message, "give it an alias of a mapping, as `<<: *name`")

    # ------------------------------------------------------------ scalars and aliases

    def _scalar(self, event: yaml.ScalarEvent, at: Position) -> None:
        self._count(1, at)
        plain_text = event.implicit[0]
        if self._wants_key():
            self._key(event, at, plain=plain_text)
            return
        value = self._value(event, at, plain=plain_text)
        node = Scalar(value, at, block=event.style in ("|", ">"))
        self._place(Sized(node, 1, 0), event.anchor)

    def _key(self, event: yaml.ScalarEvent, at: Position, *, plain: bool) -> None:
        """A key is always text, as it is written: `true:` and `1:` are the keys "true" and "1"."""
        frame = self.stack[-1]
        assert isinstance(frame, MappingFrame)
        if plain and event.value in ("", "~"):
            self._bad_key(at, "expected a key before ':', found nothing", "write `key: value`")
            return
        self._refuse_nul(event.value, at)
        frame.key = Key(event.value, at, merge=plain and event.value == _MERGE)
        if event.anchor is not None:
            self.anchors[event.anchor] = Sized(Scalar(event.value, at), 1, 0)

    def _value(self, event: yaml.ScalarEvent, at: Position, *, plain: bool) -> Value:
        text: str = event.value
        self._refuse_nul(text, at)
        tag = None if event.tag == "!" else event.tag
        try:
            if tag is not None:
                return tagged_value(tag, text)
            return plain_value(text) if plain else text
        except OverflowError:
            hint = "put it in quotes to keep it as text"
            self._problem("bad_number", at, f"the number {text[:40]} is too large", hint)
        except ValueError:
            message = f"expected a value for {tag_name(tag)}, found '{text[:40]}'"
            self._problem("bad_value", at, message, "delete the tag")
        except LookupError:
            hint = "delete it; a definition holds text, numbers, booleans, null, lists and mappings"
            self._problem("unknown_tag", at, f"expected no tag here, found {tag_name(tag)}", hint)
        return text

    def _refuse_nul(self, text: str, at: Position) -> None:
        if "\0" in text:
            self._problem("control_character", at, "expected readable text, found NUL (\\0)", "delete this character")

    def _alias(self, name: str, at: Position) -> None:
        if self._wants_key():
            self._bad_key(at, f"expected a key that is text, found the alias *{name}")
            return
        known = self.anchors.get(name)
        if known is None:
            inside = any(frame.anchor == name for frame in self.stack)
            message = f"the alias *{name} stands for {'itself' if inside else 'nothing: no &' + name + ' is above it'}"
            hint = "write out what is meant" if inside else "put a text that begins with * in quotes"
            raise Stop(self._finding("unknown_anchor", at, message, hint))
        if len(self.stack) + known.height > MAX_DEPTH:
            raise Stop(self._too_deep(at))
        self._count(known.size, at, code="alias_bomb")
        self._place(known, None)

    # ------------------------------------------------------------ bounds and findings

    def _wants_key(self) -> bool:
        frame = self.stack[-1] if self.stack else None
        return isinstance(frame, MappingFrame) and frame.key is None

    def _bad_key(self, at: Position, message: str, hint: str = _QUOTE_KEY) -> None:
        self._problem("bad_key", at, message, hint)
        frame = self.stack[-1]
        assert isinstance(frame, MappingFrame)
        frame.key = Key(None, at)

    def _count(self, values: int, at: Position, *, code: str = "too_many_values") -> None:
        self.values += values
        if self.values > MAX_VALUES:
            message = f"expected at most {MAX_VALUES:,} values in a definition, found more"
            raise Stop(self._finding(code, at, message, "write less by aliases, or split it into several workflows"))

    def _too_deep(self, at: Position) -> Diagnostic:
        message = f"expected at most {MAX_DEPTH} levels of lists and mappings, found more"
        return self._finding("too_deep", at, message, "take a level of nesting away")

    def _problem(self, code: str, at: Position, message: str, hint: str) -> None:
        self.problems.append(self._finding(code, at, message, hint))

    def _finding(self, code: str, at: Position, message: str, hint: str) -> Diagnostic:
        path: Iterator[str | int] = (part for frame in self.stack if (part := frame.part) is not None)
        return finding(code, path, at, message, hint)
