"""Consent: who has opted out of a channel is not written to, and the journal says why."""

import pytest

from domain import command as c
from domain.consent import keyword_of, normal_address
from tests.support.engine_spec import DAY_MS, Spec, happened, step, workflow

SMS = workflow(step("wait", "delay"), step("hi", "send_sms"), step("after", "delay"))
EMAIL = workflow(step("wait", "delay"), step("hi", "send_email"), step("after", "delay"))
TO_STAFF = workflow(step("wait", "delay"), step("hi", "send_sms", to="+1 999 000"), step("after", "delay"))


@pytest.mark.parametrize(
    "word", ["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL", "stop", "Stop"]
)
def test_stop_words_are_the_whole_message_in_any_case(word):
    assert keyword_of(f" {word}\n") == "stop"
    assert keyword_of(f"please {word}") is None
    assert keyword_of(f"{word}!") is None


@pytest.mark.parametrize(
    ("word", "meaning"), [("START", "start"), ("unstop", "start"), ("Yes", "start"), ("HELP", None)]
)
def test_start_words_opt_in_again_and_help_is_the_providers_to_answer(word, meaning):
    assert keyword_of(word) == meaning


def test_an_address_is_compared_without_its_punctuation():
    assert normal_address("sms", "+1 (555) 000-1111") == normal_address("sms", "+15550001111")
    assert normal_address("email", " Ada@Example.COM ") == "ada@example.com"


def test_an_e_mail_address_is_compared_without_the_name_that_it_stands_with():
    assert normal_address("email", "Ada Lovelace <Ada@example.com>") == "ada@example.com"
    spec = Spec(EMAIL).created(email="Ada <ada@example.com>")
    spec.command(c.ChangeConsent, channel="email", address="ada@example.com", allowed=False, reason="bounced")
    spec.timer(after_ms=DAY_MS).then(
        happened("step_completed"), happened("step_skipped", reason="bounced"), happened("timer_set")
    )


def test_a_number_without_a_country_code_is_of_the_region_that_is_set():
    assert normal_address("sms", "0151 12345678", "DE") == normal_address("sms", "+4915112345678", "DE")
    assert normal_address("sms", "0151 12345678") != normal_address("sms", "+4915112345678")


def test_a_stop_from_abroad_meets_a_contact_whose_number_is_national():
    spec = Spec(SMS, phone_region="DE").created(phone="0151 12345678")
    spec.fact("contact.sms_received", {"body": "STOP", "from": "+4915112345678"})
    spec.timer(after_ms=DAY_MS).then(
        happened("step_completed"), happened("step_skipped", step_id="hi", reason="opted_out"), happened("timer_set")
    )


def test_a_stop_is_remembered_and_the_next_message_skipped():
    spec = Spec(SMS).created()
    spec.fact("contact.sms_received", {"body": "Stop", "from": "+1555"}).then(
        happened("contact_event_accepted"),
        happened("consent_changed", channel="sms", allowed=False, reason="opted_out", address="+1555"),
    )
    spec.timer(after_ms=DAY_MS).then(
        happened("step_completed", step_id="wait"),
        happened("step_skipped", step_id="hi", reason="opted_out"),
        happened("timer_set", step_id="after"),
    )


def test_a_stop_without_a_sender_is_about_the_contacts_own_number():
    spec = Spec(SMS).created()
    spec.fact("contact.sms_received", {"body": "STOP"})
    assert spec.last[-1].personal.address == "+1555"


def test_stopping_twice_or_starting_without_a_stop_changes_nothing():
    spec = Spec(SMS).created().fact("contact.sms_received", {"body": "STOP"})
    spec.fact("contact.sms_received", {"body": "stop"}).then(happened("contact_event_accepted"))
    Spec(SMS).created().fact("contact.sms_received", {"body": "YES"}).then(happened("contact_event_accepted"))


def test_what_is_too_long_for_an_address_is_none():
    spec = Spec(workflow(step("hi", "send_sms"))).created()
    spec.fact("contact.sms_received", {"body": "STOP", "from": "+1" + "5" * 3_000}).then(
        happened("contact_event_accepted")
    )


def test_a_start_lifts_the_stop():
    spec = Spec(SMS).created().fact("contact.sms_received", {"body": "STOP"})
    spec.fact("contact.sms_received", {"body": "start"}).then(
        happened("contact_event_accepted"), happened("consent_changed", allowed=True, reason="opted_in")
    )
    spec.timer(after_ms=DAY_MS).then(happened("step_completed"), happened("action_requested"))


def test_the_other_channel_goes_on():
    spec = Spec(EMAIL).created(email="ada@example.com").fact("contact.sms_received", {"body": "STOP"})
    spec.timer(after_ms=DAY_MS).then(happened("step_completed"), happened("action_requested", channel="email"))


def test_consent_is_about_the_address_that_was_opted_out():
    """A note to a colleague, or a new number of hers, is not what she opted out of."""
    Spec(TO_STAFF).created().fact("contact.sms_received", {"body": "STOP"}).timer(after_ms=DAY_MS).then(
        happened("step_completed"), happened("action_requested", request__to="+1 999 000")
    )
    spec = Spec(SMS).created().fact("contact.sms_received", {"body": "STOP"})
    spec.fact("contact.field_updated", {"field": "phone", "value": "+1777"})
    spec.timer(after_ms=DAY_MS).then(happened("step_completed"), happened("action_requested", request__to="+1777"))


def test_a_message_that_waits_for_a_slot_is_skipped_too():
    spec = Spec(workflow(step("hi", "send_sms"), step("after", "delay"))).created()
    spec.fact("contact.sms_received", {"body": "STOP"})
    spec.started().then(happened("step_skipped", reason="opted_out"), happened("timer_set", step_id="after"))


def test_a_provider_that_knows_of_an_opt_out_tells_us():
    """Twilio's 21610: the recipient has opted out there; the step is skipped, and later ones are not tried."""
    spec = Spec(workflow(step("hi", "send_sms"), step("again", "send_sms"), step("after", "delay"))).created().started()
    spec.outcome("failed", code="twilio_21610", message="unsubscribed").then(
        happened("attempt_failed", code="twilio_21610"),
        happened("consent_changed", channel="sms", allowed=False, reason="opted_out", address="+1555"),
        happened("step_skipped", step_id="hi", reason="opted_out"),
        happened("step_skipped", step_id="again", reason="opted_out"),
        happened("timer_set"),
    )


def test_an_operator_changes_consent_with_a_result():
    spec = Spec(EMAIL).created(email="Ada@example.com")
    spec.command(c.ChangeConsent, channel="email", address="ada@EXAMPLE.com", allowed=False, reason="opted_out").then(
        happened("command_resulted", result="accepted", command_type="change_consent"),
        happened("consent_changed", channel="email", allowed=False, address="ada@example.com"),
    )
    spec.command(c.ChangeConsent, channel="email", address="ada@example.com", allowed=False, reason="opted_out").then(
        happened("command_resulted", result="accepted")
    )
    spec.timer(after_ms=DAY_MS).then(happened("step_completed"), happened("step_skipped"), happened("timer_set"))


def test_an_echo_says_nothing_of_consent():
    spec = Spec(SMS).created()
    echo = spec.journal[0].id
    spec.fact("contact.sms_received", {"body": "STOP"}, causation_id=echo).then(happened("contact_event_accepted"))
