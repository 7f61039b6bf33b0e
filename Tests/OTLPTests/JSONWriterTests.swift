import OTLP
import Testing

struct JSONWriterTests {
  @Test func `a whole trace request is written in the collector's field order`() throws {
    let span = HandWire.message(
      2,
      HandWire.bytes(1, Array(0...15)), HandWire.bytes(2, [0xab, 1, 2, 3, 4, 5, 6, 0xff]), HandWire.text(3, "a=1"),
      HandWire.bytes(4, [8, 7, 6, 5, 4, 3, 2, 1]), HandWire.text(5, "chat"), HandWire.number(6, 3),
      HandWire.fixed64(7, 1_700_000_000_000_000_001), HandWire.fixed64(8, .max),
      HandWire.attribute(9, "k", HandWire.text(1, "v")), HandWire.number(10, 1),
      HandWire.message(
        11, HandWire.fixed64(1, 5), HandWire.text(2, "e"), HandWire.attribute(3, "n", HandWire.number(3, 7))),
      HandWire.number(12, 2),
      HandWire.message(
        13, HandWire.bytes(1, Array(repeating: 0xee, count: 16)),
        HandWire.bytes(2, Array(repeating: 0xdd, count: 8)), HandWire.fixed32(6, 1)),
      HandWire.number(14, 3), HandWire.message(15, HandWire.text(2, "oops"), HandWire.number(3, 2)),
      HandWire.fixed32(16, 0x301))
    let request = HandWire.message(
      1,
      HandWire.message(1, HandWire.attribute(1, "service.name", HandWire.text(1, "shop"))),
      HandWire.message(2, HandWire.message(1, HandWire.text(1, "lib"), HandWire.text(2, "1.0")), span),
      HandWire.text(3, "https://schema"))
    let expected =
      #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"#
      + #""scopeSpans":[{"scope":{"name":"lib","version":"1.0"},"spans":[{"#
      + #""traceId":"000102030405060708090a0b0c0d0e0f","spanId":"ab010203040506ff","traceState":"a=1","#
      + #""parentSpanId":"0807060504030201","flags":769,"name":"chat","kind":3,"#
      + #""startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"18446744073709551615","#
      + #""attributes":[{"key":"k","value":{"stringValue":"v"}}],"droppedAttributesCount":1,"#
      + #""events":[{"timeUnixNano":"5","name":"e","attributes":[{"key":"n","value":{"intValue":"7"}}]}],"#
      + #""droppedEventsCount":2,"links":[{"traceId":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","#
      + #""spanId":"dddddddddddddddd","flags":1}],"droppedLinksCount":3,"#
      + #""status":{"message":"oops","code":2}}]}],"schemaUrl":"https://schema"}]}"#
    #expect(try json(request) == expected)
  }

  @Test func `a log record is written`() throws {
    let record = HandWire.message(
      2,
      HandWire.text(12, "login"), HandWire.fixed64(1, 1), HandWire.number(2, 9), HandWire.text(3, "INFO"),
      HandWire.message(5, HandWire.text(1, "hello")), HandWire.fixed32(8, 1),
      HandWire.bytes(9, Array(repeating: 1, count: 16)), HandWire.bytes(10, Array(repeating: 2, count: 8)),
      HandWire.fixed64(11, 2))
    let expected =
      #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","observedTimeUnixNano":"2","#
      + #""severityNumber":9,"severityText":"INFO","body":{"stringValue":"hello"},"flags":1,"#
      + #""traceId":"01010101010101010101010101010101","spanId":"0202020202020202","eventName":"login"}]}]}]}"#
    #expect(try json(HandWire.message(1, HandWire.message(2, record)), as: .request(.logs)) == expected)
  }

  @Test func `metrics are written, their oneofs where the collector has them`() throws {
    let exemplar = HandWire.message(
      5, HandWire.fixed64(2, 4), HandWire.fixed64(6, UInt64(bitPattern: -1)),
      HandWire.bytes(4, Array(repeating: 0xaa, count: 8)), HandWire.bytes(5, Array(repeating: 0xbb, count: 16)))
    let point = HandWire.message(
      1, HandWire.fixed64(3, 9), HandWire.double(4, 0.5), exemplar,
      HandWire.attribute(7, "a", HandWire.number(2, 1)), HandWire.number(8, 1))
    let metric = HandWire.message(
      2, HandWire.attribute(12, "m", HandWire.text(1, "x")), HandWire.message(7, point, HandWire.number(2, 2)),
      HandWire.text(1, "requests"), HandWire.text(3, "1"))
    let expected =
      #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"requests","unit":"1","sum":{"dataPoints":[{"#
      + #""attributes":[{"key":"a","value":{"boolValue":true}}],"timeUnixNano":"9","asDouble":0.5,"#
      + #""exemplars":[{"timeUnixNano":"4","asInt":"-1","traceId":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","#
      + #""spanId":"aaaaaaaaaaaaaaaa"}],"flags":1}],"aggregationTemporality":2},"#
      + #""metadata":[{"key":"m","value":{"stringValue":"x"}}]}]}]}]}"#
    #expect(try json(HandWire.message(1, HandWire.message(2, metric)), as: .request(.metrics)) == expected)
  }

  @Test func `histograms keep the presence of sum, min and max`() throws {
    func point(_ field: UInt64, _ fields: [UInt8]...) throws -> String {
      let metric = HandWire.message(2, HandWire.message(field, HandWire.bytes(1, fields.flatMap { $0 })))
      let text = try json(HandWire.message(1, HandWire.message(2, metric)), as: .request(.metrics))
      let start = try #require(text.firstRange(of: #""dataPoints":["#))
      return String(text[start.upperBound...].dropLast("]}}]}]}]}".count))
    }
    #expect(
      try point(9, HandWire.fixed64(4, 2), HandWire.double(5, 0), HandWire.double(11, -1.5), HandWire.double(12, 3))
        == #"{"count":"2","sum":0,"min":-1.5,"max":3}"#)
    #expect(try point(9, HandWire.number(10, 1)) == #"{"flags":1}"#)
    #expect(
      try point(
        10, HandWire.number(6, 3), HandWire.message(8, HandWire.number(1, 1), HandWire.bytes(2, [0, 5, 0x80, 1])),
        HandWire.double(14, 0.25))
        == #"{"scale":-2,"positive":{"offset":-1,"bucketCounts":["0","5","128"]},"zeroThreshold":0.25}"#)
    #expect(
      try point(11, HandWire.double(5, 2), HandWire.message(6, HandWire.double(1, 0.5), HandWire.double(2, 7)))
        == #"{"sum":2,"quantileValues":[{"quantile":0.5,"value":7}]}"#)
  }

  @Test func `entity references are written`() throws {
    let resource = HandWire.message(
      1,
      HandWire.message(
        3, HandWire.text(3, "service.name"), HandWire.text(2, "service"), HandWire.text(3, ""), HandWire.text(4, "d")))
    #expect(
      try json(HandWire.message(1, resource))
        == #"{"resourceSpans":[{"resource":{"entityRefs":[{"type":"service","idKeys":["service.name",""],"#
        + #""descriptionKeys":["d"]}]}}]}"#)
  }

  @Test func `replies and refusals are written`() throws {
    #expect(
      try json(
        HandWire.number(1, 3) + HandWire.text(2, "no") + HandWire.message(3, HandWire.text(1, "t")), as: .status)
        == #"{"code":3,"message":"no","details":[{"typeUrl":"t"}]}"#)
    let partial = HandWire.message(1, HandWire.number(1, 2), HandWire.text(2, "bad id"))
    #expect(
      try json(partial, as: .response(.traces))
        == #"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"bad id"}}"#)
    #expect(
      try json(partial, as: .response(.logs))
        == #"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"bad id"}}"#)
    #expect(
      try json(partial, as: .response(.metrics))
        == #"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"bad id"}}"#)
  }

  @Test(arguments: Signal.allCases)
  func `an empty request is an empty object`(signal: Signal) throws {
    #expect(try json([], as: .request(signal)) == "{}")
  }

  @Test func `text is appended to what is there, and a failure leaves that alone`() throws {
    var text = Array("before\n".utf8)
    let good = HandWire.request(span: HandWire.text(5, "n"))
    try good.withUnsafeBytes { try OTLPJSON.append(message: $0, signal: .traces, to: &text) }
    #expect(String(decoding: text, as: UTF8.self).hasPrefix("before\n{\"resourceSpans\""))
    let before = text
    #expect(throws: OTLPJSON.Failure.malformed) {
      try (good + [0xff]).withUnsafeBytes { try OTLPJSON.append(message: $0, signal: .traces, to: &text) }
    }
    #expect(text == before)
  }

  @Test func `text that is many times longer than its message is written whole`() throws {
    let text = String(repeating: "\u{1}", count: 100_000)
    #expect(
      try json(span: HandWire.text(5, text)) == #"{"name":""# + String(repeating: "\\u0001", count: 100_000) + #""}"#)
  }
}
