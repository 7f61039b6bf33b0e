/// Which keys metadata has, and how many traces and users have it: kept by shape, which is all that objects with the same
/// keys have in common. Objects are many and shapes few, so counting costs a statement a shape and transaction.
final class MetadataShapes {
  private struct Counts {
    var objects: Int64 = 0
    var traces: Int64 = 0
    var users: Int64 = 0
    /// Whether an object went: one that came in this transaction leaves no trace in the counts.
    var hasLost = false
  }

  private let database: Database
  private let shapes: InternTable
  /// Of objects of late.
  private var shapeOfObject: [Int64: Int64] = [:]
  private var changes: [Int64: Counts] = [:]
  private static let keptAtMost = 50_000

  private let select: Statement
  private let assign: Statement
  private let add: Statement
  private let selectEmpty: Statement
  private let insertKey: Statement
  private let deleteKeys: Statement

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    shapes = try InternTable(database, table: "metadata_shapes", column: "keys", isText: false)
    select = try database.prepare("SELECT shape FROM metadata WHERE id = ?1")
    assign = try database.prepare("UPDATE metadata SET shape = ?2 WHERE id = ?1")
    add = try database.prepare(
      "UPDATE metadata_shapes SET objects = objects + ?2, traces = traces + ?3, users = users + ?4 WHERE id = ?1")
    selectEmpty = try database.prepare("SELECT keys FROM metadata_shapes WHERE id = ?1 AND objects = 0")
    insertKey = try database.prepare("INSERT INTO metadata_keys (key, shape) VALUES (?1, ?2)")
    deleteKeys = try database.prepare("DELETE FROM metadata_keys WHERE key = ?1 AND shape = ?2")
  }

  /// A new object came, which has a row.
  func insert(object: Int64, keys: Set<[UInt8]>) throws(LedgerError) {
    let keys = keys.sorted { $0.lexicographicallyPrecedes($1) }
    let shape = try shapes.id(of: Self.bytes(of: keys)) { (id) throws(LedgerError) in
      for key in keys {
        key.withUnsafeBytes { insertKey.bindText(1, $0) }
        insertKey.bind(2, id)
        try insertKey.run()
      }
    }
    assign.bind(1, object)
    assign.bind(2, shape)
    try assign.run()
    keep(shape, of: object)
    changes[shape, default: Counts()].objects += 1
  }

  /// An object goes, whose row is still there.
  func remove(object: Int64) throws(LedgerError) {
    let shape = try shape(of: object)
    changes[shape, default: Counts()].objects -= 1
    changes[shape]?.hasLost = true
    shapeOfObject[object] = nil
  }

  /// So many traces more have an object.
  func count(traces: Int64, with object: Int64) throws(LedgerError) {
    changes[try shape(of: object), default: Counts()].traces += traces
  }

  /// So many users more have an object as their latest.
  func count(users: Int64, with object: Int64) throws(LedgerError) {
    changes[try shape(of: object), default: Counts()].users += users
  }

  private func shape(of object: Int64) throws(LedgerError) -> Int64 {
    if let known = shapeOfObject[object] { return known }
    select.bind(1, object)
    defer { select.reset() }
    guard try select.step() else {
      throw .database(message: "metadata has no row \(object), to which others refer", code: 0, path: database.path)
    }
    let shape = select.int(0)
    keep(shape, of: object)
    return shape
  }

  private func keep(_ shape: Int64, of object: Int64) {
    if shapeOfObject.count >= Self.keptAtMost { shapeOfObject.removeAll() }
    shapeOfObject[object] = shape
  }

  /// Writes the counts, and removes shapes that no object has any more.
  func flush() throws(LedgerError) {
    for (shape, change) in changes {
      add.bind(1, shape)
      add.bind(2, change.objects)
      add.bind(3, change.traces)
      add.bind(4, change.users)
      try add.run()
      if change.hasLost { try removeIfEmpty(shape) }
    }
    changes.removeAll(keepingCapacity: true)
  }

  private func removeIfEmpty(_ shape: Int64) throws(LedgerError) {
    selectEmpty.bind(1, shape)
    let isEmpty = try selectEmpty.step()
    let keys = isEmpty ? selectEmpty.bytes(0) : []
    selectEmpty.reset()
    guard isEmpty else { return }
    for key in Self.keys(in: keys) {
      key.withUnsafeBytes { deleteKeys.bindText(1, $0) }
      deleteKeys.bind(2, shape)
      try deleteKeys.run()
    }
    try shapes.remove(shape, value: keys)
  }

  /// Forgets what is known: the rows say something else.
  func reset() {
    shapes.reset()
    shapeOfObject = [:]
    changes = [:]
  }

  // MARK: As bytes

  /// Each key behind its length, a varint.
  private static func bytes(of keys: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    for key in keys {
      bytes.append(varint: UInt64(key.count))
      bytes += key
    }
    return bytes
  }

  private static func keys(in bytes: [UInt8]) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      var length = 0
      var shift = 0
      while let byte = rest.popFirst() {
        length |= Int(byte & 0x7f) << shift
        shift += 7
        if byte < 0x80 { break }
      }
      keys.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return keys
  }
}
