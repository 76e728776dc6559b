"""Two streams of contacts in order of their ids, side by side: where they do not agree."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from projections.verify.report import NAMED

_T = TypeVar("_T")


def unlike(
    expected: Iterable[tuple[str, int]], found: Iterable[tuple[str, int, _T]]
) -> tuple[int, dict[str, _T | None]]:
    """How many contacts have not the same digest in both, and what was found of the first few (None: nothing).

    Both streams are in order of the ids' bytes; only one contact of each is in memory at a time.
    """
    count, some = 0, dict[str, _T | None]()
    for contact_id, what in _unlike(iter(expected), iter(found)):
        count += 1
        if len(some) < NAMED:
            some[contact_id] = what
    return count, some


def _unlike(
    expected: Iterator[tuple[str, int]], found: Iterator[tuple[str, int, _T]]
) -> Iterator[tuple[str, _T | None]]:
    wanted, got = next(expected, None), next(found, None)
    while wanted is not None or got is not None:
        if got is None or (wanted is not None and wanted[0].encode() < got[0].encode()):
            assert wanted is not None
            yield wanted[0], None
            wanted = next(expected, None)
        elif wanted is None or wanted[0] != got[0]:
            yield got[0], got[2]
            got = next(found, None)
        else:
            if wanted[1] != got[1]:
                yield got[0], got[2]
            wanted, got = next(expected, None), next(found, None)
