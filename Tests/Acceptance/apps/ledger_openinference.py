"""Two questions with OpenInference, whose user is bound below a root of somebody else's library. The agent's span has the
sum of what is below it. Prints nothing of interest."""

import json

from openinference.instrumentation import TracerProvider, using_attributes
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

provider = TracerProvider(resource=Resource.create({"service.name": "agent", "openinference.project.name": "demo"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=50))
tracer = provider.get_tracer("oi.agent")


def count(span, prompt, completion):
    span.set_attribute("llm.token_count.prompt", prompt)
    span.set_attribute("llm.token_count.completion", completion)
    span.set_attribute("llm.token_count.total", prompt + completion)


for number in range(2):
    with tracer.start_as_current_span("POST /ask", openinference_span_kind="chain"):
        with using_attributes(
            user_id="olga", session_id="ask-1", metadata={"plan": "free"}, tags=["rag", f"q{number}"]
        ):
            with tracer.start_as_current_span("agent", openinference_span_kind="agent") as agent:
                count(agent, 1400, 70)
                for step in range(2):
                    with tracer.start_as_current_span("llm", openinference_span_kind="llm") as llm:
                        llm.set_attribute("llm.model_name", "claude-sonnet-4-6")
                        llm.set_attribute("llm.provider", "anthropic")
                        llm.set_attribute("llm.token_count.prompt_details.cache_read", 500)
                        count(llm, 700, 35)
                with tracer.start_as_current_span("tool", openinference_span_kind="tool") as tool:
                    tool.set_status(Status(StatusCode.ERROR, "no such page"))

provider.shutdown()
print(json.dumps({}))
