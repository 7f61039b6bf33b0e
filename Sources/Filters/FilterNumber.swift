extension Filter {
  /// A number as it was written, exactly: billionths, which is what costs are counted in.
  package struct Number: Sendable, Equatable {
    package let billionths: Int128

    package init(billionths: Int128) {
      self.billionths = billionths
    }

    package init(_ whole: Int64) {
      billionths = Int128(whole) * 1_000_000_000
    }

    /// As near as a double comes.
    package var double: Double { Double(billionths) / 1e9 }

    /// What is wrong with a text that should be a number, a duration or a time.
    struct Fault: Error {
      let message: String
    }

    /// Reads `12`, `-0.25`, `10k` (thousands) or `1.5M` (millions).
    init(parsing text: String) throws(Fault) {
      var rest = Substring(text).utf8
      let isNegative = rest.first == UInt8(ascii: "-")
      if isNegative { rest.removeFirst() }
      guard let decimal = try Decimal(&rest) else { throw Fault(message: "expected a number, found “\(text)”") }
      let factor: Int128
      switch String(Substring(rest)) {
      case "": factor = 1
      case "k": factor = 1000
      case "M": factor = 1_000_000
      default: throw Fault(message: "expected a number, found “\(text)”; only k or M may follow the digits")
      }
      billionths = decimal.billionths * (isNegative ? -factor : factor)
    }
  }

  /// Digits with or without a point, no sign: at most 15 before it and 9 behind it, so that nothing is rounded.
  struct Decimal {
    let billionths: Int128

    /// Takes it off the start of a text; nil when there is none.
    init?(_ text: inout Substring.UTF8View) throws(Number.Fault) {
      let whole = Self.takeDigits(&text)
      var fraction: [UInt8] = []
      if !whole.isEmpty, text.first == UInt8(ascii: ".") {
        text.removeFirst()
        fraction = Self.takeDigits(&text)
        if fraction.isEmpty { return nil }
      }
      guard !whole.isEmpty else { return nil }
      guard whole.count <= 15, fraction.count <= 9 else {
        throw Number.Fault(message: "a number has at most 15 digits before the point and 9 behind it")
      }
      var value: Int128 = 0
      for digit in whole + fraction { value = value * 10 + Int128(digit) }
      for _ in fraction.count..<9 { value *= 10 }
      billionths = value
    }

    private static func takeDigits(_ text: inout Substring.UTF8View) -> [UInt8] {
      let digits = text.prefix { 0x30...0x39 ~= $0 }.map { $0 - 0x30 }
      text.removeFirst(digits.count)
      return digits
    }
  }

  /// Durations as they are written: `3s`, `250ms`, `1m30s`, `0.5h`.
  enum DurationText {
    private static let units: [(name: String, nanoseconds: Int128)] = [
      ("ns", 1), ("us", 1000), ("µs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
      ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ]

    /// Nanoseconds.
    static func parse(_ text: String) throws(Number.Fault) -> Int64 {
      let example = "write 3s, 250ms or 1m30s"
      var rest = Substring(text).utf8
      var sum: Int128 = 0
      repeat {
        guard let decimal = try Decimal(&rest) else {
          throw Number.Fault(message: "expected a duration, found “\(text)”; \(example)")
        }
        let name = rest.prefix { !(0x30...0x39 ~= $0) }
        rest.removeFirst(name.count)
        guard let unit = units.first(where: { $0.name.utf8.elementsEqual(name) }) else {
          throw Number.Fault(
            message: name.isEmpty
              ? "a duration needs a unit; \(example)"
              : "units of durations are ns, us, ms, s, m, h and d; \(example)")
        }
        let (whole, rounded) = (decimal.billionths * unit.nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        guard rounded == 0 else { throw Number.Fault(message: "a duration is no finer than a nanosecond") }
        sum += whole
      } while !rest.isEmpty && sum <= Int128(Int64.max)
      guard let nanoseconds = Int64(exactly: sum) else {
        throw Number.Fault(message: "a duration is 292 years at most")
      }
      return nanoseconds
    }
  }
}
