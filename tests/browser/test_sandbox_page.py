"""The sandbox's page in a real browser: one types a reply there, and the list renews itself meanwhile."""

import re

import pytest
import requests

from tests.browser.test_pages import PHONE, Watched
from tests.support.client import eventually
from tests.support.headrace import step

ADA = "+15550007777"


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport=PHONE)
    watched = Watched(context.new_page())
    yield watched
    context.close()
    assert watched.problems == []


def test_a_reply_is_typed_and_the_conversation_goes_on_by_itself(headrace, page):
    workflow = headrace.workflow(
        step("hi", "send_sms", body="Hi <b>{{first_name}}</b>"),
        reentry="always",
        triggers=[{"type": "manual"}, {"type": "sms_received", "config": {"contains": "tell me more"}}],
    )
    contact_id = headrace.contact(phone=ADA)
    headrace.run(workflow, contact_id)
    shown = page.open(f"{headrace.sandbox}/")
    shown.get_by_role("link", name=ADA).first.click()
    assert shown.get_by_text("Hi <b>Ada</b>").is_visible()
    shown.get_by_label("SMS", exact=True).fill("Yes, tell me more")
    shown.get_by_role("button", name="Send").click()
    shown.wait_for_url(re.compile("to=%2B15550007777"))
    assert shown.get_by_text("Yes, tell me more").is_visible()
    box = shown.get_by_label("SMS", exact=True)
    box.fill("half a sentence")  # and without a reload the engine's answer appears
    shown.get_by_role("article").nth(2).wait_for()
    assert box.input_value() == "half a sentence"
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a phone"
    answers = eventually(lambda: headrace.enrollments(workflow, contact_id)[1:], "the reply's enrollment")
    assert len(answers) == 1


def test_a_fault_is_armed_and_disarmed_on_the_page(headrace, page):
    shown = page.open(f"{headrace.sandbox}/")
    shown.get_by_text("No fault is armed").click()
    shown.get_by_label("channel").select_option("sms")
    shown.get_by_label("to (* and ?)").fill("+1555000*")
    shown.get_by_role("textbox", name="status").fill("429")
    shown.get_by_role("button", name="Arm").click()
    shown.get_by_text("1 fault armed").click()
    assert shown.get_by_text("On sms to +1555000*: status 429").is_visible()
    (fault,) = requests.get(f"{headrace.sandbox}/faults", timeout=30).json()["faults"]
    assert (fault["status"], fault["to"], fault["rate"]) == (429, "+1555000*", 1.0)
    shown.get_by_role("button", name="Disarm all").click()
    assert shown.get_by_text("No fault is armed").is_visible()
