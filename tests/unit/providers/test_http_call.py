"""The request that an `http_request` step describes, and what becomes of it at a redirect."""

import pytest

from streams.providers.http_call import HttpCall, InvalidRequest


def call(**config):
    return HttpCall.of({"url": "https://api.example/hook", **config}, "e/s/1")


def test_a_request_is_a_post_with_the_action_key():
    made = call()
    assert (made.method, str(made.url), made.body) == ("POST", "https://api.example/hook", None)
    assert made.headers["Idempotency-Key"] == "e/s/1"


def test_the_steps_own_idempotency_key_does_not_hide_ours():
    assert call(headers={"idempotency-key": "mine"}).headers.getall("Idempotency-Key") == ["e/s/1"]


@pytest.mark.parametrize(
    ("config", "body", "content_type"),
    [
        ({"json": {"a": [1, None, "é"]}}, '{"a":[1,null,"é"]}'.encode(), "application/json"),
        ({"json": []}, b"[]", "application/json"),
        (
            {"form": {"a": "1 & 2", "b": [True, 3], "c": None}},
            b"a=1+%26+2&b=true&b=3",
            "application/x-www-form-urlencoded",
        ),
        ({"body": "text"}, b"text", "text/plain; charset=utf-8"),
        ({"body": "<a/>", "headers": {"content-type": "text/xml"}}, b"<a/>", "text/xml"),
    ],
)
def test_the_body_is_json_a_form_or_text(config, body, content_type):
    made = call(**config)
    assert (made.body, made.headers["Content-Type"]) == (body, content_type)


def test_the_query_is_added_to_the_addresss_own_and_encoded():
    made = call(url="https://api.example/?a=1", query={"b": "x y&z", "n": 5, "yes": True, "l": [1, 2], "gone": None})
    assert list(made.url.query.items()) == [
        ("a", "1"),
        ("b", "x y&z"),
        ("n", "5"),
        ("yes", "true"),
        ("l", "1"),
        ("l", "2"),
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"url": "ftp://files.example"},
        {"url": "file:///etc/passwd"},
        {"url": "/relative"},
        {"url": ""},
        {"url": "http://"},
        {"url": "http://host:port/"},
        {"method": "BREW"},
        {"headers": {"X-Name": "Ann\r\nX-Admin: 1"}},
        {"headers": {"X\nY": "1"}},
    ],
)
def test_what_makes_no_request_is_refused(config):
    with pytest.raises(InvalidRequest):
        call(**config)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection"])
def test_headers_of_the_connection_are_not_the_steps_business(name):
    assert name not in call(headers={name: "x"}).headers


@pytest.mark.parametrize(
    ("status", "method", "body"), [(301, "GET", None), (303, "GET", None), (307, "POST", b"x"), (308, "POST", b"x")]
)
def test_a_redirect_repeats_the_request_or_turns_it_into_a_get(status, method, body):
    made = call(body="x").redirected(status, "/other")
    assert (made.method, made.body, str(made.url)) == (method, body, "https://api.example/other")
    assert ("Content-Type" in made.headers) == (body is not None)


def test_a_redirect_to_another_origin_sees_none_of_the_steps_secrets():
    first = call(headers={"Authorization": "Bearer x", "X-Api-Key": "k"}, body="x")
    here, abroad = first.redirected(307, "/b"), first.redirected(307, "https://evil.example/")
    assert here.headers["X-Api-Key"] == "k"
    assert set(abroad.headers) == {"Content-Type", "User-Agent", "Idempotency-Key"}


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://x", "http://"])
def test_a_redirect_to_something_else_than_http_is_refused(location):
    with pytest.raises(InvalidRequest):
        call().redirected(302, location)
