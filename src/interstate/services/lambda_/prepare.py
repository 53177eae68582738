"""Having a function ready before its first call.

A function's requirements are installed and its zip unpacked when it is created, not within the time limit of its first
call. What goes wrong is told by that call; here it is only written into the function's log, for whoever looks.
"""

import msgspec

from interstate.base.arn import caller_of
from interstate.base.time import to_millis
from interstate.services.lambda_.locate import log_group_of, version_of
from interstate.services.logs.streams import write
from interstate.store.ports import Work
from interstate.store.records.lambda_ import FUNCTIONS, LATEST, PROVISIONED, VERSIONS, Preparation


def finish(body: Preparation, problem: str | None, work: Work) -> None:
    """Keep what went wrong; from now on the function is active, and its last update successful."""
    _settle(body, problem, work)
    version = version_of(work, body.function, body.qualifier)
    if problem is None or version is None:
        return
    stream = f"{work.now:%Y/%m/%d}/[{version.version}]preparation"
    write(work, caller_of(body.function), log_group_of(version), stream, [(to_millis(work.now), f"{problem}\n")])


def _settle(body: Preparation, problem: str | None, work: Work) -> None:
    function = work.get(FUNCTIONS, body.function)
    if function is None:
        return
    latest = work.get(VERSIONS, body.function, LATEST)
    if latest is not None and latest.becoming:
        work.put(VERSIONS, msgspec.structs.replace(latest, becoming="", revision=work.entropy.uuid()))
    published = work.get(VERSIONS, body.function, str(function.next_version - 1))
    if published is not None and published.becoming:
        work.put(VERSIONS, msgspec.structs.replace(published, becoming=""))
    if body.qualifier is not None:
        config = work.get(PROVISIONED, body.function, body.qualifier)
        if config is not None and config.status == "IN_PROGRESS":
            status = "READY" if problem is None else "FAILED"
            work.put(PROVISIONED, msgspec.structs.replace(config, status=status, reason=problem or ""))
