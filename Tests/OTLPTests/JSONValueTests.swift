import OTLP
import Testing

struct JSONValueTests {
  @Test func `defaults are left out, save in a oneof and as a present submessage`() throws {
    #expect(
      try json(
        span: HandWire.bytes(1, []), HandWire.text(5, ""), HandWire.number(6, 0), HandWire.fixed64(7, 0),
        HandWire.number(10, 0), HandWire.message(15), HandWire.fixed32(16, 0)) == #"{"status":{}}"#)
    #expect(try json(value: HandWire.text(1, "")) == #"{"stringValue":""}"#)
    #expect(try json(value: HandWire.number(2, 0)) == #"{"boolValue":false}"#)
    #expect(try json(value: HandWire.number(3, 0)) == #"{"intValue":"0"}"#)
    #expect(try json(value: HandWire.double(4, 0)) == #"{"doubleValue":0}"#)
    #expect(try json(value: HandWire.message(5)) == #"{"arrayValue":{}}"#)
    #expect(try json(value: HandWire.message(6)) == #"{"kvlistValue":{}}"#)
    #expect(try json(value: HandWire.bytes(7, [])) == #"{"bytesValue":""}"#)
    #expect(try json(value: HandWire.number(8, 0)) == #"{"stringValueStrindex":0}"#)
    #expect(try json(value: []) == "{}")
  }

  @Test func `nested values are written`() throws {
    #expect(
      try json(
        value: HandWire.message(
          5, HandWire.message(1, HandWire.number(3, 1)), HandWire.message(1),
          HandWire.message(1, HandWire.message(6, HandWire.attribute(1, "x", HandWire.number(2, 1))))))
        == #"{"arrayValue":{"values":[{"intValue":"1"},{},{"kvlistValue":{"values":[{"key":"x","#
        + #""value":{"boolValue":true}}]}}]}}"#)
  }

  @Test(arguments: [
    (0, "0"), (7, "7"), (10, "10"), (99, "99"), (100, "100"), (12345, "12345"), (-1, "-1"), (-100, "-100"),
    (Int64.max, "9223372036854775807"), (Int64.min, "-9223372036854775808"),
  ])
  func `64-bit integers are decimal strings`(value: Int64, digits: String) throws {
    #expect(try json(value: HandWire.number(3, signed: value)) == #"{"intValue":""# + digits + #""}"#)
  }

  @Test func `32-bit numbers and enums are numbers, cut to 32 bits`() throws {
    #expect(try json(span: HandWire.number(10, 0xffff_ffff)) == #"{"droppedAttributesCount":4294967295}"#)
    #expect(try json(span: HandWire.number(10, 0x1_0000_0000)) == "{}")
    #expect(try json(span: HandWire.number(6, signed: -2)) == #"{"kind":-2}"#)
    #expect(try json(span: HandWire.number(6, 99)) == #"{"kind":99}"#)
  }

  @Test(arguments: [
    (0.1, "0.1"), (1, "1"), (-1.5, "-1.5"), (0.7, "0.7"), (-0.0, "-0"), (1e-6, "0.000001"), (1e-7, "1e-07"),
    (1e20, "100000000000000000000"), (1e21, "1e+21"), (.leastNonzeroMagnitude, "5e-324"),
    (1.0 / 3, "0.3333333333333333"),
    (Double.greatestFiniteMagnitude, "1.7976931348623157e+308"), (.infinity, #""Infinity""#),
    (-.infinity, #""-Infinity""#), (.nan, #""NaN""#), (-.nan, #""NaN""#),
  ])
  func `doubles have the fewest digits that read back`(value: Double, digits: String) throws {
    #expect(try json(value: HandWire.double(4, value)) == #"{"doubleValue":"# + digits + "}")
  }

  @Test(
    arguments: [
      ([], ""), ([0], "AA=="), ([0xff, 0xef], "/+8="), ([1, 2, 3], "AQID"), ([1, 2, 3, 4], "AQIDBA=="),
      (Array("any carnal pleas".utf8), "YW55IGNhcm5hbCBwbGVhcw=="),
    ] as [([UInt8], String)])
  func `bytes that are no id are base64`(bytes: [UInt8], base64: String) throws {
    #expect(try json(value: HandWire.bytes(7, bytes)) == #"{"bytesValue":""# + base64 + #""}"#)
  }

  @Test(arguments: [
    ("plain", "plain"), ("\"\\/", #"\"\\/"#), ("\u{8}\t\n\u{c}\r", #"\b\t\n\f\r"#),
    ("\0\u{1}\u{1f}\u{7f}", "\\u0000\\u0001\\u001f\u{7f}"), ("grüße 你好 😀", "grüße 你好 😀"),
    ("\u{2028}", "\u{2028}"), ("1234567\"", #"1234567\""#), ("12345678\"9", #"12345678\"9"#), ("é\"é", #"é\"é"#),
    ("a longer text, over several words\nof it", #"a longer text, over several words\nof it"#),
  ])
  func `strings are escaped as JSON has it`(text: String, escaped: String) throws {
    #expect(try json(span: HandWire.text(5, text), HandWire.number(6, 1)) == #"{"name":""# + escaped + #"","kind":1}"#)
    // The same at the very end of the message, where no whole word can be read.
    #expect(try json(HandWire.text(2, text), as: .status) == #"{"message":""# + escaped + #""}"#)
  }

  @Test(
    arguments: [
      [0x61, 0xff, 0x62], [0xc0, 0x80], [0xe2, 0x82], [0xe2, 0x82, 0x61], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98],
      [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80], [0x80, 0x80], [0xe0, 0x9f, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf], [0xc3],
      [0xc3, 0xa4, 0xc3], [0xf0, 0x9f, 0x22],
    ] as [[UInt8]])
  func `bytes that are not UTF-8 are repaired as Swift repairs them`(bytes: [UInt8]) throws {
    let repaired = String(decoding: bytes, as: UTF8.self).replacing("\"", with: "\\\"")
    #expect(try json(HandWire.bytes(2, bytes), as: .status) == #"{"message":""# + repaired + #""}"#)
    #expect(
      try json(span: HandWire.bytes(5, bytes), HandWire.number(6, 1)) == #"{"name":""# + repaired + #"","kind":1}"#)
  }

  @Test func `an id is hexadecimal whatever its length`() throws {
    #expect(try json(span: HandWire.bytes(1, [0x0f, 0xa0])) == #"{"traceId":"0fa0"}"#)
  }
}
