"""One use of a secret: the place in a request that it goes to."""

import msgspec


class SecretUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A secret's name, and the reference in the request that it replaces when the provider is called."""

    name: str
    path: tuple[str | int, ...]
    """Keys and indices that lead to the text."""
    at: int = 0
    """The character of the text at which the reference begins."""
