extension OpenAPI {
  /// Why a trace is whose it is.
  static let why = #"""

    "Why": {"type": "object", "additionalProperties": false,
      "description": "Only with why=true: where the trace's identity comes from, what had to give way to it, and what its spans say to no effect.",
      "required": ["end_user", "session", "metadata", "unattributed", "has_root", "replaced", "unused", "complete"],
      "properties": {
        "end_user": {"oneOf": [{"$ref": "#/components/schemas/Origin"}, {"type": "null"}]},
        "session": {"oneOf": [{"$ref": "#/components/schemas/Origin"}, {"type": "null"}]},
        "metadata": {"oneOf": [{"$ref": "#/components/schemas/Origin"}, {"type": "null"}]},
        "unattributed": {"enum": ["nobody_named", "fallback_none", "unusable_value", "below_root", "only_operator", null],
          "description": "Why the trace's own spans name no end user; null when they do."},
        "has_root": {"type": "boolean", "description": "Whether a root is among its spans."},
        "replaced": {"type": "array", "items": {"type": "object", "additionalProperties": false,
          "required": ["span_id", "of", "key", "value", "replacement"], "properties": {
            "span_id": {"$ref": "#/components/schemas/SpanID"}, "of": {"$ref": "#/components/schemas/IdentityPart"},
            "key": {"type": "string"}, "value": {"$ref": "#/components/schemas/ClaimedValue"},
            "replacement": {"type": ["string", "null"],
              "description": "What stands under the key instead; null when the attribute was removed."}}}},
        "unused": {"type": "array", "items": {"type": "object", "additionalProperties": false,
          "required": ["span_id", "of", "key", "value", "reason"], "properties": {
            "span_id": {"$ref": "#/components/schemas/SpanID"}, "of": {"$ref": "#/components/schemas/IdentityPart"},
            "key": {"type": "string"}, "value": {"$ref": "#/components/schemas/ClaimedValue"},
            "reason": {"enum": ["empty", "too_long", "wrong_type", "below_root", "operator", "fallback_none",
              "later_key", "kept"]}}}},
        "complete": {"type": "boolean",
          "description": "False when a span came before the ledger kept keys: what it names under which key is unknown."}}},
    "Origin": {"type": "object", "additionalProperties": false,
      "required": ["source", "span_id", "key", "convention", "accepted_at", "trace_id"], "properties": {
        "source": {"enum": ["root", "local_root", "topmost", "resource", "session", "trace"],
          "description": "session: another trace of the session, trace_id, names the end user. trace: without a session the trace is one."},
        "span_id": {"oneOf": [{"$ref": "#/components/schemas/SpanID"}, {"type": "null"}]},
        "key": {"type": ["string", "null"]},
        "convention": {"type": ["string", "null"], "description": "Whose key it is; null for one that was configured."},
        "accepted_at": {"oneOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}],
          "description": "When the span was accepted. A root settles its trace then; others when the wait for better is over."},
        "trace_id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$"}}},
    "SpanID": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "IdentityPart": {"enum": ["end_user", "session", "metadata"]},
    "ClaimedValue": {"type": ["string", "null"],
      "description": "Cut at 1000 bytes; null for what is neither a text nor an int, and for a forgotten end user."}
    """#
}
