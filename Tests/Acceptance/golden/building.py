"""Spans of a scenario. Ids follow from numbers, times from a fixed day: two runs send the same bytes."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from support.spans import key_values

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

LOCAL_ROOT = 0x300


def moment(text):
    """Nanoseconds since the Unix epoch of an ISO time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def identifier(length, *parts):
    return hashlib.sha256("/".join(map(str, ("golden", *parts))).encode()).digest()[:length]


@dataclass
class Source:
    """Who sends: a resource and a scope."""

    resource: dict
    scope: str


@dataclass
class Sent:
    span: Span
    source: Source


@dataclass
class Trace:
    """One trace of the scenario; `spans` in the order in which an SDK would send them, by their ends."""

    number: int
    start: int
    source: Source
    spans: list = field(default_factory=list)

    @property
    def id(self):
        return identifier(16, self.number)

    def span(self, name, parent=None, at=0, lasts=100, *parts, error=None, ok=False, flags=0, source=None):
        """Adds a span that begins `at` milliseconds after the trace and lasts so many; `parts` are attributes."""
        attributes = {}
        for part in parts:
            attributes |= part
        begin = self.start + int(at * MILLISECOND)
        span = Span(
            trace_id=self.id,
            span_id=identifier(8, self.number, len(self.spans)),
            parent_span_id=parent.span_id if isinstance(parent, Span) else parent or b"",
            name=name,
            start_time_unix_nano=begin,
            end_time_unix_nano=begin + int(lasts * MILLISECOND),
            attributes=key_values(attributes),
            flags=flags,
        )
        if error is not None:
            span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=error))
        elif ok:
            span.status.code = Status.STATUS_CODE_OK
        self.spans.append(Sent(span, source or self.source))
        return span

    def in_end_order(self):
        return sorted(self.spans, key=lambda sent: sent.span.end_time_unix_nano)

    def roots(self):
        return [sent for sent in self.spans if not sent.span.parent_span_id]

    def children(self):
        return [sent for sent in self.in_end_order() if sent.span.parent_span_id]


def request(sent):
    """One request with these spans, which are grouped as an SDK groups them: by resource, then by scope."""
    result = ExportTraceServiceRequest()
    resources, scopes = {}, {}
    for each in sent:
        resource_key = tuple(sorted(each.source.resource.items()))
        if resource_key not in resources:
            resources[resource_key] = result.resource_spans.add()
            resources[resource_key].resource.attributes.extend(key_values(each.source.resource))
        scope_key = resource_key, each.source.scope
        if scope_key not in scopes:
            scopes[scope_key] = resources[resource_key].scope_spans.add()
            scopes[scope_key].scope.name = each.source.scope
        scopes[scope_key].spans.append(each.span)
    return result.SerializeToString()
