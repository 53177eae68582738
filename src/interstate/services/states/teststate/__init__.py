"""TestState: run one state by itself, with its task real or mocked, and show what its data went through.

Nothing of it is stored: the state is folded by the interpreter that runs executions, in the transaction of the call, and what
it asks for (a task, a wait) is answered by the mock, by the integration, or by the clock.
"""

from interstate.services.states.teststate.request import TestStateRequest
from interstate.services.states.teststate.trial import test_state

__all__ = ["TestStateRequest", "test_state"]
