import Facts
package import JSON

/// Something that the API shows.
package protocol JSONWritable {
  func write(to json: inout JSONText)
}

/// How the API writes times, costs and what may be unknown.
extension JSONText {
  mutating func member(_ key: String, _ value: String?) {
    self.key(key)
    if let value { string(value) } else { null() }
  }

  mutating func member(_ key: String, _ value: Int64?) {
    self.key(key)
    if let value { int(value) } else { null() }
  }

  mutating func member(_ key: String, _ value: Bool) {
    self.key(key)
    bool(value)
  }

  mutating func member(_ key: String, _ values: [String]) {
    self.key(key)
    beginArray()
    for value in values { string(value) }
    endArray()
  }

  mutating func member(_ key: String, _ rows: [some JSONWritable]) {
    self.key(key)
    beginArray()
    for row in rows { row.write(to: &self) }
    endArray()
  }

  /// Nanoseconds since the Unix epoch as a time.
  mutating func member(_ key: String, time nanoseconds: Int64?) {
    member(key, nanoseconds.map(LedgerTime.text))
  }

  /// Milliseconds, with three decimals at most.
  mutating func member(_ key: String, milliseconds nanoseconds: Int64?) {
    self.key(key)
    guard let nanoseconds else { return null() }
    // Rounded to the microsecond.
    let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1000)
    decimal(rest >= 500 ? whole + 1 : whole, decimals: 3)
  }

  /// Dollars, with nine decimals at most.
  mutating func member(_ key: String, dollars billionths: Int64?) {
    self.key(key)
    guard let billionths else { return null() }
    decimal(billionths, decimals: 9)
  }

  /// A whole number of parts as a decimal number, without an exponent and without zeros behind.
  private mutating func decimal(_ parts: Int64, decimals: Int) {
    var digits = Array(String(parts.magnitude).utf8)
    if digits.count <= decimals {
      digits.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: decimals + 1 - digits.count), at: 0)
    }
    let point = digits.count - decimals
    var fraction = digits[point...]
    while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
    let sign = parts < 0 ? [UInt8(ascii: "-")] : []
    raw(sign + digits[..<point] + (fraction.isEmpty ? [] : [UInt8(ascii: ".")] + fraction))
  }

  mutating func member(_ key: String, _ tokens: TokenCounts) {
    self.key(key)
    beginObject()
    member("input", tokens.input)
    member("output", tokens.output)
    member("total", tokens.total)
    member("cache_read", tokens.cacheRead)
    member("cache_write", tokens.cacheWrite)
    member("reasoning", tokens.reasoning)
    endObject()
  }

  mutating func member(_ key: String, _ latency: Percentiles) {
    self.key(key)
    beginObject()
    member("p50", milliseconds: latency.p50)
    member("p95", milliseconds: latency.p95)
    member("p99", milliseconds: latency.p99)
    endObject()
  }

  /// What is a JSON object already; nil is an empty one.
  mutating func member(_ key: String, object: String?) {
    self.key(key)
    raw((object ?? "{}").utf8)
  }

  /// Observations, errors, tokens and cost.
  mutating func members(_ amounts: Amounts) {
    member("observations", amounts.observations)
    member("errors", amounts.errors)
    member("tokens", amounts.tokens)
    member("cost_usd", dollars: amounts.cost)
  }
}
