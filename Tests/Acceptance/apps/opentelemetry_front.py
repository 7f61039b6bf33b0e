"""The first of two services with the OpenTelemetry SDK: its root learns who the user is only after it has called the
second, which is a process of its own and has sent its spans by then.

Prints, by trace id, the identity that the root was given.
"""

import json
import subprocess
import sys
from pathlib import Path

from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "front"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("front")

with tracer.start_as_current_span("request") as root:
    with tracer.start_as_current_span("call"):
        headers = {}
        propagate.inject(headers)
        tool = Path(__file__).with_name("opentelemetry_tool.py")
        subprocess.run([sys.executable, tool, headers["traceparent"]], check=True, stdout=sys.stderr)
    root.set_attribute("enduser.id", "ada")
    root.set_attribute("session.id", "s-1")

provider.shutdown()
print(json.dumps({headers["traceparent"].split("-")[1]: {"enduser.id": "ada", "session.id": "s-1"}}))
