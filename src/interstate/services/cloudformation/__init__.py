"""CloudFormation: stacks of resources, deployed in slices."""

from interstate.services.cloudformation.change_sets import (
    ChangeSetRequest,
    ListChangeSets,
    create_change_set,
    delete_change_set,
    describe_change_set,
    execute_change_set,
    list_change_sets,
)
from interstate.services.cloudformation.deploy import Deploy, deploy, go_on_after_transform
from interstate.services.cloudformation.describe import (
    DescribeStackResource,
    DescribeStackResources,
    DescribeStacks,
    ListStackResources,
    ListStacks,
    describe_stack_resource,
    describe_stack_resources,
    describe_stacks,
    list_stack_resources,
    list_stacks,
)
from interstate.services.cloudformation.exports import ListExports, ListImports, list_exports, list_imports
from interstate.services.cloudformation.history import DescribeStackEvents, describe_stack_events
from interstate.services.cloudformation.progress import SLICE, GoOn, Task, go_on_later, slice_of
from interstate.services.cloudformation.stacks import (
    DeleteStack,
    UpdateTerminationProtection,
    create_stack,
    delete_stack,
    update_stack,
    update_termination_protection,
)
from interstate.services.cloudformation.templates import (
    GetTemplate,
    GetTemplateSummary,
    ValidateTemplate,
    get_template,
    get_template_summary,
    validate_template,
)
from interstate.services.cloudformation.wanted import (
    CreateChangeSet,
    CreateStack,
    Purpose,
    Transform,
    UpdateStack,
    transformed,
)
from interstate.services.operation import Effect, Operation, Service, Step

_NOTES = {
    "CreateStack": "answers when the stack has its last status, or after 50 s; TemplateBody only; SAM's transform; no notifications, stack policies, nested stacks",
    "CreateChangeSet": "no nested stacks, no imports",
}

SERVICE = Service(
    "cloudformation",
    operations=(
        Operation("CreateChangeSet", CreateChangeSet, create_change_set),
        Operation("CreateStack", CreateStack, create_stack),
        Operation("DeleteChangeSet", ChangeSetRequest, delete_change_set),
        Operation("DeleteStack", DeleteStack, delete_stack),
        Operation("DescribeChangeSet", ChangeSetRequest, describe_change_set, reads=True),
        Operation("DescribeStackEvents", DescribeStackEvents, describe_stack_events, reads=True),
        Operation("DescribeStackResource", DescribeStackResource, describe_stack_resource, reads=True),
        Operation("DescribeStackResources", DescribeStackResources, describe_stack_resources, reads=True),
        Operation("DescribeStacks", DescribeStacks, describe_stacks, reads=True),
        Operation("ExecuteChangeSet", ChangeSetRequest, execute_change_set),
        Operation("GetTemplate", GetTemplate, get_template, reads=True),
        Operation("GetTemplateSummary", GetTemplateSummary, get_template_summary, reads=True),
        Operation("ListChangeSets", ListChangeSets, list_change_sets, reads=True),
        Operation("ListExports", ListExports, list_exports, reads=True),
        Operation("ListImports", ListImports, list_imports, reads=True),
        Operation("ListStackResources", ListStackResources, list_stack_resources, reads=True),
        Operation("ListStacks", ListStacks, list_stacks, reads=True),
        Operation("UpdateStack", UpdateStack, update_stack),
        Operation("UpdateTerminationProtection", UpdateTerminationProtection, update_termination_protection),
        Operation("ValidateTemplate", ValidateTemplate, validate_template, reads=True),
    ),
    effects=(Effect("cloudformation.transform", Transform, transformed),),
    notes=_NOTES,
)

STACKS = Service(
    "interstate.stacks",
    operations=(
        Operation("Deploy", Deploy, deploy),
        Operation("GoOn", Purpose, go_on_after_transform),
        Operation("Slice", GoOn, slice_of),
    ),
    steps=(Step(SLICE, Task, go_on_later),),
)

SERVICES = (SERVICE, STACKS)
