"""How values look on a page: times, spans of time, JSON."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup, escape

from domain.times import span_text

_LONGEST: Final = 120
_CODE: Final = re.compile(r"`([^`]+)`")


def moment(at: datetime | None) -> Markup:
    """A time in UTC to the second, with its exact value for machines."""
    if at is None:
        return Markup('<span class="none">&ndash;</span>')
    exact, shown = at.isoformat().replace("+00:00", "Z"), at.strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, shown)


def due(at: datetime | None, now_ms: int) -> Markup:
    """A time and how far it is from now."""
    if at is None:
        return moment(at)
    seconds = round(at.timestamp() - now_ms / 1000)
    words = f"in {span_text(seconds)}" if seconds > 0 else f"{span_text(-seconds)} ago" if seconds < 0 else "now"
    return Markup('{} <span class="quiet">{}</span>').format(moment(at), words)


def pretty(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def compact(value: Any) -> str:
    """JSON in one line, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def path_segment(text: str) -> str:
    """Text as one segment of a path; Jinja's own `urlencode` would leave a slash."""
    return quote(text, safe="")


def parse_time(text: Any) -> datetime | None:
    """A time out of JSON (`delay_until`); None when it is none."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def status_badge(status: str) -> Markup:
    """A status as a coloured word; the colour adds nothing that the word doesn't say."""
    return Markup('<span class="status {}">{}</span>').format(status, escape(status))


def sentence(words: str) -> str:
    """Words with a capital letter and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def prose(words: str) -> Markup:
    """Words with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(words))))  # noqa: S704 escaped, and then only our own tags
