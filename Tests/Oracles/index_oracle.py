"""What Python's protobuf reads from requests, to hold the index against.

Usage: index_oracle.py SEED COUNT [SIGNAL], or index_oracle.py - [SIGNAL]; the signal is traces if none is named. The first form makes COUNT random requests in many wire forms, each
followed by a mutated copy; the second reads requests from its input, one in base64 a line. Both write one JSON object a
line: message (base64), accepted, and spans, a list in the order of the wire, with whatever an index says of a span: traceId,
spanId, parentSpanId, linkIds (hexadecimal), start, flags, name, scope (its name), attributes (each with
key, kind and value as text, bytes in hexadecimal). Of a log record: traceId, spanId, start (its time), scope, attributes. Of
a metric: points, how many data points it has, and scope.
"""

import base64
import json
import sys

from google.protobuf.message import DecodeError
from json_oracle import Writer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def mutated(message, random):
    """The bytes with one to three small changes, most of them of single bits."""
    message = bytearray(message)
    for _ in range(random.randint(1, 3)):
        if not message:
            break
        place = random.randrange(len(message))
        kind = random.randrange(12)
        if kind == 0:
            message[place:place] = message[place : place + 12]
        elif kind == 1:
            message[place] = random.randrange(256)
        elif kind == 2:
            del message[place:]
        elif kind == 3:
            del message[place]
        elif kind == 4:
            message.insert(place, random.randrange(256))
        else:
            message[place] ^= 1 << random.randrange(8)
    return bytes(message)


def value_of(value):
    kind = value.WhichOneof("value")
    if kind in ("string_value", "int_value", "bool_value"):
        return kind, getattr(value, kind)
    return kind, value.bytes_value.hex() if kind == "bytes_value" else None


def spans_of(request):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "traceId": span.trace_id.hex(),
                    "spanId": span.span_id.hex(),
                    "parentSpanId": span.parent_span_id.hex(),
                    "linkIds": [[link.trace_id.hex(), link.span_id.hex()] for link in span.links],
                    "start": str(span.start_time_unix_nano),
                    "flags": span.flags,
                    "name": span.name,
                    "scope": scope.scope.name,
                    "attributes": [attribute_of(attribute) for attribute in span.attributes],
                }


def log_records_of(request):
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {
                    "traceId": record.trace_id.hex(),
                    "spanId": record.span_id.hex(),
                    "start": str(record.time_unix_nano),
                    "scope": scope.scope.name,
                    "attributes": [attribute_of(attribute) for attribute in record.attributes],
                }


def metrics_of(request):
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                yield {
                    "points": len(getattr(metric, kind).data_points) if kind else 0,
                    "scope": scope.scope.name,
                }


SIGNALS = {
    "traces": (ExportTraceServiceRequest, spans_of),
    "logs": (ExportLogsServiceRequest, log_records_of),
    "metrics": (ExportMetricsServiceRequest, metrics_of),
}


def attribute_of(attribute):
    kind, value = value_of(attribute.value)
    return {"key": attribute.key, "kind": kind or "empty", "value": None if value is None else str(value)}


def verdict(message, kind, items_of):
    answer = {"message": base64.b64encode(message).decode(), "accepted": True, "spans": []}
    try:
        answer["spans"] = list(items_of(kind.FromString(message)))
    except DecodeError:
        answer["accepted"] = False
    return answer


def generated(seed, count, kind):
    writer = Writer(seed, for_libprotobuf_c=False)
    for _ in range(count):
        message = b"".join(writer.fields(kind.DESCRIPTOR, 0))
        yield message
        yield mutated(message, writer.random)


def main():
    arguments = sys.argv[1:]
    kind, items_of = SIGNALS[arguments.pop() if arguments[-1] in SIGNALS else "traces"]
    if arguments[0] == "-":
        messages = (base64.b64decode(line) for line in sys.stdin)
    else:
        messages = generated(int(arguments[0]), int(arguments[1]), kind)
    for message in messages:
        print(json.dumps(verdict(message, kind, items_of)))


main()
