"""OTLP/JSON into messages, and what of a message that form can express."""

import base64
import json
import re

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from support.spans import Place

IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
LONG_NUMBERS = {"startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "intValue"}
NUMBERS = {"kind", "code", "flags", "droppedAttributesCount", "droppedEventsCount", "droppedLinksCount"}


def parse(line) -> ExportTraceServiceRequest:
    """One line of the file exporter's JSON. An unknown field or a value of the wrong form is an error."""
    document = json.loads(line)
    return json_format.ParseDict(checked(document), ExportTraceServiceRequest())


def text(message) -> str:
    """OTLP/JSON of a message, as an SDK sends it."""
    return json.dumps(with_hex_ids(json_format.MessageToDict(message, use_integers_for_enums=True)), ensure_ascii=False)


def with_hex_ids(value, key=None):
    """The document of protobuf's own JSON mapping in OTLP's, which writes ids in hexadecimal digits."""
    if isinstance(value, dict):
        return {name: with_hex_ids(element, name) for name, element in value.items()}
    if isinstance(value, list):
        return [with_hex_ids(element, key) for element in value]
    return base64.b64decode(value).hex() if key in IDS else value


def checked(value, key=None):
    """The document in protobuf's own JSON mapping, which writes ids in base64; fails where OTLP's was not kept to."""
    if isinstance(value, dict):
        assert not any("_" in name for name in value), f"snake_case in {list(value)}"
        return {name: checked(element, name) for name, element in value.items()}
    if isinstance(value, list):
        return [checked(element, key) for element in value]
    if key in IDS:
        assert re.fullmatch(f"([0-9a-f]{{{IDS[key]}}})?", value), f"{key} is {value!r}"
        return base64.b64encode(bytes.fromhex(value)).decode()
    if key in LONG_NUMBERS:
        assert isinstance(value, str), f"{key} is {value!r}, not a string"
    if key in NUMBERS:
        assert isinstance(value, int) and not isinstance(value, bool), f"{key} is {value!r}, not a number"
    return value


def expressible(place: Place) -> Place:
    """The place as it is after a journey through JSON, in which an empty message and none are the same."""
    span, resource, scope = Span(), ResourceSpans(), ScopeSpans()
    span.CopyFrom(place.span)
    resource.CopyFrom(place.resource)
    scope.CopyFrom(place.scope)
    if span.status == Status():
        span.ClearField("status")
    if not span.parent_span_id.strip(b"\0"):
        span.parent_span_id = b""
    if resource.resource == Resource():
        resource.ClearField("resource")
    if scope.scope == InstrumentationScope():
        scope.ClearField("scope")
    return Place(span, resource, scope)
