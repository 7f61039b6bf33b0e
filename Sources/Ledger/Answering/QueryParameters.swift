import Filters

/// The parameters of a request, each of which has to be asked for: what nobody asked for is unknown here.
struct QueryParameters {
  private var values: [String: String] = [:]
  private var known: [String] = []

  init(_ parameters: [(name: String, value: String?)]) throws(LedgerQueryError) {
    for (name, value) in parameters {
      // An empty query, and `&` at its end.
      if name.isEmpty, value == nil { continue }
      guard let value else { throw .invalid("\(name): it has no value") }
      guard values.updateValue(value, forKey: name) == nil else {
        throw .invalid("\(name): it is there more than once")
      }
    }
  }

  mutating func take(_ name: String) -> String? {
    known.append(name)
    return values.removeValue(forKey: name)
  }

  /// - Returns: nanoseconds since the Unix epoch.
  mutating func takeTime(_ name: String) throws(LedgerQueryError) -> Int64? {
    guard let text = take(name) else { return nil }
    guard let time = Filter.time(text) else {
      throw .invalid("\(name): a date or a time, 2026-11-21 or 2026-11-21T09:30:00Z, not “\(text)”")
    }
    return time
  }

  /// - Returns: false when it is not there.
  mutating func takeFlag(_ name: String) throws(LedgerQueryError) -> Bool {
    switch take(name) {
    case nil, "false": return false
    case "true": return true
    case let text?: throw .invalid("\(name): true or false, not “\(text)”")
    }
  }

  mutating func takeLimit() throws(LedgerQueryError) -> Int? {
    guard let text = take("limit") else { return nil }
    guard let limit = Int(text), 1...LedgerQuery.maxLimit ~= limit else {
      throw .invalid("limit: a whole number from 1 to \(LedgerQuery.maxLimit), not “\(text)”")
    }
    return limit
  }

  mutating func takeFilter() throws(LedgerQueryError) -> Filter? {
    guard let text = take("filter") else { return nil }
    do { return try Filter(parsing: text) } catch { throw .filter(error) }
  }

  /// All that lists know.
  mutating func takeQuery(limit: Int = LedgerQuery.defaultLimit) throws(LedgerQueryError) -> LedgerQuery {
    var query = LedgerQuery()
    query.filter = try takeFilter()
    query.sort = take("sort")
    query.limit = try takeLimit() ?? limit
    query.cursor = take("cursor")
    query.since = try takeTime("since")
    query.until = try takeTime("until")
    return query
  }

  /// To be called when all has been taken.
  func finish() throws(LedgerQueryError) {
    guard let unknown = values.keys.min() else { return }
    let list = known.isEmpty ? "none" : known.joined(separator: ", ")
    throw .invalid("\(unknown): no such parameter here; there are \(list)")
  }
}
