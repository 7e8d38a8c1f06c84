// Uses a client that @hey-api/openapi-ts made from the OpenAPI document: a workflow, a message, its execution, a refusal.

import { createClient } from "./turnloom-client/client/index.js";
import {
  activateWorkflow,
  createWorkflow,
  getExecution,
  listExecutions,
  sendMessage,
} from "./turnloom-client/sdk.gen.js";
import type { Error as Refusal, Execution, ExecutionSummary, NewWorkflow, StepStatus, WorkflowStatus } from "./turnloom-client/types.gen.js";

// Of Node only this is needed; its types are not installed for it.
declare const process: { env: Record<string, string | undefined> };

function check(holds: boolean, what: unknown): asserts holds {
  if (!holds) throw new Error(`not as it should be: ${JSON.stringify(what)}`);
}

// What an operation answers when all is well.
function done<T>(answer: { data?: T; error?: unknown }): T {
  check(answer.data !== undefined, answer.error);
  return answer.data;
}

function greeting(name: string): NewWorkflow {
  return {
    name,
    channel: "web",
    configuration: {
      trigger: { type: "message", keywords: ["hello"] },
      nodes: [
        { id: "hi", type: "message", content: "Hi {{ customer.id }}", next: "end" },
        { id: "end", type: "end" },
      ],
    },
  };
}

const { TURNLOOM_URL: baseUrl, TURNLOOM_KEY: auth } = process.env;
check(baseUrl !== undefined && auth !== undefined, "TURNLOOM_URL and TURNLOOM_KEY are set");
const client = createClient({ baseUrl, auth });

const created = done(await createWorkflow({ client, body: greeting("Greeting") }));
const drafted: WorkflowStatus = created.data.status;
const rate: number | null = created.data.success_rate;
check(drafted === "draft" && rate === null && created.warnings.length === 0, created);
const path = { workflow_id: created.data.id };

const activated = done(await activateWorkflow({ client, path, body: {} }));
check(activated.data.status === "active" && activated.data.activated_at !== null, activated);

const message = { customer_id: "ann", channel: "web", message: "hello there", message_id: "m-1" } as const;
const sent = done(await sendMessage({ client, body: message, headers: { Prefer: "wait=10" } }));
// Who waited long enough gets the execution; the type says that there may be none.
check("execution" in sent.data, sent);
const told: Execution | null = sent.data.execution;
check(sent.data.status === "handled" && told !== null, sent);
check(told.output.messages?.join() === "Hi ann", told);

const query = { status: "success", start_date: "2024-01-01" } as const;
const listed = done(await listExecutions({ client, path, query }));
const rows: ExecutionSummary[] = listed.data;
const [row] = rows;
check(listed.pagination.total === 1 && row !== undefined && row.id === told.id, listed);

const found = done(await getExecution({ client, path: { ...path, execution_id: row.id } }));
const execution: Execution = found.data;
check(execution.status === "success" && execution.channel === "web" && execution.customer_id === "ann", execution);
check(execution.duration_ms !== null && execution.duration_ms >= 0, execution);
check(execution.completed_at !== null && execution.completed_at >= execution.started_at, execution);
check(execution.message_id === "m-1" && execution.revision === 1, execution);
check(execution.input.message === "hello there", execution);
check(execution.output.response === "Hi ann" && execution.output.next_action === "none", execution);
const statuses: StepStatus[] = execution.steps.map((step) => step.status);
check(statuses.join() === "completed,completed", execution);

const refused = await createWorkflow({ client, body: greeting("  ") });
check(refused.error !== undefined && refused.response?.status === 400, refused);
const refusal: Refusal = refused.error;
check(refusal.error.code === "MISSING_REQUIRED_FIELD" && refusal.error.field === "name", refusal);
check(refusal.error.request_id === refused.response.headers.get("x-request-id"), refusal);
