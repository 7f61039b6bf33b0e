import Glibc

/// What text must be, by its bytes.
enum TextMatch: Sendable {
  case any
  case equals([UInt8])
  /// Sorted by `order`.
  case equalsOne([[UInt8]])
  case contains([UInt8])
  case startsWith([UInt8])
  case endsWith([UInt8])

  /// Of a comparison with text, or `exists`.
  init(_ comparison: Filter.Comparison) {
    self =
      switch comparison {
      case .text(.is, let value): .equals(Array(value.utf8))
      case .text(.contains, let value): .contains(Array(value.utf8))
      case .text(.startsWith, let value): .startsWith(Array(value.utf8))
      case .text(.endsWith, let value): .endsWith(Array(value.utf8))
      case .anyOf(let values):
        .equalsOne(
          values.map { Array($0.utf8) }.sorted { one, other in one.withUnsafeBytes { Self.order($0, other) < 0 } })
      default: .any
      }
  }

  func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .any: true
    case .equals(let value): Self.order(text, value) == 0
    case .equalsOne(let values): Self.has(values, text)
    case .contains(let value): Self.find(value, in: text)
    case .startsWith(let value):
      text.count >= value.count && Self.order(UnsafeRawBufferPointer(rebasing: text[..<value.count]), value) == 0
    case .endsWith(let value):
      text.count >= value.count
        && Self.order(UnsafeRawBufferPointer(rebasing: text[(text.count - value.count)...]), value) == 0
    }
  }

  /// Less than zero when the first comes before the second: the shorter, else the one with the lesser bytes.
  private static func order(_ one: UnsafeRawBufferPointer, _ other: [UInt8]) -> Int {
    if one.count != other.count || one.count == 0 { return one.count - other.count }
    guard let start = one.baseAddress else { return 0 }
    return Int(memcmp(start, other, one.count))
  }

  private static func find(_ value: [UInt8], in text: UnsafeRawBufferPointer) -> Bool {
    guard let first = value.first else { return true }
    var rest = text
    while rest.count >= value.count, let start = rest.baseAddress,
      let found = memchr(start, Int32(first), rest.count - value.count + 1)
    {
      if memcmp(found, value, value.count) == 0 { return true }
      rest = UnsafeRawBufferPointer(rebasing: rest[(UnsafeRawPointer(found) - start + 1)...])
    }
    return false
  }

  private static func has(_ values: [[UInt8]], _ text: UnsafeRawBufferPointer) -> Bool {
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      let order = order(text, values[middle])
      if order == 0 { return true }
      if order < 0 { high = middle } else { low = middle + 1 }
    }
    return false
  }
}
