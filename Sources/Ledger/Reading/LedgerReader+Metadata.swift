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
      var tally = try MetadataTally(database)
      var keys: [MetadataKey] = []
      while keys.count <= query.limit,
        let key = try Self.firstKey(behind: keys.last?.key ?? last, database)
      {
        keys.append(try tally.describe(key, database))
      }
      let hasMore = keys.count > query.limit
      if hasMore { keys.removeLast() }
      let cursor = hasMore ? Cursor(value: .text(keys.last?.key ?? ""), row: 0).text(of: fingerprint.value) : nil
      return Page(rows: keys, nextCursor: cursor)
    }
  }

  private static func firstKey(behind key: String, _ database: Database) throws(LedgerError) -> String? {
    let sql = "SELECT key FROM metadata_values WHERE key > ? ORDER BY key LIMIT 1"
    guard case .text(let key) = try database.value(sql, [.text(key)]) else { return nil }
    return key
  }
}

/// Who has which metadata.
private struct MetadataTally {
  private struct Owners {
    var users: Int64 = 0
    var traces: Int64 = 0
    /// The last key that it was counted for: an object may have several values under a key.
    var key = 0
  }

  private static let mostExamples = 5

  /// By the id of the metadata.
  private var owners: [Int64: Owners] = [:]
  private var keys = 0

  init(_ database: Database) throws(LedgerError) {
    try database.forEach("SELECT id, traces FROM metadata") { row in
      owners[row.int(0)] = Owners(traces: row.int(1))
    }
    try database.forEach("SELECT metadata FROM users WHERE metadata IS NOT NULL AND id > 0") { row in
      owners[row.int(0)]?.users += 1
    }
  }

  mutating func describe(_ key: String, _ database: Database) throws(LedgerError) -> MetadataKey {
    var found = MetadataKey(key: key, users: 0, traces: 0, examples: [])
    keys += 1
    let sql = "SELECT metadata, value FROM metadata_values WHERE key = ? ORDER BY value, metadata"
    try database.forEach(sql, [.text(key)]) { row in
      if found.examples.count < Self.mostExamples {
        let value = row.text(1)
        if found.examples.last != value { found.examples.append(value) }
      }
      guard let place = owners.index(forKey: row.int(0)), owners.values[place].key != keys else { return }
      owners.values[place].key = keys
      found.users += owners.values[place].users
      found.traces += owners.values[place].traces
    }
    return found
  }
}
