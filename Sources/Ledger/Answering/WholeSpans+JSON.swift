import JSON
import OTLP

/// How the API writes spans that were kept whole: as a request in OTLP/JSON, which any OTLP receiver takes.
extension JSONText {
  mutating func member(_ key: String, wholeSpans spans: [[UInt8]]) {
    self.key(key)
    var text: [UInt8] = []
    if Self.append(spans, to: &text) { return raw(text) }
    // What is nested too deeply has no JSON, and is left out.
    let writable = spans.filter { span in
      text.removeAll(keepingCapacity: true)
      return Self.append([span], to: &text)
    }
    text = []
    raw(Self.append(writable, to: &text) ? text : Self.nothing)
  }

  private static let nothing = Array(#"{"resourceSpans":[]}"#.utf8)

  private static func append(_ spans: [[UInt8]], to text: inout [UInt8]) -> Bool {
    if spans.isEmpty {
      text += nothing
      return true
    }
    let request = submessage(1, submessage(2, spans.reduce(into: []) { $0 += submessage(2, $1) }))
    do {
      try request.withUnsafeBytes { try OTLPJSON.append(message: $0, signal: .traces, to: &text) }
      return true
    } catch {
      return false
    }
  }

  /// A field of protobuf's wire format that has a length.
  private static func submessage(_ field: UInt64, _ message: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(message.count + 8)
    bytes.append(varint: field << 3 | 2)
    bytes.append(varint: UInt64(message.count))
    return bytes + message
  }
}
