import OTLP
import TestSupport
import Testing

/// Which bytes are a message at all.
struct SpanIndexWireTests {
  private static let tooLong = "a varint that is too long"
  private static let zero = "field number 0"
  private static let wireType = "a wire type that the field can't have"
  private static let cutOff = "a field ends outside its message"

  /// Where one field of a span may stand: in each kind of message, as a request around it.
  private static let levels: [(name: String, wrap: @Sendable ([UInt8]) -> [UInt8])] = [
    ("request", { $0 }),
    ("ResourceSpans", { HandWire.message(1, $0) }),
    ("Resource", { HandWire.message(1, HandWire.message(1, $0)) }),
    ("EntityRef", { HandWire.message(1, HandWire.message(1, HandWire.message(3, $0))) }),
    ("resource attribute", { HandWire.message(1, HandWire.message(1, HandWire.message(1, $0))) }),
    ("ScopeSpans", { HandWire.message(1, HandWire.message(2, $0)) }),
    ("InstrumentationScope", { HandWire.message(1, HandWire.message(2, HandWire.message(1, $0))) }),
    ("Span", { HandWire.request($0) }),
    ("KeyValue", { HandWire.request(HandWire.message(9, $0)) }),
    ("AnyValue", { HandWire.request(HandWire.message(9, HandWire.message(2, $0))) }),
    ("ArrayValue", { HandWire.request(HandWire.message(9, HandWire.message(2, HandWire.message(5, $0)))) }),
    ("KeyValueList", { HandWire.request(HandWire.message(9, HandWire.message(2, HandWire.message(6, $0)))) }),
    ("Event", { HandWire.request(HandWire.message(11, $0)) }),
    ("Link", { HandWire.request(HandWire.message(13, $0)) }),
    ("Status", { HandWire.request(HandWire.message(15, $0)) }),
  ]

  private static let faults: [(name: String, field: [UInt8], reason: String)] = [
    ("field 0 as a varint", [0x00, 1], zero),
    ("field 0 as bytes", [0x02, 0], zero),
    ("field 0 in two bytes", [0x80, 0x00, 1], zero),
    ("a tag in six bytes", HandWire.varint(99 << 3, bytes: 6) + [1], tooLong),
    ("a tag over 32 bits", [0xf8, 0xff, 0xff, 0xff, 0x1f, 1], tooLong),
    ("a tag that is cut off", [0xff, 0xff, 0xff, 0xff], cutOff),
    ("a tag that never ends", [0xff, 0xff, 0xff, 0xff, 0xff], tooLong),
    ("a group", HandWire.tag(99, 3) + HandWire.tag(99, 4), wireType),
    ("the end of a group", HandWire.tag(99, 4), wireType),
    ("wire type 6", HandWire.tag(99, 6), wireType),
    ("wire type 7", HandWire.tag(99, 7), wireType),
    ("a varint of eleven bytes", HandWire.tag(99, 0) + HandWire.varint(1, bytes: 11), tooLong),
    ("a length of six bytes", HandWire.tag(99, 2) + HandWire.varint(0, bytes: 6), tooLong),
    ("a length past the end", HandWire.tag(99, 2) + [5, 1, 2, 3, 4], cutOff),
    ("the greatest length", HandWire.tag(99, 2) + HandWire.varint(.max), tooLong),
    ("a length without its bytes", HandWire.tag(99, 2) + HandWire.varint(0xffff_ffff), cutOff),
    ("a length that is cut off", HandWire.tag(99, 2) + [0x80], cutOff),
    ("a varint that is cut off", HandWire.tag(99, 0) + [0x80, 0x80], cutOff),
    ("a varint that never ends", HandWire.tag(99, 0) + [UInt8](repeating: 0x80, count: 10), tooLong),
    ("seven bytes of fixed64", HandWire.tag(99, 1) + [1, 2, 3, 4, 5, 6, 7], cutOff),
    ("three bytes of fixed32", HandWire.tag(99, 5) + [1, 2, 3], cutOff),
  ]

  @Test(arguments: faults.indices)
  func `a fault is refused in every message, with its kind and place`(position: Int) {
    let (name, field, reason) = Self.faults[position]
    for (level, wrap) in Self.levels {
      let request = wrap(field)
      #expect(fault(of: request) == Fault(request.count - field.count, reason), "\(name) in \(level)")
    }
  }

  private static let allowances: [(name: String, field: [UInt8])] = [
    ("a tag in five bytes", HandWire.varint(99 << 3, bytes: 5) + [1]),
    ("the greatest field number", HandWire.number(1 << 29 - 1, 1)),
    ("a varint of ten bytes", HandWire.tag(99, 0) + HandWire.varint(1, bytes: 10)),
    ("a varint of ten bytes and all bits", HandWire.tag(99, 0) + [UInt8](repeating: 0xff, count: 9) + [0x7f]),
    ("a length of five bytes", HandWire.tag(99, 2) + HandWire.varint(1, bytes: 5) + [9]),
    ("an empty unknown field", HandWire.bytes(99, [])),
    ("fixed numbers", HandWire.fixed64(99, 1) + HandWire.fixed32(99, 1)),
  ]

  @Test(arguments: allowances.indices)
  func `what decoders accept is accepted in every message`(allowance: Int) {
    let (name, field) = Self.allowances[allowance]
    for (level, wrap) in Self.levels {
      #expect(throws: Never.self, "\(name) in \(level)") { try IndexedRequest(wrap(field)) }
    }
  }

  /// The fields of each message with the wire type that they must have.
  private static let known: [(level: String, fields: [UInt64: UInt64])] = [
    ("request", [1: 2]), ("ResourceSpans", [1: 2, 2: 2, 3: 2]), ("Resource", [1: 2, 2: 0, 3: 2]),
    ("EntityRef", [1: 2, 2: 2, 3: 2, 4: 2]), ("resource attribute", [1: 2, 2: 2, 3: 0]),
    ("ScopeSpans", [1: 2, 2: 2, 3: 2]), ("InstrumentationScope", [1: 2, 2: 2, 3: 2, 4: 0]),
    (
      "Span",
      [
        1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 0, 7: 1, 8: 1, 9: 2, 10: 0, 11: 2, 12: 0, 13: 2, 14: 0, 15: 2, 16: 5,
      ]
    ),
    ("KeyValue", [1: 2, 2: 2, 3: 0]), ("AnyValue", [1: 2, 3: 0, 4: 1, 5: 2, 6: 2, 7: 2, 8: 0]), ("ArrayValue", [1: 2]),
    ("KeyValueList", [1: 2]), ("Event", [1: 1, 2: 2, 3: 2, 4: 0]),
    ("Link", [1: 2, 2: 2, 3: 2, 4: 2, 5: 0, 6: 5]), ("Status", [2: 2, 3: 0]),
  ]

  private static func field(_ number: UInt64, wireType: UInt64) -> [UInt8] {
    switch wireType {
    case 0: HandWire.number(number, 0)
    case 1: HandWire.fixed64(number, 0)
    case 2: HandWire.bytes(number, [])
    default: HandWire.fixed32(number, 0)
    }
  }

  @Test func `a known field is refused with any wire type but its own`() throws {
    for (level, fields) in Self.known {
      let wrap = try #require(Self.levels.first { $0.name == level }).wrap
      for (number, own) in fields {
        for wireType: UInt64 in [0, 1, 2, 5] {
          let field = Self.field(number, wireType: wireType)
          let request = wrap(field)
          if wireType == own {
            #expect(throws: Never.self, "field \(number) of \(level)") { try IndexedRequest(request) }
          } else {
            let expected = Fault(request.count - field.count, Self.wireType)
            #expect(fault(of: request) == expected, "field \(number) of \(level) as \(wireType)")
          }
        }
      }
    }
  }

  @Test func `a bool of another wire type is an unknown field, as decoders have it`() throws {
    let rules = SpanRules()
    _ = rules.number(forKey: "k")
    rules.mark(.applicationRoot, whereTrue: "k")
    for bool in [HandWire.fixed64(2, 1), HandWire.fixed32(2, 1), HandWire.bytes(2, [1])] {
      let alone = try IndexedRequest(HandWire.request(HandWire.attribute(9, "k", bool)), rules: rules).onlySpan()
      #expect(alone.attributes.map(\.type) == [.empty])
      #expect(alone.marks == [])
      let after = HandWire.request(HandWire.attribute(9, "k", HandWire.number(2, 1), bool))
      let span = try IndexedRequest(after, rules: rules).onlySpan()
      #expect(span.attributes.map(\.type) == [.bool])
      #expect(span.marks == .applicationRoot)
    }
  }

  @Test func `a reserved field number is an unknown field`() throws {
    // Status once had a field 1.
    let request = HandWire.request(HandWire.message(15, HandWire.number(1, 3), HandWire.text(2, "m")))
    #expect(try IndexedRequest(request).spans.count == 1)
  }

  @Test func `no bytes at all are an empty request`() throws {
    let indexed = try IndexedRequest([])
    #expect(indexed.spans.isEmpty && indexed.rejected.isEmpty)
  }

  @Test func `a request that is cut off is refused, or is what stands before the cut`() throws {
    let rules = SpanRules()
    _ = rules.number(forPrefix: "")
    let span = HandWire.ids + HandWire.text(5, "name") + HandWire.attribute(9, "k", HandWire.number(3, 300))
    let scopeSpans = HandWire.message(1, HandWire.text(1, "scope")) + HandWire.bytes(2, span) + HandWire.text(3, "url")
    let resourceSpans =
      HandWire.message(1, HandWire.attribute(1, "k", HandWire.text(1, "v"))) + HandWire.bytes(2, scopeSpans)
    let one = HandWire.bytes(1, resourceSpans)
    let request = one + one
    let whole = try IndexedRequest(request, rules: rules).spans
    for length in 0...request.count {
      let prefix = Array(request.prefix(length))
      switch length {
      case 0: #expect(try IndexedRequest(prefix, rules: rules).spans.isEmpty)
      case one.count: #expect(try IndexedRequest(prefix, rules: rules).spans == [whole[0]])
      case request.count: #expect(whole.count == 2)
      default: #expect(throws: MalformedRequest.self, "\(length) bytes") { try IndexedRequest(prefix, rules: rules) }
      }
    }
  }

  @Test func `a message that ends inside a field is refused though bytes follow`() {
    // The span says that it is a byte shorter than its last field.
    for length in 1..<HandWire.ids.count where length != HandWire.bytes(1, HandWire.traceID).count {
      let span = HandWire.tag(2, 2) + HandWire.varint(UInt64(length)) + HandWire.ids
      #expect(throws: MalformedRequest.self, "\(length) bytes") {
        try IndexedRequest(HandWire.message(1, HandWire.message(2, span)))
      }
    }
  }

  @Test func `an index that is filled again forgets a fault and all that was before`() throws {
    let index = SpanIndex()
    let bad = HandWire.message(1, HandWire.message(2, HandWire.span(), HandWire.bytes(2, []))) + [0x07]
    #expect(throws: MalformedRequest.self) { try IndexedRequest(bad, index: index) }
    let indexed = try IndexedRequest(HandWire.request(HandWire.fixed64(7, 5)), index: index)
    #expect(try indexed.onlySpan().start == 5)
    #expect(indexed.rejected.isEmpty)
    #expect(indexed.batch.scopes.count == 1)
  }

  @Test func `a fault reads as a sentence`() throws {
    let error = try #require(throws: MalformedRequest.self) { try IndexedRequest([0x0a, 0x01, 0x00]) }
    #expect(error.description == "malformed protobuf at byte 2: field number 0")
  }
}
