"""Liquid, fenced in: python-liquid with limits, with decide's time as its only clock, and with no way to other files."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from liquid import Environment
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.context import UNDEFINED, RenderContext
from liquid.exceptions import LoopIterationLimitError, ResourceLimitError, UnknownFilterError
from liquid.expression import Expression
from liquid.output import LimitedStringIO
from liquid.template import BoundTemplate
from liquid.token import Token
from liquid.utils import ReadOnlyChainMap

from domain.fields import Reader, Scope, compile_names
from domain.liquid_filters import MAX_ITEMS, add_filters
from domain.values import printed

MAX_OUTPUT_BYTES: Final = 100 * 1_024
MAX_LOOP_ITERATIONS: Final = 10_000
MAX_LOCAL_BYTES: Final = 512 * 1_024

Part = str | tuple[str | int, ...]
"""A part of a template that needs no Liquid: text, or the names of a path."""

_cached_reader = lru_cache(maxsize=4_096)(compile_names)


def parse(source: str) -> BoundTemplate:
    """The parsed template.

    Raises:
        liquid.exceptions.LiquidError: the source is no template, or uses a filter that is not known.
    """
    template = _ENVIRONMENT.from_string(source)
    for name, spans in template.analyze(include_partials=False).filters.items():
        if name not in _ENVIRONMENT.filters:
            message = f"there is no filter `{name}`"
            raise UnknownFilterError(message, token=Token("filter", name, spans[0].index, source))
    for expression in _expressions(template.nodes, RenderContext(template)):
        if isinstance(expression, RangeLiteral):
            expression.__class__ = _BoundedRange
    return template


def plain_parts(template: BoundTemplate) -> list[Part] | None:
    """The template as text and paths, when it has nothing else in it; else None."""
    parts = [_plain_part(node) for node in template.nodes]
    return None if None in parts else [part for part in parts if part is not None]


def root_names(template: BoundTemplate) -> list[str]:
    """The first names of all paths that the template doesn't define itself, in the order of their appearance."""
    return list(template.analyze(include_partials=False).globals)


def render(template: BoundTemplate, scope: Scope) -> str:
    """The template's text.

    Raises:
        liquid.exceptions.LiquidError: a limit, or a filter that can't work with what it was given.
    """
    context, buffer = _Context(template, scope), _Buffer(MAX_OUTPUT_BYTES)
    template.render_with_context(context, buffer)
    text: str = buffer.getvalue()
    return text


def byte_length(text: str) -> int:
    """The length of the text in UTF-8."""
    return len(text.encode(errors="surrogatepass"))


def _plain_part(node: Node) -> Part | None:
    if isinstance(node, ContentNode):
        return str(node.text)
    expression = node.expression if isinstance(node, OutputNode) else None
    if not isinstance(expression, FilteredExpression) or expression.filters or not isinstance(expression.left, Path):
        return None
    names = tuple(expression.left.path)
    return names if all(isinstance(name, str | int) for name in names) and isinstance(names[0], str) else None


def _expressions(nodes: Iterable[Node], context: RenderContext) -> Iterator[Expression]:
    """Every expression of a parsed template, nested ones too."""
    for node in nodes:
        pending = list(node.expressions())
        while pending:
            expression = pending.pop()
            yield expression
            pending.extend(expression.children())
        yield from _expressions(node.children(context, include_partials=False), context)


class _Context(RenderContext):  # type: ignore[misc]  # the package is not followed by mypy
    """Names are the template's own, else fields of the scope; nothing is copied for it."""

    __slots__ = ("data", "iterations", "work")

    def __init__(self, template: BoundTemplate, data: Scope) -> None:
        super().__init__(template)
        self.scope = ReadOnlyChainMap(self.locals, self.counters)  # type: ignore[misc]  # a slot of the base class
        self.data = data
        self.iterations = 0
        self.work = 0

    def get(self, path: list[Any], *, token: Token | None, default: object = UNDEFINED) -> object:
        if path[0] in self.scope:
            return super().get(path, token=token, default=default)
        value = _reader(path)(self.data)
        if value is not None:
            return value
        return self.env.undefined(str(path[0]), token=token) if default is UNDEFINED else default

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Counts all iterations of a rendering, one loop after the other too."""
        self.iterations += length
        if self.iterations > MAX_LOOP_ITERATIONS:
            message = f"its loops run more than {MAX_LOOP_ITERATIONS:,} times"
            raise LoopIterationLimitError(message, token=None)

    def get_buffer(self, buf: StringIO | None = None) -> StringIO:
        return _Buffer(MAX_OUTPUT_BYTES - (buf.size if isinstance(buf, _Buffer) else 0))


def _reader(path: list[Any]) -> Reader:
    return _cached_reader(tuple(name if type(name) in (str, int) else printed(name) for name in path))


class _Buffer(LimitedStringIO):  # type: ignore[misc]  # the package is not followed by mypy
    """Keeps line ends as they are, which a plain StringIO doesn't."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit, newline="")

    def write(self, text: str) -> int:
        self.size += byte_length(text)
        if self.size > self.limit:
            message = f"its text is longer than {MAX_OUTPUT_BYTES:,} bytes"
            raise ResourceLimitError(message, token=None)
        return StringIO.write(self, text)


class _BoundedRange(RangeLiteral):  # type: ignore[misc]  # the package is not followed by mypy
    """Refuses a range that a filter would otherwise walk for hours."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made: range = super()._make_range(start, stop)
        if made.stop - made.start > MAX_ITEMS:
            message = f"the range {self} has more than {MAX_ITEMS:,} items"
            raise ResourceLimitError(message, token=self.token)
        return made


class _Output(Output):  # type: ignore[misc]  # the package is not followed by mypy
    class node_class(OutputNode):  # type: ignore[misc]  # noqa: N801 - python-liquid's name for it
        """Prints values as the fast path does."""

        def render_to_output(self, context: RenderContext, buffer: StringIO) -> int:
            return _write(self.expression.evaluate(context), buffer)


class _Echo(EchoTag):  # type: ignore[misc]  # the package is not followed by mypy
    class node_class(EchoNode):  # type: ignore[misc]  # noqa: N801 - python-liquid's name for it
        """Prints values as the fast path does."""

        def render_to_output(self, context: RenderContext, buffer: StringIO) -> int:
            return _write(self.expression.evaluate(context), buffer)


def _write(value: object, buffer: StringIO) -> int:
    if isinstance(value, list | tuple):
        return sum(_write(item, buffer) for item in value)
    return buffer.write(f"{value.start}..{value.stop - 1}" if isinstance(value, range) else printed(value))


class _Template(BoundTemplate):  # type: ignore[misc]  # the package is not followed by mypy
    def make_partial_namespace(self, *_: Any) -> dict[str, object]:
        """Keeps the name `partial` free for a custom field."""
        return {}


class _Environment(Environment):  # type: ignore[misc]  # the package is not followed by mypy
    template_class = _Template
    shorthand_indexes = True
    local_namespace_limit = MAX_LOCAL_BYTES
    output_stream_limit = MAX_OUTPUT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for name in ("include", "render"):
            del self.tags[name]
        self.add_tag(_Output)
        self.add_tag(_Echo)
        add_filters(self)


_ENVIRONMENT = _Environment(strict_filters=True, autoescape=False)
