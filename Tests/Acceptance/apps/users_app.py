"""Fifty users at once: a thread each, several traces each, through four exporters with batches so small that the traces
of different users share requests and the spans of one trace do not.

Prints, by trace id, the identity that its root was given.
"""

import json
import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

USERS, TRACES, PROVIDERS = 50, 4, 4

providers = []
for number in range(PROVIDERS):
    provider = TracerProvider(resource=Resource.create({"service.name": f"worker-{number}"}))
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=20, max_export_batch_size=16))
    providers.append(provider)
tracers = [provider.get_tracer("chat") for provider in providers]
identities = {}
together = threading.Barrier(USERS)


def use(user):
    """One user's traces. The children of each are made by other providers than the root."""
    together.wait()
    for turn in range(TRACES):
        identity = {"enduser.id": f"user-{user}", "session.id": f"session-{user}-{turn // 2}"}
        with tracers[user % PROVIDERS].start_as_current_span(f"turn {turn}") as root:
            identities[format(root.get_span_context().trace_id, "032x")] = identity
            for step in range(3):
                with tracers[(user + step) % PROVIDERS].start_as_current_span(f"step {step}"):
                    attributes = {"enduser.id": f"user-{(user + 1) % USERS}"} if step == 1 else {}
                    tracers[step].start_span("call", attributes=attributes).end()
            root.set_attributes(identity)


threads = [threading.Thread(target=use, args=(user,)) for user in range(USERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for provider in providers:
    provider.shutdown()
print(json.dumps(identities))
