"""Every field of OTLP at its extremes, found in the schema itself: what must come out of every exporter as it went into
every receiver.

A shape is one `ResourceSpans` (or its like) with one item, in which one field was set to one value. Its resource has an
attribute that names it, so that it is found again wherever it comes out.
"""

from google.protobuf.descriptor import FieldDescriptor as Field
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
MARK = "shape"
# An AnyValue in an AnyValue and so on: no new fields come with more of them.
MOST_NESTED = 2

TEXTS = ["", "a", 'grüße "🌍"\n\x01\\', "x" * 300, "\u2028</script>"]
BYTES = [b"", b"\0", bytes(range(256))]
NUMBERS = {
    Field.TYPE_DOUBLE: [0.0, -0.0, 0.1, -1e300, 5e-324, float("inf"), float("-inf"), float("nan"), 2.0**63],
    Field.TYPE_INT64: [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)],
    Field.TYPE_SFIXED64: [0, 1, -1, 2**63 - 1, -(2**63)],
    Field.TYPE_UINT64: [0, 1, 2**53 + 1, 2**64 - 1],
    Field.TYPE_FIXED64: [0, 1, 2**53 + 1, 2**64 - 1],
    Field.TYPE_INT32: [0, 1, -1, 2**31 - 1, -(2**31)],
    Field.TYPE_SINT32: [0, 1, -1, 2**31 - 1, -(2**31)],
    Field.TYPE_UINT32: [0, 1, 2**32 - 1],
    Field.TYPE_FIXED32: [0, 1, 2**32 - 1],
    Field.TYPE_BOOL: [False, True],
    Field.TYPE_ENUM: [0, 1, 2],
}
IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
# What the rest of the request is for, and what profiles alone have.
LEFT_OUT = {"string_value_strindex", "key_strindex", "key_ref", "string_value_ref"}


def items(resource):
    """The spans, log records or metrics of a `ResourceSpans` or its like."""
    (scopes,) = [value for field, value in resource.ListFields() if field.name.startswith("scope_")]
    return [item for scope in scopes for field, value in scope.ListFields() if is_repeated(field) for item in value]


def shapes(signal):
    """A request with every shape of a signal, each under its own resource."""
    request = REQUESTS[signal]()
    (resources,) = request.DESCRIPTOR.fields
    plain = minimal(signal)
    for path in paths(resources.message_type):
        for number, value in enumerate(samples(path[-1])):
            shape = getattr(request, resources.name).add()
            shape.CopyFrom(plain)
            put(shape, path, value)
            name = ".".join(field.name for field in path) + f"#{number}"
            shape.resource.attributes.add(key=MARK).value.string_value = name
    return request


def minimal(signal):
    """A resource with one item that every receiver takes."""
    request = REQUESTS[signal]()
    resource = getattr(request, request.DESCRIPTOR.fields[0].name).add()
    scope = getattr(resource, "scope_" + {"traces": "spans", "logs": "logs", "metrics": "metrics"}[signal]).add()
    if signal == "traces":
        scope.spans.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    elif signal == "logs":
        scope.log_records.add(time_unix_nano=1)
    else:
        scope.metrics.add(name="m")
    return resource


def paths(message, above=()):
    """Every field that can be reached from a message, as the fields that lead to it."""
    for field in message.fields:
        if field.name in LEFT_OUT or sum(step.message_type is field.message_type for step in above) > nested(field):
            continue
        path = (*above, field)
        if field.message_type is None:
            yield path
            continue
        if field.message_type.name not in ("ScopeSpans", "ScopeLogs", "ScopeMetrics"):
            yield path
        yield from paths(field.message_type, path)


def nested(field):
    recursive = field.message_type is not None and field.message_type.full_name.startswith("opentelemetry.proto.common.")
    return MOST_NESTED if recursive else 0 if field.message_type is not None else 99


def samples(field):
    if field.name in IDS:
        return [b"\xff" * IDS[field.name], bytes(range(IDS[field.name]))]
    if field.type == Field.TYPE_STRING:
        return TEXTS
    if field.type == Field.TYPE_BYTES:
        return BYTES
    if field.type == Field.TYPE_MESSAGE:
        return [None]
    return NUMBERS[field.type]


def put(message, path, value):
    """Sets the field at a path. Of a repeated field on the way the first element is meant, which is made where there is
    none; a repeated field at its end gets the value three times."""
    *steps, last = path
    for step in steps:
        inner = getattr(message, step.name)
        if is_repeated(step):
            message = inner[0] if len(inner) else inner.add()
        else:
            inner.SetInParent()
            message = inner
    if is_repeated(last):
        elements = getattr(message, last.name)
        if last.message_type is None:
            elements.extend([value, value, value])
        else:
            for _ in range(3 if not len(elements) else 0):
                elements.add()
    elif last.message_type is not None:
        getattr(message, last.name).SetInParent()
    else:
        setattr(message, last.name, value)


def is_repeated(field):
    return field.is_repeated
