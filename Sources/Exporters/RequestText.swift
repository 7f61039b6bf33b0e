import OTLP
import Pipeline

/// Text for people about an export request. It reads untrusted bytes: what it cannot read it says.
struct RequestText {
  private let signal: Signal
  private(set) var lines = ""
  private var depth = 0

  /// Attributes that a span's line shows: who and in which session, by the words that all conventions use in their keys.
  private static let lineWords = ["user", "session", "conversation"]
  /// Characters of a value that a span's line shows.
  private static let lineValueLimit = 80

  init(_ signal: Signal) {
    self.signal = signal
  }

  mutating func line(_ text: String) {
    lines += String(repeating: "  ", count: depth) + text + "\n"
  }

  /// One line for the request.
  mutating func summarize(_ request: UnsafeRawBufferPointer, items: Int) throws(WireError) {
    var resources = 0
    var metrics = 0
    try Self.forEachMessage(request, field: 1) { resource throws(WireError) in
      resources += 1
      guard signal == .metrics else { return }
      try Self.forEachMessage(resource, field: 2) { scope throws(WireError) in
        try Self.forEachMessage(scope, field: 2) { _ in metrics += 1 }
      }
    }
    switch signal {
    case .traces: line("Traces: \(resources) resource spans, \(items) spans, \(request.count) bytes")
    case .logs: line("Logs: \(resources) resource logs, \(items) log records, \(request.count) bytes")
    case .metrics:
      line(
        "Metrics: \(resources) resource metrics, \(metrics) metrics, \(items) data points, \(request.count) bytes")
    }
  }

  /// One line for each span, log record or metric.
  mutating func list(_ request: UnsafeRawBufferPointer) throws(WireError) {
    try Self.forEachMessage(request, field: 1) { resource throws(WireError) in
      try Self.forEachMessage(resource, field: 2) { scope throws(WireError) in
        try Self.forEachMessage(scope, field: 2) { item throws(WireError) in
          switch signal {
          case .traces: try listSpan(item)
          case .logs: try listLogRecord(item)
          case .metrics: try listMetric(item)
          }
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
      case (9, .bytes(let bytes)): attributes += try Self.lineAttribute(bytes)
      default: continue
      }
    }
    line("\(name) \(traceID) \(spanID)\(attributes)")
  }

  private mutating func listLogRecord(_ record: UnsafeRawBufferPointer) throws(WireError) {
    var parts = ["", "", "", ""]
    var attributes = ""
    var reader = WireReader(record)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (3, .bytes(let bytes)): parts[0] = Self.text(bytes)
      case (5, .bytes(let bytes)): parts[1] = String(try AttributeText.value(bytes).prefix(Self.lineValueLimit))
      case (9, .bytes(let bytes)): parts[2] = Self.hex(bytes)
      case (10, .bytes(let bytes)): parts[3] = Self.hex(bytes)
      case (6, .bytes(let bytes)): attributes += try Self.lineAttribute(bytes)
      default: continue
      }
    }
    line(parts.filter { !$0.isEmpty }.joined(separator: " ") + attributes)
  }

  private mutating func listMetric(_ metric: UnsafeRawBufferPointer) throws(WireError) {
    var name = ""
    var unit = ""
    var kind = "nothing"
    var points = 0
    var reader = WireReader(metric)
    while let field = try reader.next() {
      guard let bytes = field.bytes else { continue }
      switch (field.number, MessageKind.metric.fields[field.number]) {
      case (1, _): name = Self.text(bytes)
      case (3, _): unit = " " + Self.text(bytes)
      case (_, .message(let data)):
        if kind != data.title { (kind, points) = (data.title, 0) }
        try Self.forEachMessage(bytes, field: 1) { _ in points += 1 }
      default: continue
      }
    }
    line("\(name) \(kind) \(points) data points\(unit)")
  }

  /// What a line shows of an attribute, if it is about somebody.
  private static func lineAttribute(_ attribute: UnsafeRawBufferPointer) throws(WireError) -> String {
    let (key, value) = try AttributeText.pair(attribute)
    guard lineWords.contains(where: { key.lowercased().contains($0) }) else { return "" }
    return " \(key)=\(value.prefix(lineValueLimit))"
  }

  /// Everything, as a tree.
  mutating func describe(_ request: UnsafeRawBufferPointer) throws(WireError) {
    switch signal {
    case .traces: try describe(request, as: .traces)
    case .logs: try describe(request, as: .logs)
    case .metrics: try describe(request, as: .metrics)
    }
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
      case (.value(let name), .bytes(let bytes)): line("\(name): \(try AttributeText.value(bytes))")
      case (.id(let name), .bytes(let bytes)): line("\(name): \(Self.hex(bytes))")
      case (.text(let name), .bytes(let bytes)): line("\(name): \(Self.text(bytes))")
      case (.number(let name), .varint(let number)): line("\(name): \(number)")
      case (.number(let name), .fixed64(let number)): line("\(name): \(number)")
      case (.number(let name), .fixed32(let number)): line("\(name): \(number)")
      case (.signed(let name), .fixed64(let number)): line("\(name): \(Int64(bitPattern: number))")
      case (.signed(let name), .varint(let number)):
        line("\(name): \(Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1))")
      case (.double(let name), .fixed64(let bits)): line("\(name): \(Double(bitPattern: bits))")
      case (.numbers(let name), .bytes(let bytes)):
        line("\(name): \(Self.words(bytes).map { String($0) }.joined(separator: " "))")
      case (.doubles(let name), .bytes(let bytes)):
        line("\(name): \(Self.words(bytes).map { String(Double(bitPattern: $0)) }.joined(separator: " "))")
      default: line("field \(field.number): \(field.encoding.count) bytes")
      }
    }
  }

  /// Numbers of 64 bits behind one another.
  private static func words(_ bytes: UnsafeRawBufferPointer) -> [UInt64] {
    stride(from: 0, to: bytes.count & ~7, by: 8).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self) }
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
