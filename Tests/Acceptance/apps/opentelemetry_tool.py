"""The second of two services: continues the trace that its caller names, under a user id that only it uses."""

import sys

from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "tool", "user.id": "operator-9"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("tool")

with tracer.start_as_current_span("handle", context=propagate.extract({"traceparent": sys.argv[1]})):
    with tracer.start_as_current_span("answer", attributes={"enduser.pseudo.id": "anonymous-17"}):
        pass

provider.shutdown()
