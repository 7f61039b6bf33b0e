"""Making trace requests."""

import os

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from support.spans import key_values

START = 1_700_000_000_000_000_000


def new_trace():
    return os.urandom(16)


def span(trace, name="span", parent=b"", attributes=None, **fields):
    return Span(
        **{
            "trace_id": trace,
            "span_id": os.urandom(8),
            "parent_span_id": parent,
            "name": name,
            "start_time_unix_nano": START,
            "end_time_unix_nano": START + 1_000_000,
            "attributes": key_values(attributes or {}),
            **fields,
        }
    )


def request(*spans, resource=None, scope="made"):
    """One request with all these spans under one resource and scope."""
    result = ExportTraceServiceRequest()
    resource_spans = result.resource_spans.add()
    resource_spans.resource.attributes.extend(key_values({"service.name": "made"} if resource is None else resource))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.spans.extend(spans)
    return result


def trace_of(children=1, identity=None, **attributes):
    """A root with children, the children first: the spans, and the trace's id in hex."""
    trace = new_trace()
    root = span(trace, "root", attributes=identity or {})
    spans = [span(trace, f"child {n}", parent=root.span_id, attributes=attributes) for n in range(children)]
    return [*spans, root], trace.hex()


def body(*spans):
    return request(*spans).SerializeToString()
