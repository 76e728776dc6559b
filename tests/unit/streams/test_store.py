"""The local store: a cache of the journal that knows what it reflects, and is thrown away when it can't be trusted."""

import sqlite3

import msgspec
import pytest

from domain.contact import Contact
from domain.enrollment import Enrollment, PendingAction, Timer
from domain.state import ContactState, PartitionState
from streams.store import Identity, Store, StoreMismatch

HERE = Identity("cluster", "topic")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "partition-0.sqlite"


def contact(contact_id: str, *enrollments: Enrollment) -> ContactState:
    return ContactState(contact=Contact(id=contact_id), seq=1, enrollments={one.id: one for one in enrollments})


def waiting(due_ms: int, kind: str = "delay", **fields) -> Enrollment:
    return Enrollment(id=f"e{due_ms}", workflow_id="w", version=1, timer=Timer(kind, due_ms), **fields)


def asking(since_ms: int, channel: str = "sms", **fields) -> Enrollment:
    action = PendingAction(
        key="k", step_id="s", step_type="send_sms", visit=1, channel=channel, request={}, requested_at_ms=since_ms
    )
    return Enrollment(id=f"a{since_ms}", workflow_id="w", version=1, action=action, **fields)


def put(store: Store, *states: ContactState, offset: int | None = None) -> None:
    expected = store.reflected.offset
    store.apply(
        {state.contact.id: state for state in states},
        expected_offset=expected,
        offset=expected + 1 if offset is None else offset,
        last_event=f"x/{expected}",
        positions={"in": expected},
        partition=PartitionState(last_time_ms=expected),
    )


def test_what_was_applied_is_there_after_a_reopen(path):
    store = Store(path, HERE)
    put(store, contact("ada", waiting(5)))
    store.close()
    again = Store(path, HERE)
    assert again.get("ada") == contact("ada", waiting(5))
    assert (again.reflected.offset, again.reflected.positions) == (1, {"in": 0})
    assert again.get("nobody").seq == 0


def test_killed_process_loses_nothing(path):
    store = Store(path, HERE)
    put(store, contact("ada"))
    again = Store(path, HERE)  # the first one was never closed
    assert again.get("ada").seq == 1


def test_apply_wants_the_offset_that_it_stands_at(path):
    store = Store(path, HERE)
    put(store, contact("ada"))
    with pytest.raises(StoreMismatch, match="reflects journal offset 1, expected 0"):
        store.apply({}, expected_offset=0, offset=5, last_event=None, positions={}, partition=PartitionState())
    assert store.reflected.offset == 1


def test_timers_come_in_order_and_only_when_due(path):
    store = Store(path, HERE)
    put(store, contact("late", waiting(30)), contact("early", waiting(10), waiting(40)), contact("none"))
    assert store.next_due_ms() == 10
    assert store.due(9, 10) == []
    assert store.due(30, 10) == ["early", "late"]
    assert store.due(30, 1) == ["early"]
    put(store, contact("early"))
    assert store.next_due_ms() == 30


def test_paused_enrollment_has_no_timer_but_an_attempts_deadline(path):
    store = Store(path, HERE)
    put(store, contact("a", waiting(10, status="paused")), contact("b", waiting(20, "deadline", status="paused")))
    assert store.due(99, 10) == ["b"]


def test_actions_wait_by_channel_in_order_of_request(path):
    store = Store(path, HERE)
    put(store, contact("b", asking(2)), contact("a", asking(1)), contact("c", asking(1, "email")))
    assert store.waiting("sms", 10) == [("a", "a1"), ("b", "a2")]
    assert sorted(store.waiting_channels()) == ["email", "sms"]
    put(store, contact("a"), contact("b", asking(2, status="paused")), contact("c"))
    assert store.waiting("sms", 10) == []
    assert store.waiting_channels() == []


def test_open_contacts_are_walked_in_order(path):
    store = Store(path, HERE)
    put(store, contact("c", waiting(1)), contact("a", waiting(1)), contact("b"))
    assert store.open_contacts("", 10) == ["a", "c"]
    assert store.open_contacts("a", 10) == ["c"]


@pytest.mark.parametrize("other", [Identity("other", "topic"), Identity("cluster", "other")])
def test_another_journal_empties_it(path, other):
    store = Store(path, HERE)
    put(store, contact("ada"))
    store.close()
    assert Store(path, other).reflected.offset == 0
    assert list(Store(path, other).contents()) == []


def test_unclean_reboot_empties_it_and_a_clean_one_does_not(path):
    def pretend_other_boot():
        with sqlite3.connect(path) as db:
            (body,) = db.execute("SELECT body FROM meta").fetchone()
            meta = msgspec.json.decode(body) | {"boot_id": "another"}
            db.execute("UPDATE meta SET body = ?", (msgspec.json.encode(meta),))
        db.close()

    store = Store(path, HERE)
    put(store, contact("ada"))
    store.close()
    pretend_other_boot()
    again = Store(path, HERE)
    assert again.reflected.offset == 1
    pretend_other_boot()  # `again` was not closed
    assert Store(path, HERE).reflected.offset == 0


def test_file_that_is_no_database_is_replaced(path):
    path.write_bytes(b"not a database at all" * 1000)
    assert Store(path, HERE).reflected.offset == 0


def test_numbers_of_any_size_survive(path):
    store = Store(path, HERE)
    state = ContactState(contact=Contact(id="ada", custom_fields={"n": 2**70, "f": 0.1}), seq=1)
    put(store, state)
    assert store.get("ada") == state
