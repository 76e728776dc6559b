"""Deterministic ids: the same cause gives the same UUID, live and in every replay."""

from hashlib import blake2b


def deterministic_uuid(*parts: str | int) -> str:
    """A version-8 UUID (RFC 9562, section 5.8) made from the parts, in order.

    The parts are length-prefixed, so ("a", "bc") and ("ab", "c") differ.
    """
    texts = [str(part) for part in parts]
    text = "".join([f"{len(part)}:{part}" for part in texts])
    digest = blake2b(text.encode(), digest_size=16).hexdigest()
    # the version stands in the 13th digit, the variant in the upper two bits of the 17th
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:]}"


def enrollment_id(workflow_id: str, contact_id: str, cause_seq: int) -> str:
    """The id of the enrollment that the journal event `cause_seq` of a contact starts."""
    return deterministic_uuid("enrollment", workflow_id, contact_id, cause_seq)


def execution_id(enrollment_id: str, step_id: str, visit: int) -> str:
    """The id under which the read side shows one visit of a step."""
    return deterministic_uuid("execution", enrollment_id, step_id, visit)


def action_key(enrollment_id: str, step_id: str, visit: int) -> str:
    """The idempotency key of a step's action, the same for all of its attempts."""
    return f"{enrollment_id}/{step_id}/{visit}"


def channel_incident_id(partition: int, seq: int) -> str:
    """The id of the incident about a channel that the event `seq` of a partition's own opens."""
    return deterministic_uuid("channel_incident", partition, seq)


def incident_id(contact_id: str, seq: int) -> str:
    """The id of the incident that the journal event `seq` of a contact opens."""
    return deterministic_uuid("incident", contact_id, seq)
