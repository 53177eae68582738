"""What a caller wants a stack to be, read from the three requests that say so; and the transform on its way.

A template with a transform cannot be carried out at once: the transform runs outside the store (a child process), as the
effect "cloudformation.transform". Nothing is written before it has answered.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSONObject
from interstate.core.templates.document import transforms_of
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.reader import read_template
from interstate.core.templates.sam import with_definitions
from interstate.services.operation import Answer, Outcome, Perform
from interstate.store.ports import Work
from interstate.store.records.cloudformation import Stack

TEMPLATE_BYTES_MAX = 1_048_576  # CloudFormation's limit for templates; its 51,200 for TemplateBody assumes a bucket.


class Parameter(msgspec.Struct, frozen=True, rename="pascal"):
    parameter_key: str = ""
    parameter_value: str | None = None
    use_previous_value: bool = False
    resolved_value: str | None = None


class Tag(msgspec.Struct, frozen=True, rename="pascal"):
    key: str
    value: str


class CreateStack(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    template_body: str | None = None
    template_url: str | None = msgspec.field(name="TemplateURL", default=None)
    parameters: list[Parameter] = []
    disable_rollback: bool = False
    rollback_configuration: dict[str, Any] = {}
    timeout_in_minutes: int | None = None
    notification_arns: list[str] = msgspec.field(name="NotificationARNs", default_factory=list)
    capabilities: list[str] = []
    resource_types: list[str] = []
    role_arn: str | None = msgspec.field(name="RoleARN", default=None)
    on_failure: str | None = None
    stack_policy_body: str | None = None
    stack_policy_url: str | None = msgspec.field(name="StackPolicyURL", default=None)
    tags: list[Tag] = []
    client_request_token: str | None = None
    enable_termination_protection: bool = False


class UpdateStack(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    template_body: str | None = None
    template_url: str | None = msgspec.field(name="TemplateURL", default=None)
    use_previous_template: bool = False
    parameters: list[Parameter] = []
    disable_rollback: bool = False
    rollback_configuration: dict[str, Any] = {}
    notification_arns: list[str] = msgspec.field(name="NotificationARNs", default_factory=list)
    capabilities: list[str] = []
    resource_types: list[str] = []
    role_arn: str | None = msgspec.field(name="RoleARN", default=None)
    stack_policy_body: str | None = None
    stack_policy_url: str | None = msgspec.field(name="StackPolicyURL", default=None)
    tags: list[Tag] | None = None
    client_request_token: str | None = None


class CreateChangeSet(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    change_set_name: str
    template_body: str | None = None
    template_url: str | None = msgspec.field(name="TemplateURL", default=None)
    use_previous_template: bool = False
    parameters: list[Parameter] = []
    rollback_configuration: dict[str, Any] = {}
    notification_arns: list[str] = msgspec.field(name="NotificationARNs", default_factory=list)
    capabilities: list[str] = []
    resource_types: list[str] = []
    role_arn: str | None = msgspec.field(name="RoleARN", default=None)
    tags: list[Tag] | None = None
    client_token: str | None = None
    description: str | None = None
    change_set_type: str = "UPDATE"
    resources_to_import: list[dict[str, Any]] = []
    include_nested_stacks: bool = False
    on_stack_failure: str | None = None
    import_existing_resources: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """What a stack shall be. ``document`` is the plain template, once transforms have run."""

    name: str
    arn: str
    original: str
    document: dict[str, Any]
    given: dict[str, str]
    capabilities: list[str] = []
    tags: list[dict[str, str]] | None = None  # None: as they are
    role_arn: str | None = None
    token: str | None = None
    on_failure: str = "ROLLBACK"
    protected: bool = False


class Transform(msgspec.Struct, frozen=True):
    """Body of the effect "cloudformation.transform": run the template's transforms, then go on with ``purpose``."""

    caller: Caller
    purpose: str
    wanted: Wanted
    details: dict[str, Any] = {}


class Transformed(msgspec.Struct, frozen=True):
    """The plain template, or why there is none."""

    template: dict[str, Any] | None = None
    error: str | None = None


class TransformFailed(TemplateError):
    """The transform refused the template."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Transform AWS::Serverless-2016-10-31 failed with: {reason}")


class Purpose(msgspec.Struct, frozen=True):
    """Request of the internal operation that goes on after the transform."""

    purpose: str
    wanted: Wanted
    details: dict[str, Any] = {}


_REFUSED: Mapping[str, str] = {
    "disable_rollback": "DisableRollback: what was made of a stack that failed is taken back",
    "import_existing_resources": "ImportExistingResources",
    "include_nested_stacks": "IncludeNestedStacks",
    "notification_arns": "NotificationARNs of stacks",
    "resource_types": "ResourceTypes",
    "resources_to_import": "ResourcesToImport",
    "stack_policy_body": "stack policies",
    "stack_policy_url": "stack policies",
    "template_url": "TemplateURL (there is no S3 here); send TemplateBody",
}


def refuse_unsupported(request: msgspec.Struct) -> None:
    """Refuse what would otherwise be dropped silently.

    Raises:
        NotImplementedHere: a member is set that has no meaning here.
    """
    for name, what in _REFUSED.items():
        if getattr(request, name, None):
            raise NotImplementedHere(what)
    configuration = getattr(request, "rollback_configuration", {})
    if configuration.get("RollbackTriggers"):
        raise NotImplementedHere("RollbackConfiguration with triggers")


def read_body(body: str | None, previous: Stack | None = None, *, use_previous: bool = False) -> tuple[str, JSONObject]:
    """The template's text and what it says.

    Raises:
        TemplateError: neither or both of a body and the previous template are wanted, or the text is no template.
    """
    if use_previous and previous is not None and body is None:
        return previous.original, read_template(previous.original)
    if body is None or use_previous:
        raise TemplateError("Either Template URL or Template Body must be specified.")
    if len(body.encode()) > TEMPLATE_BYTES_MAX:
        raise TemplateError(f"Template size is greater than the limit of {TEMPLATE_BYTES_MAX} bytes")
    return body, read_template(body)


def given_values(parameters: list[Parameter], previous: Stack | None) -> dict[str, str]:
    """The parameters as given, with previous values where those are asked for.

    Raises:
        TemplateError: there is no previous value.
    """
    old = previous.given if previous is not None else {}
    given: dict[str, str] = {}
    for parameter in parameters:
        key = parameter.parameter_key
        if not parameter.use_previous_value:
            given[key] = parameter.parameter_value or ""
        elif key in old:
            given[key] = old[key]
        elif previous is None:
            raise TemplateError(
                f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
            )
    return given


def tag_list(tags: list[Tag] | None) -> list[dict[str, str]] | None:
    """Tags as they are stored and shown."""
    return None if tags is None else [{"Key": tag.key, "Value": tag.value} for tag in tags]


GoOn = Callable[[Wanted, Mapping[str, Any], Work], Outcome]


def go_on(purpose: str, wanted: Wanted, details: dict[str, Any], work: Work, *, then: GoOn, answer: Answer) -> Outcome:
    """Carry on at once with a plain template, or after its transforms.

    Raises:
        NotImplementedHere: a transform that is not here.
    """
    if not transforms_of(wanted.document):
        plain = msgspec.structs.replace(wanted, document=with_definitions(wanted.document))
        return then(plain, details, work)
    return Perform(
        "cloudformation.transform", Transform(work.caller, purpose, wanted, details), lambda _transformed: answer
    )


def transformed(body: Transform, result: Transformed, work: Work) -> None:
    """Go on where the call stood, in its caller's name.

    Raises:
        TransformFailed: the transform refused the template; nothing was changed.
        ServiceError: what follows was refused; nothing was changed.
    """
    if result.template is None:
        raise TransformFailed(result.error or "no template")
    wanted = msgspec.structs.replace(body.wanted, document=result.template)
    request = {"purpose": body.purpose, "wanted": msgspec.to_builtins(wanted), "details": body.details}
    work.call("interstate.stacks", "GoOn", request, caller=body.caller)
