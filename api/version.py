"""Which Headrace this is."""

from importlib.metadata import PackageNotFoundError, version


def engine_version() -> str:
    """The version of the installed package; `0` in a source tree that is not installed."""
    try:
        return version("headrace")
    except PackageNotFoundError:
        return "0"
