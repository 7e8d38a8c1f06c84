"""What schemathesis is told of the product beyond the document: what is there, and what no schema can say."""

import os
import re
import zlib

import schemathesis

# Workflows that are there from the beginning, each with an execution.
KEPT = [pair.split("/") for pair in os.environ["TURNLOOM_EXECUTIONS"].split(",")]
# Dead letters that are there, to be tried again once.
LETTERS = os.environ["TURNLOOM_DEAD_LETTERS"].split(",")
# Conversations that are there.
CONVERSATIONS = os.environ["TURNLOOM_CONVERSATIONS"].split(",")

# Keys that are there, beside the one that it calls with.
API_KEYS = os.environ["TURNLOOM_API_KEYS"].split(",")

# Why a request that fits the document may be refused: rules between fields, and languages inside texts.
REASONS = re.compile(
    "|".join(
        [
            # Lists and metrics.
            "Give either page or cursor",
            "The cursor is not one that this list gave",
            "The parameter 'end_date' is before 'start_date'",
            "The parameter 'to' is before 'from'",
            "The parameter 'timezone' must be",
            "2000 buckets",
            # A duration of nothing, or of years.
            "must be a duration such as",
            # Keys.
            "is more than the account's own limit",
            "must be a time that is still to come",
            "must be a time before the year 10000",
            # OAuth clients.
            "a public client has no credentials",
            "only authorization_code takes redirect URIs",
            "Field 'redirect_uris' is missing",
            "must be an absolute https URL",
            # Configurations.
            "is not a template that can work",
            "is not an expression that can work",
            "must be from 1 second to 365 days",
            "must have a letter or a digit",
            "must be an http or https URL",
            "Node id '.*' is used by nodes",
            "Field name '.*' is used twice",
            "is there twice",
            "is missing required field '(keywords|options)'",
            "Unknown field '(keywords|channels|options)'",
            # Sizes in bytes.
            "is larger than [0-9]+ bytes",
            "is longer than (2048|4096) bytes",
            # Documents: any text is one, most bytes are none.
            "The document (holds no text|is not text in UTF-8|is not a PDF)",
            "The PDF ",
        ]
    ),
    re.DOTALL,
)


@schemathesis.serializer("application/pdf")
def any_bytes(ctx, value):
    """No value makes a PDF: what is sent is refused, and that is what is tried."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def filter_case(context, case):
    """Leaves out keys with blanks around them: HTTP takes those off, and what is left may be a good one."""
    key = str((case.headers or {}).get("Idempotency-Key", ""))
    return key == key.strip()


@schemathesis.hook
def map_case(context, case):
    """Asks for what is there instead of for an invented id, which would only ever be answered with 404."""
    if case.meta.phase.name == "stateful" and case.headers and case.meta.generation.mode.is_positive:
        # A request that is made again under its key is answered as at first, though what it made may be deleted since.
        case.headers.pop("Idempotency-Key", None)
    names = case.path_parameters or {}
    if case.meta.phase.name == "stateful" or not case.meta.generation.mode.is_positive or case.method == "DELETE":
        return case
    if "workflow_id" in names:
        # The same request asks for the same one when it is made again.
        workflow, execution = KEPT[zlib.crc32(repr((case.query, case.body)).encode()) % len(KEPT)]
        names["workflow_id"] = workflow
        if "execution_id" in names:
            names["execution_id"] = execution
    if "knowledge_base_id" in names:
        names["knowledge_base_id"] = "support-kb"
        if case.method == "GET" and "document_id" in names:
            names["document_id"] = "returns.md"
    if "conversation_id" in names:
        names["conversation_id"] = CONVERSATIONS[zlib.crc32(repr(case.query).encode()) % len(CONVERSATIONS)]
    if "dead_letter_id" in names:
        names["dead_letter_id"] = LETTERS[zlib.crc32(repr(case.query).encode()) % len(LETTERS)]
    if "api_key_id" in names:
        names["api_key_id"] = API_KEYS[zlib.crc32(repr((case.query, case.body)).encode()) % len(API_KEYS)]
    return case


def problems(response):
    """What the product has to say against a request."""
    answer = response.json()
    if "error" in answer:
        error = answer["error"]
        return [problem["message"] for problem in error.get("errors", [])] or [error["details"]]
    return [problem["message"] for problem in answer["data"]["errors"]]


@schemathesis.check
def refused_only_for_what_a_schema_cannot_say(ctx, response, case):
    """Takes the place of `positive_data_acceptance`, which knows no reasons."""
    if case.path.startswith("/oauth/"):
        # Which codes, tokens and clients there are no schema says; nobody has any here.
        return
    validated = case.operation.label == "POST /v1/workflows/validate" and response.status_code == 200
    if case.meta.generation.mode.is_positive:
        if response.status_code in (400, 413, 415, 422) or validated:
            for problem in problems(response):
                assert REASONS.search(problem), f"the document allows this request, but: {problem}"
    elif validated and case.meta.components["body"].mode.is_negative:
        # It answers 200 to a workflow of any form, and says what is wrong with it.
        assert problems(response), "the document refuses this workflow, but it is said to be valid"


@schemathesis.check
def fails_only_with_an_execution(ctx, response, case):
    """The one 500 that is promised: the caller waited for an execution, and it failed."""
    if response.status_code == 500:
        assert response.json()["error"]["code"] == "WORKFLOW_EXECUTION_FAILED", "an internal error"
