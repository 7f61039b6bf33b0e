extension OpenAPI {
  static let paths = [
    list("/users", "Users", "users", "End users."),
    get(
      "/users/{end_user_id}", "UserDetail", "user", "An end user, with the days on which there were traces or scores.",
      ["end_user_id", "since", "until"], isFound: false, more: erase),
    list("/users/{end_user_id}/sessions", "Sessions", "sessions", "An end user's sessions.", of: "end_user_id"),
    list("/users/{end_user_id}/traces", "Traces", "traces", "An end user's traces.", of: "end_user_id"),
    list(
      "/users/{end_user_id}/scores", "Scores", "scores",
      "Scores of an end user's traces and sessions.", of: "end_user_id"),
    list("/sessions", "Sessions", "sessions", "Sessions."),
    list("/sessions/{session_id}", "SessionDetail", "traces", "A session with its traces.", of: "session_id"),
    list(
      "/sessions/{session_id}/scores", "Scores", "scores", "Scores of a session and of its traces.", of: "session_id"),
    list("/traces", "Traces", "traces", "Traces, those without an end user included."),
    get(
      "/traces/{trace_id}", "TraceDetail", "trace",
      "A trace with its spans: a tree, or with filter, sort, since or until a list of those that match.",
      ["trace_id", "filter", "sort_spans", "since", "until", "bodies", "cursor", "why"],
      isFound: false),
    list(
      "/traces/{trace_id}/scores", "Scores", "scores", "Scores of a trace and of its spans.", of: "trace_id"),
    list("/scores", "Scores", "scores", "Scores, those included that wait for their trace or session."),
    get("/metadata/keys", "MetadataKeys", "metadata_keys", "Keys of end-user metadata, by name.", ["limit", "cursor"]),
    get(
      "/overview", "Overview", "overview",
      "All of it. With since or until: traces of then, and the users and sessions that were active.",
      ["since", "until"]),
    get("/openapi.json", "OpenAPI", "openapi", "This document.", []),
  ].joined(separator: ",")

  /// What a list is sorted by is the list's own.
  private static func list(
    _ path: String, _ schema: String, _ sort: String, _ summary: String, of owner: String? = nil
  ) -> String {
    let parameters = ["filter", "sort_\(sort)", "limit", "cursor", "since", "until"]
    return get(
      path, schema, operation(path), summary, (owner.map { [$0] } ?? []) + parameters, isFound: owner == nil)
  }

  /// A name for an operation, as clients that are generated want one.
  private static func operation(_ path: String) -> String {
    path.split(separator: "/").filter { !$0.hasPrefix("{") || path.hasSuffix($0) }
      .map { $0.filter { $0 != "{" && $0 != "}" } }.joined(separator: "_")
  }

  /// `isFound` says whether there is always something at the path; `more` are its other methods.
  private static func get(
    _ path: String, _ schema: String, _ operation: String, _ summary: String, _ parameters: [String],
    isFound: Bool = true, more: String = ""
  ) -> String {
    let references = parameters.map { "{\"$ref\": \"#/components/parameters/\($0)\"}" }.joined(separator: ", ")
    return """

      "/api/v1\(path)": {"get": {"operationId": "get_\(operation)", "summary": "\(summary)",
        "parameters": [\(references)],
        "responses": {"200": {"description": "Found.", "content": {"application/json":
          {"schema": {"$ref": "#/components/schemas/\(schema)"}}}}\(failures(isFound: isFound))}}\(more)}
      """
  }

  private static func failures(isFound: Bool) -> String {
    let all = [
      (400, "invalid"), (401, "unauthorized"), (403, "forbidden"), (404, "unknown"), (408, "slow"), (413, "laden"),
      (414, "endless"), (431, "long"), (500, "failed"), (503, "busy"),
    ]
    return all.filter { !isFound || $0.0 != 404 }
      .map { ",\n    \"\($0.0)\": {\"$ref\": \"#/components/responses/\($0.1)\"}" }.joined()
  }

  private static let erase = """
    ,
      "delete": {"operationId": "forget_user", "summary": "Forgets an end user.",
        "description": "Erases what the ledger has of the end user; the id is refused or replaced from then on.",
        "parameters": [{"$ref": "#/components/parameters/end_user_id"}],
        "responses": {"200": {"description": "What was erased, and where copies remain.", "content": {"application/json":
          {"schema": {"$ref": "#/components/schemas/Erasure"}}}}\(failures(isFound: true))}}
    """
}
