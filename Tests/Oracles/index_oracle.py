"""What Python's protobuf reads from trace requests, to hold the index against.

Usage: index_oracle.py SEED COUNT, or index_oracle.py -. The first form makes COUNT random requests in many wire forms, each
followed by a mutated copy; the second reads requests from its input, one in base64 a line. Both write one JSON object a
line: message (base64), accepted, and spans, a list in the order of the wire, with whatever an index says of a span: traceId,
spanId, parentSpanId, linkIds (hexadecimal), start, flags, name, scope (its name), attributes (each with
key, kind and value as text, bytes in hexadecimal).
"""

import base64
import json
import sys

from google.protobuf.message import DecodeError
from json_oracle import Writer
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


def attribute_of(attribute):
    kind, value = value_of(attribute.value)
    return {"key": attribute.key, "kind": kind or "empty", "value": None if value is None else str(value)}


def verdict(message):
    answer = {"message": base64.b64encode(message).decode(), "accepted": True, "spans": []}
    try:
        answer["spans"] = list(spans_of(ExportTraceServiceRequest.FromString(message)))
    except DecodeError:
        answer["accepted"] = False
    return answer


def generated(seed, count):
    writer = Writer(seed, for_libprotobuf_c=False)
    for _ in range(count):
        message = b"".join(writer.fields(ExportTraceServiceRequest.DESCRIPTOR, 0))
        yield message
        yield mutated(message, writer.random)


def main():
    if sys.argv[1] == "-":
        messages = (base64.b64decode(line) for line in sys.stdin)
    else:
        messages = generated(int(sys.argv[1]), int(sys.argv[2]))
    for message in messages:
        print(json.dumps(verdict(message)))


main()
