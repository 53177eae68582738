"""Templates themselves: show, check, summarize."""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSONObject
from interstate.core.templates.document import Template, parse_template
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.parameters import is_secret
from interstate.services.cloudformation.change_sets import change_set_named
from interstate.services.cloudformation.find import stack_named
from interstate.services.cloudformation.prepare import needed_capability
from interstate.services.cloudformation.wanted import read_body
from interstate.store.ports import Work


class GetTemplate(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str | None = None
    change_set_name: str | None = None
    template_stage: str = "Original"


class ValidateTemplate(msgspec.Struct, frozen=True, rename="pascal"):
    template_body: str | None = None
    template_url: str | None = msgspec.field(name="TemplateURL", default=None)


class GetTemplateSummary(msgspec.Struct, frozen=True, rename="pascal"):
    template_body: str | None = None
    template_url: str | None = msgspec.field(name="TemplateURL", default=None)
    stack_name: str | None = None
    stack_set_name: str | None = None


def get_template(request: GetTemplate, work: Work) -> dict[str, Any]:
    """The template as it came, or as its transforms left it.

    Raises:
        TemplateError: there is no such stack.
    """
    if request.change_set_name is not None:
        change_set = change_set_named(request.change_set_name, request.stack_name, work)
        original, processed = change_set.original, change_set.template
    elif request.stack_name is not None:
        stack = stack_named(request.stack_name, work)
        original, processed = stack.original, stack.template
    else:
        raise TemplateError("Either StackName or ChangeSetName must be specified")
    body = processed if request.template_stage == "Processed" else original
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


def _template(body: str | None, url: str | None) -> tuple[JSONObject, Template]:
    if url is not None:
        raise NotImplementedHere("TemplateURL (there is no S3 here); send TemplateBody")
    _, document = read_body(body)
    return document, parse_template(document)


def validate_template(request: ValidateTemplate, work: Work) -> dict[str, Any]:
    """Check a template's form, without parameters or transforms; answers with its parameters.

    Raises:
        TemplateError: it is no template.
    """
    del work
    _, template = _template(request.template_body, request.template_url)
    parameters = [
        {
            "ParameterKey": name,
            "NoEcho": is_secret(declaration),
            **_text("DefaultValue", declaration.get("Default")),
            **_text("Description", declaration.get("Description")),
        }
        for name, declaration in template.parameters.items()
    ]
    return {"Parameters": parameters, **_common(template)}


def get_template_summary(request: GetTemplateSummary, work: Work) -> dict[str, Any]:
    """What a template, or a stack's, needs and holds.

    Raises:
        TemplateError: it is no template, or there is no such stack.
    """
    if request.stack_set_name is not None:
        raise NotImplementedHere("stack sets")
    body = request.template_body
    if request.stack_name is not None:
        body = stack_named(request.stack_name, work).original
    document, template = _template(body, request.template_url)
    parameters = [
        {
            "ParameterKey": name,
            "ParameterType": declaration.get("Type", "String"),
            "NoEcho": is_secret(declaration),
            "ParameterConstraints": {"AllowedValues": [str(value) for value in declaration.get("AllowedValues", [])]},
            **_text("DefaultValue", declaration.get("Default")),
            **_text("Description", declaration.get("Description")),
        }
        for name, declaration in template.parameters.items()
    ]
    types = sorted({resource.type for resource in template.resources.values()})
    answer = {"Parameters": parameters, "ResourceTypes": types, **_common(template)}
    return answer | _text("Version", document.get("AWSTemplateFormatVersion"))


def _common(template: Template) -> dict[str, Any]:
    answer: dict[str, Any] = {"DeclaredTransforms": list(template.transforms)}
    if template.description is not None:
        answer["Description"] = template.description
    capability = needed_capability(template)
    if capability is not None:
        names = [name for name, body in template.resources.items() if body.type.startswith("AWS::IAM::")]
        answer["Capabilities"] = [capability]
        answer["CapabilitiesReason"] = f"The following resource(s) require capabilities: [{', '.join(names)}]"
    if template.transforms:
        answer["Capabilities"] = [*answer.get("Capabilities", []), "CAPABILITY_AUTO_EXPAND"]
    return answer


def _text(member: str, value: Any) -> dict[str, str]:
    return {} if value is None else {member: ("true" if value else "false") if isinstance(value, bool) else str(value)}
