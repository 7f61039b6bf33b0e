"""An agent with the OpenTelemetry SDK, told where to send by environment variables only.

Prints, by trace id, the identity that its root was given.
"""

import json
import os
import time

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider(resource=Resource.create({"service.name": "shop", "deployment.environment.name": "test"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=100))
tracer = provider.get_tracer("shop.agent", "2.1", schema_url="https://opentelemetry.io/schemas/1.30.0")
other = provider.get_tracer("shop.http", attributes={"origin": "auto", "level": 3})
identities = {}


def started(root, **identity):
    identities[format(root.get_span_context().trace_id, "032x")] = identity


# Everything a span can have.
with tracer.start_as_current_span(
    "checkout",
    kind=trace.SpanKind.SERVER,
    attributes={"enduser.id": "ada", "session.id": "s-1", "user.id": "ada@example.org", "enduser.role": "buyer"},
) as root:
    started(root, **{"enduser.id": "ada", "session.id": "s-1"})
    with other.start_as_current_span(
        "POST /pay",
        kind=trace.SpanKind.CLIENT,
        links=[trace.Link(root.get_span_context(), {"why": "retry"})],
        attributes={"ints": [1, -2], "ratio": 0.5, "empty": "", "text": "grüße 🌍", "big": 2**62, "on": False},
    ) as child:
        child.add_event("retry", {"attempt": 2})
        child.set_status(trace.StatusCode.ERROR, "declined")
    with tracer.start_as_current_span("chat", attributes={"gen_ai.usage.input_tokens": 12, "session.id": "other"}):
        pass
    try:
        with tracer.start_as_current_span("validate", attributes={"enduser.id": "somebody else", "user.id": "u-9"}):
            raise ValueError("no such card")
    except ValueError:
        pass

# An id that is a number stays one.
with tracer.start_as_current_span("cron", attributes={"user.id": 4711}) as root:
    started(root, **{"user.id": 4711})
    with tracer.start_as_current_span("step"):
        pass

# Nobody known.
with tracer.start_as_current_span("health") as root:
    started(root)
    with tracer.start_as_current_span("ping"):
        pass

# The root ends long after its children were sent.
with tracer.start_as_current_span("slow", attributes={"enduser.id": "grace"}) as root:
    started(root, **{"enduser.id": "grace"})
    for step in range(3):
        with tracer.start_as_current_span(f"step {step}"):
            pass
        time.sleep(float(os.environ["PAUSE"]))

provider.shutdown()
print(json.dumps(identities))
