"""Refusals of EventBridge, named as in the service model, worded as AWS answers.

Source: recorded answers in tests/aws/services/events/*.snapshot.json of github.com/localstack/localstack; EventBridge API
Reference where none is recorded.
"""

from interstate.base.errors import ServiceError


class InvalidEventPatternException(ServiceError):
    """The event pattern is no pattern."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Event pattern is not valid. Reason: {reason}")
        self.reason = reason


class ResourceNotFoundException(ServiceError):
    """A bus, rule, archive or replay that does not exist."""

    @classmethod
    def bus(cls, name: str) -> "ResourceNotFoundException":
        """No bus has this name."""
        return cls(f"Event bus {name} does not exist.")

    @classmethod
    def rule(cls, name: str, bus: str) -> "ResourceNotFoundException":
        """The bus has no rule of this name."""
        where = "EventBus default" if bus == "default" else f"EventBus {bus}"
        return cls(f"Rule {name} does not exist on {where}.")

    @classmethod
    def archive(cls, name: str) -> "ResourceNotFoundException":
        """No archive has this name."""
        return cls(f"Archive {name} does not exist.")

    @classmethod
    def replay(cls, name: str) -> "ResourceNotFoundException":
        """No replay has this name."""
        return cls(f"Replay {name} does not exist.")

    @classmethod
    def connection(cls, name: str, verb: str) -> "ResourceNotFoundException":
        """No connection has this name."""
        return cls(f"Failed to {verb} the connection(s). Connection '{name}' does not exist.")

    @classmethod
    def api_destination(cls, name: str, verb: str) -> "ResourceNotFoundException":
        """No API destination has this name."""
        return cls(f"Failed to {verb} the api-destination(s). An api-destination '{name}' does not exist.")

    @classmethod
    def endpoint(cls, name: str) -> "ResourceNotFoundException":
        """No global endpoint has this name."""
        return cls(f"Endpoint {name} does not exist.")

    @classmethod
    def event_source(cls, name: str) -> "ResourceNotFoundException":
        """No partner event source has this name."""
        return cls(f"Event source {name} does not exist.")


class ResourceAlreadyExistsException(ServiceError):
    """The name is taken."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} already exists.")


class LimitExceededException(ServiceError):
    """A quota is used up."""

    def __init__(self) -> None:
        super().__init__("The requested resource exceeds the maximum number allowed.")


class PolicyLengthExceededException(ServiceError):
    """The bus's policy would be too long."""

    def __init__(self) -> None:
        super().__init__("The policy exceeds the maximum length.")


class IllegalStatusException(ServiceError):
    """The replay is in a state that does not allow it."""
