"""What the engine makes of the settings: spans in engine time, and paces."""

from headrace.settings import Settings


def answer_within_ms_of(settings: Settings) -> int:
    """How long, in engine time, a provider's answer is waited for: a matter of real time, too."""
    return int(settings.answer_within * settings.time_scale * 1000)


def start_within_ms_of(settings: Settings) -> int:
    """How long after its journaling an attempt may start: a third of that, so that the call has time."""
    return answer_within_ms_of(settings) // 3


def ask_after_ms_of(settings: Settings) -> tuple[int, ...]:
    """When, in engine time, a provider is asked what became of an attempt: what it knows is a matter of real time."""
    return tuple(int(seconds * settings.time_scale * 1000) for seconds in settings.ask_after)


def per_second_of(settings: Settings) -> dict[str, float]:
    """How many messages a worker may begin in a real second, by channel; those without a limit are left out."""
    given = {"sms": settings.sms_per_second, "email": settings.email_per_second}
    return {channel: rate for channel, rate in given.items() if rate is not None}


def hold_late_ms_of(settings: Settings) -> int | None:
    """How late, in engine time, a step may run that nobody said anything about; None: however late."""
    return None if settings.hold_late is None else int(settings.hold_late * settings.time_scale * 1000)
