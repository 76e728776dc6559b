"""Logs: one format for our own events and for libraries' lines, and no secrets."""

import io
import json
import logging

import pytest
import structlog

from headrace.logging import configure_logging


@pytest.fixture
def restored_logging():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def logged(restored_logging):
    """Sets up logging and gives a function that returns what was logged so far."""

    def start(**options):
        stream = io.StringIO()
        configure_logging(stream=stream, **options)
        return stream.getvalue

    return start


def test_json_logs_are_one_object_a_line(logged):
    lines = logged(form="json")
    structlog.get_logger("streams.actor").info("partition.opened", partition=3)
    logging.getLogger("some.library").warning("slow: %d ms", 12)

    ours, theirs = map(json.loads, lines().splitlines())
    assert (ours["event"], ours["partition"], ours["level"], ours["logger"]) == (
        "partition.opened",
        3,
        "info",
        "streams.actor",
    )
    assert (theirs["event"], theirs["level"]) == ("slow: 12 ms", "warning")
    assert ours["timestamp"].endswith("Z")


def test_console_logs_are_readable_and_without_colours_in_a_file(logged):
    lines = logged()
    structlog.get_logger("api").warning("request.refused", status=409)

    assert "request.refused" in lines()
    assert "status=409" in lines()
    assert "\x1b" not in lines()


def test_below_the_level_nothing_is_logged(logged):
    lines = logged(level="warning")
    structlog.get_logger("api").info("request.done")
    logging.getLogger("some.library").info("hello")

    assert lines() == ""


@pytest.mark.parametrize("form", ["json", "console"])
def test_values_that_sound_like_secrets_are_hidden(logged, form):
    lines = logged(form=form)
    structlog.get_logger("providers").info("twilio.ready", auth_token="sesame", database_url="sesame", API_KEY="sesame")

    assert "twilio.ready" in lines()
    assert "sesame" not in lines()


def test_the_providers_clients_stay_quiet_even_at_debug(logged):
    lines = logged(level="debug")
    logging.getLogger("python_http_client.client").debug("Authorization: Bearer sesame")
    logging.getLogger("twilio.http_client").info("To=+15550001111")

    assert lines() == ""


def fail_with_a_local_secret():
    token = "sesame"
    raise ValueError(len(token))


def test_a_console_traceback_shows_no_local_variables(logged):
    lines = logged()
    try:
        fail_with_a_local_secret()
    except ValueError:
        structlog.get_logger("engine").exception("decide.failed")

    assert "ValueError: 6" in lines()
    assert "fail_with_a_local_secret" in lines()
    assert "sesame" not in lines()
