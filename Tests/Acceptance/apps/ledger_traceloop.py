"""Two runs of a workflow with Traceloop, whose association properties are set in the middle of it. Prints nothing of
interest."""

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


@task(name="fetch")
def fetch():
    pass


@task(name="answer")
def answer(model):
    # What an instrumentation of a model's library puts on its span.
    with trace.get_tracer("opentelemetry.instrumentation.openai").start_as_current_span("openai.chat") as span:
        span.set_attribute("llm.request.type", "chat")
        span.set_attribute("gen_ai.system", "openai")
        span.set_attribute("gen_ai.request.model", model)
        span.set_attribute("gen_ai.usage.input_tokens", 600)
        span.set_attribute("gen_ai.usage.output_tokens", 40)
        span.set_attribute("llm.usage.total_tokens", 640)


@workflow(name="report")
def report(model):
    fetch()
    Traceloop.set_association_properties({"user_id": "tara", "session_id": "reports", "plan": "team"})
    answer(model)


report("gpt-4o")
report("house-llm-7b")
trace.get_tracer_provider().shutdown()
print(json.dumps({}))
