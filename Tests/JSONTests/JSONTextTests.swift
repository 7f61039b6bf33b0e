import Foundation
import JSON
import Testing

@Suite struct JSONTextTests {
  @Test func `commas stand between values, and nowhere else`() {
    var text = JSONText()
    text.beginObject()
    text.key("list")
    text.beginArray()
    text.int(1)
    text.bool(true)
    text.null()
    text.double(0.25)
    text.beginObject()
    text.endObject()
    text.endArray()
    text.key("name")
    text.string("ada")
    text.key("raw")
    text.raw(Array("[1]".utf8))
    text.endObject()
    #expect(String(decoding: text.bytes, as: UTF8.self) == #"{"list":[1,true,null,0.25,{}],"name":"ada","raw":[1]}"#)
    text.clear()
    text.int(1)
    #expect(text.bytes == [UInt8(ascii: "1")])
  }

  @Test func `every character can be in a string`() throws {
    let all = String(String.UnicodeScalarView((0..<0x800).compactMap(Unicode.Scalar.init))) + "😀"
    var text = JSONText()
    text.string(all)
    let read = try JSONSerialization.jsonObject(with: Data(text.bytes), options: .fragmentsAllowed)
    #expect(read as? String == all)
  }

  @Test func `numbers that are none become null`() {
    for value in [Double.nan, .infinity, -.infinity] {
      var text = JSONText()
      text.double(value)
      #expect(String(decoding: text.bytes, as: UTF8.self) == "null")
    }
  }
}
