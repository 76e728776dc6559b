"""Deterministic ids: the same cause gives the same UUID, live and in every replay."""

from hashlib import blake2b
from uuid import UUID


def deterministic_uuid(*parts: str | int) -> str:
    """A version-8 UUID (RFC 9562, section 5.8) made from the parts, in order.

    The parts are length-prefixed, so ("a", "bc") and ("ab", "c") differ.
    """
    text = "".join(f"{len(part)}:{part}" for part in map(str, parts))
    digest = bytearray(blake2b(text.encode(), digest_size=16).digest())
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return str(UUID(bytes=bytes(digest)))


def enrollment_id(workflow_id: str, contact_id: str, cause_seq: int) -> str:
    """The id of the enrollment that the journal event `cause_seq` of a contact starts."""
    return deterministic_uuid("enrollment", workflow_id, contact_id, cause_seq)


def execution_id(enrollment_id: str, step_id: str, visit: int) -> str:
    """The id under which the read side shows one visit of a step."""
    return deterministic_uuid("execution", enrollment_id, step_id, visit)


def action_key(enrollment_id: str, step_id: str, visit: int) -> str:
    """The idempotency key of a step's action, the same for all of its attempts."""
    return f"{enrollment_id}/{step_id}/{visit}"


def incident_id(contact_id: str, seq: int) -> str:
    """The id of the incident that the journal event `seq` of a contact opens."""
    return deterministic_uuid("incident", contact_id, seq)
