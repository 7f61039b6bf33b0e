extension LedgerReader {
  private static let mostExamples = 5

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
      var keys: [MetadataKey] = []
      let sql = """
        SELECT k.key, sum(s.users), sum(s.traces) FROM metadata_keys k JOIN metadata_shapes s ON s.id = k.shape
        WHERE k.key > ? GROUP BY k.key ORDER BY k.key LIMIT ?
        """
      try database.forEach(sql, [.text(last), .int(Int64(query.limit + 1))]) { row in
        keys.append(MetadataKey(key: row.text(0), users: row.int(1), traces: row.int(2), examples: []))
      }
      let hasMore = keys.count > query.limit
      if hasMore { keys.removeLast() }
      for place in keys.indices { keys[place].examples = try Self.examples(of: keys[place].key, database) }
      let cursor = hasMore ? Cursor(value: .text(keys.last?.key ?? ""), row: 0).text(of: fingerprint.value) : nil
      return Page(rows: keys, nextCursor: cursor)
    }
  }

  /// The first few of a key's values. Each is looked for behind the one before: many objects may have it.
  private static func examples(of key: String, _ database: Database) throws(LedgerError) -> [String] {
    let first = "SELECT value FROM metadata_values WHERE key = ? ORDER BY value LIMIT 1"
    let next = "SELECT value FROM metadata_values WHERE key = ? AND value > ? ORDER BY value LIMIT 1"
    var examples: [String] = []
    while examples.count < mostExamples,
      case .text(let value) = try database.value(
        examples.isEmpty ? first : next, [.text(key)] + examples.suffix(1).map(SQLValue.text))
    {
      examples.append(value)
    }
    return examples
  }
}
