"""Why a text is not JSON, for the API's inputs and outputs: the words of ``core.asl.broken_json``."""

from interstate.core.asl.broken_json import Fault as Fault  # noqa: PLC0414 - what the API's modules use
from interstate.core.asl.broken_json import fault_of as fault_of  # noqa: PLC0414 - as above
