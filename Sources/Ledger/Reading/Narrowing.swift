import Filters

/// What every row that a filter matches fulfils, and blocks of rows can tell (see `RowBlock`). Other rows may fulfil it, too:
/// the filter itself has the last word.
indirect enum Narrowing: Sendable {
  /// A column has one of the numbers that a statement selects.
  case selection(column: Int, sql: String, parameters: [SQLValue])
  case all([Narrowing])
  case any([Narrowing])

  /// nil where blocks say nothing, or an index finds the rows right away.
  init?(_ condition: Filter.Condition, view: LedgerView) {
    switch condition {
    case .comparison(let field, let comparison):
      guard let (column, sql, parameters) = FilterSQL.selection(field, comparison, view: view) else { return nil }
      self = .selection(column: column, sql: sql, parameters: parameters)
    case .and(let conditions):
      let parts = conditions.compactMap { Narrowing($0, view: view) }
      guard !parts.isEmpty, !conditions.contains(where: Self.isFoundAnyway) else { return nil }
      self = .all(parts)
    case .or(let conditions):
      let parts = conditions.compactMap { Narrowing($0, view: view) }
      guard parts.count == conditions.count else { return nil }
      self = .any(parts)
    case .not: return nil
    }
  }

  /// Whether a condition names the end user, session or trace.
  private static func isFoundAnyway(_ condition: Filter.Condition) -> Bool {
    guard case .comparison(let field, let comparison) = condition, [.endUser, .session, .trace].contains(field) else {
      return false
    }
    switch comparison {
    case .text(.is, _), .anyOf: return true
    default: return false
    }
  }
}

/// Numbers, or a few more than these: those that differ by a multiple of some millions are taken for the same.
struct NumberSet: Sendable {
  private var words: [UInt64]
  private let mask: UInt64
  private static let mostBits: UInt64 = 1 << 22

  init(_ numbers: [Int64]) {
    let most = UInt64(clamping: numbers.max() ?? 0)
    var bits: UInt64 = 64
    while bits <= most, bits < Self.mostBits { bits *= 2 }
    mask = bits - 1
    words = Array(repeating: 0, count: numbers.isEmpty ? 0 : Int(bits / 64))
    for number in numbers {
      let bit = UInt64(bitPattern: number) & mask
      words[Int(bit >> 6)] |= 1 << (bit & 63)
    }
  }

  var isEmpty: Bool { words.isEmpty }

  /// Lends something that asks whether a number is in the set, which must not be empty.
  @inline(__always)
  func withMembership(_ body: ((UInt64) -> Bool) -> Void) {
    words.withUnsafeBufferPointer { words in
      body { number in
        let bit = number & mask
        return words[Int(bit >> 6)] >> (bit & 63) & 1 == 1
      }
    }
  }
}

/// A narrowing whose numbers were looked up.
indirect enum RowSieve: Sendable {
  case none
  case members(column: Int, NumberSet)
  case all([RowSieve])
  case any([RowSieve])

  init(_ narrowing: Narrowing, _ database: Database) throws(LedgerError) {
    switch narrowing {
    case .selection(let column, let sql, let parameters):
      var numbers: [Int64] = []
      try database.forEach(sql, parameters) { numbers.append($0.int(0)) }
      self = numbers.isEmpty ? .none : .members(column: column, NumberSet(numbers))
    case .all(let parts):
      var sieves: [RowSieve] = []
      for part in parts {
        let sieve = try RowSieve(part, database)
        if sieve.isEmpty {
          self = .none
          return
        }
        sieves.append(sieve)
      }
      self = .all(sieves)
    case .any(let parts):
      var sieves: [RowSieve] = []
      for part in parts {
        let sieve = try RowSieve(part, database)
        if !sieve.isEmpty { sieves.append(sieve) }
      }
      self = sieves.isEmpty ? .none : .any(sieves)
    }
  }

  /// Whether no row can pass.
  var isEmpty: Bool { if case .none = self { true } else { false } }

  /// The rows of a block that pass.
  func rows(of block: UnsafeRawBufferPointer) -> RowMask {
    var mask = RowMask()
    switch self {
    case .none: break
    case .members(let column, let numbers):
      numbers.withMembership { isMember in
        RowBlock.forEach(column: column, of: block) { slot, number in if isMember(number) { mask.insert(slot) } }
      }
    case .all(let sieves):
      mask = sieves[0].rows(of: block)
      for sieve in sieves.dropFirst() where !mask.isEmpty { mask.formIntersection(sieve.rows(of: block)) }
    case .any(let sieves): for sieve in sieves { mask.formUnion(sieve.rows(of: block)) }
    }
    return mask
  }
}

/// Some rows of a block.
struct RowMask {
  private var words = Array<UInt64>(repeating: 0, count: RowBlock.size / 64)

  var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  mutating func insert(_ slot: Int) { words[slot >> 6] |= 1 << UInt64(slot & 63) }

  mutating func formIntersection(_ other: RowMask) {
    for place in words.indices { words[place] &= other.words[place] }
  }

  mutating func formUnion(_ other: RowMask) {
    for place in words.indices { words[place] |= other.words[place] }
  }

  func forEach(_ body: (Int) -> Void) {
    for (place, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        body(place * 64 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }
}
