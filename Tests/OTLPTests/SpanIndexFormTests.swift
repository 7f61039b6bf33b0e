import OTLP
import TestSupport
import Testing

/// The freedoms of the wire that don't change what a message means: all of them are read.
struct SpanIndexFormTests {
  private static func rules(_ keys: String...) -> SpanRules {
    let rules = SpanRules()
    for key in keys { _ = rules.number(forKey: key) }
    return rules
  }

  private static func key(_ text: String) -> [UInt8] { HandWire.text(1, text) }
  private static func value(_ fields: [UInt8]...) -> [UInt8] { HandWire.bytes(2, fields.flatMap { $0 }) }

  @Test func `a span's fields may come in any order`() throws {
    let fields = [
      HandWire.bytes(1, HandWire.traceID), HandWire.bytes(2, HandWire.spanID), HandWire.bytes(4, Array(31...38)),
      HandWire.fixed64(7, 77), HandWire.attribute(9, "k", HandWire.text(1, "v")), HandWire.fixed32(16, 0x300),
    ]
    for rotation in fields.indices {
      for order in [fields, fields.reversed()] {
        let span = (order[rotation...] + order[..<rotation]).flatMap { $0 }
        let found = try IndexedRequest(HandWire.request(span: span), rules: Self.rules("k")).onlySpan()
        #expect(found.traceID == HandWire.traceID)
        #expect(found.spanID == HandWire.spanID)
        #expect(found.parentID == Array(31...38))
        #expect(found.start == 77)
        #expect(found.marks == [.hasParent, .remoteParent])
        #expect(found.attributes.map(\.value) == [Array("v".utf8)])
        #expect(found.payload == span)
      }
    }
  }

  @Test func `the last of several scalars counts`() throws {
    let twice =
      HandWire.bytes(1, Array(repeating: 9, count: 16)) + HandWire.bytes(2, Array(repeating: 9, count: 8))
      + HandWire.bytes(4, Array(repeating: 9, count: 8)) + HandWire.fixed64(7, 9) + HandWire.fixed32(16, 0x300)
      + HandWire.ids + HandWire.bytes(4, []) + HandWire.fixed64(7, 1) + HandWire.fixed32(16, 0)
    let span = try IndexedRequest(HandWire.request(span: twice)).onlySpan()
    #expect(span.traceID == HandWire.traceID)
    #expect(span.spanID == HandWire.spanID)
    #expect(span.parentID == [])
    #expect(span.start == 1)
    #expect(span.marks == [])
  }

  private typealias Pair = (name: String, pair: [UInt8], type: AttributeEntry.ValueType, value: [UInt8])

  private static let pairs: [Pair] = [
    ("key, then value", key("k") + value(HandWire.text(1, "v")), .string, Array("v".utf8)),
    ("value, then key", value(HandWire.text(1, "v")) + key("k"), .string, Array("v".utf8)),
    ("the last of two keys", key("other") + value(HandWire.text(1, "v")) + key("k"), .string, Array("v".utf8)),
    ("no value", key("k"), .empty, []),
    ("an empty value", key("k") + value(), .empty, []),
    ("an empty string", key("k") + value(HandWire.text(1, "")), .string, []),
    ("a value in two pieces", value() + key("k") + value(HandWire.text(1, "v")), .string, Array("v".utf8)),
    (
      "a value in two pieces, the second of which says nothing",
      value(HandWire.text(1, "v")) + key("k") + value(HandWire.number(99, 1)), .string, Array("v".utf8)
    ),
    (
      "a string, then an int", key("k") + value(HandWire.text(1, "v"), HandWire.number(3, 258)), .int,
      HandWire.littleEndian(258 as UInt64)
    ),
    (
      "an int, then a string in another piece",
      value(HandWire.number(3, 258)) + value(HandWire.text(1, "v")) + key("k"),
      .string, Array("v".utf8)
    ),
    ("a negative int", key("k") + value(HandWire.number(3, signed: -2)), .int, HandWire.littleEndian(-2 as Int64)),
    (
      "an int with too many bits", key("k") + value(HandWire.tag(3, 0) + [UInt8](repeating: 0x80, count: 9) + [3]),
      .int,
      HandWire.littleEndian(Int64.min)
    ),
    (
      "an int in ten bytes", key("k") + value(HandWire.tag(3, 0) + HandWire.varint(5, bytes: 10)), .int,
      HandWire.littleEndian(5 as UInt64)
    ),
    ("false", key("k") + value(HandWire.number(2, 0)), .bool, HandWire.littleEndian(0 as UInt64)),
    ("a double", key("k") + value(HandWire.double(4, 1.5)), .double, []),
    ("an array", key("k") + value(HandWire.message(5)), .array, []),
    ("a list", key("k") + value(HandWire.message(6)), .kvlist, []),
    ("bytes", key("k") + value(HandWire.bytes(7, [0xff, 0])), .bytes, [0xff, 0]),
    ("a string's index", key("k") + value(HandWire.number(8, 3)), .stringIndex, []),
    (
      "a string, then a string's index", key("k") + value(HandWire.text(1, "v"), HandWire.number(8, 3)), .stringIndex,
      []
    ),
    (
      "unknown fields around it all",
      HandWire.number(99, 1) + key("k") + HandWire.text(4, "?") + value(HandWire.text(1, "v"), HandWire.fixed32(9, 1)),
      .string, Array("v".utf8)
    ),
    (
      "lengths in five bytes",
      HandWire.tag(1, 2) + HandWire.varint(1, bytes: 5) + Array("k".utf8) + HandWire.tag(2, 2)
        + HandWire.varint(8, bytes: 5) + HandWire.varint(1 << 3 | 2, bytes: 3) + HandWire.varint(1, bytes: 4)
        + Array("v".utf8), .string, Array("v".utf8)
    ),
  ]

  @Test func `an attribute is read in every form`() throws {
    for (name, pair, type, value) in Self.pairs {
      let field = HandWire.bytes(9, pair)
      let request = HandWire.request(HandWire.text(5, "n"), field, HandWire.number(6, 1))
      let span = try IndexedRequest(request, rules: Self.rules("k")).onlySpan()
      let expected = IndexedSpan.Attribute(pattern: "k", key: Array("k".utf8), type: type, value: value, field: field)
      #expect(span.attributes == [expected], "\(name)")
    }
  }

  @Test func `a key that stands several times is recorded each time, in order`() throws {
    let fields = ["a", "b", "a"].enumerated().map { position, key in
      HandWire.attribute(9, key, HandWire.number(3, UInt64(position)))
    }
    let request = HandWire.request(fields[0], HandWire.text(5, "n"), fields[1], fields[2])
    let span = try IndexedRequest(request, rules: Self.rules("a", "b")).onlySpan()
    #expect(span.attributes.map(\.field) == fields)
    #expect(span.attributes.map(\.pattern) == ["a", "b", "a"])
  }

  // MARK: Resources and scopes

  @Test func `scope and resource are all fields around the spans, in their order and as they lie`() throws {
    let resource = HandWire.message(1, HandWire.attribute(1, "k", HandWire.text(1, "v")))
    let more = HandWire.message(1, HandWire.number(2, 3))
    let url = HandWire.text(3, "url")
    let unknown = HandWire.varint(99 << 3, bytes: 5) + HandWire.varint(7, bytes: 9) + HandWire.bytes(1000, [1, 2])
    let scope = HandWire.message(1, HandWire.text(1, "scope"))
    let version = HandWire.message(1, HandWire.text(2, "1"))
    let first = HandWire.span(HandWire.text(5, "first"))
    let second = HandWire.span(HandWire.text(5, "second"))
    let third = HandWire.span(HandWire.text(5, "third"))
    let scopeSpans = HandWire.message(2, unknown, first, scope, second, version, url)
    let otherScope = HandWire.message(2, third)
    let request = HandWire.message(1, url, scopeSpans, resource, unknown, otherScope, more)

    let spans = try IndexedRequest(request).spans
    #expect(spans.map(\.payload) == [first, second, third].map { Array($0.dropFirst(2)) })
    #expect(spans.map(\.scope) == [unknown + scope + version + url, unknown + scope + version + url, []])
    #expect(spans.allSatisfy { $0.resource == url + resource + unknown + more })
  }

  @Test func `a header in many pieces between spans is put together in order`() throws {
    for count in 1...9 {
      let pieces = (0..<count).map { HandWire.number(99, UInt64($0)) }
      let scope = HandWire.message(2, pieces.flatMap { $0 + HandWire.span() })
      let spans = try IndexedRequest(HandWire.message(1, pieces.flatMap { $0 + scope })).spans
      #expect(spans.count == count * count)
      #expect(spans.allSatisfy { $0.scope == pieces.flatMap { $0 } && $0.resource == pieces.flatMap { $0 } })
    }
  }

  @Test func `resources and scopes without spans are no part of the batch`() throws {
    let scope = HandWire.message(1, HandWire.text(1, "scope"))
    let empty = [
      HandWire.message(1), HandWire.message(1, HandWire.message(2)), HandWire.message(1, HandWire.message(2, scope)),
      HandWire.message(1, HandWire.message(2), HandWire.message(2)),
      HandWire.message(1, HandWire.text(3, "url"), HandWire.message(2, HandWire.bytes(2, []))),
    ]
    let full = HandWire.message(
      1, HandWire.message(2, scope), HandWire.message(2, HandWire.text(3, "url"), HandWire.span()), HandWire.message(2))
    let request = empty.flatMap { $0 } + full + empty.flatMap { $0 } + full
    let indexed = try IndexedRequest(request)
    #expect(indexed.spans.map(\.scope) == [HandWire.text(3, "url"), HandWire.text(3, "url")])
    #expect(indexed.batch.scopes.count == 2)
    #expect(indexed.batch.scopes[0] === indexed.batch.scopes[1])
  }

  @Test func `fields of the request that nobody knows are passed over`() throws {
    let request = HandWire.number(2, 1) + HandWire.request([]) + HandWire.bytes(99, [1, 2, 3])
    #expect(try IndexedRequest(request).spans.count == 1)
  }
}
