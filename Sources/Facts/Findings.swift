import OTLP

/// For each field the value of the first key in its order that says something, while a span's attributes go by.
struct Findings {
  typealias Field = FactConventions.Field

  /// Some of the fields.
  struct Fields {
    fileprivate let bits: UInt32

    init(_ fields: Field...) { bits = fields.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }
  }

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
  mutating func note(_ field: Field, rank: UInt16, position: Int, number: Int64 = 0) {
    guard wants(field, rank: rank) else { return }
    present |= Self.bit(field)
    found[Int(field.rawValue)] = Finding(rank: rank, position: UInt32(position), number: number)
  }

  /// Whether a value of that rank would be taken.
  @inline(__always)
  func wants(_ field: Field, rank: UInt16) -> Bool { !has(field) || rank < found[Int(field.rawValue)].rank }

  @inline(__always)
  func has(_ field: Field) -> Bool { present & Self.bit(field) != 0 }

  @inline(__always)
  func hasAny(of fields: Fields) -> Bool { present & fields.bits != 0 }

  @inline(__always)
  func position(of field: Field) -> Int? { has(field) ? Int(found[Int(field.rawValue)].position) : nil }

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
