"""The numbers of a backtest, and limits on them that fail a build."""

import pytest

from domain.backtest.difference import Difference
from domain.backtest.measures import BadLimit, Prices, measure, read_limit, trips
from domain.backtest.tally import ChannelCounts, Tally


def tally(sms=0, parts=0, email=0, **fields):
    channels = {"sms": ChannelCounts(succeeded=sms), "email": ChannelCounts(succeeded=email)}
    return Tally(channels=channels, sms_parts=parts, **fields)


def broken(text, new, old=None, difference=None):
    old_measures = measure(old, Prices()) if old else None
    return trips(read_limit(text), measure(new, Prices()), old_measures, difference or Difference())


def test_what_is_sent_costs_what_is_billed():
    found = measure(tally(sms=10, parts=15, email=4), Prices(sms=0.0079, email=0.001))

    assert (found["messages"], found["cost"]) == (14, pytest.approx(15 * 0.0079 + 4 * 0.001))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("messages>13", True),
        ("messages > 14", False),
        ("messages>=14", True),
        ("messages<15", True),
        ("messages<=13.9", False),
        ("messages==14", True),
        ("messages!=14", False),
        ("email>3", True),
    ],
)
def test_a_number_is_compared_with_a_number(text, holds):
    assert (broken(text, tally(sms=10, email=4)) is not None) == holds


@pytest.mark.parametrize(
    ("text", "new", "holds"),
    [
        ("sms>+5%", 105, False),
        ("sms>+5%", 106, True),
        ("sms<-10%", 90, False),
        ("sms<-10%", 89, True),
        ("sms>+10", 110, False),
        ("sms>+10", 111, True),
        ("sms<-10", 89, True),
    ],
)
def test_a_signed_number_is_what_may_be_added_to_the_old_one(text, new, holds):
    assert (broken(text, tally(sms=new), tally(sms=100)) is not None) == holds


def test_of_nothing_any_addition_is_more_than_some_percent():
    assert broken("sms>+5%", tally(sms=1), tally(sms=0)) == "sms is 1, it was 0"
    assert broken("sms>+5%", tally(sms=0), tally(sms=0)) is None


def test_differences_are_counted_in_contacts_or_their_share():
    difference = Difference(changes={"gained": 1, "lost": 2, "path": 3, "content": 0, "times": 0, "same": 94})

    assert broken("changed>5%", tally(), tally(), difference) == "changed is 6 of 100 contacts"
    assert broken("changed>6%", tally(), tally(), difference) is None
    assert broken("lost>1", tally(), tally(), difference) == "lost is 2 of 100 contacts"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a name, a comparison and a number"),
        ("messages", "expected a name, a comparison and a number"),
        ("messages>lots", "expected a name, a comparison and a number"),
        ("messages>+5%%", "expected a name, a comparison and a number"),
        ("mesages>5", "found 'mesages'"),
        ("messages>5%", "Say `messages>+5%`"),
        ("changed>+5%", "leave the sign out"),
    ],
)
def test_a_limit_that_says_nothing_is_refused(text, says):
    with pytest.raises(BadLimit, match=says.replace("+", r"\+")):
        read_limit(text)


@pytest.mark.parametrize("text", ["messages>+5%", "messages>+5", "lost>0"])
def test_what_needs_the_old_version_says_so(text):
    with pytest.raises(BadLimit, match="needs something to compare with"):
        trips(read_limit(text), measure(tally(), Prices()), None, None)
