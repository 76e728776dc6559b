"""The audit: the ledger against what the provider says it got; every difference is named."""

from domain.audit import Intent, ProviderMessage, audit

NOW = 1_800_000_000_000
HOUR = 3_600_000


def intent(key="k", **changes):
    given = {
        "channel": "sms",
        "recipient": "+1555",
        "outcome": "succeeded",
        "provider_id": "SM1",
        "requested_at_ms": NOW,
    }
    return Intent(action_key=key, contact_id="ada", **(given | changes))


def message(provider_id="SM1", **changes):
    given = {"channel": "sms", "to": "+1555", "at_ms": NOW + 500, "action_key": None}
    return ProviderMessage(provider_id=provider_id, **(given | changes))


def kinds(intents, messages, **options):
    return [found.kind for found in audit(intents, messages, channels={"sms", "email"}, now_ms=NOW + HOUR, **options)]


def test_a_ledger_that_agrees_has_no_findings():
    assert kinds([intent()], [message()]) == []
    assert kinds([intent(outcome="skipped", provider_id=None)], []) == []


def test_a_message_that_no_intent_owns_is_named():
    (found,) = audit([intent()], [message(), message("SM2")], channels={"sms"}, now_ms=NOW + HOUR)
    assert (found.kind, found.provider_id) == ("unowned", "SM2")


def test_an_intent_that_was_sent_twice_is_named():
    two = [message(action_key="k"), message("SM2", action_key="k")]
    assert kinds([intent()], two) == ["doubled"]


def test_one_message_that_two_intents_claim_is_named():
    assert kinds([intent("a"), intent("b")], [message()]) == ["doubled"]


def test_a_success_that_the_provider_knows_nothing_of_is_named():
    assert kinds([intent()], []) == ["missing"]


def test_a_channel_that_the_provider_does_not_list_is_not_judged():
    assert kinds([intent(channel="http", provider_id=None)], []) == []


def test_a_message_that_the_ledger_says_was_never_sent_is_named():
    assert kinds([intent(outcome="failed", provider_id=None)], [message(action_key="k")]) == ["contradiction"]


def test_every_unknown_outcome_is_listed_with_the_one_message_that_it_may_be():
    unknown = intent(outcome="unknown", provider_id=None)
    (found,) = audit([unknown], [message()], channels={"sms"}, now_ms=NOW + HOUR)
    assert (found.kind, found.action_key, found.provider_id) == ("unknown", "k", "SM1")
    (found,) = audit([unknown], [], channels={"sms"}, now_ms=NOW + HOUR)
    assert (found.kind, found.provider_id) == ("unknown", None)


def test_matches_of_unknowns_are_one_to_one():
    """Two unknowns and one message: it is one of them, and not both."""
    two = [intent("a", outcome="unknown", provider_id=None), intent("b", outcome="unknown", provider_id=None)]
    assert [f.provider_id for f in audit(two, [message()], channels={"sms"}, now_ms=NOW + HOUR)] == ["SM1", None]


def test_a_message_of_before_the_intent_is_none_of_its_own():
    unknown = intent(outcome="unknown", provider_id=None)
    assert kinds([unknown], [message(at_ms=NOW - HOUR)]) == ["unknown", "unowned"]


def test_a_call_under_way_is_not_judged_yet():
    young = intent(outcome="running", provider_id=None, requested_at_ms=NOW + HOUR - 1_000)
    assert kinds([young], [message(action_key="k", at_ms=NOW + HOUR)]) == []


def test_a_providers_id_may_be_the_beginning_of_its_messages_id():
    """SendGrid's activity names `<id of the request>.<more>`."""
    email = intent(channel="email", provider_id="abc", recipient="ada@example.com")
    assert kinds([email], [message("abc.recvd-1", channel="email", to="ada@example.com")]) == []
