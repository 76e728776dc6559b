"""What the machine gives: processor time, memory, the disk's fsync, and a yardstick to compare machines by."""

import gc
import os
import tempfile
import time
from pathlib import Path

import msgspec

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of_family(pid: int) -> float:
    """Processor seconds of a process, its children and those of them that ended (Linux; elsewhere 0)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    own = sum(int(field) for field in fields[11:15]) / _TICKS  # utime, stime, and those of children waited for
    return own + sum(cpu_of_family(int(child)) for child in children)


def resident_bytes() -> int:
    """The memory that this process has now (Linux; elsewhere 0)."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0


def describe(directory: Path) -> dict[str, float | int | str]:
    """What a reader of the figures must know of the machine, and how busy it was."""
    return {
        "cores": os.cpu_count() or 0,
        "load_average": round(os.getloadavg()[0], 1),
        "fsync_ms": round(_fsync_ms(directory), 2),
        "yardstick_us": round(_yardstick_us(), 2),
    }


def _fsync_ms(directory: Path) -> float:
    """The middle one of fifty appends of 4 KiB."""
    taken = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(51):
            file.write(bytes(4096))
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno()) if hasattr(os, "fdatasync") else os.fsync(file.fileno())
            taken.append(time.perf_counter() - start)
    return sorted(taken)[25] * 1000


def _yardstick_us() -> float:
    """Processor time of reading and writing one small JSON object and rebuilding a dict: what the engine does a lot."""
    text = b'{"seq":1,"contact_id":"ada","personal":{"data":{"contact":{"first_name":"Ada","tags":["lead"]}}}}'
    best = float("inf")
    for _ in range(7):
        start = time.process_time()
        for _ in range(2_000):
            value = msgspec.json.decode(text)
            msgspec.json.encode({key: item for key, item in value.items() if key != "seq"} | {"seq": 2})
        best = min(best, time.process_time() - start)
    return best / 2_000 * 1e6
