"""The fold: every journal event has its case, and a journal that does not fit is refused."""

import typing

import pytest

from domain import execution, journal
from domain.enrollment import CLOSED, TRANSITIONS, Enrollment, transition
from domain.errors import InvalidTransition, JournalGap
from domain.evolve import CONTACT_EVENTS, evolve, evolve_partition, initial
from domain.state import PartitionState
from schemas.journal import decode_event, encode_event

PARTITION_EVENTS = {
    journal.PartitionOpened,
    journal.CatalogueAdvanced,
    journal.CatalogueReconciled,
    journal.ChannelPaused,
    journal.ChannelResumed,
    journal.InputsAdvanced,
}


def test_every_journal_event_has_an_evolve_case():
    assert set(typing.get_args(journal.AnyJournalEvent)) == CONTACT_EVENTS | PARTITION_EVENTS


def test_every_event_type_is_in_the_union():
    def leaves(kind):
        children = kind.__subclasses__()
        return {kind} if not children else set().union(*map(leaves, children))

    assert leaves(journal.JournalEvent) == set(typing.get_args(journal.AnyJournalEvent))


@pytest.mark.parametrize("seq", [0, 2, 99])
def test_gap_in_the_journal_is_refused(seq):
    event = journal.ContactEventAccepted(seq=seq, at_ms=1, contact_id="ada", source="crm", event_id="1", event_type="x")
    with pytest.raises(JournalGap, match="expected event 1"):
        evolve(initial("ada"), event)
    with pytest.raises(JournalGap):
        evolve_partition(PartitionState(), journal.InputsAdvanced(seq=seq, at_ms=1, contact_id=""))


def test_only_transitions_of_the_table_are_legal():
    for status, targets in TRANSITIONS.items():
        enrollment = Enrollment(id="e", workflow_id="w", version=1, status=status)
        for target in TRANSITIONS:
            if target in targets:
                assert transition(enrollment, target).status == target
            else:
                with pytest.raises(InvalidTransition, match=f"is {status} and cannot become {target}"):
                    transition(enrollment, target)
    assert {"completed", "exited", "cancelled"} == CLOSED
    assert {status for status, targets in execution.TRANSITIONS.items() if not targets} == {"completed", "skipped"}


def test_personal_data_stands_apart_and_survives_the_journal():
    event = journal.ActionRequested(
        seq=3, at_ms=5, contact_id="ada", enrollment_id="e", step_id="s", visit=1, step_type="send_sms",
        action_key="k", channel="sms", tries=3, personal=journal.Request({"to": "+1", "body": "Hé 🎉"}),
    )  # fmt: skip
    encoded = encode_event(event)
    assert decode_event(encoded) == event
    assert "+1" not in str({k: v for k, v in __import__("json").loads(encoded).items() if k != "personal"})
