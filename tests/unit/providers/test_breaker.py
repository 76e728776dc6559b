"""The breaker: an outage is noticed after a few calls, tried out with single ones, and drained at a bounded pace."""

import math

import pytest

from streams.breaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, THRESHOLD, Breaker

PER_SECOND = 10


class Bench:
    def __init__(self):
        self.now_s = 100.0
        self.breaker = Breaker(lambda: self.now_s, PER_SECOND)

    def call(self, *, outage):
        permit = self.breaker.begin()
        assert permit is not None, "there was no room"
        self.breaker.end(permit, outage=outage, code="connect_failed" if outage else None)

    def opened(self):
        for _ in range(THRESHOLD):
            self.call(outage=True)
        return self

    def recovering(self):
        self.opened().now_s += FIRST_PAUSE_S
        self.call(outage=False)
        return self

    def took_in(self, seconds):
        """How many calls begin within so many seconds when as many as may be do."""
        begun = 0
        for _ in range(round(seconds * 100)):
            self.now_s += 0.01
            while self.breaker.room() >= 1:
                self.call(outage=False)
                begun += 1
                if self.breaker.state == "closed":
                    return math.inf
        return begun


@pytest.fixture
def bench():
    return Bench()


def test_a_closed_one_holds_nothing_back(bench):
    bench.call(outage=False)
    assert (bench.breaker.state, bench.breaker.room(), bench.breaker.wait_s()) == ("closed", math.inf, None)


def test_it_opens_after_so_many_outages_in_a_row_and_not_before(bench):
    for _ in range(THRESHOLD - 1):
        bench.call(outage=True)
    bench.call(outage=False)
    for _ in range(THRESHOLD - 1):
        bench.call(outage=True)
    assert not bench.breaker.is_outage
    bench.call(outage=True)
    assert (bench.breaker.state, bench.breaker.is_outage, bench.breaker.code) == ("open", True, "connect_failed")
    assert (bench.breaker.room(), bench.breaker.begin()) == (0, None)


def test_calls_that_never_began_say_nothing(bench):
    for _ in range(THRESHOLD):
        bench.call(outage=None)
    assert bench.breaker.state == "closed"


def test_after_a_pause_one_call_tries_and_its_failure_doubles_the_pause(bench):
    bench.opened()
    pauses = []
    for _ in range(10):
        pauses.append(bench.breaker.wait_s())
        bench.now_s += pauses[-1]
        assert bench.breaker.room() == 1
        permit = bench.breaker.begin()
        assert (bench.breaker.room(), bench.breaker.wait_s(), bench.breaker.begin()) == (0, None, None)
        bench.breaker.end(permit, outage=True)
    assert pauses[:3] == pytest.approx([FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S])
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_S)


def test_calls_from_before_the_outage_neither_close_it_nor_keep_it_open(bench):
    before = bench.breaker.begin()
    bench.opened()
    bench.breaker.end(before, outage=False)
    assert bench.breaker.state == "open"
    bench.now_s += FIRST_PAUSE_S
    bench.breaker.end(before, outage=True)
    assert bench.breaker.room() == 1


def test_a_call_from_before_that_fails_while_it_drains_says_nothing_of_now(bench):
    before = bench.breaker.begin()
    bench.recovering()
    bench.breaker.end(before, outage=True)
    assert bench.breaker.state == "draining"


def test_one_that_was_left_open_lets_the_first_call_try(bench):
    bench.breaker.presume_down("connect_failed")
    assert (bench.breaker.is_outage, bench.breaker.room()) == (True, 1)
    bench.call(outage=False)
    assert bench.breaker.state == "draining"


def test_a_probe_that_never_began_leaves_room_for_another(bench):
    bench.opened().now_s += FIRST_PAUSE_S
    bench.call(outage=None)
    assert bench.breaker.room() == 1


def test_what_has_gathered_goes_out_at_a_bounded_pace(bench):
    bench.recovering()
    assert bench.breaker.state == "draining"
    assert 4.9 * PER_SECOND <= bench.took_in(5) <= 5 * PER_SECOND


def test_the_outage_is_over_once_calls_went_well_again(bench):
    bench.recovering()
    assert bench.breaker.is_outage
    bench.took_in(1)
    assert (bench.breaker.state, bench.breaker.is_outage) == ("draining", False)


def test_it_closes_once_less_comes_in_than_may_go_out(bench):
    bench.recovering().took_in(1)
    for _ in range(4):
        bench.now_s += 0.5
        bench.call(outage=False)
    assert (bench.breaker.state, bench.breaker.room()) == ("closed", math.inf)


def test_one_outage_while_it_drains_opens_it_again(bench):
    bench.recovering().now_s += 0.5
    bench.call(outage=True)
    assert (bench.breaker.state, bench.breaker.is_outage) == ("open", True)
