import OTLP
import Testing

/// How deep messages may be nested: 64 levels below the request.
struct SpanIndexDepthTests {
  /// Where attributes stand: the level of their `AnyValue`, and the request around one with these fields.
  private static let places: [(name: String, level: Int, wrap: @Sendable ([UInt8]) -> [UInt8])] = [
    ("span attribute", 5, { HandWire.request(HandWire.attribute(9, "k", $0)) }),
    ("event attribute", 6, { HandWire.request(HandWire.message(11, HandWire.attribute(3, "k", $0))) }),
    ("link attribute", 6, { HandWire.request(HandWire.message(13, HandWire.attribute(4, "k", $0))) }),
    (
      "scope attribute", 5,
      { HandWire.message(1, HandWire.message(2, HandWire.message(1, HandWire.attribute(3, "k", $0)), HandWire.span())) }
    ),
    (
      "resource attribute", 4,
      {
        HandWire.message(
          1, HandWire.message(1, HandWire.attribute(1, "k", $0)), HandWire.message(2, HandWire.span()))
      }
    ),
  ]

  /// The fields of an `AnyValue` that has that many levels of arrays and values below it.
  private static func arrays(levels: Int) -> [UInt8] {
    switch levels {
    case 0: []
    case 1: HandWire.message(5)
    default: HandWire.message(5, HandWire.message(1, arrays(levels: levels - 2)))
    }
  }

  /// The same with lists of pairs.
  private static func lists(levels: Int) -> [UInt8] {
    switch levels {
    case 0: []
    case 1: HandWire.message(6)
    case 2: HandWire.message(6, HandWire.message(1))
    default: HandWire.message(6, HandWire.message(1, HandWire.message(2, lists(levels: levels - 3))))
    }
  }

  @Test(arguments: places.indices, [false, true])
  func `64 levels are accepted and 65 are not`(place: Int, withLists: Bool) {
    let (_, level, wrap) = Self.places[place]
    let nested = withLists ? Self.lists : Self.arrays
    for depth in level...80 {
      let found = fault(of: wrap(nested(depth - level)))
      if depth <= 64 {
        #expect(found == nil, "depth \(depth)")
      } else {
        #expect(found?.reason == "messages nested deeper than 64 levels", "depth \(depth)")
      }
    }
  }

  @Test func `the depth of what stands beside a deep value does not add up`() {
    let deep = Self.arrays(levels: 59)
    let request = HandWire.request(
      HandWire.attribute(9, "a", deep), HandWire.attribute(9, "b", deep), HandWire.attribute(9, "c", deep, deep))
    #expect(fault(of: request) == nil)
  }

  @Test func `unknown fields have no depth`() {
    let unknown = (0..<200).reduce(into: [UInt8]()) { inner, _ in inner = HandWire.bytes(99, inner) }
    #expect(fault(of: HandWire.request(unknown)) == nil)
  }

  @Test func `a value nested a hundred thousand deep is refused without recursing into it`() {
    // Written from the inside out, as the length of each level stands before it.
    var lengths: [[UInt8]] = []
    var length = 0
    for level in 0..<100_000 {
      let head = HandWire.tag(level % 2 == 0 ? 1 : 5, 2) + HandWire.varint(UInt64(length))
      lengths.append(head)
      length += head.count
    }
    let value = lengths.reversed().flatMap { $0 }
    #expect(
      fault(of: HandWire.request(HandWire.attribute(9, "k", value)))?.reason == "messages nested deeper than 64 levels")
  }
}
