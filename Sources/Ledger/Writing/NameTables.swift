import Facts
import Filters
import JSON

/// Names, metadata and sets of labels: interned while traces are written, and removed when the last trace that refers to them
/// goes.
final class NameTables {
  private let database: Database
  private let names: InternTable
  private let metadata: InternTable
  let shapes: MetadataShapes
  private let labelSets: InternTable
  /// The labels of sets of late.
  private var labels: [Int64: [Label]] = [:]
  /// Sets of late by what traces say, nil where that is nothing after all: none that was removed.
  private var setsByText = ByteTable<Int64?>()
  private static let keptAtMost = 50_000
  /// What traces say in more bytes isn't kept.
  private static let longestText = 4096

  /// How many traces more or less refer to a row, in this transaction.
  private var metadataChanges: [Int64: Int64] = [:]
  private var labelSetChanges: [Int64: Int64] = [:]

  /// Of the rows that changed, those that perhaps nothing refers to although the changes add up to none.
  private var doubtful: (metadata: Set<Int64>, labelSets: Set<Int64>) = ([], [])

  private let insertValue: Statement
  private let deleteValue: Statement
  private let insertLabel: Statement
  private let deleteLabel: Statement
  private let metadataCount: ReferenceCount
  private let labelSetCount: ReferenceCount
  private let json = JSONDocument()

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    names = try InternTable(database, table: "names", column: "name", isText: true)
    metadata = try InternTable(database, table: "metadata", column: "object", isText: true)
    shapes = try MetadataShapes(database)
    labelSets = try InternTable(database, table: "label_sets", column: "labels", isText: false)
    insertValue = try database.prepare(
      "INSERT OR IGNORE INTO metadata_values (key, value, metadata) VALUES (?1, ?2, ?3)")
    deleteValue = try database.prepare(
      "DELETE FROM metadata_values WHERE key = ?1 AND value = ?2 AND metadata = ?3")
    insertLabel = try database.prepare("INSERT OR IGNORE INTO labels (kind, name, label_set) VALUES (?1, ?2, ?3)")
    deleteLabel = try database.prepare("DELETE FROM labels WHERE kind = ?1 AND name = ?2 AND label_set = ?3")
    metadataCount = try ReferenceCount(database, table: "metadata")
    labelSetCount = try ReferenceCount(database, table: "label_sets")
  }

  // MARK: Interning

  /// The number of a name.
  func name(_ text: UnsafeRawBufferPointer) throws(LedgerError) -> Int64 {
    if let known = names.known(text) { return known }
    // What is no UTF-8 is mended.
    return try names.id(of: String(decoding: text, as: UTF8.self))
  }

  /// The number of a JSON object.
  func metadata(_ object: UnsafeRawBufferPointer) throws(LedgerError) -> Int64 {
    try metadata.id(of: object) { (id) throws(LedgerError) in
      try shapes.insert(object: id, keys: try forEachValue(of: Array(object), id, insertValue))
    }
  }

  /// Has an object of a ledger that knew no shapes get its own.
  func findShape(of object: Int64) throws(LedgerError) {
    var keys: Set<[UInt8]> = []
    try forEachValue(of: try blob("SELECT object FROM metadata WHERE id = ?1", object)) { key, _ in
      keys.insert(Array(key))
    }
    try shapes.insert(object: object, keys: keys)
  }

  /// The number of a set of models and tags; nil for none.
  func labelSet(_ texts: LabelTexts) throws(LedgerError) -> Int64? {
    if texts.isEmpty { return nil }
    if let known = setsByText[texts.bytes] { return known }
    let set = try newLabelSet(texts)
    if texts.bytes.count <= Self.longestText {
      if setsByText.count >= Self.keptAtMost { setsByText.removeAll() }
      setsByText.set(set, for: texts.bytes)
    }
    return set
  }

  private func newLabelSet(_ texts: LabelTexts) throws(LedgerError) -> Int64? {
    var labels: [Label] = []
    for model in texts.strings(.model) { labels.append(Label(kind: .model, name: try names.id(of: model))) }
    for tag in texts.strings(.tag) { labels.append(Label(kind: .tag, name: try names.id(of: tag))) }
    if labels.isEmpty { return nil }
    let id = try labelSets.id(of: LabelSet.bytes(of: labels)) { (id) throws(LedgerError) in
      try forEach(labels, of: id, insertLabel)
    }
    keep(labels, of: id)
    return id
  }

  /// The models and tags of a set.
  func labels(of id: Int64) throws(LedgerError) -> [Label] {
    if let known = labels[id] { return known }
    let found = LabelSet.labels(in: try blob("SELECT labels FROM label_sets WHERE id = ?1", id))
    keep(found, of: id)
    return found
  }

  private func keep(_ found: [Label], of id: Int64) {
    if labels.count >= Self.keptAtMost { labels.removeAll() }
    labels[id] = found
  }

  // MARK: Counting references

  /// Takes a trace's references off (`sign` -1) or puts them on (1).
  func count(_ row: TraceRow, _ sign: Int64) {
    if let id = row.metadata { metadataChanges[id, default: 0] += sign }
    if let id = row.labels { labelSetChanges[id, default: 0] += sign }
  }

  /// Has looked up whether anybody else refers to what a trace refers to.
  func doubt(_ row: TraceRow) {
    if let id = row.metadata { doubtful.metadata.insert(id) }
    if let id = row.labels { doubtful.labelSets.insert(id) }
  }

  /// Writes the counts, and removes what nobody refers to any more.
  func flush() throws(LedgerError) {
    for (id, change) in metadataChanges where change != 0 || doubtful.metadata.contains(id) {
      try shapes.count(traces: change, with: id)
      guard try metadataCount.change(of: id, by: change) else { continue }
      let object = try blob("SELECT object FROM metadata WHERE id = ?1", id)
      try forEachValue(of: object, id, deleteValue)
      try shapes.remove(object: id)
      try metadata.remove(id, value: object)
    }
    for (id, change) in labelSetChanges where change != 0 || doubtful.labelSets.contains(id) {
      guard try labelSetCount.change(of: id, by: change) else { continue }
      let labels = try labels(of: id)
      try forEach(labels, of: id, deleteLabel)
      try labelSets.remove(id, value: LabelSet.bytes(of: labels))
      self.labels[id] = nil
      setsByText.removeAll()
    }
    try shapes.flush()
    metadataChanges.removeAll(keepingCapacity: true)
    labelSetChanges.removeAll(keepingCapacity: true)
    doubtful = ([], [])
  }

  /// Removes a name unless a trace has it or a call without a price does.
  func removeUnlessUsed(name id: Int64) throws(LedgerError) {
    let isUsed = try database.int(
      """
      SELECT EXISTS (SELECT 1 FROM label_counts WHERE kind IN (0, 1, 2) AND name = ?1)
        OR EXISTS (SELECT 1 FROM unpriced WHERE model = ?1)
      """, [.int(id)])
    guard isUsed == 0, case .text(let name) = try database.value("SELECT name FROM names WHERE id = ?1", [.int(id)])
    else { return }
    try names.remove(id, value: Array(name.utf8))
  }

  /// Forgets what is known: the rows say something else.
  func reset() {
    names.reset()
    metadata.reset()
    shapes.reset()
    labelSets.reset()
    labels = [:]
    setsByText.removeAll()
    metadataChanges = [:]
    labelSetChanges = [:]
    doubtful = ([], [])
  }

  private func blob(_ query: String, _ id: Int64) throws(LedgerError) -> [UInt8] {
    let statement = try database.statement(query)
    statement.bind(1, id)
    defer { statement.reset() }
    return try statement.step() ? statement.bytes(0) : []
  }

  /// Runs a statement for each value of an object, and returns the keys.
  @discardableResult
  private func forEachValue(
    of object: [UInt8], _ id: Int64, _ statement: Statement
  ) throws(LedgerError) -> Set<[UInt8]> {
    var keys: Set<[UInt8]> = []
    try forEachValue(of: object) { (path, value) throws(LedgerError) in
      keys.insert(Array(path))
      statement.bindText(1, path)
      statement.bindText(2, value)
      statement.bind(3, id)
      try statement.run()
    }
    return keys
  }

  private func forEachValue(
    of object: [UInt8], _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(LedgerError) -> Void
  ) throws(LedgerError) {
    var failure: LedgerError?
    object.withUnsafeBytes { text in
      // What cannot be read has no values.
      guard let root = try? json.parse(text) else { return }
      MetadataValues.forEach(in: root) { path, value in
        do throws(LedgerError) { try body(path, value) } catch { failure = error }
        return failure == nil
      }
    }
    if let failure { throw failure }
  }

  private func forEach(_ labels: [Label], of set: Int64, _ statement: Statement) throws(LedgerError) {
    for label in labels {
      statement.bind(1, label.kind.rawValue)
      statement.bind(2, label.name)
      statement.bind(3, set)
      try statement.run()
    }
  }
}

/// How many traces refer to the rows of a table.
private struct ReferenceCount {
  private let add: Statement
  private let select: Statement

  init(_ database: Database, table: String) throws(LedgerError) {
    add = try database.prepare("UPDATE \(table) SET traces = traces + ?2 WHERE id = ?1")
    select = try database.prepare("SELECT 1 FROM \(table) WHERE id = ?1 AND traces = 0")
  }

  /// True when nothing refers to the row any more.
  func change(of id: Int64, by change: Int64) throws(LedgerError) -> Bool {
    add.bind(1, id)
    add.bind(2, change)
    try add.run()
    if change > 0 { return false }
    select.bind(1, id)
    defer { select.reset() }
    return try select.step()
  }
}
