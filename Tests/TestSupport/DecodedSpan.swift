/// A protobuf field as a simple reader finds it.
package struct DecodedField {
  package let number: Int
  package let wire: Int
  /// A varint or fixed value.
  package let value: UInt64
  /// A length-delimited payload.
  package let bytes: [UInt8]
  /// The whole field with its tag, as it lies in the message.
  package let encoding: [UInt8]

  /// All fields of a well-formed message; nil when it is none. Written apart from the code under test.
  package static func all(_ message: [UInt8]) -> [DecodedField]? {
    var fields: [DecodedField] = []
    var at = 0
    func varint(upTo most: UInt64) -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 7 * most, by: 7) {
        guard at < message.count else { return nil }
        let byte = message[at]
        at += 1
        if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
        if byte < 0x80 { return value }
      }
      return nil
    }
    func fixed(_ count: Int) -> UInt64? {
      guard at + count <= message.count else { return nil }
      defer { at += count }
      return message[at..<at + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while at < message.count {
      let start = at
      guard let tag = varint(upTo: 5), tag >> 3 > 0, tag <= UInt32.max else { return nil }
      let wire = Int(tag & 7)
      var value: UInt64 = 0
      var bytes: [UInt8] = []
      switch wire {
      case 0:
        guard let read = varint(upTo: 10) else { return nil }
        value = read
      case 1, 5:
        guard let read = fixed(wire == 1 ? 8 : 4) else { return nil }
        value = read
      case 2:
        guard let length = varint(upTo: 5), length <= UInt64(message.count - at) else { return nil }
        bytes = Array(message[at..<at + Int(length)])
        at += Int(length)
      default: return nil
      }
      fields.append(
        DecodedField(
          number: Int(tag >> 3), wire: wire, value: value, bytes: bytes, encoding: Array(message[start..<at])))
    }
    return fields
  }
}

/// A span as a backend would see it.
package struct DecodedSpan {
  package let traceID: [UInt8]
  package let id: UInt64
  package let name: String
  /// Every attribute, in the order of the wire; a key that stands twice is here twice.
  package let attributes: [StubAttribute]
  /// The `Span` message.
  package let bytes: [UInt8]
  /// All fields of the `ResourceSpans` and `ScopeSpans` around it but the spans.
  package let resource: [UInt8]
  package let scope: [UInt8]

  /// The last eight bytes of the trace id.
  package var trace: UInt64 { traceID.suffix(8).reduce(0) { $0 << 8 | UInt64($1) } }

  package subscript(key: String) -> StubValue? { attributes.first { $0.key == key }?.value }

  /// How often a key stands on the span.
  package func count(_ key: String) -> Int { attributes.count { $0.key == key } }

  /// The spans of a request; traps when it is no well-formed request, which no test expects.
  package static func all(inRequest request: [UInt8]) -> [DecodedSpan] {
    var spans: [DecodedSpan] = []
    for resourceSpans in fields(request) where resourceSpans.number == 1 {
      let resource = header(resourceSpans.bytes)
      for scopeSpans in fields(resourceSpans.bytes) where scopeSpans.number == 2 {
        let scope = header(scopeSpans.bytes)
        for span in fields(scopeSpans.bytes) where span.number == 2 {
          spans.append(DecodedSpan(span.bytes, resource: resource, scope: scope))
        }
      }
    }
    return spans
  }

  /// The payloads of a request's spans, whatever is in them.
  package static func payloads(inRequest request: [UInt8]) -> [[UInt8]] {
    fields(request).filter { $0.number == 1 }
      .flatMap { fields($0.bytes).filter { $0.number == 2 } }
      .flatMap { fields($0.bytes).filter { $0.number == 2 } }
      .map(\.bytes)
  }

  package init(_ bytes: [UInt8], resource: [UInt8] = [], scope: [UInt8] = []) {
    self.bytes = bytes
    self.resource = resource
    self.scope = scope
    let all = Self.fields(bytes)
    traceID = all.last { $0.number == 1 }?.bytes ?? []
    id = (all.last { $0.number == 2 }?.bytes ?? []).reduce(0) { $0 << 8 | UInt64($1) }
    name = String(decoding: all.last { $0.number == 5 }?.bytes ?? [], as: UTF8.self)
    attributes = all.filter { $0.number == 9 }.map { Self.attribute($0.bytes) }
  }

  private static func attribute(_ pair: [UInt8]) -> StubAttribute {
    let all = fields(pair)
    let value = all.filter { $0.number == 2 }.flatMap(\.bytes)
    return StubAttribute(
      String(decoding: all.last { $0.number == 1 }?.bytes ?? [], as: UTF8.self), Self.value(value))
  }

  private static func value(_ message: [UInt8]) -> StubValue {
    guard let last = fields(message).last(where: { (1...8).contains($0.number) }) else { return .empty }
    switch last.number {
    case 1: return .string(String(decoding: last.bytes, as: UTF8.self))
    case 2: return .bool(last.value != 0)
    case 3: return .int(Int64(bitPattern: last.value))
    case 4: return .double(Double(bitPattern: last.value))
    case 5: return .array(elements(last.bytes).map(value))
    case 6:
      return .kvlist(
        Dictionary(elements(last.bytes).map(attribute).map { ($0.key, $0.value) }) { $1 })
    case 7: return .bytes(last.bytes)
    default: return .empty
    }
  }

  /// The elements of an array or a list of pairs.
  private static func elements(_ message: [UInt8]) -> [[UInt8]] {
    fields(message).filter { $0.number == 1 }.map(\.bytes)
  }

  private static func fields(_ message: [UInt8]) -> [DecodedField] {
    guard let fields = DecodedField.all(message) else { preconditionFailure("not a protobuf message: \(message)") }
    return fields
  }

  private static func header(_ message: [UInt8]) -> [UInt8] {
    fields(message).filter { $0.number != 2 }.flatMap(\.encoding)
  }
}
