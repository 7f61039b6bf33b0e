import OTLP
import TestSupport
import Testing

/// How deep, how long, and how often.
struct JSONReaderLimitsTests {
  /// A request whose attribute has arrays within arrays: each of them is two messages deep.
  private static func nested(arrays: Int) -> String {
    let value =
      String(repeating: #"{"arrayValue":{"values":["#, count: arrays) + #"{"stringValue":"bottom"}"#
      + String(repeating: "]}}", count: arrays)
    return #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":\#(value)}]}]}]}]}"#
  }

  @Test("messages may lie 64 levels deep, as in protobuf")
  func depth() throws {
    // The value is at level 5.
    let deepest = try read(Self.nested(arrays: 29).utf8)
    #expect(try json(deepest) == Self.nested(arrays: 29))
    let index = SpanIndex()
    try deepest.withUnsafeBytes { try index.fill(from: $0, rules: SpanRules()) }
    let failure = try #require(throws: OTLPJSONReader.Failure.self) { try read(Self.nested(arrays: 30).utf8) }
    #expect(failure.reason == .tooDeep)
  }

  @Test("what OTLP does not know may lie 256 levels deep")
  func unknownDepth() throws {
    func text(_ depth: Int) -> String {
      #"{"other":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
    }
    #expect(try read(text(256).utf8).isEmpty)
    for depth in [257, 100_000] {
      #expect(try #require(throws: OTLPJSONReader.Failure.self) { try read(text(depth).utf8) }.reason == .tooDeep)
    }
  }

  @Test("no more comes out than the limit allows")
  func limit() throws {
    // Each number takes two bytes of text and eight of the message.
    let numbers = String(repeating: "0,", count: 20_000) + "0"
    let text =
      #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":[\#(numbers)]}]}}]}]}]}"#
    let message = try read(text.utf8, as: .request(.metrics))
    #expect(message.count > 160_008)
    #expect(try read(text.utf8, as: .request(.metrics), limit: message.count) == message)
    for limit in [message.count - 1, message.count / 2, 1000] {
      let failure = try #require(throws: OTLPJSONReader.Failure.self) {
        try read(text.utf8, as: .request(.metrics), limit: limit)
      }
      #expect(failure.reason == .tooLarge)
    }
  }

  @Test("messages of every length are as long as they say")
  func lengths() throws {
    let reader = OTLPJSONReader()
    // Around the lengths where a length takes another byte, up and down, so that a guess is wrong either way.
    for count in [0, 1, 100, 120, 127, 128, 130, 16_300, 16_384, 100, 3, 17_000, 5, 2_097_152, 1, 40_000, 70] {
      let name = String(repeating: "x", count: count)
      let text = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"events":[{"name":"a"},{"name":"\#(name)!"}]}]}]}]}"#
      let message = try read(text.utf8, with: reader)
      #expect(try json(message) == text)
      if count > 0, count < 16_000 {
        let events = HandWire.message(11, HandWire.text(2, "a")) + HandWire.message(11, HandWire.text(2, name + "!"))
        #expect(message == HandWire.message(1, HandWire.message(2, HandWire.bytes(2, events))))
      }
    }
  }

  @Test("a reader reads on after a fault")
  func again() throws {
    let reader = OTLPJSONReader()
    let good = Self.nested(arrays: 3)
    let expected = try read(good.utf8)
    for cut in stride(from: 0, to: good.utf8.count, by: 7) {
      #expect(throws: OTLPJSONReader.Failure.self) { try read(good.utf8.prefix(cut), with: reader) }
      #expect(try read(good.utf8, with: reader) == expected)
    }
  }
}
