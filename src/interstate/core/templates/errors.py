"""Refusals of templates, worded as CloudFormation words them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

from collections.abc import Iterable

from interstate.base.errors import ServiceError


class TemplateError(ServiceError):
    """The template, or what was given for it, cannot be used; nothing was changed."""

    code = "ValidationError"


class TemplateFormatError(TemplateError):
    """The text is no template."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"Template format error: {fault}")


class TemplateFunctionError(TemplateError):
    """A function of the template is used wrongly."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"Template error: {fault}")


class AttributeUnknownError(TemplateFunctionError):
    """A resource's type does not have the attribute."""

    def __init__(self, resource: str, attribute: str) -> None:
        super().__init__(f"resource {resource} does not support attribute type {attribute} in Fn::GetAtt")


class UnresolvedDependenciesError(TemplateFormatError):
    """Names are referenced that the template does not have, or whose condition does not hold."""

    def __init__(self, names: Iterable[str], block: str) -> None:
        self.names = tuple(sorted(names))
        super().__init__(
            f"Unresolved resource dependencies [{', '.join(self.names)}] in the {block} block of the template"
        )


class CircularDependencyError(TemplateError):
    """Resources wait for one another."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        super().__init__(f"Circular dependency between resources: [{', '.join(self.names)}]")


class UnrecognizedTypesError(TemplateFormatError):
    """Types of resources that Interstate does not have."""

    def __init__(self, types: Iterable[str]) -> None:
        self.types = tuple(sorted(set(types)))
        super().__init__(
            f"Unrecognized resource types: [{', '.join(self.types)}]. "
            "Interstate does not implement them; see docs/reference/templates.md for what it has."
        )
