import OTLP

/// For each field the value of the first key in its order that says something, while a span's attributes go by.
struct Findings {
  typealias Field = FactConventions.Field

  private struct Finding {
    /// `none` where nothing was found.
    var rank: UInt16
    var position: UInt32
    /// A count; the bits of a number of dollars; a kind.
    var number: Int64

    static let none = UInt16.max
  }

  private let found: UnsafeMutablePointer<Finding>

  init() {
    found = .allocate(capacity: Field.allCases.count)
    clear()
  }

  /// Ends it. To be called once.
  func deallocate() { found.deallocate() }

  func clear() {
    found.update(repeating: Finding(rank: Finding.none, position: 0, number: 0), count: Field.allCases.count)
  }

  /// Takes note of a value, unless one of lower rank is there. Of equal rank the first stays: a span can have a key twice.
  @inline(__always)
  func note(_ field: Field, rank: UInt16, position: Int, number: Int64 = 0) {
    let finding = found + Int(field.rawValue)
    if rank < finding.pointee.rank {
      finding.pointee = Finding(rank: rank, position: UInt32(position), number: number)
    }
  }

  /// Whether a value of that rank would be taken.
  @inline(__always)
  func wants(_ field: Field, rank: UInt16) -> Bool { rank < found[Int(field.rawValue)].rank }

  @inline(__always)
  func position(of field: Field) -> Int? {
    let finding = found[Int(field.rawValue)]
    return finding.rank == Finding.none ? nil : Int(finding.position)
  }

  /// A value that turned out to be none.
  func forget(_ field: Field) { found[Int(field.rawValue)].rank = Finding.none }

  @inline(__always)
  func number(_ field: Field) -> Int64? {
    let finding = found[Int(field.rawValue)]
    return finding.rank == Finding.none ? nil : finding.number
  }

  @inline(__always)
  func dollars(_ field: Field) -> Double? {
    number(field).map { Double(bitPattern: UInt64(bitPattern: $0)) }
  }
}
