"""How the answer to an `http_request` is judged, and what of it is kept."""

import msgspec
import pytest

from streams.providers.http_answer import MAX_KEPT_BYTES, HttpAnswer, at_path, is_success, result_of


def answer(status=200, *, json=None, text=b"", headers=None, truncated=False, encoding="utf-8"):
    body = text if json is None else msgspec.json.encode(json)
    return HttpAnswer(
        status=status, reason="", headers=headers or {}, body=body, encoding=encoding, truncated=truncated, json=json
    )


@pytest.mark.parametrize(
    ("status", "codes", "success"),
    [
        (200, None, True),
        (204, None, True),
        (302, None, False),
        (404, None, False),
        (404, [404], True),
        (200, [404], False),
        (201, ["2xx"], True),
        (301, ["2XX", "3xx"], True),
        (204, ["200-204"], True),
        (205, ["200-204"], False),
        (200, [], False),
        (200, ["ok", "2-", "xx"], False),
    ],
)
def test_success_codes(status, codes, success):
    assert is_success(status, codes) is success


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (409, False), (429, True), (500, True), (503, True)],
)
def test_only_429_and_5xx_are_repeated(status, retryable):
    result = result_of(answer(status, headers={"Retry-After": "2"}))
    assert (result.outcome, result.code, result.retryable) == ("failed", f"http_{status}", retryable)
    assert result.retry_after_ms == (2_000 if retryable else None)


def test_the_output_holds_status_headers_and_a_json_body():
    result = result_of(answer(json={"a": 1}, headers={"X-Id": "7", "Set-Cookie": "secret"}))
    assert result.output == {"status_code": 200, "headers": {"x-id": "7"}, "body": {"a": 1}}


def test_a_long_text_is_cut_and_says_so():
    result = result_of(answer(text=b"x" * (MAX_KEPT_BYTES + 1)))
    assert (len(result.output["body"]), result.output["body_truncated"]) == (MAX_KEPT_BYTES, True)


def test_a_long_json_body_is_left_out_but_its_saved_parts_are_kept():
    result = result_of(answer(json={"id": 7, "text": "x" * MAX_KEPT_BYTES}), save={"order_id": "id"})
    assert "body" not in result.output
    assert (result.output["order_id"], result.output["body_truncated"]) == (7, True)


def test_text_in_an_encoding_that_does_not_exist_and_with_nul_is_still_text():
    assert result_of(answer(text=b"a\0b\xff", encoding="klingon")).output["body"] == "a\ufffdb\ufffd"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("$.a.b", 1),
        ("items.1.id", "y"),
        ("items.9.id", None),
        ("items.-1", None),
        ("a.b.c", None),
        ("nothing", None),
        ("$", {"a": {"b": 1}, "items": [{"id": "x"}, {"id": "y"}]}),
    ],
)
def test_save_paths(path, value):
    assert at_path({"a": {"b": 1}, "items": [{"id": "x"}, {"id": "y"}]}, path) == value
