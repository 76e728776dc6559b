"""The names of the topics, and which partition is a contact's home."""

import msgspec

CONTACT_EVENTS = "contact-events"
COMMANDS = "headrace.commands"
JOURNAL = "headrace.journal"
CONTACT_CHANGES = "contact-changes"
DEFINITION_COMMANDS = "headrace.definition-commands"
DEFINITIONS = "headrace.definitions"
DEAD_LETTERS = "headrace.dead-letters"
ENGINE_GROUP = "headrace"
"""The consumer group of the engine."""
CLOCK = "headrace.clock"
"""On Kafka: workers write to it to be told the broker's time. Nobody needs its records."""
OUR_TOPICS = frozenset({COMMANDS, JOURNAL, CONTACT_CHANGES, DEFINITION_COMMANDS, DEFINITIONS, DEAD_LETTERS, CLOCK})
"""All but the CRM's."""


class Topics(msgspec.Struct, frozen=True):
    """The topic names of one installation; only the CRM's own may be renamed."""

    contact_events: str = CONTACT_EVENTS
    contact_changes: str = CONTACT_CHANGES

    @property
    def inputs(self) -> tuple[str, str]:
        """What a partition's owner consumes."""
        return (self.contact_events, COMMANDS)

    @property
    def by_contact(self) -> tuple[str, ...]:
        """The topics with one partition per share of the contacts, all of the same number."""
        return (self.contact_events, COMMANDS, JOURNAL, self.contact_changes, DEAD_LETTERS)
