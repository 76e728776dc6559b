"""Errors of how Headrace was called, whatever was asked for."""

from domain.errors import HeadraceError


class UsageError(HeadraceError):
    """The command was called in a way that makes no sense."""


class SettingsError(UsageError):
    """A setting has a value that Headrace cannot use."""
