"""Spans with all that surrounds them, and what must be true of one that has passed through Heirloom."""

from collections import Counter
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

# End-user ids under keys that can mean nothing else. Of these no span keeps one that its trace's identity did not bring.
EXCLUSIVE_KEYS = {
    "neatlogs.end_user.id",
    "langfuse.user.id",
    "langwatch.user.id",
    "enduser.id",
    "traceloop.association.properties.user_id",
    "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId",
    "enduser.pseudo.id",
    "neatlogs.end_user.metadata",
}

# These mean the end user in some conventions and something else in others.
AMBIGUOUS_KEYS = {"user.id", "gen_ai.user"}


@dataclass(frozen=True)
class Place:
    """A span with its resource and scope. Two places are equal when every field of everything is."""

    span: Span
    resource: ResourceSpans  # without its scopes
    scope: ScopeSpans  # without its spans

    @property
    def trace(self):
        return self.span.trace_id.hex()

    @property
    def key(self):
        return self.span.trace_id.hex(), self.span.span_id.hex()

    @property
    def is_root(self):
        return not self.span.parent_span_id.strip(b"\0")

    def attribute(self, key):
        """The value under a key: a str, int, … or an AnyValue; None without one. A key that is there twice is an error."""
        values = [attribute.value for attribute in self.span.attributes if attribute.key == key]
        assert len(values) < 2, f"{key} stands {len(values)} times on {self.span.name!r}"
        return plain(values[0]) if values else None


def plain(value: AnyValue):
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in ("string_value", "int_value", "bool_value", "double_value") else value


def any_value(value) -> AnyValue:
    """The OTLP form of a str, bool, int, float or list of these."""
    if isinstance(value, AnyValue):
        return value
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        result = AnyValue()
        result.array_value.values.extend(any_value(element) for element in value)
        return result
    return AnyValue(string_value=value)


def key_values(attributes):
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def places(request: ExportTraceServiceRequest):
    """Every span of a request, in the order in which it stands there."""
    result = []
    for resource_spans in request.resource_spans:
        resource = ResourceSpans()
        resource.CopyFrom(resource_spans)
        resource.ClearField("scope_spans")
        for scope_spans in resource_spans.scope_spans:
            scope = ScopeSpans()
            scope.CopyFrom(scope_spans)
            scope.ClearField("spans")
            result += [Place(span, resource, scope) for span in scope_spans.spans]
    return result


def exact(message):
    """The message's bytes in a form that is the same for the same content, unknown fields included."""
    return message.SerializeToString(deterministic=True)


def assert_inherited(sent, received, identities, form=lambda place: place):
    """Checks every span that came out against the one that went in.

    `sent` and `received` are places; `identities` has for every trace (by hex id) the attributes that its identity
    consists of, empty when nobody was known. `form` maps a place to what the output's format can express of it.
    """
    counts = Counter(place.key for place in received)
    assert counts == Counter({place.key for place in sent}), "not every span came out, once each"

    originals = {place.key: form(place) for place in sent}
    problems = []
    for place in received:
        original = originals[place.key]
        identity = identities[place.trace]
        for problem in differences(original, form(place), identity):
            problems.append(f"{place.trace} {place.span.name!r}: {problem}")
    assert not problems, "\n".join(problems)


def differences(original, place, identity):
    """What is wrong with a span that came out, in words."""
    if exact(place.resource) != exact(original.resource):
        yield f"resource changed: {original.resource} became {place.resource}"
    if exact(place.scope) != exact(original.scope):
        yield f"scope changed: {original.scope} became {place.scope}"

    if not identity or owns(original, identity):
        if exact(place.span) != exact(original.span):
            yield f"span changed: {original.span} became {place.span}"
        return

    for key, value in identity.items():
        found = [exact(attribute.value) for attribute in place.span.attributes if attribute.key == key]
        if found != [exact(any_value(value))]:
            yield f"has {key} {len(found)} times with {found}, where it should be once with {value!r}"
    mine = set(identity)
    if any(is_user_key(key) for key in identity):
        for attribute in place.span.attributes:
            if attribute.key in EXCLUSIVE_KEYS - mine:
                yield f"keeps {attribute.key}, a second end user"
        mine |= EXCLUSIVE_KEYS
    if exact(without(place.span, mine)) != exact(without(original.span, mine)):
        yield f"more than identity changed: {original.span} became {place.span}"


def owns(place, identity):
    """Whether this is the root that the identity came from: it stays as it is."""
    return place.is_root and all(
        any(a.key == key and a.value == any_value(value) for a in place.span.attributes)
        for key, value in identity.items()
    )


def is_user_key(key):
    return key in EXCLUSIVE_KEYS | AMBIGUOUS_KEYS


def without(span, keys):
    result = Span()
    result.CopyFrom(span)
    kept = [attribute for attribute in span.attributes if attribute.key not in keys]
    del result.attributes[:]
    result.attributes.extend(kept)
    return result
