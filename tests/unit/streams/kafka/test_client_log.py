"""In an outage the Kafka clients tell of it, and leave room for what else is told."""

import logging

import pytest

from streams.kafka import client_log


@pytest.mark.parametrize(
    "name", ["librdkafka", "aiokafka", "aiokafka.consumer.fetcher", "aiokafka.consumer.group_coordinator"]
)
def test_a_kind_of_line_passes_once_in_a_while_and_others_beside_it(name):
    logger = logging.getLogger(name)
    (limit,) = (one for one in logger.filters if isinstance(one, client_log.EverySoOften))
    of_this_test = type(limit)()

    def passes(text):
        return of_this_test.filter(logger.makeRecord(name, logging.ERROR, __file__, 1, text, (), None))

    assert [passes(f"Unable connect to node with id {node}") for node in range(3)] == [True, False, False]
    assert passes("Group Coordinator Request failed")
