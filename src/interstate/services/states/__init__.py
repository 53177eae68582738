"""Step Functions: state machines, versions and aliases, executions, task tokens.

Source: botocore's model stepfunctions/2016-11-23; Step Functions API Reference.
"""

from interstate.services.operation import Operation, Service
from interstate.services.states import (
    activities,
    aliases,
    definitions,
    executions,
    executor,
    machines,
    redriving,
    starting,
    synchronous,
    tagging,
    tokens,
    versions,
)
from interstate.services.states.beyond import BEYOND
from interstate.services.states.distributed import map_runs
from interstate.services.states.integrations.effects import EFFECTS
from interstate.services.states.teststate import TestStateRequest, test_state

SERVICE = Service(
    "stepfunctions",
    operations=(
        Operation("CreateActivity", activities.CreateActivity, activities.create_activity),
        Operation("CreateStateMachine", machines.CreateStateMachine, machines.create_state_machine),
        Operation("CreateStateMachineAlias", aliases.CreateStateMachineAlias, aliases.create_state_machine_alias),
        Operation("DeleteActivity", activities.ActivityRequest, activities.delete_activity),
        Operation("DeleteStateMachine", machines.MachineRequest, machines.delete_state_machine),
        Operation("DeleteStateMachineAlias", aliases.AliasRequest, aliases.delete_state_machine_alias),
        Operation("DeleteStateMachineVersion", versions.DeleteStateMachineVersion,
                  versions.delete_state_machine_version),
        Operation("DescribeActivity", activities.ActivityRequest, activities.describe_activity, reads=True),
        Operation("DescribeExecution", executions.ExecutionRequest, executions.describe_execution, reads=True),
        Operation("DescribeMapRun", map_runs.DescribeMapRun, map_runs.describe_map_run, reads=True),
        Operation("ListMapRuns", map_runs.ListMapRuns, map_runs.list_map_runs, reads=True),
        Operation("UpdateMapRun", map_runs.UpdateMapRun, map_runs.update_map_run),
        Operation("DescribeStateMachine", machines.MachineRequest, machines.describe_state_machine, reads=True),
        Operation("DescribeStateMachineAlias", aliases.AliasRequest, aliases.describe_state_machine_alias, reads=True),
        Operation("DescribeStateMachineForExecution", executions.ExecutionRequest,
                  executions.describe_state_machine_for_execution, reads=True),
        Operation("GetActivityTask", activities.GetActivityTask, activities.get_activity_task),
        Operation("GetExecutionHistory", executions.GetExecutionHistory, executions.get_execution_history, reads=True),
        Operation("ListActivities", activities.ListActivities, activities.list_activities, reads=True),
        Operation("ListExecutions", executions.ListExecutions, executions.list_executions, reads=True),
        Operation("ListStateMachineAliases", aliases.ListStateMachineAliases, aliases.list_state_machine_aliases,
                  reads=True),
        Operation("ListStateMachines", machines.ListStateMachines, machines.list_state_machines, reads=True),
        Operation("ListStateMachineVersions", versions.ListStateMachineVersions, versions.list_state_machine_versions,
                  reads=True),
        Operation("ListTagsForResource", tagging.ListTagsForResource, tagging.list_tags_for_resource, reads=True),
        Operation("PublishStateMachineVersion", versions.PublishStateMachineVersion,
                  versions.publish_state_machine_version),
        Operation("RedriveExecution", redriving.RedriveExecution, redriving.redrive_execution),
        Operation("SendTaskFailure", tokens.SendTaskFailure, tokens.send_task_failure),
        Operation("SendTaskHeartbeat", tokens.SendTaskHeartbeat, tokens.send_task_heartbeat),
        Operation("SendTaskSuccess", tokens.SendTaskSuccess, tokens.send_task_success),
        Operation("StartExecution", starting.StartExecution, starting.start_execution, keys=starting.keys_of_start),
        Operation("StartSyncExecution", starting.StartSyncExecution, synchronous.start_sync_execution,
                  keys=starting.keys_of_start),
        Operation("StopExecution", executions.StopExecution, executions.stop_execution),
        Operation("TagResource", tagging.TagResource, tagging.tag_resource),
        Operation("TestState", TestStateRequest, test_state),
        Operation("UntagResource", tagging.UntagResource, tagging.untag_resource),
        Operation("UpdateStateMachine", machines.UpdateStateMachine, machines.update_state_machine),
        Operation("UpdateStateMachineAlias", aliases.UpdateStateMachineAlias, aliases.update_state_machine_alias),
        Operation("ValidateStateMachineDefinition", definitions.ValidateStateMachineDefinition,
                  definitions.validate_state_machine_definition, reads=True),
    ),
    steps=executor.STEPS,
    effects=EFFECTS,
    notes={
        "CreateStateMachine": "Items of a distributed Map in Parquet need `interstate[parquet]`; inventories in ORC are refused when they are read.",
        "DeleteStateMachine": "Running executions are not terminated: the machine is DELETING until they end.",
    },
)  # fmt: skip
SERVICES = (SERVICE, BEYOND)
