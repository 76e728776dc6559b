"""What a fact sets off once it stands in the journal: it ends the waits for it, then it fires triggers.

In this order, so that an enrollment which it starts does not hear it once more; and nothing runs on before all have heard it.
"""

from domain.contact import Contact
from domain.decision import Decision
from domain.enrolling import fire_triggers
from domain.facts import Fact, news_of
from domain.waking import wake


def hear(decision: Decision, before: Contact, fact: Fact) -> None:
    """Let the contact's waits and all triggers hear a fact; `before` is the contact before it."""
    news = news_of(before, fact)
    if news is not None:
        wake(decision, news)
        fire_triggers(decision, news)
