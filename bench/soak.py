"""`python -m bench.soak`: load and random SIGKILLs for a long time; then a checker counts what came of it.

It is `tests/crash` for as long as one likes, with the same load and the same checker.
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.support.crash_load import DEFINITION, Load, all_at_rest, check, dev_with_sandbox, running_sandbox
from tests.support.dev_process import DevProcess, eventually


def main(arguments: list[str] | None = None) -> int:
    """Run, and say what was counted; 1 when something was lost or sent twice, and the data is kept to look at."""
    given = _parser().parse_args(arguments)
    seed = random.randrange(1_000_000_000) if given.seed is None else given.seed
    _say(f"{given.minutes:g} minutes, a kill every {given.between:g} s on average, seed {seed}")
    directory = Path(tempfile.mkdtemp(prefix="headrace-soak-", dir=given.directory))
    with running_sandbox() as sandbox:
        dev = dev_with_sandbox(directory / "data", sandbox)
        try:
            _soak(dev, sandbox, given, random.Random(seed))
        except AssertionError:
            traceback.print_exc()
            _say(f"FAILED: the data is in {directory}, with the engine's output")
            return 1
        finally:
            dev.end()
    _remove(directory)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long there is load (default 10)")
    parser.add_argument("--rate", type=float, default=20, help="new contacts a second, at most (default 20)")
    parser.add_argument("--between", type=float, default=8, help="seconds between two kills, on average (default 8)")
    parser.add_argument("--seed", type=int, help="repeat the moments of another run")
    parser.add_argument("--directory", type=Path, help="where the data goes")
    return parser


def _soak(dev: DevProcess, sandbox: str, given: argparse.Namespace, chance: random.Random) -> None:
    dev.start()
    workflow = dev.publish(DEFINITION)
    load = Load(dev, pause_s=1 / given.rate)
    load.start()
    end = time.monotonic() + given.minutes * 60
    slowest_s = 0.0
    try:
        while (left_s := end - time.monotonic()) > 0:
            time.sleep(min(left_s, chance.expovariate(1 / given.between)))
            dev.kill()
            start = time.monotonic()
            dev.start()
            slowest_s = max(slowest_s, time.monotonic() - start)
            _say(f"{max(0, end - start):4.0f} s left  {dev.starts - 1} kills  {len(load.acknowledged)} contacts")
    finally:
        contacts = load.finish()
    _say(f"waiting until {len(contacts)} enrollments have come to rest ...")
    ended = eventually(lambda: all_at_rest(dev, workflow["id"], len(contacts)), "all to come to rest", seconds=300)
    found = check(dev, sandbox, ended, contacts)
    _say(
        f"{len(contacts)} contacts, {dev.starts - 1} kills, {found.messages} messages, none lost, none sent twice; "
        f"{found.unknown} outcomes unknown and listed; the slowest of {dev.starts} starts took {slowest_s:.1f} s"
    )


def _remove(directory: Path) -> None:
    """What the run left, file by file: nothing outside its own directory."""
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    directory.rmdir()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
