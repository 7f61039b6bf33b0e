import Pipeline

/// Text for people about an `ExportTraceServiceRequest`. It reads untrusted bytes: what it cannot read it says.
struct TraceText {
  private(set) var lines = ""
  private var depth = 0

  /// Attributes that a span's line shows: who and in which session, by the words that all conventions use in their keys.
  private static let lineWords = ["user", "session", "conversation"]
  /// Characters of a value that a span's line shows.
  private static let lineValueLimit = 80

  mutating func line(_ text: String) {
    lines += String(repeating: "  ", count: depth) + text + "\n"
  }

  /// One line for the request.
  mutating func summarize(_ request: UnsafeRawBufferPointer, spans: Int) throws(WireError) {
    var resources = 0
    try Self.forEachMessage(request, field: 1) { _ in resources += 1 }
    line("Traces: \(resources) resource spans, \(spans) spans, \(request.count) bytes")
  }

  /// One line for each span.
  mutating func listSpans(_ request: UnsafeRawBufferPointer) throws(WireError) {
    try Self.forEachMessage(request, field: 1) { resource throws(WireError) in
      try Self.forEachMessage(resource, field: 2) { scope throws(WireError) in
        try Self.forEachMessage(scope, field: 2) { span throws(WireError) in
          try listSpan(span)
        }
      }
    }
  }

  private mutating func listSpan(_ span: UnsafeRawBufferPointer) throws(WireError) {
    var name = ""
    var traceID = ""
    var spanID = ""
    var attributes = ""
    var reader = WireReader(span)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): traceID = Self.hex(bytes)
      case (2, .bytes(let bytes)): spanID = Self.hex(bytes)
      case (5, .bytes(let bytes)): name = Self.text(bytes)
      case (9, .bytes(let bytes)):
        let (key, value) = try AttributeText.pair(bytes)
        guard Self.lineWords.contains(where: { key.lowercased().contains($0) }) else { continue }
        attributes += " \(key)=\(value.prefix(Self.lineValueLimit))"
      default: continue
      }
    }
    line("\(name) \(traceID) \(spanID)\(attributes)")
  }

  /// Everything, as a tree.
  mutating func describe(_ request: UnsafeRawBufferPointer) throws(WireError) {
    try describe(request, as: .request)
  }

  private mutating func describe(_ message: UnsafeRawBufferPointer, as kind: MessageKind) throws(WireError) {
    line(kind.title)
    depth += 1
    defer { depth -= 1 }
    var reader = WireReader(message)
    while let field = try reader.next() {
      switch (kind.fields[field.number], field.value) {
      case (.message(let kind), .bytes(let bytes)): try describe(bytes, as: kind)
      case (.attribute, .bytes(let bytes)):
        let (key, value) = try AttributeText.pair(bytes)
        line("\(key): \(value)")
      case (.id(let name), .bytes(let bytes)): line("\(name): \(Self.hex(bytes))")
      case (.text(let name), .bytes(let bytes)): line("\(name): \(Self.text(bytes))")
      case (.number(let name), .varint(let number)): line("\(name): \(number)")
      case (.number(let name), .fixed64(let number)): line("\(name): \(number)")
      case (.number(let name), .fixed32(let number)): line("\(name): \(number)")
      default: line("field \(field.number): \(field.encoding.count) bytes")
      }
    }
  }

  static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// In one line, whatever the bytes are.
  static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F: result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }

  private static func forEachMessage(
    _ message: UnsafeRawBufferPointer, field number: Int,
    _ body: (UnsafeRawBufferPointer) throws(WireError) -> Void
  ) throws(WireError) {
    var reader = WireReader(message)
    while let field = try reader.next() {
      if field.number == number, let bytes = field.bytes { try body(bytes) }
    }
  }
}

/// The messages of the trace schema, as far as a reader wants names for their fields.
private enum MessageKind {
  case request, resourceSpans, resource, scopeSpans, scope, span, event, link, status

  enum Field {
    case message(MessageKind)
    case attribute
    case id(String)
    case text(String)
    case number(String)
  }

  var title: String {
    switch self {
    case .request: "Traces"
    case .resourceSpans: "ResourceSpans"
    case .resource: "Resource"
    case .scopeSpans: "ScopeSpans"
    case .scope: "Scope"
    case .span: "Span"
    case .event: "Event"
    case .link: "Link"
    case .status: "Status"
    }
  }

  /// By field number.
  var fields: [Int: Field] {
    switch self {
    case .request: [1: .message(.resourceSpans)]
    case .resourceSpans: [1: .message(.resource), 2: .message(.scopeSpans), 3: .text("schema URL")]
    case .resource: [1: .attribute, 2: .number("dropped attributes")]
    case .scopeSpans: [1: .message(.scope), 2: .message(.span), 3: .text("schema URL")]
    case .scope: [1: .text("name"), 2: .text("version"), 3: .attribute, 4: .number("dropped attributes")]
    case .span:
      [
        1: .id("trace id"), 2: .id("span id"), 3: .text("trace state"), 4: .id("parent id"), 5: .text("name"),
        6: .number("kind"), 7: .number("start"), 8: .number("end"), 9: .attribute, 10: .number("dropped attributes"),
        11: .message(.event), 12: .number("dropped events"), 13: .message(.link), 14: .number("dropped links"),
        15: .message(.status), 16: .number("flags"),
      ]
    case .event: [1: .number("time"), 2: .text("name"), 3: .attribute, 4: .number("dropped attributes")]
    case .link:
      [
        1: .id("trace id"), 2: .id("span id"), 3: .text("trace state"), 4: .attribute,
        5: .number("dropped attributes"), 6: .number("flags"),
      ]
    case .status: [2: .text("message"), 3: .number("code")]
    }
  }
}
