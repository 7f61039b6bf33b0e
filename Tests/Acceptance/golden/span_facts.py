"""What one span says about model use, read from its attributes by every convention. Written from what the conventions
say, not from how the ledger reads them."""

import json
from dataclasses import dataclass, field
from decimal import Decimal

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from support.spans import plain

TOKENS = ("input", "output", "total", "cache_read", "cache_write", "reasoning")
ERROR = 2
MARKER = "neatlogs.trace.complete"

IDS = (
    "neatlogs.end_user.id",
    "langfuse.user.id",
    "langwatch.user.id",
    "enduser.id",
    "traceloop.association.properties.user_id",
    "user.id",
    "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId",
    "gen_ai.user",
    "enduser.pseudo.id",
    # Of a root's resource; Heirloom writes it on the spans.
    "posthog.distinct_id",
)
SESSIONS = (
    "neatlogs.session.id",
    "langfuse.session.id",
    "session.id",
    "gen_ai.conversation.id",
    "traceloop.association.properties.session_id",
    "langsmith.metadata.session_id",
    "ai.telemetry.metadata.sessionId",
)
KINDS = {
    "generation": "llm",
    "chat": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "completion": "llm",
    "embeddings": "embedding",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "execute_tool": "tool",
    "mcp_tool": "tool",
}


@dataclass
class Observation:
    """A span, as a trace's calculation wants it. `tokens` has what was told, by the names of `TOKENS`; `cost` is in
    dollars, None when the span doesn't say."""

    span_id: str
    parent_id: str
    name: str
    start: int
    end: int
    kind: str
    is_error: bool
    is_local_root: bool
    is_marker: bool
    message: str
    model: str | None
    provider: str | None
    tokens: dict
    cost: Decimal | None
    trace_name: str | None
    workflow: str | None
    user: str | None
    session: str | None
    metadata: dict | None
    tags: list = field(default_factory=list)


def read(place):
    """The observation that a place is."""
    span = place.span
    attributes, resource = values(span.attributes), values(place.resource.resource.attributes)
    parent = span.parent_span_id.hex().strip("0") and span.parent_span_id.hex()
    is_local_root = bool(parent) and (
        span.flags & 0x300 == 0x300 or attributes.get("langfuse.internal.is_app_root") is True
    )
    is_neatlogs = place.scope.scope.name.startswith("neatlogs") or any(
        key.startswith("neatlogs.") for key in attributes
    )
    speaks = not parent or is_local_root
    tokens = tokens_of(attributes)
    return Observation(
        span_id=span.span_id.hex(),
        parent_id=parent or "",
        name=span.name,
        # Of a span that doesn't say when it began, its end is all that is known; of one without times, nothing.
        start=span.start_time_unix_nano or span.end_time_unix_nano,
        end=max(span.end_time_unix_nano, span.start_time_unix_nano),
        kind=kind_of(attributes, tokens),
        is_error=span.status.code == ERROR or attributes.get("langfuse.observation.level") == "ERROR",
        is_local_root=is_local_root,
        is_marker=span.name == MARKER,
        message=span.status.message or attributes.get("langfuse.observation.status_message") or "",
        model=first(attributes, "langfuse.observation.model.name", "gen_ai.response.model", "gen_ai.request.model")
        or first(
            attributes, "llm.model_name", "neatlogs.llm.model_name", "embedding.model_name", "reranker.model_name"
        ),
        provider=first(attributes, "gen_ai.provider.name", "gen_ai.system", "llm.provider", "neatlogs.llm.provider"),
        tokens=tokens,
        cost=cost_of(attributes),
        trace_name=first(attributes, "langfuse.trace.name"),
        workflow=first(attributes, "gen_ai.workflow.name", "traceloop.workflow.name", "neatlogs.workflow_name"),
        user=claim(attributes, IDS, speaks, is_neatlogs),
        session=claim(attributes, SESSIONS, speaks, is_neatlogs),
        metadata=metadata_of(attributes, speaks),
        # neatlogs' global tags; a span's own stand in their place on the span.
        tags=tags_of(attributes) + tags_of(resource),
    )


def values(attributes):
    """By key; of a key that stands there twice, the first."""
    found = {}
    for attribute in attributes:
        found.setdefault(attribute.key, value_of(attribute.value))
    return found


def value_of(value: AnyValue):
    """The value in Python's own types."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(element) for element in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: value_of(pair.value) for pair in value.kvlist_value.values}
    return plain(value)


def first(attributes, *keys):
    return next((str(attributes[key]) for key in keys if attributes.get(key) not in (None, "")), None)


def claim(attributes, keys, speaks, is_neatlogs):
    """The first of the keys that says something: text, or a whole number."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
            continue
        if key.startswith("neatlogs.") and not speaks or key == "user.id" and is_neatlogs:
            continue
        return str(value)
    return None


def metadata_of(attributes, speaks):
    """End-user metadata in any of its encodings: JSON text, an attribute a key with JSON in it, an attribute a key with
    the value itself, a list of keys and values."""
    if speaks and (text := attributes.get("neatlogs.end_user.metadata")):
        return json.loads(text)
    whole = attributes.get("metadata")
    if whole:
        return json.loads(whole) if isinstance(whole, str) else whole
    found = {}
    for key, value in attributes.items():
        if key.startswith("langfuse.trace.metadata."):
            found[key.removeprefix("langfuse.trace.metadata.")] = json_or_text(value)
        if key.startswith("traceloop.association.properties."):
            name = key.removeprefix("traceloop.association.properties.")
            if name not in ("user_id", "session_id"):
                found[name] = value
    return found or None


def json_or_text(value):
    try:
        return json.loads(value)
    except ValueError:
        return value


def tags_of(attributes):
    found = []
    for key in ("langfuse.trace.tags", "tag.tags", "neatlogs.tags"):
        tags = attributes.get(key) or []
        found += [tag.strip() for tag in tags.split(",")] if isinstance(tags, str) else tags
    return list(dict.fromkeys(tag for tag in found if tag))


def kind_of(attributes, tokens):
    kind = first(
        attributes,
        "langfuse.observation.type",
        "openinference.span.kind",
        "neatlogs.span.kind",
        "traceloop.span.kind",
        "gen_ai.operation.name",
        "llm.request.type",
    )
    kind = (kind or "").lower()
    return KINDS.get(kind, kind) or "span"


def number(value):
    """A count of tokens, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def tokens_of(attributes):
    """The figures, input including what was cached and output what was reasoned. Those that stand there twice, under
    names of two conventions, are one."""
    found = {}
    for convention in (langfuse_tokens, genai_tokens, openinference_tokens, neatlogs_tokens):
        for name, count in convention(attributes).items():
            if count is not None:
                found.setdefault(name, count)
    if "total" not in found and ("input" in found or "output" in found):
        found["total"] = found.get("input", 0) + found.get("output", 0)
    return found


def either(attributes, *keys):
    return next((count for key in keys if (count := number(attributes.get(key))) is not None), None)


def genai_tokens(attributes):
    usage = "gen_ai.usage."
    counts = {
        "input": either(attributes, usage + "input_tokens", usage + "prompt_tokens"),
        "output": either(attributes, usage + "output_tokens", usage + "completion_tokens"),
        "total": either(attributes, usage + "total_tokens", "llm.usage.total_tokens"),
        "cache_read": either(attributes, usage + "cache_read.input_tokens", usage + "cache_read_input_tokens"),
        "cache_write": either(attributes, usage + "cache_creation.input_tokens", usage + "cache_creation_input_tokens"),
        "reasoning": either(attributes, usage + "reasoning.output_tokens", usage + "reasoning_tokens"),
    }
    cached = (counts["cache_read"] or 0) + (counts["cache_write"] or 0)
    # A part is never more than the whole: this is Anthropic's own figure, which leaves the parts out.
    if counts["input"] is not None and cached > counts["input"]:
        counts["input"] += cached
    return counts


def openinference_tokens(attributes):
    count = "llm.token_count."
    return {
        "input": either(attributes, count + "prompt"),
        "output": either(attributes, count + "completion"),
        "total": either(attributes, count + "total"),
        "cache_read": either(attributes, count + "prompt_details.cache_read"),
        "cache_write": either(attributes, count + "prompt_details.cache_write"),
        "reasoning": either(attributes, count + "completion_details.reasoning"),
    }


def neatlogs_tokens(attributes):
    count = "neatlogs.llm.token_count."
    names = {"input": "prompt", "output": "completion"}
    counts = {name: either(attributes, count + names.get(name, name)) for name in TOKENS}
    # Its wrappers of Anthropic's client copy what that says: input without what was cached, and a total without it.
    if attributes.get("neatlogs.llm.provider") == "anthropic" and counts["cache_write"] is not None:
        cached = (counts["cache_read"] or 0) + counts["cache_write"]
        counts |= {"input": counts["input"] + cached, "total": counts["total"] + cached}
    return counts


def langfuse_tokens(attributes):
    text = attributes.get("langfuse.observation.usage_details")
    if not text:
        return {}
    usage = json.loads(text)

    def by_any_name(*names):
        """One figure, however many of its names it is told by."""
        return max((usage[name] for name in names if name in usage), default=None)

    cache_read = by_any_name("input_cached_tokens", "cache_read_input_tokens")
    cache_write = by_any_name("input_cache_creation", "cache_creation_input_tokens")
    reasoning = usage.get("output_reasoning_tokens")

    def with_parts(whole, *parts):
        return None if whole is None else whole + sum(part or 0 for part in parts)

    return {
        "input": with_parts(usage.get("input"), cache_read, cache_write),
        "output": with_parts(usage.get("output"), reasoning),
        "total": usage.get("total"),
        "cache_read": cache_read,
        "cache_write": cache_write,
        "reasoning": reasoning,
    }


def cost_of(attributes):
    """What the span says that it cost, in dollars."""

    def dollars(value):
        return Decimal(repr(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    if text := attributes.get("langfuse.observation.cost_details"):
        details = {name: dollars(value) for name, value in json.loads(text).items()}
        return details.get("total", sum(details.values()))
    for key in ("gen_ai.usage.cost", "llm.cost.total", "neatlogs.agent.cost_usd"):
        if (cost := dollars(attributes.get(key))) is not None:
            return cost
    parts = [dollars(attributes.get(key)) for key in ("llm.cost.prompt", "llm.cost.completion")]
    return sum(part for part in parts if part is not None) if any(part is not None for part in parts) else None
