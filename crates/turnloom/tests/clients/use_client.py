"""Uses a client that openapi-python-client made from the OpenAPI document: a workflow, a message, its execution, a refusal."""

import datetime
import os

from turnloom_client import AuthenticatedClient
from turnloom_client.api.executions import get_execution, list_executions
from turnloom_client.api.messages import send_message
from turnloom_client.api.workflows import activate_workflow, create_workflow
from turnloom_client.models import (
    Activated,
    Channel,
    Configuration,
    CreateWorkflowResponse201,
    EndNode,
    EndNodeType,
    Error,
    ExecutionStatus,
    ExecutionSummary,
    ListExecutionsStatus,
    MessageNode,
    MessageNodeType,
    MessageStatus,
    NewMessage,
    NewWorkflow,
    NextAction,
    SendMessageResponse200,
    Step,
    StepStatus,
    Trigger,
    TriggerType,
    WorkflowStatus,
)

client = AuthenticatedClient(
    base_url=os.environ["TURNLOOM_URL"], token=os.environ["TURNLOOM_KEY"], raise_on_unexpected_status=True
)


def greeting(name: str) -> NewWorkflow:
    return NewWorkflow(
        name=name,
        channel=Channel.WEB,
        configuration=Configuration(
            trigger=Trigger(type_=TriggerType.MESSAGE, keywords=["hello"]),
            nodes=[
                MessageNode(id="hi", type_=MessageNodeType.MESSAGE, content="Hi {{ customer.id }}", next_="end"),
                EndNode(id="end", type_=EndNodeType.END),
            ],
        ),
    )


created = create_workflow.sync(client=client, body=greeting("Greeting"))
assert isinstance(created, CreateWorkflowResponse201), created
workflow = created.data
assert workflow.status is WorkflowStatus.DRAFT, workflow
assert workflow.execution_count == 0 and workflow.success_rate is None, workflow
assert created.warnings == [], created

activated = activate_workflow.sync(workflow.id, client=client)
assert isinstance(activated.data, Activated), activated
assert activated.data.status is WorkflowStatus.ACTIVE, activated
assert isinstance(activated.data.activated_at, datetime.datetime), activated

message = NewMessage(customer_id="ann", channel=Channel.WEB, message="hello there", message_id="m-1")
answered = send_message.sync(client=client, body=message, prefer="wait=10")
assert isinstance(answered, SendMessageResponse200), answered
assert answered.data.status is MessageStatus.HANDLED, answered
told = answered.data.execution
assert told.output.messages == ["Hi ann"], told

listed = list_executions.sync(
    workflow.id, client=client, status=ListExecutionsStatus.SUCCESS, start_date=datetime.date(2024, 1, 1)
)
assert listed.pagination.total == 1 and listed.pagination.next_cursor is None, listed
[row] = listed.data
assert isinstance(row, ExecutionSummary), row
assert row.id == told.id and row.status is ExecutionStatus.SUCCESS, row

execution = get_execution.sync(workflow.id, row.id, client=client).data
assert execution.channel is Channel.WEB and execution.customer_id == "ann", execution
assert execution.started_at.tzinfo is not None and execution.completed_at >= execution.started_at, execution
assert isinstance(execution.duration_ms, int), execution
assert execution.message_id == "m-1" and execution.revision == 1, execution
assert execution.input_.message == "hello there", execution
assert execution.output.response == "Hi ann", execution
assert execution.output.next_action is NextAction.NONE, execution
assert all(isinstance(step, Step) for step in execution.steps), execution
assert [(step.node_id, step.status) for step in execution.steps] == [
    ("hi", StepStatus.COMPLETED),
    ("end", StepStatus.COMPLETED),
], execution

answer = create_workflow.sync_detailed(client=client, body=greeting("  "))
assert answer.status_code == 400, answer
refusal = answer.parsed
assert isinstance(refusal, Error), refusal
assert (refusal.error.code, refusal.error.field) == ("MISSING_REQUIRED_FIELD", "name"), refusal
assert refusal.error.request_id == answer.headers["x-request-id"], refusal
