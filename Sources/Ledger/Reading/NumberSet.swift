/// Numbers of rows: of those that are near one another, a bit for each.
struct NumberSet: Sendable {
  private var first: Int64 = 0
  private var bits: [UInt64] = []
  /// Where they are too far from one another for that.
  private var scattered: Set<Int64> = []
  private(set) var count = 0
  private static let mostBits: UInt64 = 1 << 26

  init() {}

  init(_ numbers: [Int64]) {
    guard let first = numbers.min(), let last = numbers.max() else { return }
    let range = UInt64(bitPattern: last &- first)
    if range >= Self.mostBits {
      scattered = Set(numbers)
      count = scattered.count
      return
    }
    self.first = first
    bits = Array(repeating: 0, count: Int(range / 64) + 1)
    for number in numbers {
      let place = UInt64(bitPattern: number &- first)
      let bit: UInt64 = 1 << (place & 63)
      if bits[Int(place >> 6)] & bit == 0 { count += 1 }
      bits[Int(place >> 6)] |= bit
    }
  }

  var isEmpty: Bool { count == 0 }

  /// In their order.
  var numbers: [Int64] {
    if !scattered.isEmpty { return scattered.sorted() }
    var numbers: [Int64] = []
    numbers.reserveCapacity(count)
    for (place, word) in bits.enumerated() {
      var rest = word
      while rest != 0 {
        numbers.append(first + Int64(place * 64 + rest.trailingZeroBitCount))
        rest &= rest - 1
      }
    }
    return numbers
  }

  /// Lends something that asks whether a number is in the set.
  @inline(__always)
  func withMembership<Result>(_ body: ((Int64) -> Bool) -> Result) -> Result {
    if !scattered.isEmpty { return body { scattered.contains($0) } }
    return bits.withUnsafeBufferPointer { bits in
      body { number in
        let place = UInt64(bitPattern: number &- first)
        return place >> 6 < UInt64(bits.count) && bits[Int(place >> 6)] >> (place & 63) & 1 == 1
      }
    }
  }

  func intersection(_ other: NumberSet) -> NumberSet {
    let (few, many) = count < other.count ? (self, other) : (other, self)
    return NumberSet(many.withMembership { isMember in few.numbers.filter { isMember($0) } })
  }
}

extension Database {
  /// What a statement selects in its first column.
  func numbers(_ sql: String, _ parameters: [SQLValue]) throws(LedgerError) -> NumberSet {
    var numbers: [Int64] = []
    try forEach(sql, parameters) { numbers.append($0.int(0)) }
    return NumberSet(numbers)
  }
}
