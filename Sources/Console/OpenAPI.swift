/// The OpenAPI document of the API, in JSON. Tests hold every answer against it.
enum OpenAPI {
  static let document = """
    {
    "openapi": "3.1.0",
    "info": {
      "title": "Heirloom ledger",
      "version": "1",
      "description": "Who used what: end users, their sessions and traces, with tokens, cost, errors and latency. Times are RFC 3339 in UTC with milliseconds; what nobody told is null."
    },
    "paths": {\(paths)},
    "components": {
    "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    "parameters": {\(parameters)},
    "responses": {\(responses)},
    "schemas": {\(schemas)}
    },
    "security": [{}, {"token": []}]
    }

    """

  private static let parameters = #"""

    "filter": {"name": "filter", "in": "query", "schema": {"type": "string"}, "example": "metadata:plan is pro and cost > 0.5",
      "description": "A condition in Heirloom's filter language."},
    "limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
      "description": "Rows of a page: 50 when not said, 1000 for the turns of a session."},
    "cursor": {"name": "cursor", "in": "query", "schema": {"type": "string"},
      "description": "next_cursor of the page before. It goes with the filter, sort, since and until that it came with."},
    "since": {"name": "since", "in": "query", "schema": {"type": "string"}, "example": "2026-11-21T09:30:00Z",
      "description": "RFC 3339, or a date: its midnight in UTC. Traces and scores with a timestamp of then or later; users and sessions with an event then or later. Totals are not cut."},
    "until": {"name": "until", "in": "query", "schema": {"type": "string"}, "example": "2026-11-22",
      "description": "As since; before, not at this time."},
    "sort_users": {"name": "sort", "in": "query", "schema": {"type": "string", "default": "last_event",
      "pattern": "^(last_event|first_event|traces|observations|sessions|errors|tokens|cost|latency|id|name)(:(asc|desc))?$"},
      "description": "Largest and latest first, names and ids in ascending order; :asc and :desc say otherwise. What is unknown comes last. latency is p95."},
    "sort_sessions": {"name": "sort", "in": "query", "schema": {"type": "string", "default": "last_event",
      "pattern": "^(last_event|first_event|traces|observations|errors|tokens|cost|latency|duration|id|name)(:(asc|desc))?$"},
      "description": "As for users."},
    "sort_traces": {"name": "sort", "in": "query", "schema": {"type": "string", "default": "timestamp",
      "pattern": "^(timestamp|observations|errors|tokens|cost|latency|name|id)(:(asc|desc))?$"},
      "description": "As for users. The turns of a session come in the order of time when nothing is said."},
    "sort_scores": {"name": "sort", "in": "query", "schema": {"type": "string", "default": "timestamp",
      "pattern": "^(timestamp|value|name|id)(:(asc|desc))?$"},
      "description": "As for users."},
    "sort_spans": {"name": "sort", "in": "query", "schema": {"type": "string",
      "pattern": "^(timestamp|latency|tokens|cost|name)(:(asc|desc))?$"},
      "description": "As for users; spans come in the order of time when nothing is said."},
    "end_user_id": {"name": "end_user_id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1},
      "description": "Percent-encoded; a slash within is %2F."},
    "session_id": {"name": "session_id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1},
      "description": "Percent-encoded; a slash within is %2F."},
    "trace_id": {"name": "trace_id", "in": "path", "required": true,
      "schema": {"type": "string", "pattern": "^[0-9a-fA-F]{6,32}$"},
      "description": "Its 32 digits, or the first of them, 6 at least, where no other id begins so: that would be a 400."},
    "bodies": {"name": "bodies", "in": "query", "schema": {"type": "boolean", "default": false},
      "description": "Whether the spans that were kept whole (span_bodies) come with it, some MiB at a time: cursor goes on."},
    "why": {"name": "why", "in": "query", "schema": {"type": "boolean", "default": false},
      "description": "Whether it comes with where its identity is from, and what had to give way to it."}
    """#

  private static let responses = [
    failure("invalid", "A parameter is wrong."), failure("unauthorized", "The token is missing or wrong."),
    failure("forbidden", "Without a token, only localhost and addresses in numbers are answered."),
    failure("unknown", "There is no such thing."), failure("failed", "The ledger cannot be read or written."),
    failure("slow", "The request did not come in full in time."), failure("laden", "The request has a body."),
    failure("long", "Request line and headers are larger than \(Console.maxHeaderBytes) bytes.", orHTML: true),
    """

    "endless": {"description": "Path and query are much larger than that.", "content": {\(html)}}
    """,
    failure("busy", "Too many questions at a time, or one that takes too long."),
  ].joined(separator: ",")

  /// What libmicrohttpd says by itself.
  private static let html = #""text/html": {"schema": {"type": "string"}}"#

  private static func failure(_ name: String, _ description: String, orHTML: Bool = false) -> String {
    """

    "\(name)": {"description": "\(description)", "content": {"application/json":
      {"schema": {"$ref": "#/components/schemas/Error"}}\(orHTML ? ", \(html)" : "")}}
    """
  }
}
