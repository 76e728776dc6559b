"""What stands with a worker at the moment that somebody looks: lag, timers, calls, the catalogue's offset."""

import asyncio

from prometheus_client import CollectorRegistry

from schemas import metrics as m
from schemas.event_log import EventLog
from streams.engine_host import EngineHost


class EngineGauges:
    """The gauges of one worker; `look` sets them."""

    def __init__(self, registry: CollectorRegistry, host: EngineHost, log: EventLog, inputs: tuple[str, ...]) -> None:
        self._host, self._log, self._inputs = host, log, inputs
        self._lag = m.gauge(registry, "headrace_consumer_lag_records")
        self._timers = m.gauge(registry, "headrace_pending_timers")
        self._in_flight = m.gauge(registry, "headrace_attempts_in_flight")
        self._breakers = m.gauge(registry, "headrace_breaker_open")
        self._catalogue = m.gauge(registry, "headrace_catalogue_offset")
        self._owned = m.gauge(registry, "headrace_owned_partitions")

    async def look(self) -> None:
        """Take the figures; partitions that left are no longer shown."""
        actors = [actor for actor in self._host.actors.values() if actor.is_open]
        places = [(actor, topic) for actor in actors for topic in self._inputs]
        ends = await asyncio.gather(*(self._log.end_offset(topic, actor.partition) for actor, topic in places))
        for gauge in (self._lag, self._timers, self._catalogue):
            gauge.clear()
        for (actor, topic), end in zip(places, ends, strict=True):
            self._lag.labels(topic, str(actor.partition)).set(max(0, end - actor.position(topic)))
        for actor in actors:
            if actor.is_open:  # it may have been closed meanwhile
                self._timers.labels(str(actor.partition)).set(actor.pending_timers)
                self._catalogue.labels(str(actor.partition)).set(actor.catalogue_offset)
        self._owned.set(len(self._host.actors))
        for channel, count in self._host.dispatcher.busy.items():
            self._in_flight.labels(channel).set(count)
        for channel, is_down in self._host.dispatcher.breakers.items():
            self._breakers.labels(channel).set(is_down)
