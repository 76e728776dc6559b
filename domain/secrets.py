"""Secrets by reference: what stands in a definition and in the journal says where a secret goes, never what it is.

A text that refers to a secret is rendered with the reference left in it, and beside the request stands where. Only these
places are filled in when the provider is called: a contact whose name reads like a reference gets no secret by it.
"""

from collections.abc import Iterator
from typing import Any

from domain.fields import Scope
from domain.secret_use import SecretUse
from domain.templates import Template


def secret_uses(compiled: Any, scope: Scope, path: tuple[str | int, ...] = ()) -> Iterator[SecretUse]:
    """Where secrets go in what the compiled templates of a nested structure render to."""
    if isinstance(compiled, Template):
        for at, name in compiled.secret_places(scope):
            yield SecretUse(name, path, at)
    elif isinstance(compiled, dict):
        for key, item in compiled.items():
            yield from secret_uses(item, scope, (*path, key))
    elif isinstance(compiled, list):
        for index, item in enumerate(compiled):
            yield from secret_uses(item, scope, (*path, index))
