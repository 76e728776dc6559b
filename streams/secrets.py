"""Secrets, known where providers are called and nowhere else: put into a request at the last moment, and hidden in the answer.

A request's references are filled in only where the engine noted one, never where some text merely reads like one.
"""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, quote_plus

from msgspec.structs import replace

from domain.action import ActionResult
from domain.errors import HeadraceError
from domain.secret_use import SecretUse
from domain.templates import secret_reference


class UnknownSecret(HeadraceError):
    """A request refers to a secret that this worker does not have."""


class Secrets:
    """Named secrets. Neither `repr` nor `str` shows a value."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.names)})"

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called, sorted."""
        return tuple(sorted(self._values))

    def filled(self, request: dict[str, Any], uses: Sequence[SecretUse]) -> dict[str, Any]:
        """A copy of the request with the secrets in it.

        Raises:
            UnknownSecret: it refers to one that is not there, or not where the engine noted it.
        """
        missing = sorted({use.name for use in uses} - self._values.keys())
        if missing:
            names = " and ".join(f"HEADRACE_SECRET_{name}" for name in missing)
            raise UnknownSecret(
                f"The worker has no secret {' and '.join(missing)}: set {names}, or name it in HEADRACE_SECRETS_FILE,"
                " restart the worker and retry"
            )
        made = copy.deepcopy(request)
        for use in sorted(uses, key=lambda use: use.at, reverse=True):  # from behind: the places before stay right
            _fill(made, use, self._values[use.name])
        return made

    def hidden(self, result: ActionResult, uses: Sequence[SecretUse]) -> ActionResult:
        """The result with a reference wherever a secret that its request used is told back."""
        told = list(_forms((use.name, self._values[use.name]) for use in uses if use.name in self._values))
        if not told:
            return result
        return replace(
            result,
            output=_without(result.output, told),
            state=_without(result.state, told),
            code=_without(result.code, told),
            message=_without(result.message, told),
            provider_id=_without(result.provider_id, told),
        )


NO_SECRETS: Final = Secrets()


def _fill(request: dict[str, Any], use: SecretUse, value: str) -> None:
    """Replace one reference by its secret."""
    *outer, last = use.path
    holder: Any = request
    for part in outer:
        holder = holder[part]
    text, reference = holder[last], secret_reference(use.name)
    if not text.startswith(reference, use.at):
        raise UnknownSecret(f"The reference to {use.name} is not where it was noted; the request was changed")
    holder[last] = text[: use.at] + value + text[use.at + len(reference) :]


def _forms(uses: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """How a secret may stand in an answer: as it is, in JSON, and in an address; the longest first."""
    found = {
        form: secret_reference(name)
        for name, value in uses
        for form in (value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value), quote_plus(value))
    }
    return iter(sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True))


def _without(value: Any, told: Sequence[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for form, reference in told:
            value = value.replace(form, reference)
        return value
    if isinstance(value, dict):
        return {_without(key, told): _without(item, told) for key, item in value.items()}
    return [_without(item, told) for item in value] if isinstance(value, list | tuple) else value
