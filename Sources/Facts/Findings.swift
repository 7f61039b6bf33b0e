import OTLP

/// For each field the value of the first key in its order that says something, while a span's attributes go by.
struct Findings {
  typealias Field = FactConventions.Field

  private struct Finding {
    var rank: UInt16
    var position: UInt32
    /// A count; the bits of a number of dollars; a kind.
    var number: Int64
  }

  /// Which fields were found: the others hold what another span said.
  private var present: UInt32 = 0
  private let found: UnsafeMutablePointer<Finding>

  init() {
    found = .allocate(capacity: Field.allCases.count)
    found.initialize(repeating: Finding(rank: 0, position: 0, number: 0), count: Field.allCases.count)
  }

  /// Ends it. To be called once.
  func deallocate() { found.deallocate() }

  mutating func clear() { present = 0 }

  /// Takes note of a value, unless one of lower rank is there. Of equal rank the first stays: a span can have a key twice.
  @inline(__always)
  mutating func note(_ field: Field, rank: UInt16, position: Int) {
    if wants(field, rank: rank) { take(field, rank: rank, position: position, number: 0) }
  }

  /// Takes note of a value that is wanted.
  @inline(__always)
  mutating func take(_ field: Field, rank: UInt16, position: Int, number: Int64) {
    present |= Self.bit(field)
    found[Int(field.rawValue)] = Finding(rank: rank, position: UInt32(truncatingIfNeeded: position), number: number)
  }

  /// Whether a value of that rank would be taken.
  @inline(__always)
  func wants(_ field: Field, rank: UInt16) -> Bool { !has(field) || rank < found[Int(field.rawValue)].rank }

  @inline(__always)
  func has(_ field: Field) -> Bool { present & Self.bit(field) != 0 }

  /// Whether any of some fields was found that stand behind one another.
  @inline(__always)
  func hasAny(from first: Field, through last: Field) -> Bool {
    present & (Self.bit(last) << 1 &- Self.bit(first)) != 0
  }

  @inline(__always)
  func position(of field: Field) -> Int? { has(field) ? Int(found[Int(field.rawValue)].position) : nil }

  /// The place of the key that was found in the field's order.
  func rank(of field: Field) -> UInt16? { has(field) ? found[Int(field.rawValue)].rank : nil }

  /// A value that turned out to be none.
  mutating func forget(_ field: Field) { present &= ~Self.bit(field) }

  @inline(__always)
  func number(_ field: Field) -> Int64? { has(field) ? found[Int(field.rawValue)].number : nil }

  @inline(__always)
  func dollars(_ field: Field) -> Double? {
    number(field).map { Double(bitPattern: UInt64(bitPattern: $0)) }
  }

  @inline(__always)
  private static func bit(_ field: Field) -> UInt32 { 1 << UInt32(field.rawValue) }
}
