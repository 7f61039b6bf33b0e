import OTLP
import Testing

/// The freedoms that protobuf gives to whoever encodes a message, and the bytes that are no message.
struct JSONWireFormTests {
  /// A metrics request with one data point in field `data` of one metric.
  private func metrics(_ data: UInt64, point: [UInt8]...) -> [UInt8] {
    let metric = HandWire.message(2, HandWire.message(data, HandWire.bytes(1, point.flatMap { $0 })))
    return HandWire.message(1, HandWire.message(2, metric))
  }

  @Test func `repeated fields that lie scattered are one array in their order`() throws {
    #expect(
      try json(
        span: HandWire.attribute(9, "a", HandWire.number(3, 1)), HandWire.message(11, HandWire.text(2, "e1")),
        HandWire.text(5, "n"), HandWire.attribute(9, "b", HandWire.number(3, 2)),
        HandWire.message(11, HandWire.text(2, "e2")), HandWire.attribute(9, "c", HandWire.number(3, 3)))
        == #"{"name":"n","attributes":[{"key":"a","value":{"intValue":"1"}},{"key":"b","value":{"intValue":"2"}},"#
        + #"{"key":"c","value":{"intValue":"3"}}],"events":[{"name":"e1"},{"name":"e2"}]}"#)
  }

  @Test func `the value may come before the key`() throws {
    #expect(
      try json(span: HandWire.message(9, HandWire.message(2, HandWire.text(1, "v")), HandWire.text(1, "k")))
        == #"{"attributes":[{"key":"k","value":{"stringValue":"v"}}]}"#)
  }

  @Test func `the last occurrence of a scalar counts, even when it is the default`() throws {
    #expect(try json(span: HandWire.text(5, "first"), HandWire.text(5, "last")) == #"{"name":"last"}"#)
    #expect(try json(span: HandWire.text(5, "first"), HandWire.text(5, "")) == "{}")
  }

  @Test func `the last member of a oneof counts`() throws {
    #expect(try json(value: HandWire.text(1, "s"), HandWire.number(3, 4)) == #"{"intValue":"4"}"#)
    #expect(try json(value: HandWire.number(3, 4), HandWire.text(1, "s")) == #"{"stringValue":"s"}"#)
    #expect(
      try json(
        value: HandWire.message(5, HandWire.message(1, HandWire.number(3, 1))), HandWire.text(1, "s"),
        HandWire.message(5, HandWire.message(1, HandWire.number(3, 2))))
        == #"{"arrayValue":{"values":[{"intValue":"2"}]}}"#)
  }

  @Test func `a submessage in pieces is merged`() throws {
    #expect(
      try json(
        span: HandWire.message(15, HandWire.text(2, "first")), HandWire.text(5, "n"),
        HandWire.message(15, HandWire.number(3, 2)), HandWire.message(15),
        HandWire.message(15, HandWire.text(2, "last")))
        == #"{"name":"n","status":{"message":"last","code":2}}"#)
    // Pieces within pieces: the value is split, and so is the array in its first piece.
    func element(_ number: UInt64) -> [UInt8] { HandWire.message(1, HandWire.number(3, number)) }
    let first = HandWire.message(2, HandWire.message(5, element(1)), HandWire.message(5, element(2)))
    let second = HandWire.message(2, HandWire.message(5, element(3)))
    #expect(
      try json(span: HandWire.message(9, first, HandWire.text(1, "k"), second))
        == #"{"attributes":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":"1"},{"intValue":"2"},"#
        + #"{"intValue":"3"}]}}}]}"#)
  }

  @Test func `repeated numbers may be packed, unpacked or both`() throws {
    let buckets = HandWire.message(
      8, HandWire.bytes(2, [1, 2]), HandWire.number(2, 3), HandWire.number(1, 2), HandWire.bytes(2, []),
      HandWire.bytes(2, [0xac, 2]))
    #expect(
      try json(metrics(10, point: buckets), as: .request(.metrics)).contains(
        #"{"positive":{"offset":1,"bucketCounts":["1","2","3","300"]}}"#))
    let histogram =
      HandWire.fixed64(6, 1) + HandWire.bytes(6, HandWire.littleEndian(UInt64(2)))
      + HandWire.bytes(7, HandWire.littleEndian((0.5).bitPattern) + HandWire.littleEndian((10.0).bitPattern))
    #expect(
      try json(metrics(9, point: histogram), as: .request(.metrics)).contains(
        #"{"bucketCounts":["1","2"],"explicitBounds":[0.5,10]}"#))
  }

  @Test func `an empty packed field is no array`() throws {
    let buckets = HandWire.message(8, HandWire.bytes(2, []))
    #expect(try json(metrics(10, point: buckets), as: .request(.metrics)).contains(#"{"positive":{}}"#))
  }

  @Test func `unknown fields and fields of another wire type are skipped`() throws {
    #expect(
      try json(
        span: HandWire.number(17, 1), HandWire.text(1000, "x"), HandWire.fixed32(31, 1),
        HandWire.fixed64(536_870_911, 1), HandWire.number(5, 1), HandWire.text(7, "x"), HandWire.text(5, "n"),
        HandWire.fixed32(5, 1))
        == #"{"name":"n"}"#)
  }

  @Test func `overlong varints mean what they say`() throws {
    let overlong: [UInt8] = [0x83, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]
    #expect(try json(span: HandWire.tag(6, 0) + overlong) == #"{"kind":3}"#)
    #expect(try json(span: [0xaa, 0x80, 0x80, 0x80, 0x00, 1, 0x6e]) == #"{"name":"n"}"#)
  }

  @Test(
    arguments: [
      ("a tag that ends", [0x80]), ("a tag of six bytes", [0xaa, 0x80, 0x80, 0x80, 0x80, 0x00, 0]),
      ("a tag beyond 32 bits", [0xff, 0xff, 0xff, 0xff, 0x7f, 0]), ("field number 0", [0x02, 0]),
      ("a group", [0x0b, 0x0c]), ("the end of a group", [0x0c]), ("wire type 6", [0x0e]), ("wire type 7", [0x0f]),
      ("a length past the end", [0x2a, 5, 0x61]), ("a length that ends", [0x2a, 0x80]),
      ("a length of 64 bits", [0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
      ("a number of eleven bytes", [0x30] + Array(repeating: 0x80, count: 10) + [0]),
      ("a number that ends", [0x30, 0x80]), ("fixed64 that ends", [0x39, 1, 2, 3, 4, 5, 6, 7]),
      ("fixed32 that ends", [0x85, 1, 1, 2, 3]), ("an unknown field past the end", [0xba, 0x3e, 9]),
    ] as [(String, [UInt8])])
  func `malformed bytes are refused`(name: String, span: [UInt8]) {
    #expect(throws: OTLPJSON.Failure.malformed) { try json(HandWire.request(span: span)) }
    #expect(throws: OTLPJSON.Failure.malformed) { try json(HandWire.request(span: HandWire.text(5, "n"), span)) }
  }

  @Test func `broken packed numbers are refused`() {
    let nineBytes = HandWire.bytes(6, Array(repeating: 0, count: 9))
    #expect(throws: OTLPJSON.Failure.malformed) { try json(metrics(9, point: nineBytes), as: .request(.metrics)) }
    let halfNumber = HandWire.message(8, HandWire.bytes(2, [1, 0x80]))
    #expect(throws: OTLPJSON.Failure.malformed) { try json(metrics(10, point: halfNumber), as: .request(.metrics)) }
  }

  @Test func `64 levels below the request are written, more are refused`() throws {
    // The value of a span's attribute lies 5 levels down, an element of an array 2 below the value that is the array.
    func nested(arrays: Int, around innermost: [UInt8]) -> [UInt8] {
      var value = innermost
      for _ in 0..<arrays { value = HandWire.message(5, HandWire.bytes(1, value)) }
      return HandWire.request(span: HandWire.attribute(9, "k", value))
    }
    let emptyArray = HandWire.message(5)
    #expect(try json(nested(arrays: 29, around: emptyArray)).contains(#"{"arrayValue":{}}"#))
    let level65 = HandWire.message(5, HandWire.message(1))
    #expect(throws: OTLPJSON.Failure.tooDeep) { try json(nested(arrays: 29, around: level65)) }
    #expect(throws: OTLPJSON.Failure.tooDeep) { try json(nested(arrays: 5000, around: [])) }
  }

  @Test func `a submessage in very many pieces is one submessage`() throws {
    let pieces = Array(repeating: HandWire.message(15, HandWire.number(3, 2)), count: 50_000).flatMap { $0 }
    #expect(try json(span: pieces) == #"{"status":{"code":2}}"#)
  }
}
