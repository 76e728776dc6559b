"""Command ids: the same request with the same key is the same command; nothing else is."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.idempotency import IssuedCommands, key_range, keyed_command_id, random_command_id
from api.problems import Unprocessable

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(KEYS, KEYS, st.binary(max_size=50))
def test_the_same_request_has_the_same_id_for_ever(scope, key, content):
    assert keyed_command_id(scope, key, content) == keyed_command_id(scope, key, content)


def test_the_id_is_fixed_so_that_an_upgrade_repeats_no_command():
    found = keyed_command_id("POST /api/v1/workflows", "key-1", b"\n{}")
    assert found == UUID("c870df2c-1269-8b28-a1cc-4e491daa0285")
    assert found.version == 8


@given(KEYS, KEYS, st.binary(max_size=50), st.binary(max_size=50))
def test_other_content_of_the_same_key_stands_in_the_keys_range_and_is_another_command(scope, key, one, other):
    first, second = keyed_command_id(scope, key, one), keyed_command_id(scope, key, other)
    assert (first == second) == (one == other)
    lowest, highest = key_range(first)
    assert key_range(second) == (lowest, highest)
    assert lowest <= first <= highest
    assert str(lowest) <= str(second) <= str(highest), "as text in Postgres, too"


@given(KEYS, KEYS, KEYS)
def test_another_key_or_route_has_another_range(scope, one, other):
    first = key_range(keyed_command_id(scope, one, b""))
    assert (first == key_range(keyed_command_id(scope, other, b""))) == (one == other)
    assert first != key_range(keyed_command_id(scope + "/x", one, b""))


def test_scope_and_key_are_told_apart():
    assert keyed_command_id("ab", "c", b"") != keyed_command_id("a", "bc", b"")


def test_issued_commands_are_known_until_there_are_too_many():
    issued = IssuedCommands(capacity=3)
    ids = [random_command_id() for _ in range(4)]
    for command_id in ids:
        issued.add(command_id)
    assert [command_id in issued for command_id in ids] == [False, True, True, True]


def test_a_command_that_is_issued_again_is_the_youngest_again():
    issued = IssuedCommands(capacity=2)
    first, second, third = (random_command_id() for _ in range(3))
    for command_id in (first, second, first, third):
        issued.add(command_id)
    assert first in issued
    assert second not in issued


def test_a_key_with_other_content_is_refused_until_the_first_is_discarded():
    issued = IssuedCommands()
    first, second = keyed_command_id("s", "k", b"1"), keyed_command_id("s", "k", b"2")
    issued.add(first)
    with pytest.raises(Unprocessable) as refused:
        issued.add(second)
    assert refused.value.code == "idempotency_key_reused"
    assert second not in issued
    issued.discard(second)
    assert first in issued
    issued.discard(first)
    issued.add(second)
    assert second in issued
