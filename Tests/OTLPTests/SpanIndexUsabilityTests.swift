import OTLP
import TestSupport
import Testing

/// Which well-formed spans are left out, and that this costs no neighbour its place.
struct SpanIndexUsabilityTests {
  private typealias Case = (name: String, span: [UInt8], reason: RejectionReason?)

  private static let trace = HandWire.bytes(1, HandWire.traceID)
  private static let id = HandWire.bytes(2, HandWire.spanID)

  private static func parent(_ bytes: [UInt8]) -> [UInt8] { trace + id + HandWire.bytes(4, bytes) }
  private static func link(_ fields: [UInt8]...) -> [UInt8] {
    trace + id + HandWire.message(13, fields.flatMap { $0 })
  }

  private static let cases: [Case] = [
    ("no fields", [], .traceID),
    ("no trace id", id, .traceID),
    ("an empty trace id", HandWire.bytes(1, []) + id, .traceID),
    ("a trace id of zeros", HandWire.bytes(1, [UInt8](repeating: 0, count: 16)) + id, .traceID),
    ("a short trace id", HandWire.bytes(1, Array(1...15)) + id, .traceID),
    ("a long trace id", HandWire.bytes(1, Array(1...17)) + id, .traceID),
    ("a trace id as hexadecimal text", HandWire.text(1, "0102030405060708090a0b0c0d0e0f10") + id, .traceID),
    ("a trace id with one bit", HandWire.bytes(1, [UInt8](repeating: 0, count: 15) + [1]) + id, nil),
    ("no span id", trace, .spanID),
    ("an empty span id", trace + HandWire.bytes(2, []), .spanID),
    ("a span id of zeros", trace + HandWire.bytes(2, [UInt8](repeating: 0, count: 8)), .spanID),
    ("a short span id", trace + HandWire.bytes(2, Array(1...7)), .spanID),
    ("a long span id", trace + HandWire.bytes(2, Array(1...9)), .spanID),
    ("a span id with one bit", trace + HandWire.bytes(2, [0x80] + [UInt8](repeating: 0, count: 7)), nil),
    ("a bad trace id that a good one overrides", HandWire.bytes(1, [1]) + trace + id, nil),
    ("a good trace id that a bad one overrides", trace + id + HandWire.bytes(1, [1]), .traceID),
    ("a good span id that an empty one overrides", trace + id + HandWire.bytes(2, []), .spanID),
    ("an empty parent", parent([]), nil),
    ("a parent of zeros", parent([UInt8](repeating: 0, count: 8)), nil),
    ("a parent", parent(Array(1...8)), nil),
    ("a short parent", parent(Array(1...7)), .parentID),
    ("a long parent", parent(Array(1...16)), .parentID),
    ("a bad parent that a good one overrides", parent([1]) + HandWire.bytes(4, Array(1...8)), nil),
    ("a link without ids", link(), nil),
    ("a link with ids", link(HandWire.bytes(1, Array(1...16)), HandWire.bytes(2, Array(1...8))), nil),
    ("a link to zeros", link(HandWire.bytes(1, [UInt8](repeating: 0, count: 16))), nil),
    ("a link with a short trace id", link(HandWire.bytes(1, Array(1...15))), .linkID),
    ("a link with a long trace id", link(HandWire.bytes(1, Array(1...17))), .linkID),
    ("a link with a short span id", link(HandWire.bytes(2, [1])), .linkID),
    ("a link with a long span id", link(HandWire.bytes(2, Array(1...9))), .linkID),
    ("a bad link before a good one", link(HandWire.bytes(2, [1])) + HandWire.message(13), .linkID),
    ("everything wrong", HandWire.bytes(4, [1]) + HandWire.message(13, HandWire.bytes(1, [1])), .traceID),
  ]

  @Test func `a span with unusable ids is left out and its neighbours stay`() throws {
    for (name, span, reason) in Self.cases {
      let first = HandWire.span(HandWire.text(5, "first"))
      let last = HandWire.span(HandWire.text(5, "last"))
      let request = HandWire.message(1, HandWire.message(2, first, HandWire.bytes(2, span), last))
      let indexed = try IndexedRequest(request)
      #expect(indexed.spans.count == (reason == nil ? 3 : 2), "\(name)")
      #expect(indexed.rejected == (reason.map { [$0: 1] } ?? [:]), "\(name)")
      #expect(indexed.batch.index.rejectedCount == (reason == nil ? 0 : 1), "\(name)")
      #expect(indexed.spans.first?.payload == Array(first.dropFirst(2)), "\(name)")
      #expect(indexed.spans.last?.payload == Array(last.dropFirst(2)), "\(name)")
    }
  }

  @Test func `what a span left out had recorded is gone with it`() throws {
    let rules = SpanRules()
    _ = rules.number(forKey: "k")
    let attribute = HandWire.attribute(9, "k", HandWire.text(1, "v"))
    let request = HandWire.message(
      1, HandWire.message(2, HandWire.bytes(2, attribute + attribute), HandWire.span(attribute)))
    let indexed = try IndexedRequest(request, rules: rules)
    #expect(try indexed.onlySpan().attributes.count == 1)
    #expect(indexed.batch.index.spans[0].attribute == 0)
  }

  @Test func `a parent of zeros is no parent`() throws {
    let zeros = HandWire.bytes(4, [UInt8](repeating: 0, count: 8))
    #expect(try IndexedRequest(HandWire.request(zeros)).onlySpan().marks == [])
    #expect(try IndexedRequest(HandWire.request(HandWire.bytes(4, Array(1...8)))).onlySpan().marks == .hasParent)
  }

  // MARK: Strings

  private static let notUTF8: [UInt8] = [0x61, 0xff]

  /// Every string of a span, as fields of the span.
  private static let spanStrings: [(name: String, fields: @Sendable ([UInt8]) -> [UInt8])] = [
    ("trace state", { HandWire.bytes(3, $0) }),
    ("name", { HandWire.bytes(5, $0) }),
    ("a name that a later one overrides", { HandWire.bytes(5, $0) + HandWire.text(5, "good") }),
    ("status message", { HandWire.message(15, HandWire.bytes(2, $0)) }),
    ("attribute key", { HandWire.message(9, HandWire.bytes(1, $0)) }),
    ("attribute value", { HandWire.attribute(9, "k", HandWire.bytes(1, $0)) }),
    ("value that a later one overrides", { HandWire.attribute(9, "k", HandWire.bytes(1, $0), HandWire.number(3, 1)) }),
    ("array element", { HandWire.attribute(9, "k", HandWire.message(5, HandWire.message(1, HandWire.bytes(1, $0)))) }),
    (
      "value in a list",
      {
        HandWire.attribute(
          9, "k", HandWire.message(6, HandWire.message(1, HandWire.message(2, HandWire.bytes(1, $0)))))
      }
    ),
    ("key in a list", { HandWire.attribute(9, "k", HandWire.message(6, HandWire.message(1, HandWire.bytes(1, $0)))) }),
    ("event name", { HandWire.message(11, HandWire.bytes(2, $0)) }),
    ("event key", { HandWire.message(11, HandWire.message(3, HandWire.bytes(1, $0))) }),
    ("event value", { HandWire.message(11, HandWire.attribute(3, "k", HandWire.bytes(1, $0))) }),
    ("link trace state", { HandWire.message(13, HandWire.bytes(3, $0)) }),
    ("link key", { HandWire.message(13, HandWire.message(4, HandWire.bytes(1, $0))) }),
    ("link value", { HandWire.message(13, HandWire.attribute(4, "k", HandWire.bytes(1, $0))) }),
  ]

  @Test func `a span with a string that is not UTF-8 is left out and its neighbours stay`() throws {
    for (name, fields) in Self.spanStrings {
      let bad = HandWire.message(
        1, HandWire.message(2, HandWire.span(), HandWire.span(fields(Self.notUTF8)), HandWire.span()))
      #expect(try IndexedRequest(bad).spans.count == 2, "\(name)")
      #expect(try IndexedRequest(bad).rejected == [.string: 1], "\(name)")
      let good = try IndexedRequest(HandWire.request(fields(Array("aü".utf8))))
      #expect(good.spans.count == 1 && good.rejected.isEmpty, "\(name)")
    }
  }

  @Test func `bytes need not be UTF-8`() throws {
    let request = HandWire.request(HandWire.attribute(9, "k", HandWire.bytes(7, Self.notUTF8)))
    #expect(try IndexedRequest(request).spans.count == 1)
  }

  /// Every string of a scope, as fields of the `ScopeSpans`.
  private static let scopeStrings: [(name: String, fields: @Sendable ([UInt8]) -> [UInt8])] = [
    ("name", { HandWire.message(1, HandWire.bytes(1, $0)) }),
    ("version", { HandWire.message(1, HandWire.bytes(2, $0)) }),
    ("attribute key", { HandWire.message(1, HandWire.message(3, HandWire.bytes(1, $0))) }),
    ("attribute value", { HandWire.message(1, HandWire.attribute(3, "k", HandWire.bytes(1, $0))) }),
    ("schema url", { HandWire.bytes(3, $0) }),
  ]

  @Test func `a scope with a string that is not UTF-8 is left out whole, wherever the string stands`() throws {
    let rules = SpanRules()
    _ = rules.number(forKey: "k")
    let span = HandWire.span(HandWire.attribute(9, "k", HandWire.number(3, 1)))
    for (name, fields) in Self.scopeStrings {
      let bad = fields(Self.notUTF8)
      for scope in [bad + span + span, span + bad + span, span + span + bad] {
        let request = HandWire.message(
          1, HandWire.message(2, span), HandWire.bytes(2, scope), HandWire.message(2, span))
        let indexed = try IndexedRequest(request, rules: rules)
        #expect(indexed.spans.count == 2, "\(name)")
        #expect(indexed.spans.allSatisfy { $0.scope == [] && $0.attributes.count == 1 }, "\(name)")
        #expect(indexed.rejected == [.string: 2], "\(name)")
      }
    }
  }

  /// Every string of a resource, as fields of the `ResourceSpans`.
  private static let resourceStrings: [(name: String, fields: @Sendable ([UInt8]) -> [UInt8])] = [
    ("attribute key", { HandWire.message(1, HandWire.message(1, HandWire.bytes(1, $0))) }),
    ("attribute value", { HandWire.message(1, HandWire.attribute(1, "k", HandWire.bytes(1, $0))) }),
    ("entity's schema url", { HandWire.message(1, HandWire.message(3, HandWire.bytes(1, $0))) }),
    ("entity's type", { HandWire.message(1, HandWire.message(3, HandWire.bytes(2, $0))) }),
    ("entity's id key", { HandWire.message(1, HandWire.message(3, HandWire.bytes(3, $0))) }),
    ("entity's description key", { HandWire.message(1, HandWire.message(3, HandWire.bytes(4, $0))) }),
    ("schema url", { HandWire.bytes(3, $0) }),
  ]

  @Test func `a resource with a string that is not UTF-8 is left out whole, wherever the string stands`() throws {
    let unusable = HandWire.bytes(2, HandWire.text(5, "no ids"))
    let scope = HandWire.message(2, HandWire.span(), unusable, HandWire.span())
    for (name, fields) in Self.resourceStrings {
      let bad = fields(Self.notUTF8)
      for resource in [bad + scope + scope, scope + bad + scope, scope + scope + bad] {
        let other = HandWire.message(1, HandWire.message(2, HandWire.span()))
        let indexed = try IndexedRequest(other + HandWire.bytes(1, resource) + other)
        #expect(indexed.spans.count == 2, "\(name)")
        #expect(indexed.spans.allSatisfy { $0.resource == [] }, "\(name)")
        #expect(indexed.rejected == [.string: 4, .traceID: 2], "\(name)")
      }
      let good = try IndexedRequest(HandWire.bytes(1, fields(Array("ü".utf8)) + scope))
      #expect(good.spans.count == 2, "\(name)")
    }
  }

  /// What RFC 3629 allows and forbids, each beside its neighbours on the other side of the border.
  private static let sequences: [(bytes: [UInt8], isValid: Bool)] = [
    ([0x00], true), ([0x7f], true), ([0x80], false), ([0xbf], false), ([0xc0, 0x80], false), ([0xc1, 0xbf], false),
    ([0xc2, 0x80], true), ([0xdf, 0xbf], true), ([0xc2], false), ([0xc2, 0x7f], false), ([0xc2, 0xc0], false),
    ([0xe0, 0x9f, 0xbf], false), ([0xe0, 0xa0, 0x80], true), ([0xed, 0x9f, 0xbf], true), ([0xed, 0xa0, 0x80], false),
    ([0xee, 0x80, 0x80], true), ([0xef, 0xbf, 0xbf], true), ([0xe1, 0x80], false), ([0xe1, 0x80, 0x41], false),
    ([0xf0, 0x8f, 0xbf, 0xbf], false), ([0xf0, 0x90, 0x80, 0x80], true), ([0xf4, 0x8f, 0xbf, 0xbf], true),
    ([0xf4, 0x90, 0x80, 0x80], false), ([0xf5, 0x80, 0x80, 0x80], false), ([0xf0, 0x90, 0x80], false),
    ([0xf0, 0x90, 0x80, 0x41], false), ([0xff], false), ([0xfe], false),
  ]

  @Test func `UTF-8 is told from other bytes wherever it stands in a string`() throws {
    for (bytes, isValid) in Self.sequences {
      for before in [0, 1, 5, 7, 8, 30, 31, 32, 33, 62] {
        for after in [0, 1, 9, 40] {
          let text = [UInt8](repeating: 0x61, count: before) + bytes + [UInt8](repeating: 0x62, count: after)
          let kept = try IndexedRequest(HandWire.request(HandWire.bytes(5, text))).spans.count == 1
          #expect(kept == isValid, "\(bytes) behind \(before) characters, before \(after)")
        }
      }
    }
  }
}
