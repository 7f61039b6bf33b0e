import CSQLite

/// A prepared statement: bind its parameters, step through its rows, reset it.
///
/// Places of parameters count from 1, columns from 0, as SQLite has it. Belongs to its database's thread.
final class Statement {
  private let handle: OpaquePointer
  private unowned let database: Database

  init(_ handle: OpaquePointer, _ database: Database) {
    self.handle = handle
    self.database = database
  }

  deinit {
    sqlite3_finalize(handle)
  }

  /// Steps to the next row; false behind the last one.
  @inline(__always)
  func step() throws(LedgerError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      let error = database.error(code)
      sqlite3_reset(handle)
      throw error
    }
  }

  /// Runs a statement that has no rows, or whose rows are of no interest, and makes it ready for its next run.
  @inline(__always)
  func run() throws(LedgerError) {
    while try step() {}
    sqlite3_reset(handle)
  }

  /// Runs it with a blob that is not copied, however large it is.
  func run(lending bytes: UnsafeRawBufferPointer, at place: Int) throws(LedgerError) {
    _ = csqlite_lend_blob(handle, Int32(place), bytes.baseAddress, bytes.count)
    defer { sqlite3_bind_null(handle, Int32(place)) }
    try run()
  }

  /// Runs it with blobs that are not copied, at places that lie so far apart, the first at `place`.
  func run(lending blobs: [UnsafeRawBufferPointer], at place: Int, apart: Int) throws(LedgerError) {
    for (number, bytes) in blobs.enumerated() {
      _ = csqlite_lend_blob(handle, Int32(place + number * apart), bytes.baseAddress, bytes.count)
    }
    defer { for number in blobs.indices { sqlite3_bind_null(handle, Int32(place + number * apart)) } }
    try run()
  }

  /// The text of so many parameters in each of so many rows: `(?1, ?2), (?3, ?4)`.
  static func places(_ columns: Int, rows: Int = 1) -> String {
    (0..<rows).map { row in
      "(" + (1...columns).map { "?\(row * columns + $0)" }.joined(separator: ", ") + ")"
    }.joined(separator: ", ")
  }

  /// Lets the rows go: a read that is not reset holds its transaction open. Bound values stay.
  @inline(__always)
  func reset() {
    sqlite3_reset(handle)
  }

  func clearBindings() {
    sqlite3_clear_bindings(handle)
  }

  // MARK: Parameters

  var parameterCount: Int { Int(sqlite3_bind_parameter_count(handle)) }

  @inline(__always)
  func bind(_ place: Int, _ value: Int64) {
    sqlite3_bind_int64(handle, Int32(place), value)
  }

  @inline(__always)
  func bind(_ place: Int, _ value: Int64?) {
    if let value {
      sqlite3_bind_int64(handle, Int32(place), value)
    } else {
      sqlite3_bind_null(handle, Int32(place))
    }
  }

  func bind(_ place: Int, _ value: Double) {
    sqlite3_bind_double(handle, Int32(place), value)
  }

  func bind(_ place: Int, _ value: String) {
    var value = value
    value.withUTF8 { _ = csqlite_bind_text(handle, Int32(place), $0.baseAddress, $0.count) }
  }

  func bind(_ place: Int, _ value: [UInt8]) {
    value.withUnsafeBytes { bind(place, $0) }
  }

  /// A blob.
  func bind(_ place: Int, _ bytes: UnsafeRawBufferPointer) {
    _ = csqlite_bind_blob(handle, Int32(place), bytes.baseAddress, bytes.count)
  }

  /// UTF-8.
  func bindText(_ place: Int, _ bytes: UnsafeRawBufferPointer) {
    _ = csqlite_bind_text(handle, Int32(place), bytes.baseAddress, bytes.count)
  }

  func bind(_ place: Int, _ value: SQLValue) {
    switch value {
    case .null: sqlite3_bind_null(handle, Int32(place))
    case .int(let value): bind(place, value)
    case .real(let value): bind(place, value)
    case .text(let value): bind(place, value)
    case .blob(let value): bind(place, value)
    }
  }

  /// Binds all parameters, in order.
  func bind(_ values: [SQLValue]) {
    for (index, value) in values.enumerated() { bind(index + 1, value) }
  }

  // MARK: Columns of the row that it stands on

  var columnCount: Int { Int(sqlite3_column_count(handle)) }

  func columnName(_ column: Int) -> String {
    sqlite3_column_name(handle, Int32(column)).map { String(cString: $0) } ?? ""
  }

  func isNull(_ column: Int) -> Bool {
    sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL
  }

  /// 0 for NULL.
  @inline(__always)
  func int(_ column: Int) -> Int64 {
    sqlite3_column_int64(handle, Int32(column))
  }

  @inline(__always)
  func optionalInt(_ column: Int) -> Int64? {
    isNull(column) ? nil : sqlite3_column_int64(handle, Int32(column))
  }

  func double(_ column: Int) -> Double {
    sqlite3_column_double(handle, Int32(column))
  }

  /// Empty for NULL.
  func text(_ column: Int) -> String {
    withBytes(column) { String(decoding: $0, as: UTF8.self) }
  }

  func optionalText(_ column: Int) -> String? {
    isNull(column) ? nil : text(column)
  }

  /// The bytes of a blob or of text; empty for NULL.
  func bytes(_ column: Int) -> [UInt8] {
    withBytes(column) { Array($0) }
  }

  /// Lends the bytes of a blob or of text.
  func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    // The pointer first: asking for it may convert the value, which changes its size.
    let start = sqlite3_column_blob(handle, Int32(column))
    let count = Int(sqlite3_column_bytes(handle, Int32(column)))
    return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
  }

  func value(_ column: Int) -> SQLValue {
    switch sqlite3_column_type(handle, Int32(column)) {
    case SQLITE_INTEGER: .int(int(column))
    case SQLITE_FLOAT: .real(double(column))
    case SQLITE_TEXT: .text(text(column))
    case SQLITE_BLOB: .blob(bytes(column))
    default: .null
    }
  }
}
