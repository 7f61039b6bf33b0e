/// Whose labels are counted.
enum LabelOwner {
  case user, session

  fileprivate var table: String { self == .user ? "users" : "sessions" }
}

extension LabelNames {
  /// The labels of an owner's traces, of each kind those first that most traces have.
  static func of(_ owner: LabelOwner, _ id: Int64, in database: Database) throws(LedgerError) -> LabelNames {
    var counts: [LabelCounts.Entry] = []
    try database.forEach("SELECT labels FROM \(owner.table) WHERE id = ?", [.int(id)]) { row in
      counts = row.withBytes(0) { LabelCounts($0) }.entries
    }
    var labels = LabelNames()
    labels.models = try names(.model, counts, database)
    labels.tags = try names(.tag, counts, database)
    labels.workflows = try names(.workflow, counts, database)
    return labels
  }

  private static func names(
    _ kind: LabelKind, _ counts: [LabelCounts.Entry], _ database: Database
  ) throws(LedgerError) -> [String] {
    var named: [(name: String, count: Int64)] = []
    for entry in counts.filter({ $0.label.kind == kind }).sorted(by: { $0.count > $1.count }).prefix(mostLabels) {
      guard case .text(let name) = try database.value("SELECT name FROM names WHERE id = ?", [.int(entry.label.name)])
      else { continue }
      named.append((name, entry.count))
    }
    return named.sorted { $0.count != $1.count ? $0.count > $1.count : $0.name < $1.name }.map(\.name)
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
