/// An attribute value for stubs and expectations.
package enum StubValue: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral
{
  case string(String)
  case int(Int64)
  case bool(Bool)
  case double(Double)
  case array([StubValue])
  case kvlist([String: StubValue])
  case bytes([UInt8])
  case empty

  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }

  package func write(to value: inout ProtobufWriter) {
    switch self {
    case .string(let text): value.stringField(1, text)
    case .int(let number): value.varintField(3, UInt64(bitPattern: number))
    case .bool(let flag): value.varintField(2, flag ? 1 : 0)
    case .double(let number): value.fixed64Field(4, number.bitPattern)
    case .array(let elements):
      value.messageField(5) { array in for element in elements { array.messageField(1) { element.write(to: &$0) } } }
    case .kvlist(let pairs):
      value.messageField(6) { list in
        for (key, element) in pairs.sorted(by: { $0.key < $1.key }) {
          list.messageField(1) { StubAttribute(key, element).write(to: &$0) }
        }
      }
    case .bytes(let bytes): value.bytesField(7, bytes)
    case .empty: break
    }
  }
}

/// One attribute of a stub.
package struct StubAttribute: Hashable, Sendable {
  package var key: String
  package var value: StubValue

  package init(_ key: String, _ value: StubValue) {
    self.key = key
    self.value = value
  }

  package func write(to pair: inout ProtobufWriter) {
    pair.stringField(1, key)
    pair.messageField(2) { value.write(to: &$0) }
  }
}

/// A span for tests: a test names only what matters to it.
package struct SpanStub: Sendable {
  package var trace: UInt64
  package var id: UInt64
  package var parent: UInt64
  package var name: String
  package var start: UInt64
  package var flags: UInt32
  package var attributes: [StubAttribute]
  package var scope: String
  package var resource: [StubAttribute]
  /// Bytes to append to the message, for unknown fields and faults.
  package var extra: [UInt8] = []

  package init(
    trace: UInt64 = 1, _ id: UInt64, parent: UInt64 = 0, name: String = "span", start: UInt64 = 1_000,
    flags: UInt32 = 0, _ attributes: KeyValuePairs<String, StubValue> = [:], scope: String = "app",
    resource: KeyValuePairs<String, StubValue> = ["service.name": "shop"]
  ) {
    self.trace = trace
    self.id = id
    self.parent = parent
    self.name = name
    self.start = start
    self.flags = flags
    self.attributes = attributes.map { StubAttribute($0.key, $0.value) }
    self.scope = scope
    self.resource = resource.map { StubAttribute($0.key, $0.value) }
  }

  package var traceIDBytes: [UInt8] { [UInt8](repeating: 0, count: 8) + Self.idBytes(trace) }

  /// The `Span` message.
  package var bytes: [UInt8] {
    ProtobufWriter.message { span in
      span.bytesField(1, traceIDBytes)
      span.bytesField(2, Self.idBytes(id))
      if parent != 0 { span.bytesField(4, Self.idBytes(parent)) }
      span.stringField(5, name)
      span.varintField(6, 1)
      span.fixed64Field(7, start)
      span.fixed64Field(8, start + 500)
      for attribute in attributes { span.messageField(9) { attribute.write(to: &$0) } }
      span.messageField(15) { $0.varintField(3, 1) }
      if flags != 0 { span.fixed32Field(16, flags) }
      span.raw(extra)
    }
  }

  /// Big-endian, so that smaller numbers are smaller ids.
  package static func idBytes(_ id: UInt64) -> [UInt8] {
    withUnsafeBytes(of: id.bigEndian) { Array($0) }
  }

  /// An `ExportTraceServiceRequest` with these spans, one `ResourceSpans` for each run of equal resource and scope.
  package static func request(_ spans: [SpanStub]) -> [UInt8] {
    ProtobufWriter.message { request in
      var rest = spans[...]
      while let first = rest.first {
        let run = rest.prefix { $0.resource == first.resource && $0.scope == first.scope }
        rest = rest.dropFirst(run.count)
        request.messageField(1) { resourceSpans in
          resourceSpans.messageField(1) { resource in
            for attribute in first.resource { resource.messageField(1) { attribute.write(to: &$0) } }
          }
          resourceSpans.messageField(2) { scopeSpans in
            scopeSpans.messageField(1) { $0.stringField(1, first.scope) }
            for span in run { scopeSpans.bytesField(2, span.bytes) }
          }
        }
      }
    }
  }
}
