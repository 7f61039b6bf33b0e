/// A value with the place where it was written.
package struct Located<Value> {
  package let value: Value
  package let position: Position

  package init(value: Value, position: Position) {
    self.value = value
    self.position = position
  }
}

extension Located: Sendable where Value: Sendable {}

extension ConfigSection {
  /// Text: in quotes, or looking like nothing else.
  package func string(_ key: String) -> String? {
    read(key, Self.text)
  }

  package func string(_ key: String, default fallback: String) -> String {
    string(key) ?? fallback
  }

  package func bool(_ key: String) -> Bool? {
    read(key) { node throws(ExpectedValue) in
      guard let value = node.bool else { throw ExpectedValue("true or false") }
      return value
    }
  }

  package func bool(_ key: String, default fallback: Bool) -> Bool {
    bool(key) ?? fallback
  }

  /// A whole number. Negative ones are refused unless the range has them.
  package func int(_ key: String, in range: ClosedRange<Int> = 0 ... .max) -> Int? {
    read(key) { node throws(ExpectedValue) in
      guard let value = node.int else { throw ExpectedValue("a whole number") }
      guard range.contains(value) else {
        let upper = range.upperBound == .max ? nil : "\(range.upperBound)"
        throw ExpectedValue("a whole number \(Self.words(from: "\(range.lowerBound)", to: upper))")
      }
      return value
    }
  }

  package func int(_ key: String, default fallback: Int, in range: ClosedRange<Int> = 0 ... .max) -> Int {
    int(key, in: range) ?? fallback
  }

  /// A finite number. Negative ones are refused unless the range has them.
  package func double(
    _ key: String, in range: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude
  ) -> Double? {
    read(key) { node throws(ExpectedValue) in
      guard let value = node.double else { throw ExpectedValue("a number") }
      guard range.contains(value) else {
        let upper = range.upperBound == .greatestFiniteMagnitude ? nil : "\(range.upperBound)"
        throw ExpectedValue("a number \(Self.words(from: "\(range.lowerBound)", to: upper))")
      }
      return value
    }
  }

  package func double(
    _ key: String, default fallback: Double, in range: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude
  ) -> Double {
    double(key, in: range) ?? fallback
  }

  /// A duration in Go's notation. Negative ones are refused unless the range has them.
  package func duration(_ key: String, in range: ClosedRange<Duration> = .zero ... .seconds(Int64.max)) -> Duration? {
    read(key) { node throws(ExpectedValue) in
      let value = try Self.duration(node)
      guard range.contains(value) else {
        let upper = range.upperBound == .seconds(Int64.max) ? nil : "\(range.upperBound)"
        throw ExpectedValue("a duration \(Self.words(from: "\(range.lowerBound)", to: upper))")
      }
      return value
    }
  }

  /// A list of durations; those that are none are left out, and reported.
  package func durations(_ key: String) -> [Duration]? {
    read(key) { node throws(ExpectedValue) in
      guard case .sequence(let elements) = node.content else { throw ExpectedValue("a list of durations") }
      return elements.enumerated().compactMap { read($1, named: [key, "[\($0)]"], Self.duration) }
    }
  }

  private static func duration(_ node: ConfigNode) throws(ExpectedValue) -> Duration {
    if let value = node.duration { return value }
    throw node.double == nil
      ? ExpectedValue("a duration such as 200ms, 5s or 1m30s")
      : ExpectedValue("a duration", hint: "write its unit, as in 5s")
  }

  package func duration(
    _ key: String, default fallback: Duration, in range: ClosedRange<Duration> = .zero ... .seconds(Int64.max)
  ) -> Duration {
    duration(key, in: range) ?? fallback
  }

  /// One of the words that an enumeration lists, in any letter case.
  package func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, of type: Choice.Type
  ) -> Choice? {
    read(key) { node throws(ExpectedValue) in
      let word = node.string?.lowercased()
      guard let choice = type.allCases.first(where: { $0.rawValue.lowercased() == word }) else {
        throw ExpectedValue("one of " + type.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return choice
    }
  }

  package func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, of type: Choice.Type, default fallback: Choice
  ) -> Choice {
    choice(key, of: type) ?? fallback
  }

  /// A list of texts; one text stands for a list of what its commas separate, as in the OpenTelemetry Collector.
  package func strings(_ key: String) -> [String]? {
    locatedStrings(key)?.map(\.value)
  }

  package func strings(_ key: String, default fallback: [String]) -> [String] {
    strings(key) ?? fallback
  }

  /// The same with the place of each, for names that are looked up later.
  package func locatedStrings(_ key: String) -> [Located<String>]? {
    read(key) { node throws(ExpectedValue) in
      if case .sequence(let elements) = node.content {
        return elements.enumerated().compactMap { index, element in
          read(element, named: [key, "[\(index)]"], Self.text).map { Located(value: $0, position: element.position) }
        }
      }
      guard case .scalar = node.content, let text = node.string else { throw ExpectedValue("a list of texts") }
      return text.split(separator: ",").map { Located(value: String($0), position: node.position) }
    }
  }

  /// A mapping of texts, in the order written; a key without a value has an empty text.
  package func stringMap(_ key: String) -> [(key: String, value: String)]? {
    read(key) { node throws(ExpectedValue) in
      guard case .mapping(let entries) = node.content else { throw ExpectedValue("a mapping of texts") }
      return entries.compactMap { entry in
        if entry.value.isNull { return (entry.key, entry.value.string ?? "") }
        return read(entry.value, named: [key, entry.key], Self.text).map { (entry.key, $0) }
      }
    }
  }

  private static func text(_ node: ConfigNode) throws(ExpectedValue) -> String {
    if let text = node.string { return text }
    guard case .scalar = node.content, !node.isNull else { throw ExpectedValue("text") }
    throw ExpectedValue("text", hint: "put it in quotes")
  }

  private static func words(from lower: String, to upper: String?) -> String {
    upper.map { "from \(lower) to \($0)" } ?? "of at least \(lower)"
  }
}
