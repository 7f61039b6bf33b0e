"""A workflow with Traceloop, whose association properties are set in the middle of it.

Prints, by trace id, the identity that its root was given.
"""

import json
import os

from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task, workflow

Traceloop.init(
    app_name="pipeline",
    api_endpoint=os.environ["ENDPOINT"],
    api_key="key",
    telemetry_enabled=False,
    traceloop_sync_enabled=False,
    instruments=set(),
)
identities = {}


@task(name="before")
def before():
    pass


@task(name="after")
def after():
    pass


@workflow(name="answer")
def answer():
    root = trace.get_current_span().get_span_context()
    before()
    Traceloop.set_association_properties({"user_id": "ada", "session_id": "s-1", "plan": "pro"})
    identities[format(root.trace_id, "032x")] = {
        "traceloop.association.properties.user_id": "ada",
        "traceloop.association.properties.session_id": "s-1",
    }
    after()


answer()
trace.get_tracer_provider().shutdown()
print(json.dumps(identities))
