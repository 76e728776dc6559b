"""A thread for calls that may never come back."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class WorkThread:
    """Runs calls one after the other. A call that hangs does not keep the process from ending, as an executor's would."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], _T]) -> "Future[_T]":
        """Run it when those before it are done."""
        result: Future[_T] = Future()
        self._calls.put((result, call))
        return result

    def end(self, timeout_s: float) -> None:
        """Finish what was submitted, but wait no longer than that. Blocks."""
        self._calls.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            work = self._calls.get()
            if work is None:
                return
            result, call = work
            if not result.set_running_or_notify_cancel():
                continue
            try:
                result.set_result(call())
            except BaseException as error:  # noqa: BLE001 it belongs to who waits for the result
                result.set_exception(error)
            del work, result, call  # an idle thread keeps no records alive
