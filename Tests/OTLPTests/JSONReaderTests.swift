import OTLP
import Testing

/// What a text comes out as, in memory of its own that grows as it is asked for.
func read(
  _ text: some Sequence<UInt8>, as kind: OTLPMessage = .request(.traces), limit: Int = 64 << 20,
  with reader: OTLPJSONReader = OTLPJSONReader()
) throws(OTLPJSONReader.Failure) -> [UInt8] {
  let text = Array(text)
  let padded = text + [UInt8](repeating: 0, count: OTLPJSONReader.margin)
  var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
  defer { memory.deallocate() }
  let outcome = padded.withUnsafeBytes { bytes in
    Result { () throws(OTLPJSONReader.Failure) in
      try reader.read(UnsafeRawBufferPointer(rebasing: bytes[..<text.count]), as: kind, limit: limit) { wanted in
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
        larger.copyMemory(from: UnsafeRawBufferPointer(memory))
        memory.deallocate()
        memory = larger
        return larger
      }
    }
  }
  return Array(memory[..<(try outcome.get())])
}

/// The text of a request with one span that has these members.
private func request(span members: String) -> String {
  #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(members)}]}]}]}"#
}

/// The same with one attribute of this value.
private func request(value: String) -> String { request(span: #""attributes":[{"key":"k","value":\#(value)}]"#) }

struct JSONReaderTests {
  /// The wire bytes of such a request.
  private static func wire(span fields: [UInt8]...) -> [UInt8] {
    HandWire.message(1, HandWire.message(2, HandWire.bytes(2, fields.flatMap { $0 })))
  }

  private static func wire(value fields: [UInt8]...) -> [UInt8] {
    wire(span: HandWire.attribute(9, "k", fields.flatMap { $0 }))
  }

  @Test(
    "a span's members become its fields",
    arguments: [
      (#""traceId":"000102030405060708090a0b0c0d0e0f""#, HandWire.bytes(1, Array(0...15))),
      (#""spanId":"ABCDEFabcdef0109""#, HandWire.bytes(2, [0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef, 1, 9])),
      (#""parentSpanId":"""#, []),
      (#""spanId":"0102""#, HandWire.bytes(2, [1, 2])),
      // An odd number of digits has a length that no id has, whichever it is.
      (#""spanId":"00000000000000010""#, HandWire.bytes(2, Array(repeating: 0, count: 15) + [1, 0])),
      (#""name":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00ü""#, HandWire.text(5, "a\"\\/\u{8}\u{c}\n\r\té😀ü")),
      (#""name":"\u0000""#, HandWire.text(5, "\0")),
      (#""kind":3"#, HandWire.number(6, 3)), (#""kind":"3""#, HandWire.number(6, 3)),
      (#""kind":"SPAN_KIND_CLIENT""#, HandWire.number(6, 3)), (#""kind":77"#, HandWire.number(6, 77)),
      (#""startTimeUnixNano":"1700000000000000001""#, HandWire.fixed64(7, 1_700_000_000_000_000_001)),
      (#""startTimeUnixNano":18446744073709551615"#, HandWire.fixed64(7, .max)),
      (#""start_time_unix_nano":1.7e18"#, HandWire.fixed64(7, 1_700_000_000_000_000_000)),
      (#""startTimeUnixNano":"0007.000e1""#, HandWire.fixed64(7, 70)),
      (#""startTimeUnixNano":-0"#, []),
      (#""start\u0054imeUnixNano":1"#, HandWire.fixed64(7, 1)),
      (#""droppedLinksCount":4294967295"#, HandWire.number(14, UInt64(UInt32.max))),
      (#""flags":257"#, HandWire.fixed32(16, 257)),
      (#""status":{}"#, HandWire.message(15)), (#""status":null,"events":null,"name":null,"kind":null"#, []),
      // An event that says nothing is one.
      (#""events":[null,{}]"#, HandWire.message(11) + HandWire.message(11)),
      (#""future":{"a":[1,{"b":[]},"x",true,null,-1.5e3]},"name":"n""#, HandWire.text(5, "n")),
      // What stands twice: the last text, all elements of lists, messages merged, as in protobuf.
      (#""name":"a","name":"""#, HandWire.text(5, "a") + HandWire.text(5, "")),
      (#""events":[{}],"events":[{}]"#, HandWire.message(11) + HandWire.message(11)),
    ] as [(String, [UInt8])])
  func members(_ text: String, _ fields: [UInt8]) throws {
    #expect(try read(request(span: text).utf8) == Self.wire(span: fields))
  }

  @Test(
    "an attribute's value becomes its field",
    arguments: [
      (#"{"stringValue":""}"#, HandWire.text(1, "")), (#"{"boolValue":false}"#, HandWire.number(2, 0)),
      (#"{"intValue":"-9223372036854775808"}"#, HandWire.number(3, signed: .min)),
      (#"{"intValue":-7}"#, HandWire.number(3, signed: -7)), (#"{"intValue":7.0}"#, HandWire.number(3, 7)),
      (#"{"intValue":0}"#, HandWire.number(3, 0)),
      (#"{"doubleValue":0.1}"#, HandWire.double(4, 0.1)), (#"{"doubleValue":"-0.5"}"#, HandWire.double(4, -0.5)),
      // JavaScript writes whole numbers below 1e21 so, which are no 64-bit integers.
      (#"{"doubleValue":100000000000000000000}"#, HandWire.double(4, 1e20)),
      (#"{"doubleValue":"NaN"}"#, HandWire.double(4, .nan)),
      (#"{"doubleValue":"-Infinity"}"#, HandWire.double(4, -.infinity)),
      (#"{"doubleValue":"Infinity"}"#, HandWire.double(4, .infinity)),
      (#"{"doubleValue":1e-999}"#, HandWire.double(4, 0)),
      (#"{"doubleValue":-0}"#, HandWire.double(4, -0.0)),
      (#"{"bytesValue":"+/8="}"#, HandWire.bytes(7, [0xfb, 0xff])),
      (#"{"bytesValue":"-_8"}"#, HandWire.bytes(7, [0xfb, 0xff])),
      (#"{"bytesValue":"+\/8="}"#, HandWire.bytes(7, [0xfb, 0xff])), (#"{"bytesValue":""}"#, HandWire.bytes(7, [])),
      (
        #"{"arrayValue":{"values":[{"intValue":1},null]}}"#,
        HandWire.message(5, HandWire.message(1, HandWire.number(3, 1)), HandWire.message(1))
      ),
      (#"{"kvlistValue":{"values":[{"key":"x","value":{}}]}}"#, HandWire.message(6, HandWire.attribute(1, "x", []))),
      (#"{}"#, []), (#"{"stringValue":null}"#, []),
      // Of a oneof's members the last one counts, as in protobuf.
      (#"{"stringValue":"a","intValue":1}"#, HandWire.text(1, "a") + HandWire.number(3, 1)),
    ] as [(String, [UInt8])])
  func values(_ text: String, _ fields: [UInt8]) throws {
    #expect(try read(request(value: text).utf8) == Self.wire(value: fields))
  }

  @Test("numbers in a list are packed")
  func packed() throws {
    let text =
      #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":["1",2,3.0],"#
      + #""explicitBounds":[0.5,"Infinity"],"sum":0,"count":"0","min":null}]}}]}]}]}"#
    let point = [
      HandWire.bytes(
        6, HandWire.littleEndian(UInt64(1)) + HandWire.littleEndian(UInt64(2)) + HandWire.littleEndian(UInt64(3))),
      HandWire.bytes(7, HandWire.littleEndian(0.5.bitPattern) + HandWire.littleEndian(Double.infinity.bitPattern)),
      HandWire.double(5, 0),
    ]
    let metric = HandWire.message(2, HandWire.message(9, HandWire.bytes(1, point.flatMap { $0 })))
    #expect(try read(text.utf8, as: .request(.metrics)) == HandWire.message(1, HandWire.message(2, metric)))
  }

  @Test("what JSON lets stand around values means nothing")
  func blanks() throws {
    let expected = HandWire.message(1, HandWire.text(3, "s"))
    for text in [
      #"{"resourceSpans":[{"schemaUrl":"s"}]}"#, " \n{ \"resourceSpans\"\t:\r\n [ { \"schemaUrl\" : \"s\" } ] } \n",
      "\u{feff}{\"resource_spans\":[{\"schema_url\":\"s\"}]}",
    ] { #expect(try read(text.utf8) == expected) }
    #expect(try read("{}".utf8).isEmpty)
  }

  typealias Reason = OTLPJSONReader.Failure.Reason

  private func expectFailure(_ reason: Reason, at offset: Int, in text: [UInt8]) {
    let failure = #expect(throws: OTLPJSONReader.Failure.self) { try read(text) }
    #expect(failure?.reason == reason)
    #expect(failure?.offset == offset)
    #expect(failure?.field == nil)
  }

  @Test(
    "what is no JSON is refused",
    arguments: [
      ("", 0), ("[]", 0), ("null", 0), ("1", 0), (#""{}""#, 0), ("{", 0), ("}", 0), ("{}{}", 2), ("{} x", 0),
      (#"{"a"}"#, 0),
      (#"{"a":tru}"#, 5), (#"{"a":nul}"#, 5), (#"{"a":1 2}"#, 2), ("{\"a\":1\u{1}}", 5), ("{\"a\":1\u{c}}", 2),
      ("{\"a\":1\0}", 5), (#"{"a"b:1}"#, 0), (#"{"a":"x"y}"#, 2),
      (#"{"a":[1,]}"#, 8),
      (#"{"a":1,}"#, 2), (#"{"a":01}"#, 5), (#"{"a":+1}"#, 5), (#"{"a":.5}"#, 5), (#"{"a":1.}"#, 5), (#"{"a":1e}"#, 5),
      (#"{"a":NaN}"#, 5), (#"{'a':1}"#, 0), (#"{"resourceSpans":nil}"#, 17), ("{\"a\":\"\n\"}", 6), (#"{"a":"x"#, 5),
      (#"{"a":[}"#, 6), (#"{"resourceSpans":[{}}"#, 17), (#"{/**/}"#, 0),
    ])
  func syntax(_ text: String, _ offset: Int) {
    expectFailure(.syntax, at: offset, in: Array(text.utf8))
  }

  @Test("bytes that are not UTF-8 are refused where they are")
  func notUTF8() {
    for bytes in [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] as [[UInt8]] {
      let text = Array(#"{"a":"ü"#.utf8) + bytes + Array(#""}"#.utf8)
      expectFailure(.notUTF8, at: 8, in: text)
    }
    #expect(throws: OTLPJSONReader.Failure.self) { try read("{}".utf8.flatMap { [$0, 0] }) }
  }

  @Test(
    "a value that its field can't have is refused",
    arguments: [
      (#""name":5"#, .kind, "name"), (#""name":{}"#, .kind, "name"), (#""name":["a"]"#, .kind, "name"),
      (#""name":true"#, .kind, "name"), (#""kind":true"#, .kind, "kind"), (#""status":[]"#, .kind, "status"),
      (#""status":"OK""#, .kind, "status"), (#""events":{}"#, .kind, "events"), (#""events":[1]"#, .kind, "events"),
      (#""startTimeUnixNano":{}"#, .kind, "startTimeUnixNano"),
      (#""start_time_unix_nano":[]"#, .kind, "startTimeUnixNano"),
      (#""startTimeUnixNano":-1"#, .number, "startTimeUnixNano"),
      (#""startTimeUnixNano":1.5"#, .number, "startTimeUnixNano"),
      (#""startTimeUnixNano":18446744073709551616"#, .number, "startTimeUnixNano"),
      (#""startTimeUnixNano":1e20"#, .number, "startTimeUnixNano"),
      (#""startTimeUnixNano":1e99999999999999999999"#, .number, "startTimeUnixNano"),
      (#""startTimeUnixNano":"""#, .number, "startTimeUnixNano"),
      (#""startTimeUnixNano":" 1""#, .number, "startTimeUnixNano"),
      (#""startTimeUnixNano":"0x1""#, .number, "startTimeUnixNano"), (#""flags":4294967296"#, .number, "flags"),
      (#""kind":2147483648"#, .number, "kind"), (#""kind":0.5"#, .number, "kind"), (#""kind":"CLIENT""#, .name, "kind"),
      (#""kind":"""#, .name, "kind"), (#""traceId":"xy""#, .hexadecimal, "traceId"),
      (#""traceId":"W0pNVkX9r3mBcTgHy1oA2g==""#, .hexadecimal, "traceId"), (#""spanId":"é""#, .hexadecimal, "spanId"),
      (#""name":"\x""#, .escape, "name"), (#""name":"\ud800""#, .escape, "name"),
      (#""name":"\udc00\ud800""#, .escape, "name"),
      (#""name":"\ud800\u0041""#, .escape, "name"), (#""name":"\u12g4""#, .escape, "name"),
      (#""other":"\ud800""#, .escape, nil),
      (#""\ud800":1"#, .escape, nil), (#""other":{"\q":1}"#, .escape, nil),
    ] as [(String, Reason, String?)])
  func refusals(_ text: String, _ reason: Reason, _ field: String?) throws {
    let failure = try #require(throws: OTLPJSONReader.Failure.self) { try read(request(span: text).utf8) }
    #expect(failure.reason == reason)
    #expect(failure.field == field)
    // Within the member, in a text that goes on behind it.
    #expect(request(span: "").utf8.count - 7..<request(span: text).utf8.count - 7 ~= failure.offset)
    #expect(failure.description.contains("byte \(failure.offset)"))
  }

  @Test(
    "a value that no attribute can have is refused",
    arguments: [
      (#"{"stringValue":5}"#, .kind), (#"{"boolValue":"true"}"#, .kind), (#"{"boolValue":1}"#, .kind),
      (#"{"intValue":9223372036854775808}"#, .number), (#"{"intValue":-9223372036854775809}"#, .number),
      (#"{"doubleValue":1e400}"#, .number), (#"{"doubleValue":"nan"}"#, .number), (#"{"doubleValue":"inf"}"#, .number),
      (#"{"doubleValue":"-NaN"}"#, .number), (#"{"doubleValue":""}"#, .number), (#"{"doubleValue":true}"#, .kind),
      (#"{"bytesValue":"="}"#, .base64), (#"{"bytesValue":"AA="}"#, .base64), (#"{"bytesValue":"A"}"#, .base64),
      (#"{"bytesValue":"A B="}"#, .base64),
      (#"{"bytesValue":"AA==A"}"#, .base64), (#"{"bytesValue":[1,2]}"#, .kind), (#"{"arrayValue":[]}"#, .kind),
      (#"{"arrayValue":{"values":[5]}}"#, .kind),
    ] as [(String, Reason)])
  func refusedValues(_ text: String, _ reason: Reason) throws {
    #expect(try #require(throws: OTLPJSONReader.Failure.self) { try read(request(value: text).utf8) }.reason == reason)
  }

  @Test("a list of numbers has no nulls in it")
  func nullNumbers() throws {
    let text =
      #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":[1,null]}]}}]}]}]}"#
    let failure = try #require(throws: OTLPJSONReader.Failure.self) { try read(text.utf8, as: .request(.metrics)) }
    #expect(failure.reason == .kind)
    #expect(failure.field == "explicitBounds")
  }
}
