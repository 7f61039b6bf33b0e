"""Readers of what the file exporter wrote."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support import otlpjson
from support.spans import places


def json_lines(path):
    """The requests of a JSON file. A last line that is still being written is left for the next look."""
    if not path.exists():
        return []
    *lines, unfinished = path.read_bytes().split(b"\n")
    return [otlpjson.parse(line) for line in lines]


def framed_messages(path):
    """The requests of a file in which every message stands behind its length, in four bytes, big end first."""
    if not path.exists():
        return []
    content, offset, messages = path.read_bytes(), 0, []
    while offset + 4 <= len(content):
        length = int.from_bytes(content[offset : offset + 4], "big")
        if offset + 4 + length > len(content):
            break
        messages.append(ExportTraceServiceRequest.FromString(content[offset + 4 : offset + 4 + length]))
        offset += 4 + length
    return messages


def spans_of(requests):
    return [place for request in requests for place in places(request)]
