"""The pace of a worker: tokens come evenly, and nothing begins without one."""

import pytest

from domain.workflow import RateLimit
from streams.pace import Bucket, Pace

HUNDRED_A_MINUTE = RateLimit(100, 60_000)


class Time:
    def __init__(self):
        self.now_s = 1_800_000_000.0

    def __call__(self):
        return self.now_s

    def ms(self):
        return int(self.now_s * 1000)


def begun(bucket, time, *, seconds, every_s=0.01):
    """How many begin when there is always one that waits."""
    count = 0
    for _ in range(round(seconds / every_s)):
        while bucket.free:
            bucket.take()
            count += 1
        time.now_s += every_s
    return count


@pytest.mark.parametrize(("rate", "seconds", "most"), [(10, 60, 610), (0.5, 60, 31), (100 / 60, 60, 102), (3, 1, 6)])
def test_no_span_sees_more_than_its_share_and_one_seconds_worth(rate, seconds, most):
    time = Time()
    found = begun(Bucket(rate, time), time, seconds=seconds)
    assert most - 2 <= found <= most


def test_what_is_not_used_is_not_saved_up():
    time = Time()
    bucket = Bucket(5, time)
    time.now_s += 3_600
    assert bucket.free == 5


def test_it_says_when_the_next_one_may_begin():
    time = Time()
    bucket = Bucket(4, time)
    for _ in range(4):
        bucket.take()
    assert (bucket.free, bucket.wait_s) == (0, 0.25)
    time.now_s += bucket.wait_s
    assert (bucket.free, bucket.wait_s) == (1, 0.0)


def test_a_channel_and_a_workflow_limit_what_begins_together():
    time = Time()
    pace = Pace({"sms": 2}, time.ms, now=time)
    slow = RateLimit(1, 10_000)
    assert pace.may_begin("sms", "w", slow)
    pace.begins("sms", "w", slow)
    assert not pace.may_begin("sms", "w", slow)  # the workflow's
    assert pace.may_begin("sms", "other", None)
    assert pace.may_begin("email", "other", None)
    assert (pace.exhausted(), pace.free("email")) == (["w"], None)
    pace.begins("sms", "other", None)
    assert not pace.may_begin("sms", "other", None)  # the channel's
    assert pace.next_s(["sms"]) == pytest.approx(0.5)
    assert pace.next_s(["email"]) == pytest.approx(10)


def test_a_workflows_span_is_engine_time():
    time = Time()
    engine = Time()
    pace = Pace({}, engine.ms, time_scale=60, now=time)
    pace.begins("sms", "w", RateLimit(1, 60_000))
    assert pace.next_s([]) == pytest.approx(1)
    engine.now_s += 60
    assert pace.exhausted() == []


def test_a_new_limit_takes_the_place_of_the_old_one():
    time = Time()
    pace = Pace({}, time.ms, now=time)
    pace.begins("sms", "w", RateLimit(1, 60_000))
    assert pace.may_begin("sms", "w", HUNDRED_A_MINUTE)
    assert pace.may_begin("sms", "w", None)
    assert pace.next_s(["sms"]) is None
