/// Whose labels `facets` counts. The raw value is its `owner_kind`.
enum LabelOwner: Int64 {
  case user = 0, session
}

extension LabelNames {
  /// The labels of an owner's traces.
  static func of(_ owner: LabelOwner, _ id: Int64, in database: Database) throws(LedgerError) -> LabelNames {
    var labels = LabelNames()
    let sql = """
      SELECT f.kind, n.name FROM facets f JOIN names n ON n.id = f.name WHERE f.owner_kind = ? AND f.owner = ?
      ORDER BY f.kind, f.traces DESC, n.name
      """
    try database.forEach(sql, [.int(owner.rawValue), .int(id)]) { row in
      switch LabelKind(rawValue: row.int(0)) {
      case .model: add(row, to: &labels.models)
      case .tag: add(row, to: &labels.tags)
      case .workflow: add(row, to: &labels.workflows)
      case nil: break
      }
    }
    return labels
  }

  private static func add(_ row: Statement, to names: inout [String]) {
    if names.count < mostLabels { names.append(row.text(1)) }
  }
}

/// Names by their ids, each looked up once a question.
struct NameCache {
  private var names: [Int64: String] = [:]

  /// Puts the names of its labels into a trace.
  mutating func fill(_ row: inout ListedTrace, _ labels: [Label], _ database: Database) throws(LedgerError) {
    for label in labels {
      guard let name = try name(label.name, database) else { continue }
      switch label.kind {
      case .model: row.models.append(name)
      case .tag: row.tags.append(name)
      case .workflow: break
      }
    }
  }

  private mutating func name(_ id: Int64, _ database: Database) throws(LedgerError) -> String? {
    if let known = names[id] { return known }
    guard case .text(let name) = try database.value("SELECT name FROM names WHERE id = ?", [.int(id)]) else {
      return nil
    }
    names[id] = name
    return name
  }
}
