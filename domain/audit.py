"""The audit: the send ledger against what a provider says that it got; every difference is one finding."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from domain.consent import normal_address

IN_FLIGHT_MS: Final = 600_000
"""An intent that is younger may still be under way, and is not judged."""
CLOCKS_DIFFER_MS: Final = 60_000
"""How much earlier than its intent a message may seem to be."""
MATCH_WITHIN_MS: Final = 86_400_000
"""How much later than its intent a message may be, to be taken for one of unknown outcome."""
_OPEN: Final = frozenset({"requested", "running", "waiting"})


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the send ledger."""

    action_key: str
    contact_id: str
    channel: str
    recipient: str | None
    outcome: str
    provider_id: str | None
    requested_at_ms: int


class ProviderMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as its provider lists it; `action_key` where the provider tells what we gave it."""

    channel: str
    provider_id: str
    to: str
    at_ms: int
    action_key: str | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: `doubled`, `unowned`, `missing`, `contradiction` or `unknown`."""

    kind: str
    channel: str
    message: str
    action_key: str | None = None
    contact_id: str | None = None
    provider_id: str | None = None


def audit(
    intents: Sequence[Intent], messages: Sequence[ProviderMessage], *, channels: Collection[str], now_ms: int
) -> list[Finding]:
    """All findings, those about intents first.

    Args:
        intents: the ledger, at least of the time that the messages are from.
        messages: what the provider lists.
        channels: those whose provider was asked; intents of others are not judged.
        now_ms: the time now.
    """
    owned, unowned = _owners(intents, messages)
    twice = _claimed_twice(intents)
    findings: list[Finding] = []
    for intent in intents:
        if intent.channel in channels and (intent.channel, intent.provider_id) not in twice:
            findings += _judge(intent, owned.get(intent.action_key, []), unowned, now_ms)
    findings += [_claimed(claimants) for claimants in twice.values()]
    return findings + [
        Finding(
            kind="unowned",
            channel=message.channel,
            provider_id=message.provider_id,
            message="the provider has a message that no intent of the ledger owns",
        )
        for message in unowned
    ]


def own_ids(message: ProviderMessage) -> tuple[str, str]:
    """The ids by which the ledger may know a message: SendGrid's lists add the recipient's part to its own."""
    return message.provider_id, message.provider_id.partition(".")[0]


def _owners(
    intents: Iterable[Intent], messages: Iterable[ProviderMessage]
) -> tuple[dict[str, list[ProviderMessage]], list[ProviderMessage]]:
    """Each intent's messages, by its own key or its provider's id; and the messages that are nobody's."""
    keys = {intent.action_key for intent in intents}
    by_id = {(intent.channel, intent.provider_id): intent.action_key for intent in intents if intent.provider_id}
    owned: dict[str, list[ProviderMessage]] = defaultdict(list)
    unowned: list[ProviderMessage] = []
    for message in messages:
        key = message.action_key if message.action_key in keys else None
        for id_ in own_ids(message):
            key = key or by_id.get((message.channel, id_))
        if key is None:
            unowned.append(message)
        else:
            owned[key].append(message)
    return owned, unowned


def _judge(
    intent: Intent, mine: list[ProviderMessage], unowned: list[ProviderMessage], now_ms: int
) -> Iterable[Finding]:
    if intent.outcome in _OPEN and now_ms - intent.requested_at_ms < IN_FLIGHT_MS:
        return
    if len(mine) > 1:
        ids = ", ".join(message.provider_id for message in mine)
        yield _about(intent, "doubled", f"the provider has {len(mine)} messages of one intent: {ids}", mine[0])
    elif intent.outcome == "unknown":
        match = mine[0] if mine else _take_match(intent, unowned)
        words = "it is probably this message of the provider's" if match else "the provider lists no such message"
        yield _about(intent, "unknown", f"nobody knows whether the provider took it; {words}", match)
    elif intent.outcome == "succeeded" and intent.provider_id and not mine:
        yield _about(intent, "missing", "the ledger says it was sent, and the provider lists no such message", None)
    elif intent.outcome != "succeeded" and mine:
        words = f"the ledger says `{intent.outcome}`, and the provider has the message"
        yield _about(intent, "contradiction", words, mine[0])


def _take_match(intent: Intent, unowned: list[ProviderMessage]) -> ProviderMessage | None:
    """The first message to the same address after the intent; it is then nobody else's."""
    for index, message in enumerate(unowned):
        late_ms = message.at_ms - intent.requested_at_ms
        same = message.channel == intent.channel and _same_address(intent, message)
        if same and -CLOCKS_DIFFER_MS <= late_ms <= MATCH_WITHIN_MS:
            return unowned.pop(index)
    return None


def _same_address(intent: Intent, message: ProviderMessage) -> bool:
    own = normal_address(intent.channel, intent.recipient or "")
    return own == normal_address(message.channel, message.to)


def _claimed_twice(intents: Iterable[Intent]) -> dict[tuple[str, str | None], list[Intent]]:
    """By channel and provider's id: the intents that claim the same message."""
    claims: dict[tuple[str, str | None], list[Intent]] = defaultdict(list)
    for intent in intents:
        if intent.provider_id:
            claims[intent.channel, intent.provider_id].append(intent)
    return {claim: claimants for claim, claimants in claims.items() if len(claimants) > 1}


def _claimed(claimants: list[Intent]) -> Finding:
    keys = ", ".join(one.action_key for one in claimants)
    words = f"{len(claimants)} intents have message {claimants[0].provider_id}: {keys}"
    return _about(claimants[0], "doubled", words, None)


def _about(intent: Intent, kind: str, message: str, found: ProviderMessage | None) -> Finding:
    return Finding(
        kind=kind,
        channel=intent.channel,
        action_key=intent.action_key,
        contact_id=intent.contact_id,
        provider_id=found.provider_id if found else intent.provider_id,
        message=message,
    )
