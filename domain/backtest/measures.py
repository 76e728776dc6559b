"""The numbers of a backtest by name, and limits on them: `messages>+5%` fails a build."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from domain.backtest.difference import CHANGES, Difference
from domain.backtest.tally import ENDS, Tally
from domain.errors import HeadraceError

NAMES: Final = ("contacts", "enrolled", *ENDS, "skipped", "messages", "sms", "sms_parts", "email", "http", "cost")
"""What every backtest measures."""
OF_CONTACTS: Final = ("changed", *(change for change in CHANGES if change != "same"))
"""What a comparison measures: contacts that would be treated differently, in all and by what changes for them."""

_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": lambda found, limit: found >= limit,
    "<=": lambda found, limit: found <= limit,
    ">": lambda found, limit: found > limit,
    "<": lambda found, limit: found < limit,
    "==": lambda found, limit: found == limit,
    "!=": lambda found, limit: found != limit,
}
_LIMIT: Final = re.compile(
    r"\s*(?P<name>[a-z_]+)\s*(?P<comparison>>=|<=|==|!=|>|<)\s*"
    r"(?P<sign>[+-]?)(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<percent>%?)\s*"
)
_EXAMPLES: Final = "as `messages>+5%`, `cost>120`, `enrolled<-10` or `changed>2%`"


class BadLimit(HeadraceError):
    """A limit that says nothing that can be checked."""


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What sending costs, in a currency of your choice."""

    sms: float = 0.0
    """For each part of a text message."""
    email: float = 0.0
    http: float = 0.0


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A condition on one number under which a backtest fails.

    With a sign, `number` is what the new version may add to (or take from) the old one's, in percent or as it is.
    """

    text: str
    name: str
    comparison: str
    number: float
    signed: bool
    percent: bool

    @property
    def needs_old(self) -> bool:
        """Whether there must be something to compare with."""
        return self.signed or self.name in OF_CONTACTS


def read_limit(text: str) -> Limit:
    """The limit that a text says.

    Raises:
        BadLimit: it says none; the message tells what was expected.
    """
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise BadLimit(f"expected a name, a comparison and a number, {_EXAMPLES}; found {text!r}")
    name, signed, percent = found["name"], found["sign"] != "", found["percent"] != ""
    if name not in NAMES + OF_CONTACTS:
        raise BadLimit(f"expected one of {', '.join(NAMES + OF_CONTACTS)}; found {name!r} in {text!r}")
    if name in OF_CONTACTS and signed:
        raise BadLimit(f"{name!r} is a difference already: leave the sign out in {text!r}, as `{name}>2%`")
    if percent and not signed and name not in OF_CONTACTS:
        raise BadLimit(f"percent of what? Say `{name}{found['comparison']}+{found['number']}%` to compare with the old")
    number = float(found["sign"] + found["number"])
    return Limit(
        text=text.strip(), name=name, comparison=found["comparison"], number=number, signed=signed, percent=percent
    )


def measure(tally: Tally, prices: Prices) -> dict[str, float]:
    """Each number by its name."""

    def taken(channel: str) -> int:
        return tally.channels[channel].succeeded if channel in tally.channels else 0

    cost = tally.sms_parts * prices.sms + taken("email") * prices.email + taken("http") * prices.http
    return {
        "contacts": tally.contacts,
        "enrolled": tally.enrolled,
        **tally.ends,
        "skipped": sum(tally.skipped.values()),
        "messages": tally.messages,
        "sms": taken("sms"),
        "sms_parts": tally.sms_parts,
        "email": taken("email"),
        "http": taken("http"),
        "cost": round(cost, 6),
    }


def measure_difference(difference: Difference) -> dict[str, float]:
    """Each number of a comparison by its name."""
    return {name: difference.changes.get(name, difference.changed) for name in OF_CONTACTS}


def trips(
    limit: Limit, new: Mapping[str, float], old: Mapping[str, float] | None, difference: Difference | None
) -> str | None:
    """Why the limit is broken, in words; None when it holds.

    Raises:
        BadLimit: it needs something to compare with, and there is nothing.
    """
    if limit.needs_old and (old is None or difference is None):
        raise BadLimit(f"{limit.text!r} needs something to compare with: use `--compare`, or `headrace diff`")
    if limit.name in OF_CONTACTS:
        assert difference is not None
        found, bound = measure_difference(difference)[limit.name], limit.number
        if limit.percent:
            bound = difference.contacts * limit.number / 100
        words = f"{found:g} of {difference.contacts} contacts"
    elif limit.signed:
        assert old is not None
        found, was = new[limit.name], old[limit.name]
        bound = was * (1 + limit.number / 100) if limit.percent else was + limit.number
        words = f"{found:g}, it was {was:g}"
    else:
        found, bound = new[limit.name], limit.number
        words = f"{found:g}"
    return f"{limit.name} is {words}" if _COMPARISONS[limit.comparison](found, bound) else None
