import Filters
import JSON
import Privacy

/// The ledger's JSON API, without the HTTP around it.
package struct LedgerAPI: Sendable {
  private let reader: LedgerReader

  package init(_ reader: LedgerReader) {
    self.reader = reader
  }

  package struct Answer: Sendable {
    /// As of HTTP.
    package let status: Int
    package let json: [UInt8]
  }

  /// What there is to ask, by its path.
  package enum Resource: Equatable, Sendable {
    case users, sessions, traces, scores, metadataKeys, overview
    case user(String), session(String), trace(String)
    case sessionsOfUser(String), tracesOfUser(String)
    case scoresOfUser(String), scoresOfSession(String), scoresOfTrace(String)

    /// nil where there is nothing.
    ///
    /// - Parameter path: what stands behind `/api/v1`, between the slashes, decoded.
    package init?(_ path: [String]) {
      switch (path.count, path.first) {
      case (1, "users"): self = .users
      case (1, "sessions"): self = .sessions
      case (1, "traces"): self = .traces
      case (1, "scores"): self = .scores
      case (1, "overview"): self = .overview
      case (2, "metadata") where path[1] == "keys": self = .metadataKeys
      case (2, "users") where !path[1].isEmpty: self = .user(path[1])
      case (2, "sessions") where !path[1].isEmpty: self = .session(path[1])
      case (2, "traces") where !path[1].isEmpty: self = .trace(path[1])
      case (3, "users") where path[2] == "sessions" && !path[1].isEmpty: self = .sessionsOfUser(path[1])
      case (3, "users") where path[2] == "traces" && !path[1].isEmpty: self = .tracesOfUser(path[1])
      case (3, "users") where path[2] == "scores" && !path[1].isEmpty: self = .scoresOfUser(path[1])
      case (3, "sessions") where path[2] == "scores" && !path[1].isEmpty: self = .scoresOfSession(path[1])
      case (3, "traces") where path[2] == "scores" && !path[1].isEmpty: self = .scoresOfTrace(path[1])
      default: return nil
      }
    }
  }

  /// Answers a request; the parameters are those of the query, decoded.
  package func get(_ resource: Resource, _ parameters: [(name: String, value: String?)]) -> Answer {
    var json = JSONText()
    do throws(LedgerQueryError) {
      var parameters = try QueryParameters(parameters)
      guard try write(resource, &parameters, to: &json) else { return try notFound(resource) }
      return Answer(status: 200, json: json.bytes)
    } catch {
      return Self.failure(error)
    }
  }

  /// False when there is no such thing.
  private func write(
    _ resource: Resource, _ parameters: inout QueryParameters, to json: inout JSONText
  ) throws(LedgerQueryError) -> Bool {
    switch resource {
    case .users: Self.write(try reader.users(try query(&parameters)), "users", to: &json)
    case .sessions: Self.write(try reader.sessions(try query(&parameters)), "sessions", to: &json)
    case .traces: Self.write(try reader.traces(try query(&parameters)), "traces", to: &json)
    case .sessionsOfUser(let user):
      guard let page = try reader.sessions(ofUser: try reader.name(of: user), try query(&parameters)) else {
        return false
      }
      Self.write(page, "sessions", to: &json)
    case .tracesOfUser(let user):
      guard let page = try reader.traces(ofUser: try reader.name(of: user), try query(&parameters)) else {
        return false
      }
      Self.write(page, "traces", to: &json)
    case .scores, .scoresOfUser, .scoresOfSession, .scoresOfTrace:
      guard let page = try scores(resource, try query(&parameters)) else { return false }
      Self.write(page, "scores", to: &json)
    case .user(let user):
      let (since, until) = try Self.bounds(&parameters)
      guard let detail = try reader.user(try reader.name(of: user), since: since, until: until) else { return false }
      detail.write(to: &json)
    case .session(let session):
      // Few have more turns, and whoever opens a session wants all of them.
      let query = try query(&parameters, limit: LedgerQuery.maxLimit)
      guard let detail = try reader.session(session, turns: query) else { return false }
      detail.write(to: &json)
    case .trace(let trace):
      let why = try parameters.takeFlag("why")
      let spans = try spans(&parameters)
      let bodies = try Self.bodies(&parameters)
      guard let detail = try reader.trace(trace, spans: spans, bodies: bodies, why: why) else { return false }
      detail.write(to: &json)
    case .metadataKeys:
      var query = LedgerQuery()
      query.limit = try parameters.takeLimit() ?? query.limit
      query.cursor = parameters.take("cursor")
      try parameters.finish()
      Self.write(try reader.metadataKeys(query), "keys", to: &json)
    case .overview:
      let (since, until) = try Self.bounds(&parameters)
      try reader.overview(since: since, until: until).write(to: &json)
    }
    return true
  }

  /// nil when there is nobody whose they could be.
  private func scores(
    _ resource: Resource, _ query: LedgerQuery
  ) throws(LedgerQueryError) -> Page<ListedScore>? {
    switch resource {
    case .scoresOfUser(let user): try reader.scores(ofUser: try reader.name(of: user), query)
    case .scoresOfSession(let session): try reader.scores(ofSession: session, query)
    case .scoresOfTrace(let trace): try reader.scores(ofTrace: trace, query)
    default: try reader.scores(query)
    }
  }

  private func query(
    _ parameters: inout QueryParameters, limit: Int = LedgerQuery.defaultLimit
  ) throws(LedgerQueryError) -> LedgerQuery {
    var query = try parameters.takeQuery(limit: limit)
    try parameters.finish()
    query.filter = naming(query.filter)
    return query
  }

  private static func bounds(
    _ parameters: inout QueryParameters
  ) throws(LedgerQueryError) -> (since: Int64?, until: Int64?) {
    let bounds = (try parameters.takeTime("since"), try parameters.takeTime("until"))
    try parameters.finish()
    return bounds
  }

  /// nil when nothing is said that chooses among a trace's spans.
  private func spans(_ parameters: inout QueryParameters) throws(LedgerQueryError) -> SpanQuery? {
    let (filter, sort) = (try parameters.takeFilter(), parameters.take("sort"))
    let (since, until) = (try parameters.takeTime("since"), try parameters.takeTime("until"))
    if filter == nil, sort == nil, since == nil, until == nil { return nil }
    return try SpanQuery(filter: naming(filter), sort: sort, since: since, until: until)
  }

  /// End users may be known by their pseudonyms.
  private func naming(_ filter: Filter?) -> Filter? {
    guard let pseudonyms = reader.pseudonyms else { return filter }
    return filter?.naming(endUsersAlso: pseudonyms.pseudonym)
  }

  private static func bodies(_ parameters: inout QueryParameters) throws(LedgerQueryError) -> BodiesQuery? {
    let (areWanted, cursor) = (try parameters.takeFlag("bodies"), parameters.take("cursor"))
    try parameters.finish()
    guard areWanted || cursor == nil else { throw .invalid("cursor: only bodies=true has pages") }
    return areWanted ? BodiesQuery(cursor: cursor) : nil
  }

  private static func write(_ page: Page<some JSONWritable>, _ name: String, to json: inout JSONText) {
    json.beginObject()
    json.member(name, page.rows)
    json.member("next_cursor", page.nextCursor)
    json.endObject()
  }
}

extension LedgerAPI {
  package static func success(_ value: any JSONWritable) -> Answer {
    var json = JSONText()
    value.write(to: &json)
    return Answer(status: 200, json: json.bytes)
  }

  /// An answer that says what is wrong, for a person. The position is one of a filter, in Unicode scalars from its start.
  package static func failure(_ status: Int, _ message: String, position: Int? = nil) -> Answer {
    var json = JSONText()
    json.beginObject()
    json.key("error")
    json.beginObject()
    json.member("message", message)
    if let position { json.member("position", Int64(position)) }
    json.endObject()
    json.endObject()
    return Answer(status: status, json: json.bytes)
  }

  private static func failure(_ error: LedgerQueryError) -> Answer {
    switch error {
    case .filter(let fault): failure(400, "filter: \(fault.message)", position: fault.offset)
    case .invalid(let message): failure(400, message)
    case .busy, .tooSlow: failure(503, error.description)
    case .ledger: failure(500, error.description)
    }
  }

  private func notFound(_ resource: Resource) throws(LedgerQueryError) -> Answer {
    let message =
      switch resource {
      case .user(let id), .sessionsOfUser(let id), .tracesOfUser(let id), .scoresOfUser(let id):
        "no end user “\(id)” is known here"
      case .session(let id), .scoresOfSession(let id): "no session “\(id)” is known here"
      case .trace(let id), .scoresOfTrace(let id):
        if id.utf8.count < TraceIDRange.fewestDigits {
          "no trace “\(id)” is known here: an id takes \(TraceIDRange.fewestDigits) of its digits at least"
        } else if try reader.isRefused(id) {
          "no trace “\(id)” is known here: its end user was forgotten, so its spans are refused"
        } else {
          "no trace “\(id)” is known here"
        }
      default: "there is no such thing"
      }
    return Self.failure(404, message)
  }
}
