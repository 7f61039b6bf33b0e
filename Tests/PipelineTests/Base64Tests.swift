import Foundation
import Pipeline
import TestSupport
import Testing

@Suite struct Base64Tests {
  @Test func `bytes come back, and another implementation agrees`() {
    var random = SeededGenerator(seed: 64)
    for count in 0..<200 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = Base64.encode(bytes)
      #expect(text == Data(bytes).base64EncodedString())
      #expect(Base64.decode(text) == bytes)
      #expect(Base64.decode(text.filter { $0 != "=" }) == bytes)
    }
  }

  @Test(arguments: ["a", "abcde", "ab c", "ab\n", "äbc", "a=bc", "-_-_"]) func `what is none is none`(text: String) {
    #expect(Base64.decode(text) == nil)
  }
}
