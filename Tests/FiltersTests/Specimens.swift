import Facts
import OTLP

/// A trace of one span, or none of these fields.
struct Specimen {
  var trace = TraceID(first: 0, second: 0)
  var endUser: String?
  var session: String?
  /// Of the workflow, of the span, and so of the trace.
  var name: String?
  var model: String?
  var tags: [String] = []
  var metadata: Metadata?
  var start: Int64 = 0
  var latency: Int64 = 0
  var isError = false
  var tokens: Int64?
  var inputTokens: Int64?
  var outputTokens: Int64?
  var cost: Int64?

  /// A JSON object, and what its values are under which paths, by hand.
  struct Metadata: Equatable {
    let json: String
    let values: [(path: String, value: String)]

    static func == (one: Metadata, other: Metadata) -> Bool { one.json == other.json }
  }

  /// 2023-11-14T22:13:20Z; starts are up to 5 ns later.
  static let epoch: Int64 = 1_700_000_000_000_000_000

  static let metadata = [
    Metadata(json: #"{}"#, values: []),
    Metadata(json: #"{"plan":"pro"}"#, values: [("plan", "pro")]),
    Metadata(json: #"{"plan":"PRO","seats":42}"#, values: [("plan", "PRO"), ("seats", "42")]),
    Metadata(json: #"{"plan":null,"seats":4.5,"x":true}"#, values: [("seats", "4.5"), ("x", "true")]),
    Metadata(json: #"{"plan":"","seats":"42"}"#, values: [("plan", ""), ("seats", "42")]),
    Metadata(
      json: #"{"company":{"plan":"pro","address":{"city":"Zürich"}},"plan":"free"}"#,
      values: [("company.plan", "pro"), ("company.address.city", "Zürich"), ("plan", "free")]),
    Metadata(json: #"{"company.plan":"pro"}"#, values: [("company.plan", "pro")]),
    Metadata(
      json: #"{"roles":["admin","pro",7,null,{"plan":"pro"}],"plan":["a","b"]}"#,
      values: [
        ("roles", "admin"), ("roles", "pro"), ("roles", "7"), ("roles.plan", "pro"), ("plan", "a"), ("plan", "b"),
      ]),
    Metadata(json: #"{"plan":"a","plan":"pro"}"#, values: [("plan", "a"), ("plan", "pro")]),
    Metadata(
      json: #"{"plan":"p\u0072o\n","seats":18446744073709551615}"#,
      values: [("plan", "pro\n"), ("seats", "18446744073709551615")]),
    Metadata(json: #"{"plan":{},"seats":[]}"#, values: []),
  ]

  /// Text in which things are easily confused.
  static let texts = [
    "a", "ab", "b", "ba", "A", "é", "e\u{301}", "a_b", "a%b", "*", "[a]", "50%", "a\0b", "a\0", "\u{d7ff}a",
    "\u{e000}a", "\u{10ffff}",
    "\u{10ffff}a", "a\u{10ffff}", "42", "4", "'", "\"", "\\", "Жанна", "🙂", "🙂a", " ", "plan", "a b",
  ]

  static func random(_ number: Int, from texts: [String] = texts, using random: inout some RandomNumberGenerator)
    -> Specimen
  {
    func maybe<Value>(_ value: Value) -> Value? { Int.random(in: 0..<4, using: &random) == 0 ? nil : value }
    func text() -> String? { maybe(texts.randomElement(using: &random)!) }
    func count() -> Int64? { maybe(Int64.random(in: 0..<6, using: &random)) }
    var specimen = Specimen()
    specimen.trace = TraceID(
      first: UInt64.random(in: 0...3, using: &random) << 56 | 1, second: UInt64(number + 1).byteSwapped)
    specimen.endUser = text()
    specimen.session = text()
    specimen.name = text()
    specimen.model = text()
    specimen.tags = Array(Set((0..<Int.random(in: 0..<4, using: &random)).compactMap { _ in text() })).sorted()
    specimen.metadata = maybe(metadata.randomElement(using: &random)!)
    specimen.start = Int64.random(in: 0..<6, using: &random) + epoch
    specimen.latency = Int64.random(in: 0..<6, using: &random)
    specimen.isError = Bool.random(using: &random)
    (specimen.tokens, specimen.inputTokens, specimen.outputTokens) = (count(), count(), count())
    specimen.cost = count()
    return specimen
  }

  /// Lends what a span of the trace says.
  func withFacts<Result>(_ body: (SpanFacts) -> Result) -> Result {
    var facts = SpanFacts()
    facts.trace = trace
    facts.start = UInt64(start)
    facts.end = UInt64(start + latency)
    if isError { facts.flags.insert(.isError) }
    facts.tokens.total = tokens
    facts.tokens.input = inputTokens
    facts.tokens.output = outputTokens
    facts.cost = cost
    var lent: [UnsafeMutableRawBufferPointer] = []
    defer { for bytes in lent { bytes.deallocate() } }
    func lend(_ text: String?) -> SpanFacts.Text {
      guard let text, !text.isEmpty else { return SpanFacts.Text(start: nil, count: 0) }
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
      bytes.copyBytes(from: text.utf8)
      lent.append(bytes)
      return SpanFacts.Text(bytes)
    }
    facts.endUser = lend(endUser)
    facts.session = lend(session)
    facts.workflow = lend(name)
    facts.name = lend(name)
    facts.model = lend(model)
    facts.metadata = lend(metadata?.json)
    facts.tags = lend(tags.isEmpty ? nil : "[\(tags.map(Self.quoted).joined(separator: ","))]")
    return body(facts)
  }

  private static func quoted(_ text: String) -> String {
    "\""
      + text.unicodeScalars.map {
        $0.value < 0x20 || $0 == "\"" || $0 == "\\"
          ? "\\u00" + ($0.value < 16 ? "0" : "") + String($0.value, radix: 16) : String($0)
      }.joined() + "\""
  }
}
