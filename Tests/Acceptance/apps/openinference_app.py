"""An agent with OpenInference, whose attributes are bound inside a root that belongs to somebody else's HTTP library.

Prints, by trace id, the identity of the topmost span that has one.
"""

import json

from openinference.instrumentation import TracerProvider, using_attributes
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "agent", "openinference.project.name": "demo"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=50))
tracer = provider.get_tracer("oi.agent")
identities = {}


def started(root, **identity):
    identities[format(root.get_span_context().trace_id, "032x")] = identity


# Bound inside the root: the root has nothing, what comes before has nothing.
with tracer.start_as_current_span("POST /chat", openinference_span_kind="chain") as root:
    started(root, **{"user.id": "ada", "session.id": "s-1"})
    with tracer.start_as_current_span("parse", openinference_span_kind="chain"):
        pass
    with using_attributes(user_id="ada", session_id="s-1", metadata={"plan": "pro"}, tags=["a", "b"]):
        with tracer.start_as_current_span("agent", openinference_span_kind="agent"):
            # Whoever stands lower does not speak.
            with using_attributes(user_id="service", session_id="s-other"):
                with tracer.start_as_current_span("tool", openinference_span_kind="tool"):
                    pass
    with tracer.start_as_current_span("render", openinference_span_kind="chain"):
        pass

# Bound around the root.
with using_attributes(user_id="grace", session_id="s-2"):
    with tracer.start_as_current_span("chat", openinference_span_kind="agent") as root:
        started(root, **{"user.id": "grace", "session.id": "s-2"})
        with tracer.start_as_current_span("llm", openinference_span_kind="llm"):
            pass

provider.shutdown()
print(json.dumps(identities))
