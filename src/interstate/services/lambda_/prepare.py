"""Having a function ready before its first call.

A function's requirements are installed and its zip unpacked when it is created, not within the time limit of its first
call. What goes wrong is told by that call; here it is only written into the function's log, for whoever looks.
"""

from interstate.base.arn import caller_of
from interstate.base.time import to_millis
from interstate.services.lambda_.locate import log_group_of, version_of
from interstate.services.logs.streams import write
from interstate.store.ports import Work
from interstate.store.records.lambda_ import Preparation


def finish(body: Preparation, problem: str | None, work: Work) -> None:
    """Keep what went wrong."""
    version = version_of(work, body.function, body.qualifier)
    if problem is None or version is None:
        return
    stream = f"{work.now:%Y/%m/%d}/[{version.version}]preparation"
    write(work, caller_of(body.function), log_group_of(version), stream, [(to_millis(work.now), f"{problem}\n")])
