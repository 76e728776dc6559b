"""What stands with a worker at the moment that somebody looks: lag, timers, calls, the catalogue's offset."""

import asyncio

from prometheus_client import CollectorRegistry

from schemas import metrics as m
from schemas.event_log import EventLog
from schemas.topics import JOURNAL
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
        self._standby = m.gauge(registry, "headrace_standby_lag_records")
        self._awaited = m.gauge(registry, "headrace_awaited_partitions")

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
        await self._look_at_standbys()
        for channel, count in self._host.dispatcher.busy.items():
            self._in_flight.labels(channel).set(count)
        for channel, is_down in self._host.dispatcher.breakers.items():
            self._breakers.labels(channel).set(is_down)

    async def _look_at_standbys(self) -> None:
        reflected = dict(self._host.owned.standbys.reflected)
        ends = await asyncio.gather(*(self._log.end_offset(JOURNAL, number) for number in reflected))
        self._standby.clear()
        for (number, offset), end in zip(reflected.items(), ends, strict=True):
            self._standby.labels(str(number)).set(max(0, end - offset))
        self._awaited.set(len(self._host.owned.standbys.awaited))
