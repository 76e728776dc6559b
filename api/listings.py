"""The lists that the API and the pages show, and what orders each of them."""

from typing import Final
from uuid import UUID

from api.cursor import key_number, key_text, key_time, key_uuid
from api.listing import Key, Listing
from schemas.api_repair import Late, Stuck
from schemas.api_resources import (
    Contact,
    DeadLetter,
    Enrollment,
    Execution,
    Incident,
    Template,
    TimelineItem,
    Version,
    Workflow,
)
from schemas.api_sending import LedgerEntry

_LATEST: Final = "infinity"
_EARLIEST: Final = "-infinity"
_LOWEST_UUID: Final = UUID(int=0)
_HIGHEST_UUID: Final = UUID(int=2**128 - 1)
_HIGHEST_NUMBER: Final = 2**63 - 1

WORKFLOWS: Final = Listing(
    "workflows",
    "list_workflows",
    (Key("created_at", _LATEST, key_time), Key("id", _HIGHEST_UUID, key_uuid)),
    Workflow,
)
VERSIONS: Final = Listing("versions", "list_versions", (Key("version", _HIGHEST_NUMBER, key_number),), Version)
ENROLLMENTS: Final = Listing(
    "enrollments",
    "list_enrollments",
    (Key("enrolled_at", _LATEST, key_time), Key("id", _LOWEST_UUID, key_uuid)),
    Enrollment,
)
EXECUTIONS: Final = Listing(
    "executions", "list_executions", (Key("seq", -1, key_number), Key("id", _LOWEST_UUID, key_uuid)), Execution
)
CONTACTS: Final = Listing("contacts", "list_contacts", (Key("id", "", key_text),), Contact)
TIMELINE: Final = Listing("timeline", "list_timeline", (Key("seq", -1, key_number),), TimelineItem)
TIMELINE_NEWEST_FIRST: Final = Listing(
    "timeline-desc", "list_timeline_newest_first", (Key("seq", _HIGHEST_NUMBER, key_number),), TimelineItem
)
INCIDENTS: Final = Listing(
    "incidents", "list_incidents", (Key("opened_at", _LATEST, key_time), Key("id", _LOWEST_UUID, key_uuid)), Incident
)
LEDGER: Final = Listing(
    "ledger", "list_ledger", (Key("requested_at", _LATEST, key_time), Key("action_key", "", key_text)), LedgerEntry
)
DEAD_LETTERS: Final = Listing(
    "dead-letters", "list_dead_letters", (Key("at", _LATEST, key_time), Key("id", "", key_text)), DeadLetter
)
STUCK: Final = Listing(
    "stuck", "list_stuck", (Key("since", _EARLIEST, key_time), Key("id", _LOWEST_UUID, key_uuid)), Stuck
)
LATE: Final = Listing(
    "late", "list_late", (Key("due_at", _EARLIEST, key_time), Key("id", _LOWEST_UUID, key_uuid)), Late
)
TEMPLATES: Final = Listing("templates", "list_templates", (Key("name", "", key_text),), Template)
