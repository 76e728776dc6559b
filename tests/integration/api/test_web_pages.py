"""The web pages: what the API tells, for people; without scripts, and whatever a contact is called."""

import re
from html.parser import HTMLParser
from urllib.parse import quote
from uuid import uuid4

import pytest
from yarl import URL

from tests.integration.api.read_side import ENROLLMENT, WORKFLOW, Json, later

EVIL = "\"><script>alert('x')</script>{{7*7}}"
SANDBOX = {"sandbox_url": "http://127.0.0.1:8090/"}
FINDING = {
    "code": "dangling_next",
    "severity": "error",
    "path": "steps[0].next",
    "line": 3,
    "column": 1,
    "message": "no step is called 'x'",
    "hint": "write end",
}


class Outline(HTMLParser):
    """Checks that tags are closed in order, and gathers links and what a reader with a screen reader needs."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links = [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        assert not any(name.startswith("on") for name in attributes), attributes
        assert "style" not in attributes, "the content security policy allows no inline style"
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "img":
            assert "alt" in attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def has(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


async def page(api, path):
    reply = await api.get(path, headers={"Accept": "text/html"})
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"].startswith("text/html")
    outline = Outline(reply.text)
    assert not outline.has("script")
    assert outline.has("html")[0]["lang"] == "en"
    assert len(outline.has("h1")) == len(outline.has("main")) == 1
    return reply.text, outline


async def test_an_empty_headrace_tells_how_to_begin(api):
    text, _ = await page(api, "/")
    assert "/api/v1/workflows?publish=true" in text
    assert f"curl -X POST http://{api.client.host}:{api.client.port}/api/v1/contacts/ada/events" in text


@pytest.mark.parametrize("settings", [SANDBOX])
async def test_the_first_page_shows_workflows_with_their_counts_and_leads_to_the_inbox(api, read_side, settings):
    await read_side.workflow(version=2)
    await read_side.enrollment()
    await read_side.enrollment(id=uuid4(), contact_id="b", status="failed")
    await read_side.incident()
    text, outline = await page(api, "/")
    assert f"/workflows/{WORKFLOW}" in outline.links
    assert "http://127.0.0.1:8090/" in outline.links
    assert "1 open incident" in text
    assert "latest is 2" in text
    cells = re.findall(r'data-label="(Active|Failed)"[^>]*>(\d+)<', text)
    assert cells == [("Active", "1"), ("Failed", "1")]


async def test_a_workflow_shows_its_source_with_what_is_wrong_at_the_line(api, read_side):
    await read_side.workflow(status="draft", diagnostics=Json([FINDING]))
    await read_side.enrollment(next_action_at=later(days=1))
    text, outline = await page(api, f"/workflows/{WORKFLOW}")
    marked = text.index('class="line marked"')
    assert marked < text.index("no step is called") < text.index('<span class="at">4</span>')
    assert f"/enrollments/{ENROLLMENT}" in outline.links
    assert "1 error" in text
    none, _ = await page(api, f"/workflows/{WORKFLOW}?status=completed")
    assert "No contact is completed here" in none


async def test_an_enrollment_shows_its_steps_due_times_attempts_and_errors(api, read_side):
    await read_side.workflow()
    await read_side.enrollment(status="failed")
    await read_side.incident()
    await read_side.execution("greet", status="failed", attempts=3, error_message="the provider said no")
    await read_side.execution(
        "wait", step_type="delay", status="running", seq=9, output_data={"delay_until": "2027-01-16T08:00:00Z"}
    )
    text, outline = await page(api, f"/enrollments/{ENROLLMENT}")
    assert "3 attempts" in text
    assert "Open incident" in text
    assert re.search(r"waits until <time[^>]*>2027-01-16 08:00:00</time> <span class=\"quiet\">in 1 d</span>", text)
    assert text.index('class="step">greet<') < text.index('class="step">wait<')
    assert f"/workflows/{WORKFLOW}" in outline.links
    assert "/contacts/ada" in outline.links


async def test_an_enrollment_says_until_when_its_message_is_held_and_by_what(api, read_side):
    await read_side.workflow()
    await read_side.enrollment()
    held = {"reason": "send_window", "delay_until": "2027-01-16T08:00:00Z"}
    await read_side.execution("greet", status="pending", output_data=held)
    text, _ = await page(api, f"/enrollments/{ENROLLMENT}")
    assert re.search(r"held until <time[^>]*>2027-01-16 08:00:00</time>.* by its send window</p>", text)


async def test_an_enrollment_says_in_words_which_event_it_waits_for_and_until_when(api, read_side):
    await read_side.workflow()
    await read_side.enrollment(current_step="answer", awaits_event=True)
    words = ['an SMS is received (contains "yes")', "an event comes in <b>"]
    await read_side.execution(
        "answer",
        step_type="wait_for_event",
        status="running",
        input_data={"waits_for": words},
        output_data={"delay_until": "2027-01-16T08:00:00Z"},
    )
    text, _ = await page(api, f"/enrollments/{ENROLLMENT}")
    told = "waits until an SMS is received (contains &#34;yes&#34;) or an event comes in &lt;b&gt;, "
    assert re.search(re.escape(told) + r"<time[^>]*>2027-01-16 08:00:00</time>.* at the latest</p>", text)


async def test_a_contact_shows_facts_enrollments_and_what_happened_the_newest_first(api, read_side):
    await read_side.workflow()
    await read_side.contact(last_name="Lovelace")
    await read_side.enrollment()
    for seq in (1, 2):
        await read_side.happening(seq)
    text, outline = await page(api, "/contacts/ada")
    assert "Ada Lovelace" in text
    assert text.index("thing 2") < text.index("thing 1")
    assert f"/enrollments/{ENROLLMENT}" in outline.links


async def test_incidents_are_the_open_ones_or_all(api, read_side):
    await read_side.incident(message="still open")
    await read_side.incident(message="long done", status="resolved", resolved_at=later(hours=1))
    opened, _ = await page(api, "/incidents")
    assert "still open" in opened
    assert "long done" not in opened
    everything, _ = await page(api, "/incidents?status=all")
    assert "long done" in everything


async def test_lists_go_on_on_the_next_page(api, read_side):
    for number in range(60):
        await read_side.contact(f"c{number:02}")
    text, outline = await page(api, "/contacts")
    assert "c49" in text
    assert "c50" not in text
    following = next(link for link in outline.links if "cursor=" in link)
    text, _ = await page(api, URL(following, encoded=True))
    assert "c50" in text
    assert "c49" not in text


async def test_nothing_that_a_contact_or_a_workflow_is_called_becomes_markup(api, read_side):
    await read_side.workflow(name=EVIL, diagnostics=Json([FINDING | {"message": EVIL, "hint": EVIL}]))
    await read_side.contact(EVIL, first_name=EVIL, tags=[EVIL], custom_fields={EVIL: EVIL})
    await read_side.enrollment(contact_id=EVIL, current_step=EVIL, trigger_data={EVIL: EVIL})
    await read_side.execution("greet", error_message=EVIL, output_data={"delay_until": EVIL})
    await read_side.happening(1, contact_id=EVIL, summary=EVIL, data={EVIL: EVIL})
    await read_side.incident(contact_id=EVIL, message=EVIL)
    await read_side.dead_letter(key=EVIL.encode(), value=EVIL.encode(), message=EVIL, reason=EVIL, topic=EVIL)
    contact = f"/contacts/{quote(EVIL, safe='')}"
    paths = ["/", f"/workflows/{WORKFLOW}", f"/enrollments/{ENROLLMENT}", "/contacts", contact]
    paths += ["/incidents", "/dead-letters"]
    for path in paths:
        text, outline = await page(api, URL(path, encoded=True))
        assert "{{7*7}}" in text, "no template reads it"
        assert all(link.startswith(("/", "?", "#")) for link in outline.links), outline.links
    _, contacts = await page(api, "/contacts")
    assert contact in contacts.links, "the link leads to the contact, whatever its id holds"


async def test_a_page_refreshes_itself_only_when_asked(api):
    text, outline = await page(api, "/")
    assert "http-equiv" not in text
    assert "/?refresh=on" in outline.links
    text, outline = await page(api, "/?refresh=on")
    assert '<meta http-equiv="refresh" content="5">' in text
    assert "/?refresh=off" in outline.links


@pytest.mark.parametrize(
    "path", ["/workflows/none", f"/workflows/{WORKFLOW}", "/contacts/nobody", "/none", "/contacts?cursor=x"]
)
async def test_an_error_is_a_page_too(api, path):
    reply = await api.get(path, headers={"Accept": "text/html"})
    assert reply.status in (400, 404)
    outline = Outline(reply.text)
    assert "/" in outline.links


async def test_the_stylesheet_is_there_and_nothing_beside_it(api):
    style = await api.get("/static/style.css")
    assert style.headers["Content-Type"].startswith("text/css")
    assert (await api.get("/static/")).status in (403, 404)
    assert (await api.get(URL("/static/..%2Fapp.py", encoded=True))).status in (403, 404)
