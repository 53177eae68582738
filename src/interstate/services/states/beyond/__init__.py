"""What no API of AWS has for executions: a restart from any state, a replay, a look into the past."""

from interstate.services.operation import Operation, Service
from interstate.services.states.beyond import inspecting, replaying, restarting

BEYOND = Service(
    "interstate-states",
    (
        Operation("RestartExecution", restarting.RestartExecution, restarting.restart_execution),
        Operation("ReplayExecution", replaying.ReplayExecution, replaying.replay_execution, reads=True),
        Operation("InspectExecution", inspecting.InspectExecution, inspecting.inspect_execution),
    ),
)
