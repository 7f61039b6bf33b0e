import Foundation
import JSON
import TestSupport
import Testing

@Suite struct JSONDocumentTests {
  private func written(_ text: String) throws -> String {
    var writer = JSONText()
    writer.value(try #require(JSONDocument(text.utf8).root))
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func `values are read by their kind`() throws {
    let root = try #require(
      JSONDocument(#"{"n": null, "t": true, "i": -3, "d": 0.5, "s": "a\nb", "a": [1, "x"], "o": {"k": 2}}"#.utf8).root)
    #expect(root.kind == .object)
    #expect(root["n"]?.kind == .null)
    #expect(root["t"]?.bool == true)
    #expect(root["i"]?.int == -3)
    #expect(root["i"]?.double == -3)
    #expect(root["d"]?.double == 0.5)
    #expect(root["d"]?.int == nil)
    #expect(root["s"]?.string == "a\nb")
    #expect(root["a"]?.elements.map(\.kind) == [.number, .string])
    #expect(root["o"]?["k"]?.int == 2)
    #expect(root["missing"] == nil)
    #expect(root.members.map { String(decoding: $0.key, as: UTF8.self) } == ["n", "t", "i", "d", "s", "a", "o"])
  }

  @Test func `a value of another kind has nothing to say`() throws {
    let root = try #require(JSONDocument(#"[{"a": 1}, [1], "1", 1, true, null]"#.utf8).root)
    for element in root.elements {
      #expect((element.bool != nil) == (element.kind == .bool))
      #expect((element.int != nil) == (element.kind == .number))
      #expect((element.double != nil) == (element.kind == .number))
      #expect((element.text != nil) == (element.kind == .string))
      #expect(Array(element.members).isEmpty == (element.kind != .object))
      #expect(Array(element.elements).isEmpty == (element.kind != .array))
    }
  }

  @Test func `integers keep all their digits`() throws {
    let text = "[9223372036854775807,-9223372036854775808,18446744073709551615,9007199254740993]"
    #expect(try written(text) == text)
    let root = try #require(JSONDocument(text.utf8).root)
    #expect(root.elements.map(\.int) == [.max, .min, nil, 9_007_199_254_740_993])
    #expect(root.elements.map(\.uint) == [nil, nil, .max, nil])
  }

  @Test func `a double that is an integer counts as one`() throws {
    let root = try #require(JSONDocument("[2.0, 2e2, 1e30, 2.5]".utf8).root)
    #expect(root.elements.map(\.int) == [2, 200, nil, nil])
  }

  @Test func `a key that comes twice is found where it is first`() throws {
    let root = try #require(JSONDocument(#"{"a": 1, "a": 2}"#.utf8).root)
    #expect(root["a"]?.int == 1)
    #expect(root.members.map(\.value.int) == [1, 2])
  }

  @Test(arguments: [
    ("", JSONError.empty), ("  \n", .empty), ("{", .syntax), ("{\"a\": 1", .syntax), ("[1,]", .syntax),
    ("{'a': 1}", .syntax), ("nul", .syntax), ("NaN", .syntax), ("1 2", .syntax), ("\"a", .syntax),
    ("\"\u{1}\"", .syntax),
    ("\"\\x\"", .syntax), ("[1e400]", .badNumber), ("[01]", .badNumber),
    ("[123456789012345678901234567890]", .badNumber),
  ])
  func `what is no JSON is refused`(text: String, error: JSONError) {
    #expect(throws: error) { try JSONDocument(text.utf8) }
  }

  @Test func `text that is not UTF-8 is refused`() {
    #expect(throws: JSONError.notUTF8) { try JSONDocument([0x22, 0xC3, 0x22]) }
  }

  @Test func `nesting has a limit`() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + "1").utf8) + [UInt8](repeating: 0x5D, count: depth)
    }
    let document = JSONDocument(maxDepth: 10)
    #expect(throws: Never.self) { try nested(9).withUnsafeBytes { try document.parse($0) } }
    #expect(throws: JSONError.tooDeep) { try nested(11).withUnsafeBytes { try document.parse($0) } }
    #expect(throws: JSONError.tooDeep) { try JSONDocument(nested(100_000)) }
  }

  @Test func `a document reads text after text, and a fault leaves it usable`() throws {
    let document = JSONDocument()
    #expect(document.root == nil)
    for length in [1, 5, 3, 2_000, 10] {
      let text = "[" + (0..<length).map(String.init).joined(separator: ", ") + "]"
      try Array(text.utf8).withUnsafeBytes { _ = try document.parse($0) }
      #expect(document.root?.elements.compactMap(\.int).count == length)
      #expect(throws: JSONError.syntax) { try Array("[1".utf8).withUnsafeBytes { try document.parse($0) } }
      #expect(document.root == nil)
    }
  }

  @Test func `a value outlives the variable of its document`() throws {
    func root() throws -> JSONValue { try #require(JSONDocument(#"["kept"]"#.utf8).root) }
    let values = try (0..<100).map { _ in try root() }
    #expect(values.allSatisfy { $0.elements.first { _ in true }?.string == "kept" })
  }

  /// Text lies at the end of its memory, where the sanitizer sees a byte too far.
  @Test func `arbitrary text is read or refused as Foundation does`() throws {
    var random = SeededGenerator(seed: 4)
    let sound = Array(#"{"plan":"pro","n":[1,2.5,-3e4,true,null],"o":{"ä\u00e4":"\ud83d\ude00","e":{}},"t":"\\"}"#.utf8)
    let document = JSONDocument()
    for _ in 0..<3_000 {
      let text = sound.mutated(using: &random)
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
      defer { memory.deallocate() }
      memory.copyBytes(from: text)
      guard let root = try? document.parse(UnsafeRawBufferPointer(memory)) else { continue }
      // What is read is what Foundation reads of it, and what we write of it as well.
      let other = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
      var writer = JSONText()
      writer.value(root)
      let again = try JSONSerialization.jsonObject(with: Data(writer.bytes), options: .fragmentsAllowed)
      // Of equal keys Foundation keeps another one than it is written first; both texts have them in the same order.
      #expect((other as? NSObject) == (again as? NSObject), "\(String(decoding: text, as: UTF8.self))")
    }
  }

  @Test func `what is written is what was read`() throws {
    let text = #"{"a":[],"b":{},"c":[{"d":"\u0001\"\\"},null,false,1.5,-7],"e":"ü😀"}"#
    #expect(try written(text) == text)
    #expect(try written(" [ 1 , 2.0 , 1e2 ] ") == "[1,2,100]")
  }
}
