"""The web pages in a real browser: they render clean, show what matters, run nothing foreign, and fit a phone."""

from datetime import datetime

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import HTML

PAGES = {
    "home": "/",
    "workflow": "workflow",
    "enrollment": "enrollment",
    "failed enrollment": "failed",
    "contacts": "/contacts",
    "contact": "contact",
    "contact as it was": "then",
    "why": "why",
    "why not": "why not",
    "incidents": "/incidents",
    "ledger": "/ledger",
    "stuck": "/stuck",
    "dead letters": "/dead-letters",
}
PHONE = {"width": 360, "height": 740}


class Watched:
    """A page with all that went wrong while it was shown."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", lambda message: message.type in ("error", "warning") and self.problems.append(message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url}"))
        page.on(
            "response", lambda answer: answer.status >= 400 and self.problems.append(f"{answer.status} {answer.url}")
        )
        page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def open(self, url: str) -> Page:
        answer = self.page.goto(url, wait_until="load")
        assert answer is not None
        assert answer.status == 200, url
        return self.page


@pytest.fixture
def watched(browser):
    context = browser.new_context()
    page = Watched(context.new_page())
    yield page
    context.close()
    assert page.problems == []


@pytest.fixture
def phone(browser):
    context = browser.new_context(viewport=PHONE, device_scale_factor=2, has_touch=True)
    page = Watched(context.new_page())
    yield page
    context.close()
    assert page.problems == []


def address(headrace, shown, page):
    path = PAGES[page]
    return headrace.url + (path if path.startswith("/") else shown[path])


@pytest.mark.parametrize("name", PAGES)
def test_page_renders_without_errors_and_runs_nothing_foreign(headrace, shown, watched, name):
    page = watched.open(address(headrace, shown, name))
    assert page.locator("h1").count() == 1
    assert page.title().endswith("· Headrace")
    assert page.locator("main b, main img").count() == 0, "markup of a name became markup of the page"
    assert page.evaluate("document.title") != "owned"
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("name", ["home", "workflow", "enrollment", "contact", "contacts"])
def test_names_with_html_in_them_are_shown_letter_by_letter(headrace, shown, watched, name):
    page = watched.open(address(headrace, shown, name))
    assert HTML in page.locator("body").inner_text()


def test_enrollment_shows_its_running_wait_with_its_due_time(headrace, shown, watched):
    page = watched.open(headrace.url + shown["enrollment"])
    wait = page.locator("li.running")
    assert wait.count() == 1
    assert "wait" in wait.inner_text()
    assert "waits until" in wait.inner_text()
    due = datetime.fromisoformat(shown["due"])
    shown_times = [
        datetime.fromisoformat(one) for one in wait.locator("time").evaluate_all("all => all.map(t => t.dateTime)")
    ]
    assert any(abs((one - due).total_seconds()) < 1 for one in shown_times)


def test_failed_enrollment_shows_its_incident_and_so_do_the_incidents(headrace, shown, watched):
    text = watched.open(headrace.url + shown["failed"]).locator("main").inner_text()
    assert "no phone number" in text
    assert "no phone number" in watched.open(f"{headrace.url}/incidents").locator("main").inner_text()


def test_sandbox_shows_messages_letter_by_letter(headrace, shown, watched):
    page = watched.open(f"{headrace.sandbox}/?still")
    assert shown["message"] in page.locator("article .body").all_inner_texts()
    assert page.locator("article b, article img").count() == 0


def test_one_can_walk_from_the_first_page_to_everything(headrace, shown, watched):
    page = watched.open(headrace.url + "/")
    page.get_by_role("link", name=HTML).first.click()
    page.get_by_role("link", name=shown["contact_id"]).first.click()
    assert page.locator("li.running").count() == 1
    page.get_by_role("link", name=shown["contact_id"]).first.click()
    assert "Timeline" in page.locator("main").inner_text()
    page.get_by_role("link", name="Sandbox inbox").click()
    page.wait_for_url(f"{headrace.sandbox}/**")


def test_one_can_ask_why_and_how_it_was(headrace, shown, watched):
    page = watched.open(headrace.url + shown["contact"])
    page.get_by_role("link", name="Why?").click()
    page.get_by_label("Workflow").select_option(label=HTML)
    page.get_by_label("Step").fill("t")
    page.get_by_role("button", name="Ask").click()
    answer = page.locator(".answer").inner_text()
    assert "Step t is not reached yet" in answer
    assert "waits at step wait until" in answer
    page.get_by_role("link", name=shown["contact_id"]).click()
    page.get_by_label("As of").fill("2026-01-01T00:00:00")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**at=2026-01-01*")
    assert "it is known since" in page.locator("main").inner_text()
    watched.problems.clear()  # the browser notes that the page before it was known is none


def test_keyboard_reaches_every_link_and_shows_where_it_is(headrace, shown, watched):
    page = watched.open(headrace.url + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    box = page.locator(":focus").bounding_box()
    assert box is not None
    assert box["x"] >= 0, "the skip link comes into view"
    links = page.locator("a[href]").count()
    reached = {"Skip to the content"}
    for _ in range(links + 5):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "(e => e.tagName === 'A' ? [e.getAttribute('href'), getComputedStyle(e).outlineStyle] : null)(document.activeElement)"
        )
        if found:
            assert found[1] != "none", f"the focus on {found[0]} can't be seen"
            reached.add(found[0])
    assert reached >= set(page.locator("a[href]").evaluate_all("all => all.map(a => a.getAttribute('href'))")) - {
        "#main"
    }


@pytest.mark.parametrize("name", [*PAGES, "sandbox"])
def test_page_fits_a_phone_without_a_sideways_scroll(headrace, shown, phone, name):
    page = phone.open(f"{headrace.sandbox}/?still" if name == "sandbox" else address(headrace, shown, name))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], f"{name} is {widths[0]} px wide on a phone of {widths[1]} px"


@pytest.mark.parametrize("path", ["/nothing", "/workflows/none", "/contacts/nobody-at-all", "/enrollments/x"])
def test_what_is_not_there_is_a_page_too(browser, headrace, path):
    page = browser.new_page()
    answer = page.goto(headrace.url + path)
    assert answer is not None
    assert answer.status == 404
    assert "text/html" in answer.headers["content-type"]
    assert page.locator("h1").count() == 1
    page.close()
