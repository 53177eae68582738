"""Template text, YAML or JSON, read into plain JSON."""

from interstate.base.json import JSON, BrokenJSON, JSONObject, loads
from interstate.core.templates.errors import TemplateFormatError


def read_template(text: str) -> JSONObject:
    """The template's JSON.

    Raises:
        TemplateFormatError: the text is neither JSON nor YAML, or no object.
        TemplateFunctionError: it uses YAML aliases.
    """
    document = _read_json(text) if text.lstrip()[:1] == "{" else read_yaml(text)
    if not isinstance(document, dict):
        raise TemplateFormatError("unsupported structure.")
    return document


def read_yaml(text: str) -> JSON:
    """The JSON of any YAML text, with CloudFormation's tags as functions.

    Raises:
        TemplateFormatError: the text is no YAML.
        TemplateFunctionError: it uses aliases.
    """
    from interstate.core.templates import yaml_nodes  # noqa: PLC0415 the parser is imported when a template comes

    return yaml_nodes.read_yaml(text)


def _read_json(text: str) -> JSON:
    try:
        return loads(text)
    except BrokenJSON as error:
        # YAML's flow style begins with the same sign; only text that is neither is refused.
        try:
            return read_yaml(text)
        except TemplateFormatError:
            raise TemplateFormatError(f"JSON not well-formed. ({error})") from error
