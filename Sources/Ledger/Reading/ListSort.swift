/// A key that a list can be sorted by.
struct SortKey: Sendable {
  enum Kind {
    /// The largest, or latest, comes first.
    case number
    /// Likewise, of numbers with a fraction.
    case real
    /// The smallest comes first.
    case text, blob
  }

  let name: String
  let expression: String
  let kind: Kind
  /// NULLs come last, whichever way the rest goes.
  let isNullable: Bool

  static func number(_ name: String, _ expression: String, nullable: Bool = false) -> SortKey {
    SortKey(name: name, expression: expression, kind: .number, isNullable: nullable)
  }

  static func text(_ name: String, _ expression: String, nullable: Bool = false) -> SortKey {
    SortKey(name: name, expression: expression, kind: .text, isNullable: nullable)
  }

  /// Whether a value from a cursor can be one of this key's.
  func admits(_ value: SQLValue) -> Bool {
    switch value {
    case .null: isNullable
    case .int: kind == .number
    case .text: kind == .text
    case .blob: kind == .blob
    case .real: kind == .real
    }
  }
}

/// The order of a list: a key, then the row id, so that no two rows are equal.
struct ListSort {
  let key: SortKey
  let isDescending: Bool

  /// Reads `key`, `key:asc` or `key:desc`; nil is the first of the keys that there are.
  init(_ text: String?, of keys: [SortKey]) throws(LedgerQueryError) {
    let parts = text?.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) ?? []
    guard let key = parts.isEmpty ? keys[0] : keys.first(where: { $0.name == parts[0] }) else {
      throw .invalid("sort: no key “\(parts[0])” here; there are \(keys.map(\.name).joined(separator: ", "))")
    }
    self.key = key
    switch parts.count > 1 ? parts[1] : nil {
    case nil: isDescending = key.kind == .number || key.kind == .real
    case "asc": isDescending = false
    case "desc": isDescending = true
    case let direction?: throw .invalid("sort: behind the colon comes asc or desc, not “\(direction)”")
    }
  }

  func orderBy(id: String) -> String {
    let direction = isDescending ? "DESC" : "ASC"
    // Going down, NULLs come last anyway; saying so would keep SQLite from using an index.
    let nulls = key.isNullable && !isDescending ? " NULLS LAST" : ""
    return "\(key.expression) \(direction)\(nulls), \(id) \(direction)"
  }

  /// The condition on what comes behind a row.
  func behind(_ cursor: Cursor, id: String) -> (sql: String, parameters: [SQLValue]) {
    let relation = isDescending ? "<" : ">"
    let row = SQLValue.int(cursor.row)
    if !key.isNullable { return ("(\(key.expression), \(id)) \(relation) (?, ?)", [cursor.value, row]) }
    if cursor.value == .null { return ("(\(key.expression) IS NULL AND \(id) \(relation) ?)", [row]) }
    let sql = """
      (\(key.expression) \(relation) ? OR (\(key.expression) = ? AND \(id) \(relation) ?) OR \(key.expression) IS NULL)
      """
    return (sql, [cursor.value, cursor.value, row])
  }
}
