"""A partition's store against the journal, at the very offset that the store reflects."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from projections.verify.differences import STORE, Difference, first_unlike, state_differences
from projections.verify.digest import add, digest_kept, from_bytes, shown
from projections.verify.fold import PartitionFold, refold
from projections.verify.ledger import Ledger
from projections.verify.merge import unlike
from projections.verify.place import Place, run
from projections.verify.report import NAMED, Compared, Differing
from projections.verify.stores import NoStore, OpenStore, StoreSnapshot

_PATIENCE_S: Final = 10.0
"""How long a store may take to come to where the ledger is: its worker wrote the journal and is about to apply it."""
_POLL_S: Final = 0.05


class StoreCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A store against the journal; without `compared`, `note` says why."""

    compared: Compared | None = None
    note: str | None = None
    differing: Differing = Differing()


def check_store(place: Place) -> StoreCheck:
    """Compare the partition's store. The ledger is folded on to the store's offset, and that is not kept."""
    assert place.open_store is not None, "there is nothing to open a store with"
    return run(_check(place, place.open_store))


async def _check(place: Place, open_store: OpenStore) -> StoreCheck:
    with place.open_ledger() as ledger, contextlib.ExitStack() as stack:
        try:
            store = await _in_step(place.partition, open_store, ledger, stack)
            if store.offset > ledger.stand.offset:
                async with place.open_log() as log:
                    await PartitionFold(log, place.partition, ledger).advance(store.offset)
            return await _compare(place, ledger, store)
        except NoStore as reason:
            return StoreCheck(note=str(reason))
        except sqlite3.DatabaseError as error:
            return _unreadable(place.partition, ledger, error)


async def _in_step(partition: int, open_store: OpenStore, ledger: Ledger, stack: contextlib.ExitStack) -> StoreSnapshot:
    """A state of the store that is not older than the ledger."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with contextlib.ExitStack() as one:
            store = one.enter_context(open_store(partition, ledger.stand.origin))
            if store.offset >= ledger.stand.offset:
                stack.push(one.pop_all())
                return store
        if time.monotonic() > deadline:
            message = f"its store stands at offset {store.offset}, and the comparison at {ledger.stand.offset}"
            raise NoStore(message)
        await asyncio.sleep(_POLL_S)


async def _compare(place: Place, ledger: Ledger, store: StoreSnapshot) -> StoreCheck:
    partition = place.partition
    found = add(digest_kept(contact_id, state) for contact_id, state in store.contents())
    expected = from_bytes(ledger.stand.kept)
    count, named = 0, list[Difference]()
    for one in store.misfiled():
        count += 1
        if len(named) < NAMED:
            named.append(_difference(partition, one.contact_id, one.column, one.expected, one.found))
    if store.partition != ledger.stand.partition:
        states = (msgspec.to_builtins(one) for one in (ledger.stand.partition, store.partition))
        count += 1
        named.append(_difference(partition, None, *first_unlike(*states)))
    if expected != found:
        differing, some = unlike(ledger.kept_digests(), _digested(store))
        async with place.open_log() as log:
            folded = await refold(log, partition, store.offset, frozenset(some))
        count += differing
        for contact_id, kept in some.items():
            contact = folded.get(contact_id)
            named += [
                _difference(partition, contact_id, *what)
                for what in state_differences(contact_id, contact.state if contact else None, kept)
            ]
    compared = Compared(offset=store.offset, expected=shown(expected), found=shown(found), ok=not count)
    return StoreCheck(compared=compared, differing=Differing(count, tuple(named)))


def _digested(store: StoreSnapshot) -> Iterator[tuple[str, int, bytes]]:
    for contact_id, state in store.contents():
        yield contact_id, digest_kept(contact_id, state), state


def _unreadable(partition: int, ledger: Ledger, error: Exception) -> StoreCheck:
    expected = shown(from_bytes(ledger.stand.kept))
    compared = Compared(offset=ledger.stand.offset, expected=expected, found="", ok=False)
    difference = _difference(partition, None, "file", "a database that can be read", str(error))
    return StoreCheck(compared=compared, differing=Differing(1, (difference,)))


def _difference(partition: int, contact_id: str | None, column: str, expected: Any, found: Any) -> Difference:
    key = contact_id if contact_id is not None else f"partition {partition}"
    return Difference(
        partition=partition,
        contact_id=contact_id,
        table=STORE,
        key=key,
        column=column,
        expected=expected,
        found=found,
    )
