/// A narrowing by blocks whose numbers were looked up.
indirect enum RowSieve: Sendable {
  case nothing
  case members(column: Int, NumberSet)
  case all([RowSieve])
  case any([RowSieve])

  init(_ narrowing: Narrowing, _ database: Database) throws(LedgerError) {
    switch narrowing {
    case .numbers(let column, let sql, let parameters):
      let numbers = try database.numbers(sql, parameters)
      self = numbers.isEmpty ? .nothing : .members(column: column, numbers)
    // Not in blocks: see `OwnerSearch`.
    case .rows: preconditionFailure("blocks have no ids of rows")
    case .all(let parts):
      var sieves: [RowSieve] = []
      for part in parts {
        let sieve = try RowSieve(part, database)
        if sieve.isEmpty {
          self = .nothing
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
      self = sieves.isEmpty ? .nothing : .any(sieves)
    }
  }

  /// Whether no row can pass.
  var isEmpty: Bool { if case .nothing = self { true } else { false } }

  /// The rows of a block that pass.
  func rows(of block: UnsafeRawBufferPointer) -> RowMask {
    var mask = RowMask()
    switch self {
    case .nothing: break
    case .members(let column, let numbers):
      numbers.withMembership { isMember in
        RowBlock.forEach(column: column, of: block) { slot, number in
          if isMember(Int64(bitPattern: number)) { mask.insert(slot) }
        }
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
