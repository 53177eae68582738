"""Activities: Tasks for workers elsewhere, who ask for work by a long poll and answer by its token.

Source: API Reference, CreateActivity, GetActivityTask; answers recorded from the service.
"""

from typing import Any

import msgspec

from interstate.services.operation import Outcome, Parked
from interstate.services.states import tasks
from interstate.services.states.arns import ACTIVITY, check_activity_arn, check_name
from interstate.services.states.configuration import check_encryption
from interstate.services.states.errors import ActivityAlreadyExists, ActivityDoesNotExist
from interstate.services.states.machines import scope_of
from interstate.services.states.pages import limit_of, page, place_of
from interstate.services.states.quotas import check_activities
from interstate.services.states.tagging import Tag, tags_of
from interstate.store.ports import Work
from interstate.store.records.states import (
    ACTIVITIES,
    ACTIVITIES_OF_SCOPE,
    ACTIVITY_TASKS,
    TASKS_OF_ACTIVITY,
    Activity,
)

POLL_S = 60.0  # Source: API Reference, GetActivityTask: the service holds the connection for 60 seconds.
_OUTDATED_MAX = 25  # Tasks that are over, passed by one poll.


class CreateActivity(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    tags: list[Tag] = []
    encryption_configuration: dict[str, Any] | None = None


class ActivityRequest(msgspec.Struct, frozen=True, rename="camel"):
    activity_arn: str


class ListActivities(msgspec.Struct, frozen=True, rename="camel"):
    max_results: int | None = None
    next_token: str | None = None


class GetActivityTask(msgspec.Struct, frozen=True, rename="camel"):
    activity_arn: str
    worker_name: str | None = None


def create_activity(request: CreateActivity, work: Work) -> dict[str, Any]:
    """Create an activity; the same again answers the same.

    Raises:
        InvalidName: the name has a character that names must not have.
        ActivityAlreadyExists: it is encrypted in another way.
        ActivityLimitExceeded: there are as many as there may be.
    """
    check_name(request.name)
    check_encryption(request.encryption_configuration)
    arn = work.caller.arn("states", f"{ACTIVITY}:{request.name}")
    activity = work.get(ACTIVITIES, arn)
    if activity is None:
        check_activities(scope_of(work), work)
        activity = Activity(
            arn=arn,
            scope=scope_of(work),
            name=request.name,
            created=work.now,
            encryption=request.encryption_configuration,
            tags=tags_of(request.tags, {}, arn),
        )
        work.put(ACTIVITIES, activity)
    elif activity.encryption != request.encryption_configuration:
        raise ActivityAlreadyExists(arn)
    return {"activityArn": arn, "creationDate": activity.created}


def _activity(arn: str, work: Work) -> Activity:
    check_activity_arn(arn)
    activity = work.get(ACTIVITIES, arn)
    if activity is None:
        raise ActivityDoesNotExist(arn)
    return activity


def describe_activity(request: ActivityRequest, work: Work) -> dict[str, Any]:
    """An activity.

    Raises:
        ActivityDoesNotExist: there is none.
    """
    activity = _activity(request.activity_arn, work)
    encryption = {} if activity.encryption is None else {"encryptionConfiguration": activity.encryption}
    return {**_listed(activity), **encryption}


def _listed(activity: Activity) -> dict[str, Any]:
    return {"activityArn": activity.arn, "name": activity.name, "creationDate": activity.created}


def list_activities(request: ListActivities, work: Work) -> dict[str, Any]:
    """The caller's activities by name, a page at a time."""
    limit = limit_of(request.max_results)
    after = place_of(request.next_token)
    found = work.select(ACTIVITIES_OF_SCOPE, limit=limit + 1, scope=scope_of(work), after=after)
    return page("activities", found, limit, show=_listed, place=lambda activity: activity.name)


def delete_activity(request: ActivityRequest, work: Work) -> None:
    """Delete an activity; Tasks that wait for a worker wait until they time out. One that is not there is deleted."""
    check_activity_arn(request.activity_arn)
    work.delete(ACTIVITIES, request.activity_arn)


def get_activity_task(request: GetActivityTask, work: Work) -> Outcome:
    """The oldest scheduled task, taken by this worker; nobody else gets it. Waits up to 60 seconds, then answers without a task.

    Raises:
        ActivityDoesNotExist: there is no such activity.
    """
    _activity(request.activity_arn, work)
    return _poll(request, work, last=False)


def _poll(request: GetActivityTask, work: Work, *, last: bool) -> Outcome:
    for task in work.select(TASKS_OF_ACTIVITY, limit=_OUTDATED_MAX, activity=request.activity_arn):
        work.delete(ACTIVITY_TASKS, task.id)
        if tasks.activity_started(task.token, request.worker_name, work):
            return {"taskToken": task.token, "input": task.input}
    if last:
        return {}
    key = f"activity:{request.activity_arn}"
    return Parked(key, POLL_S, lambda work, last: _poll(request, work, last=last))
