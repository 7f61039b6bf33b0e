import OTLP
import Testing
import TestSupport

/// Attributes of the common shape take a short way through the index: it must see what the long one sees.
@Suite struct ShortWayTests {
  /// A span whose last attribute is the given one, with room behind it for the short way.
  private static func request(_ attribute: [UInt8]) -> [UInt8] {
    var span = SpanStub(2, parent: 1)
    span.extra = ProtobufWriter.message { $0.bytesField(9, attribute) }
    var padding = SpanStub(3, parent: 1)
    padding.attributes = [StubAttribute("padding", .string(String(repeating: "p", count: 600)))]
    return SpanStub.request([span, padding])
  }

  private static func rejected(_ attribute: [UInt8]) throws -> Int {
    let index = SpanIndex()
    try request(attribute).withUnsafeBytes { try index.fill(from: $0, rules: SpanRules()) }
    return index.rejected(.string)
  }

  @Test(arguments: [1, 3, 4, 5, 15, 16, 31, 32, 61, 62, 63, 64, 65, 127, 128, 300], 0..<4)
  func `a byte that is not UTF-8 is found wherever it stands in a key`(length: Int, place: Int) throws {
    let position = [0, length / 2, length - 1, length][place]
    var key = [UInt8](repeating: UInt8(ascii: "k"), count: length)
    if position < length { key[position] = 0xff }
    let pair = ProtobufWriter.message {
      $0.bytesField(1, key)
      $0.messageField(2) { $0.stringField(1, "v") }
    }
    #expect(try Self.rejected(pair) == (position < length ? 1 : 0))
  }

  @Test(arguments: [1, 2, 7, 30, 31, 32, 50, 59, 60, 61, 62, 63, 64, 65, 100, 126, 127, 128, 129, 1000, 20_000], 0..<4)
  func `and in a value`(length: Int, place: Int) throws {
    let position = [0, length / 2, length - 1, length][place]
    var value = [UInt8](repeating: UInt8(ascii: "v"), count: length)
    if position < length { value[position] = 0xff }
    let pair = ProtobufWriter.message {
      $0.stringField(1, "some.key")
      $0.messageField(2) { $0.bytesField(1, value) }
    }
    #expect(try Self.rejected(pair) == (position < length ? 1 : 0))
  }

  @Test func `text beyond ASCII is taken`() throws {
    for text in ["ü", "日本語のテキスト", String(repeating: "é", count: 100), "👩‍👩‍👧"] {
      let pair = ProtobufWriter.message {
        $0.stringField(1, text)
        $0.messageField(2) { $0.stringField(1, text) }
      }
      #expect(try Self.rejected(pair) == 0)
    }
  }

  @Test(
    arguments: [
      [0x18, 0x80], [0x18], [0x10], [0x21, 1, 2, 3], [0x0a, 5, 1], [0x0a], [0x0a, 0x80],
      [
        0x18, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 1,
      ],
    ] as [[UInt8]])
  func `a malformed value is refused`(value: [UInt8]) {
    let pair = ProtobufWriter.message {
      $0.stringField(1, "some.key")
      $0.bytesField(2, value)
    }
    #expect(throws: MalformedRequest.self) { try Self.rejected(pair) }
  }
}
