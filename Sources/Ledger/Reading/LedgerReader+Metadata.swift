extension LedgerReader {
  private static let mostExamples: Int64 = 5

  /// The keys of end-user metadata by name, with how many have them.
  package func metadataKeys(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<MetadataKey> {
    guard 1...LedgerQuery.maxLimit ~= query.limit else {
      throw .invalid("limit: a whole number from 1 to \(LedgerQuery.maxLimit), not \(query.limit)")
    }
    var fingerprint = Fingerprint()
    fingerprint.add("metadata keys")
    var last = ""
    if let text = query.cursor {
      guard let cursor = Cursor(text, of: fingerprint.value), case .text(let key) = cursor.value else {
        throw .invalid("cursor: it is none of this list's")
      }
      last = key
    }
    return try pool.read { [last] database throws(LedgerError) in
      let users = try Self.usersByMetadata(database)
      var keys: [MetadataKey] = []
      while keys.count <= query.limit,
        let key = try Self.firstKey(behind: keys.last?.key ?? last, database)
      {
        keys.append(try Self.describe(key, users, database))
      }
      let hasMore = keys.count > query.limit
      if hasMore { keys.removeLast() }
      let cursor = hasMore ? Cursor(value: .text(keys.last?.key ?? ""), row: 0).text(of: fingerprint.value) : nil
      return Page(rows: keys, nextCursor: cursor)
    }
  }

  /// How many users have which metadata.
  private static func usersByMetadata(_ database: Database) throws(LedgerError) -> [Int64: Int64] {
    var users: [Int64: Int64] = [:]
    try database.forEach("SELECT metadata FROM users WHERE metadata IS NOT NULL AND id > 0") { row in
      users[row.int(0), default: 0] += 1
    }
    return users
  }

  private static func firstKey(behind key: String, _ database: Database) throws(LedgerError) -> String? {
    let sql = "SELECT key FROM metadata_values WHERE key > ? ORDER BY key LIMIT 1"
    guard case .text(let key) = try database.value(sql, [.text(key)]) else { return nil }
    return key
  }

  private static func describe(
    _ key: String, _ users: [Int64: Int64], _ database: Database
  ) throws(LedgerError) -> MetadataKey {
    var found = MetadataKey(key: key, users: 0, traces: 0, examples: [])
    // An object may have several values under a key.
    let sql = """
      SELECT v.metadata, m.traces FROM (SELECT DISTINCT metadata FROM metadata_values WHERE key = ?) v
      JOIN metadata m ON m.id = v.metadata
      """
    try database.forEach(sql, [.text(key)]) { row in
      found.users += users[row.int(0)] ?? 0
      found.traces += row.int(1)
    }
    let examples = "SELECT DISTINCT value FROM metadata_values WHERE key = ? ORDER BY value LIMIT ?"
    try database.forEach(examples, [.text(key), .int(mostExamples)]) { row in found.examples.append(row.text(0)) }
    return found
  }
}
