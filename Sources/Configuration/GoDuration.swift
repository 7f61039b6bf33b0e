extension Duration {
  /// Reads Go's notation: `200ms`, `1m30s`, `1.5h`, `-2s`, and `0` without a unit; nil for anything else.
  init?(goText text: String) {
    var rest = Array(text.utf8)[...]
    var isNegative = false
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      rest.removeFirst()
    }
    var total: Int64 = 0
    if rest.elementsEqual("0".utf8) { rest = [] } else if rest.isEmpty { return nil }
    while !rest.isEmpty {
      guard let part = Self.part(of: &rest), case let (sum, false) = total.addingReportingOverflow(part) else {
        return nil
      }
      total = sum
    }
    self = .nanoseconds(isNegative ? -total : total)
  }

  /// Takes one number with its unit off the front, in nanoseconds.
  private static func part(of rest: inout ArraySlice<UInt8>) -> Int64? {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let whole = rest.prefix { digits.contains($0) }
    rest = rest.dropFirst(whole.count)
    var fraction: ArraySlice<UInt8> = []
    if rest.first == UInt8(ascii: ".") {
      fraction = rest.dropFirst().prefix { digits.contains($0) }
      rest = rest.dropFirst(1 + fraction.count)
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return nil }
    let name = rest.prefix { $0 != UInt8(ascii: ".") && !digits.contains($0) }
    rest = rest.dropFirst(name.count)
    guard let unit = nanoseconds(inUnit: String(decoding: name, as: UTF8.self)) else { return nil }

    var result: Int64 = 0
    for digit in whole {
      guard case let (shifted, false) = result.multipliedReportingOverflow(by: 10),
        case let (sum, false) = shifted.addingReportingOverflow(Int64(digit - digits.lowerBound))
      else { return nil }
      result = sum
    }
    guard case let (product, false) = result.multipliedReportingOverflow(by: unit) else { return nil }
    // Digits below a nanosecond are cut off.
    var below = 0.0
    var place = Double(unit)
    for digit in fraction.prefix(18) {
      place /= 10
      below += Double(digit - digits.lowerBound) * place
    }
    guard case let (sum, false) = product.addingReportingOverflow(Int64(below)) else { return nil }
    return sum
  }

  private static func nanoseconds(inUnit name: String) -> Int64? {
    switch name {
    case "ns": 1
    case "us", "\u{B5}s", "\u{3BC}s": 1_000
    case "ms": 1_000_000
    case "s": 1_000_000_000
    case "m": 60_000_000_000
    case "h": 3_600_000_000_000
    default: nil
    }
  }
}
