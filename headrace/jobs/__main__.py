"""The child process of a job: `python -m headrace.jobs`, the request on standard input.

It ends when its standard input is closed: who asked for it is gone.
"""

import asyncio
import os
import sys
import threading
from typing import Final

import msgspec
import structlog

from domain.errors import HeadraceError
from headrace.interpreter import tune_interpreter
from headrace.jobs.context import JobContext
from headrace.jobs.kinds import UnknownJob, load
from headrace.jobs.message import Failure, Message, Report, Request, encode_line
from headrace.jobs.refusal import Refused
from headrace.logging import configure_logging
from headrace.plug_ins import load_plug_ins
from headrace.settings import load_settings

_NICE: Final = 10
_log = structlog.get_logger(__name__)


def main() -> int:
    """Do the one job; gives the exit code."""
    settings = load_settings()
    configure_logging(level=settings.log_level, form=settings.log_format)
    tune_interpreter()
    os.nice(_NICE)
    line = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    request = msgspec.json.decode(line, type=Request)
    last = asyncio.run(_do(request, JobContext(settings=settings)))
    sys.stdout.buffer.write(encode_line(last))
    sys.stdout.buffer.flush()
    return int(isinstance(last, Failure))


async def _do(request: Request, context: JobContext) -> Message:
    try:
        load_plug_ins()
        kind, run = load(request.kind)
        body = msgspec.convert(request.body, kind)
        report: Report = await run(body, context)
    except Refused as refused:
        return Failure(refused.status, refused.code, str(refused), refused.extras)
    except UnknownJob as error:
        return Failure(404, "not_found", str(error))
    except msgspec.ValidationError as error:
        return Failure(422, "invalid_request", f"the request of a {request.kind} does not fit: {error}")
    except HeadraceError as error:
        return Failure(409, "cannot_be_done", str(error))
    except Exception as error:  # noqa: BLE001 whatever it is, who asked is told
        _log.exception("job.failed", kind=request.kind)
        return Failure(500, "job_failed", f"{type(error).__name__}: {error}")
    return report


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not by the buffer, whose lock would be held when we end
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
