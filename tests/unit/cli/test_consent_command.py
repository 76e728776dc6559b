"""`headrace consent`: what it makes of other systems' lists, what it sends, and what it says of each address."""

import pytest

PATH = "/api/v1/consents"


def taken(*items):
    return {"items": [{"channel": "sms", "address": "+1", "contacts": 1, "problem": None} | item for item in items]}


@pytest.fixture
def imported(call, headrace, tmp_path):
    """Imports a list with this text; the answer says that each of its addresses is one contact's."""

    def run(text, *options, answer=None, addresses=1):
        file = tmp_path / "list.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        headrace.on("POST", PATH, answer or taken(*[{}] * addresses))
        return call("consent", "import", file, *options)

    return run


def sent(headrace):
    return [(item["channel"], item["address"]) for request in headrace.sent("POST") for item in request.body["items"]]


@pytest.mark.parametrize(
    ("text", "options", "wanted"),
    [
        ("phone\n+1555\n", (), [("sms", "+1555")]),
        ("email,created\na@b.c,1700000000\n", (), [("email", "a@b.c")]),  # SendGrid's export
        ("Name;Phone;Email\nAda;+1555;a@b.c\n", (), [("sms", "+1555"), ("email", "a@b.c")]),
        ("channel,address\nEmail,a@b.c\nsms,+1555\n", (), [("email", "a@b.c"), ("sms", "+1555")]),
        ("address\na@b.c\n", ("--channel", "email"), [("email", "a@b.c")]),
        ("+1555\n\n+1556\n", ("--channel", "sms"), [("sms", "+1555"), ("sms", "+1556")]),
        ("\ufeffphone\r\n+1555\r\n ,\r\n", (), [("sms", "+1555")]),
    ],
)
def test_lists_of_many_shapes_are_read(imported, headrace, text, options, wanted):
    assert imported(text, *options, addresses=len(wanted)).code == 0
    assert sent(headrace) == wanted


def test_the_reason_is_told_and_allowing_again_has_none(imported, headrace):
    imported("phone\n+1\n", "--reason", "bounced")
    imported("phone\n+1\n", "--allow")
    bodies = [request.body["items"][0] for request in headrace.sent("POST")]
    assert bodies == [
        {"channel": "sms", "address": "+1", "allowed": False, "reason": "bounced"},
        {"channel": "sms", "address": "+1", "allowed": True},
    ]


def test_it_says_what_became_of_each_and_ends_with_1_when_one_is_no_address(imported):
    answer = taken({"contacts": 2}, {"contacts": 0}, {"contacts": 0, "problem": "it is too short"})
    result = imported("phone\n+1555\n+1556\n12\n", answer=answer)
    assert result.code == 1
    assert result.out == "addresses that are not written to any more: 1 of 3; contacts that have them: 2\n"
    assert "line 3: +1: no contact has it" in result.err
    assert "line 4: +1: it is too short" in result.err
    assert "no contact has 1 of them: import the contacts, and then this file again" in result.err


def test_a_long_list_goes_in_parts(imported, headrace):
    headrace.on("POST", PATH, taken(*[{}] * 500))
    numbers = "\n".join(f"+1555{n:07}" for n in range(501))
    assert imported(f"phone\n{numbers}\n", "--json").json["items"][-1]["line"] == 502
    assert [len(request.body["items"]) for request in headrace.sent("POST")] == [500, 1]


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("name,tel\nAda,+1555\n", (), "line 1: expected a first line that names a column"),
        ("address\n+1555\n", (), "line 1: of which channel are the addresses? Add --channel"),
        ("channel,address\nfax,12\n", (), "line 2: expected the channel sms or email, found 'fax'"),
        (f"phone\n{'1' * 201}\n", (), "line 2: that is no address"),
        (b"phone\n\xff\n", (), "as a list of addresses in CSV (UTF-8)"),
        ("", (), "found nothing"),
    ],
)
def test_what_is_no_list_is_refused_before_anything_is_sent(imported, headrace, text, options, says):
    result = imported(text, *options)
    assert result.code == 2
    assert says in result.err
    assert sent(headrace) == []


def test_a_contacts_consent_is_shown(call, headrace):
    one = {"channel": "sms", "address": "+1555", "allowed": False, "reason": "opted_out", "at": "2026-03-01T09:00:00Z"}
    headrace.on("GET", "/api/v1/contacts/a b/consent", {"contact_id": "a b", "items": [one]})
    result = call("consent", "show", "a b")
    assert result.code == 0
    assert "opted_out" in result.out
