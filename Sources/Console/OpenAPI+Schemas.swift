extension OpenAPI {
  static let schemas = [common, rows, scores, details, why, overview].joined(separator: ",")

  private static let common = #"""

    "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object",
      "required": ["message"], "additionalProperties": false, "properties": {
        "message": {"type": "string"},
        "position": {"type": "integer", "minimum": 0,
          "description": "Of a filter: where it is wrong, in Unicode characters from its start."}}}}},
    "OpenAPI": {"type": "object", "required": ["openapi", "info", "paths"]},
    "Time": {"type": "string", "format": "date-time",
      "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"},
    "Count": {"type": "integer", "minimum": 0},
    "Milliseconds": {"type": "number"},
    "Cursor": {"type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]+$",
      "description": "Where the list goes on; null at its end."},
    "Names": {"type": "array", "items": {"type": "string"}, "maxItems": 64},
    "Metadata": {"type": "object", "description": "The latest end-user metadata there is."},
    "Tokens": {"type": "object",
      "required": ["input", "output", "total", "cache_read", "cache_write", "reasoning"], "additionalProperties": false,
      "description": "null where nobody told. input includes what is read from and written to a cache, output reasoning.",
      "properties": {
        "input": {"type": ["integer", "null"]}, "output": {"type": ["integer", "null"]},
        "total": {"type": ["integer", "null"]}, "cache_read": {"type": ["integer", "null"]},
        "cache_write": {"type": ["integer", "null"]}, "reasoning": {"type": ["integer", "null"]}}},
    "Cost": {"type": ["number", "null"], "description": "US dollars, nine decimals at most; null when unknown."},
    "Latency": {"type": "object", "required": ["p50", "p95", "p99"], "additionalProperties": false,
      "description": "Percentiles of the traces' latencies, right within one percent; three decimals at most.",
      "properties": {
        "p50": {"type": ["number", "null"]}, "p95": {"type": ["number", "null"]}, "p99": {"type": ["number", "null"]}}},
    "Amounts": {"type": "object", "required": ["observations", "errors", "tokens", "cost_usd"], "properties": {
      "observations": {"$ref": "#/components/schemas/Count"}, "errors": {"$ref": "#/components/schemas/Count"},
      "tokens": {"$ref": "#/components/schemas/Tokens"}, "cost_usd": {"$ref": "#/components/schemas/Cost"}}},
    "Summary": {"allOf": [{"$ref": "#/components/schemas/Amounts"}], "type": "object",
      "required": ["first_event", "last_event", "traces", "latency_ms", "metadata", "models", "tags", "workflows"],
      "properties": {
        "first_event": {"$ref": "#/components/schemas/Time"}, "last_event": {"$ref": "#/components/schemas/Time"},
        "traces": {"$ref": "#/components/schemas/Count"}, "latency_ms": {"$ref": "#/components/schemas/Latency"},
        "metadata": {"$ref": "#/components/schemas/Metadata"},
        "models": {"$ref": "#/components/schemas/Names"}, "tags": {"$ref": "#/components/schemas/Names"},
        "workflows": {"$ref": "#/components/schemas/Names"}}}
    """#

  private static let rows = #"""

    "UserFields": {"allOf": [{"$ref": "#/components/schemas/Summary"}], "type": "object",
      "required": ["end_user_id", "sessions", "scores"], "properties": {
        "end_user_id": {"type": "string"}, "sessions": {"$ref": "#/components/schemas/Count"},
        "scores": {"$ref": "#/components/schemas/ScoreSummaries"}}},
    "SessionFields": {"allOf": [{"$ref": "#/components/schemas/Summary"}], "type": "object",
      "required": ["session_id", "end_user_id", "conflicting_end_users", "duration_ms", "scores"], "properties": {
        "scores": {"$ref": "#/components/schemas/ScoreSummaries"},
        "session_id": {"type": "string"}, "end_user_id": {"type": ["string", "null"]},
        "conflicting_end_users": {"type": "boolean", "description": "Whether its traces name more than one end user."},
        "duration_ms": {"$ref": "#/components/schemas/Milliseconds"}}},
    "TraceFields": {"allOf": [{"$ref": "#/components/schemas/Amounts"}], "type": "object",
      "required": ["trace_id", "session_id", "end_user_id", "name", "timestamp", "latency_ms", "error", "metadata",
        "models", "tags", "scores"],
      "properties": {
        "scores": {"$ref": "#/components/schemas/ScoreSummaries"},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "session_id": {"type": ["string", "null"]},
        "end_user_id": {"type": ["string", "null"]}, "name": {"type": ["string", "null"]},
        "timestamp": {"$ref": "#/components/schemas/Time"}, "latency_ms": {"$ref": "#/components/schemas/Milliseconds"},
        "error": {"type": "boolean"}, "metadata": {"$ref": "#/components/schemas/Metadata"},
        "models": {"$ref": "#/components/schemas/Names"}, "tags": {"$ref": "#/components/schemas/Names"}}},
    "User": {"allOf": [{"$ref": "#/components/schemas/UserFields"}], "unevaluatedProperties": false},
    "Session": {"allOf": [{"$ref": "#/components/schemas/SessionFields"}], "unevaluatedProperties": false},
    "Trace": {"allOf": [{"$ref": "#/components/schemas/TraceFields"}], "unevaluatedProperties": false},
    "Users": {"type": "object", "required": ["users", "next_cursor"], "additionalProperties": false, "properties": {
      "users": {"type": "array", "items": {"$ref": "#/components/schemas/User"}},
      "next_cursor": {"$ref": "#/components/schemas/Cursor"}}},
    "Sessions": {"type": "object", "required": ["sessions", "next_cursor"], "additionalProperties": false, "properties": {
      "sessions": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}},
      "next_cursor": {"$ref": "#/components/schemas/Cursor"}}},
    "Traces": {"type": "object", "required": ["traces", "next_cursor"], "additionalProperties": false, "properties": {
      "traces": {"type": "array", "items": {"$ref": "#/components/schemas/Trace"}},
      "next_cursor": {"$ref": "#/components/schemas/Cursor"}}},
    "MetadataKeys": {"type": "object", "required": ["keys", "next_cursor"], "additionalProperties": false, "properties": {
      "keys": {"type": "array", "items": {"type": "object", "required": ["key", "users", "traces", "examples"],
        "additionalProperties": false, "properties": {
          "key": {"type": "string", "description": "Its parts are divided by dots."},
          "users": {"$ref": "#/components/schemas/Count"}, "traces": {"$ref": "#/components/schemas/Count"},
          "examples": {"type": "array", "items": {"type": "string"}, "maxItems": 5}}}},
      "next_cursor": {"$ref": "#/components/schemas/Cursor"}}}
    """#

  private static let scores = #"""

    "Mean": {"type": ["number", "null"],
      "description": "Of those that have a number; each counts to its ninth decimal. null without any."},
    "ScoreSummaries": {"type": "object", "maxProperties": 64,
      "description": "What scores come to, by their names: of a trace its own and its spans', of a session its own and its traces', of an end user all of these.",
      "additionalProperties": {"type": "object", "required": ["mean", "count", "latest"], "additionalProperties": false,
        "properties": {
          "mean": {"$ref": "#/components/schemas/Mean"}, "count": {"$ref": "#/components/schemas/Count"},
          "latest": {"type": ["number", "string", "null"],
            "description": "What the one with the latest timestamp says: its value, or else its label."}}}},
    "Score": {"type": "object", "additionalProperties": false,
      "required": ["score_id", "name", "value", "label", "data_type", "source", "timestamp", "trace_id", "span_id",
        "session_id", "end_user_id", "comment", "environment", "metadata"],
      "properties": {
        "score_id": {"type": "string"}, "name": {"type": "string"}, "value": {"type": ["number", "null"]},
        "label": {"type": ["string", "null"]},
        "data_type": {"enum": ["numeric", "categorical", "boolean", "text", "correction"]},
        "source": {"enum": ["api", "annotation", "evaluation"]}, "timestamp": {"$ref": "#/components/schemas/Time"},
        "trace_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$"},
        "span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
        "session_id": {"type": ["string", "null"], "description": "The trace's, else the one that the score names."},
        "end_user_id": {"type": ["string", "null"],
          "description": "The trace's or session's; null also while the score waits for these."},
        "comment": {"type": ["string", "null"]}, "environment": {"type": ["string", "null"]},
        "metadata": {"type": "object"}}},
    "Scores": {"type": "object", "required": ["scores", "next_cursor"], "additionalProperties": false, "properties": {
      "scores": {"type": "array", "items": {"$ref": "#/components/schemas/Score"}},
      "next_cursor": {"$ref": "#/components/schemas/Cursor"}}}
    """#

  private static let details = #"""

    "Day": {"allOf": [{"$ref": "#/components/schemas/Amounts"}], "type": "object", "required": ["date", "traces"],
      "unevaluatedProperties": false, "properties": {
        "date": {"type": "string", "format": "date"}, "traces": {"$ref": "#/components/schemas/Count"}}},
    "UserDetail": {"allOf": [{"$ref": "#/components/schemas/UserFields"}], "type": "object",
      "required": ["days", "score_days"], "unevaluatedProperties": false, "properties": {
        "days": {"type": "array",
          "description": "In UTC, only those with traces; since and until choose among them.",
          "items": {"$ref": "#/components/schemas/Day"}},
        "score_days": {"type": "array",
          "description": "In UTC, by the scores' timestamps, only those with scores; since and until choose among them.",
          "items": {"type": "object", "required": ["date", "scores"], "additionalProperties": false, "properties": {
            "date": {"type": "string", "format": "date"}, "scores": {"type": "object", "additionalProperties":
              {"type": "object", "required": ["mean", "count"], "additionalProperties": false, "properties": {
                "mean": {"$ref": "#/components/schemas/Mean"}, "count": {"$ref": "#/components/schemas/Count"}}}}}}}}},
    "SessionDetail": {"allOf": [{"$ref": "#/components/schemas/SessionFields"}], "type": "object",
      "required": ["turns", "next_cursor"], "unevaluatedProperties": false, "properties": {
        "turns": {"type": "array", "items": {"$ref": "#/components/schemas/Trace"}},
        "next_cursor": {"$ref": "#/components/schemas/Cursor"}}},
    "TraceDetail": {"allOf": [{"$ref": "#/components/schemas/TraceFields"}], "type": "object",
      "required": ["omitted_observations", "spans"], "unevaluatedProperties": false, "properties": {
        "omitted_observations": {"$ref": "#/components/schemas/Count"},
        "spans": {"type": "array", "items": {"$ref": "#/components/schemas/Span"}},
        "bodies": {"$ref": "#/components/schemas/WholeSpans"},
        "next_cursor": {"$ref": "#/components/schemas/Cursor"}, "why": {"$ref": "#/components/schemas/Why"}}},
    "WholeSpans": {"type": "object", "required": ["resourceSpans"], "additionalProperties": false,
      "description": "Only with bodies=true: the spans that were kept whole, as they came, in OTLP/JSON. What is nested more than 64 levels deep is left out. next_cursor is where they go on.",
      "properties": {"resourceSpans": {"type": "array", "maxItems": 1, "items": {"type": "object",
        "required": ["scopeSpans"], "additionalProperties": false, "properties": {"scopeSpans": {"type": "array",
          "items": {"type": "object", "required": ["spans"], "additionalProperties": false, "properties": {
            "spans": {"type": "array", "items": {"type": "object"}}}}}}}}}},
    "Span": {"type": "object", "additionalProperties": false,
      "required": ["span_id", "parent_span_id", "name", "kind", "start", "duration_ms", "status", "status_message",
        "model", "tokens", "cost_usd", "children"],
      "description": "Tokens and cost are what counts: of spans within one another that tell them, the innermost.",
      "properties": {
        "span_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "parent_span_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"}, "name": {"type": "string"},
        "kind": {"enum": ["span", "llm", "embedding", "agent", "chain", "workflow", "task", "tool", "retriever",
          "reranker", "guardrail", "evaluator", "prompt", "event"]},
        "start": {"$ref": "#/components/schemas/Time"}, "duration_ms": {"$ref": "#/components/schemas/Milliseconds"},
        "status": {"enum": ["ok", "error"]}, "status_message": {"type": ["string", "null"]},
        "model": {"type": ["string", "null"]}, "tokens": {"$ref": "#/components/schemas/Tokens"},
        "cost_usd": {"$ref": "#/components/schemas/Cost"},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Span"}}}},
    "Erasure": {"type": "object", "additionalProperties": false,
      "required": ["end_user_id", "traces", "observations", "sessions", "scores", "pseudonym", "remains_in_log", "copies"],
      "properties": {
        "end_user_id": {"type": "string"}, "traces": {"$ref": "#/components/schemas/Count"},
        "observations": {"$ref": "#/components/schemas/Count"},
        "sessions": {"$ref": "#/components/schemas/Count", "description": "Those that had no other end user's traces."},
        "scores": {"$ref": "#/components/schemas/Count", "description": "Of these traces and of the end user's sessions."},
        "pseudonym": {"type": ["string", "null"],
          "description": "What the id is replaced by from now on; null when spans with it are refused."},
        "remains_in_log": {"type": "boolean",
          "description": "Whether a reader kept some of it in the file or its write-ahead log: the collector tries again."},
        "copies": {"type": "array", "items": {"type": "string"}, "description": "Where copies may be that remain."}}}
    """#

  private static let overview = #"""

    "Distribution": {"type": "object", "required": ["buckets", "unknown"], "additionalProperties": false, "properties": {
      "buckets": {"type": "array", "items": {"type": "object", "required": ["from", "to", "users"],
        "additionalProperties": false, "description": "Users with at least from and less than to.", "properties": {
          "from": {"type": "number"}, "to": {"type": ["number", "null"]},
          "users": {"$ref": "#/components/schemas/Count"}}}},
      "unknown": {"$ref": "#/components/schemas/Count"}}},
    "Overview": {"type": "object", "required": ["totals", "distribution", "top_users", "unpriced_models"],
      "additionalProperties": false, "properties": {
        "totals": {"allOf": [{"$ref": "#/components/schemas/Amounts"}], "type": "object", "unevaluatedProperties": false,
          "required": ["users", "sessions", "traces", "anonymous_traces", "first_event", "last_event", "latency_ms"],
          "properties": {
            "users": {"$ref": "#/components/schemas/Count"}, "sessions": {"$ref": "#/components/schemas/Count"},
            "traces": {"$ref": "#/components/schemas/Count"}, "anonymous_traces": {"$ref": "#/components/schemas/Count"},
            "first_event": {"oneOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]},
            "last_event": {"oneOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]},
            "latency_ms": {"$ref": "#/components/schemas/Latency"}}},
        "distribution": {"type": "object", "required": ["tokens", "traces", "cost_usd"], "additionalProperties": false,
          "properties": {
            "tokens": {"$ref": "#/components/schemas/Distribution"},
            "traces": {"$ref": "#/components/schemas/Distribution"},
            "cost_usd": {"$ref": "#/components/schemas/Distribution"}}},
        "top_users": {"type": "object", "required": ["tokens", "traces", "cost_usd"], "additionalProperties": false,
          "properties": {
            "tokens": {"type": "array", "maxItems": 10, "items": {"$ref": "#/components/schemas/User"}},
            "traces": {"type": "array", "maxItems": 10, "items": {"$ref": "#/components/schemas/User"}},
            "cost_usd": {"type": "array", "maxItems": 10, "items": {"$ref": "#/components/schemas/User"}}}},
        "unpriced_models": {"type": "array", "maxItems": 1000,
          "description": "Models that no price is known for, with the calls that could not be priced.",
          "items": {"type": "object", "required": ["model", "calls"], "additionalProperties": false, "properties": {
            "model": {"type": "string"}, "calls": {"$ref": "#/components/schemas/Count"}}}}}}
    """#
}
