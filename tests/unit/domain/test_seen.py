"""The memory of inputs is a set of keys that forgets the oldest; it is kept as bytes."""

from hypothesis import given
from hypothesis import strategies as st

from domain.appliers.seen import RETENTION_MS, remember
from domain.state import SEEN_KEY_BYTES, Seen

LENGTH = SEEN_KEY_BYTES
ALIKE = st.text("ab", min_size=LENGTH, max_size=LENGTH).map(str.encode)
"""Keys that often end as others begin, which digests do once in an age."""


@given(st.lists(ALIKE, max_size=30), ALIKE)
def test_it_holds_what_it_was_given_and_nothing_that_only_lies_across_two_keys(keys, other):
    seen = Seen()
    for key in keys:
        seen = remember(seen, key, 0)
    assert all(key in seen for key in keys)
    assert (other in seen) == (other in keys)
    assert len(seen) == len(keys)


def test_a_key_across_two_others_is_not_in_it_and_its_place_hides_none_behind():
    first, second = b"x" * 8 + b"y" * 8, b"z" * 8 + b"x" * 8
    across = first[8:] + second[:8]
    assert across not in Seen(current=first + second)
    assert across in Seen(current=first + second + across)
    assert across in Seen(previous=first + second + across)


@given(st.lists(st.tuples(ALIKE, st.integers(0, RETENTION_MS)), max_size=30))
def test_each_key_is_kept_for_one_retention_period_at_least_and_two_at_most(inputs):
    seen, now, at = Seen(), 0, {}
    for key, later in inputs:
        now += later
        seen = remember(seen, key, now)
        at[key] = now
        held = {one for one in at if one in seen}
        assert held >= {one for one, when in at.items() if now - when < RETENTION_MS}
        assert held <= {one for one, when in at.items() if now - when < 3 * RETENTION_MS}
