"""Where secrets come from: variables `HEADRACE_SECRET_<NAME>`, and the file of `HEADRACE_SECRETS_FILE`."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from headrace.errors import SettingsError
from headrace.settings import Settings, variable
from streams.secrets import Secrets

SECRET_PREFIX: Final = "HEADRACE_SECRET_"  # noqa: S105 the name of variables, not a secret
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MAX_BYTES: Final = 1_048_576
_FILE: Final = variable("secrets_file")


def load_secrets(settings: Settings, environment: Mapping[str, str] = os.environ) -> Secrets:
    """All secrets of this process; a variable beats the file.

    Raises:
        SettingsError: the file can't be read, or a name can't be one; no value is ever echoed.
    """
    found = {} if settings.secrets_file is None else _read(settings.secrets_file)
    for name, value in environment.items():
        if name.startswith(SECRET_PREFIX) and value.strip():
            found[_checked(name.removeprefix(SECRET_PREFIX), name)] = value.strip()
    return Secrets(found)


def known_secret_names(settings: Settings) -> frozenset[str] | None:
    """What secrets are called, for whoever only reads definitions; None where none are set: others may have them."""
    return frozenset(load_secrets(settings).names) or None


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable brings secrets."""
    return name.startswith(SECRET_PREFIX) or name == _FILE


def _read(path: Path) -> dict[str, str]:
    """A JSON object of texts, or lines `NAME=value` (empty ones, and those that begin with `#`, don't count)."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise SettingsError(f"{_FILE}: expected a file of at most 1 MiB, found a larger one at {path}")
        return _from_json(text.decode()) if text.lstrip().startswith(b"{") else _from_lines(text.decode())
    except OSError as error:
        raise SettingsError(f"{_FILE}: {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{_FILE}: expected text in UTF-8 at {path}") from None


def _from_json(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None  # the error would quote what stands there
    if not isinstance(found, dict) or not all(isinstance(value, str) and value.strip() for value in found.values()):
        raise SettingsError(f"{_FILE}: expected a JSON object whose values are texts, none empty")
    return {_checked(name, f"a key in {_FILE}"): value.strip() for name, value in found.items()}


def _from_lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not value.strip():
            raise SettingsError(f"{_FILE}: expected NAME=value in line {number}")
        found[_checked(name.strip(), f"line {number} of {_FILE}")] = value.strip()
    return found


def _checked(name: str, where: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise SettingsError(f"{where}: expected a name of up to 64 letters, digits and '_', not a digit first")
    return name
