"""A store as the verifier reads it: one state of it while its worker writes, and whatever does not fit its contacts."""

import sqlite3

import msgspec
import pytest

from projections.verify.ledger import Origin
from projections.verify.stores import Misfiled, NoStore
from streams.store import Store, store_path
from streams.store_snapshot import open_store_snapshot
from tests.unit.streams.test_store import HERE, asking, contact, put, waiting

ORIGIN = Origin(HERE.cluster_id, HERE.topic_id)


@pytest.fixture
def store(tmp_path):
    store = Store(store_path(tmp_path, 3), HERE)
    put(store, contact("ada", waiting(5)), contact("bob", asking(7)), contact("eve"))
    return store


def tamper(store, statement, *values):
    with sqlite3.connect(store.path) as db:
        assert db.execute(statement, values).rowcount == 1


def test_it_is_one_state_while_the_worker_goes_on(store, tmp_path):
    with open_store_snapshot(tmp_path, 3, ORIGIN) as snapshot:
        put(store, contact("later"))
        assert (snapshot.offset, snapshot.partition.last_time_ms) == (1, 0)
        assert [contact_id for contact_id, _ in snapshot.contents()] == ["ada", "bob", "eve"]
        assert list(snapshot.misfiled()) == []
    assert store.reflected.offset == 2


def test_a_timer_and_a_waiting_action_that_do_not_fit_are_told(store, tmp_path):
    tamper(store, "UPDATE contacts SET due_ms = 6 WHERE id = 'ada'")
    tamper(store, "UPDATE contacts SET is_open = 1 WHERE id = 'eve'")
    tamper(store, "DELETE FROM pending WHERE contact_id = 'bob'")
    tamper(store, "INSERT INTO pending VALUES ('nobody', 'e', 'sms', 1, 'w')")
    with open_store_snapshot(tmp_path, 3, ORIGIN) as snapshot:
        assert list(snapshot.misfiled()) == [
            Misfiled("ada", "due_ms", 5, 6),
            Misfiled("bob", "pending", [("a7", "sms", 7, "w")], []),
            Misfiled("eve", "is_open", 0, 1),
            Misfiled("nobody", "pending", None, "nobody"),
        ]


def test_a_store_that_can_not_be_compared_says_why(store, tmp_path):
    with pytest.raises(NoStore, match="no store on this machine"), open_store_snapshot(tmp_path, 4, ORIGIN):
        pass
    with pytest.raises(NoStore, match="another journal"), open_store_snapshot(tmp_path, 3, Origin("x", "y")):
        pass
    older = msgspec.json.encode(msgspec.structs.replace(store.reflected, format=1))
    tamper(store, "UPDATE meta SET body = ?", older)
    with pytest.raises(NoStore, match="another format"), open_store_snapshot(tmp_path, 3, ORIGIN):
        pass
