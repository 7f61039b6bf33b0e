import TestSupport
import Testing

@testable import Ledger

@Suite struct ByteTableTests {
  private func with<Result>(_ key: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    key.withUnsafeBytes(body)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `says what a dictionary says`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var table = ByteTable<Int>()
    var dictionary: [[UInt8]: Int] = [:]
    for step in 0..<20_000 {
      // Few different bytes: keys are prefixes of others, and come again.
      let key = (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 0...1, using: &random) }
      switch Int.random(in: 0...9, using: &random) {
      case 0...4:
        with(key) { table.set(step, for: $0) }
        dictionary[key] = step
      case 5...8:
        let gone = dictionary.isEmpty || step % 2 == 0 ? key : dictionary.randomElement(using: &random)!.key
        #expect(with(gone) { table.remove($0) } == dictionary[gone])
        dictionary[gone] = nil
      default:
        #expect(with(key) { table[$0] } == dictionary[key])
      }
      #expect(table.count == dictionary.count)
    }
    for (key, value) in dictionary { #expect(with(key) { table[$0] } == value) }
    table.removeAll()
    #expect(table.count == 0 && with([]) { table[$0] } == nil)
  }

  @Test func `takes text for another that is written in other bytes`() {
    var table = ByteTable<Int>()
    with(Array("\u{e9}".utf8)) { table.set(1, for: $0) }
    #expect(with(Array("e\u{301}".utf8)) { table[$0] } == nil)
    #expect(with(Array("\u{e9}".utf8)) { table[$0] } == 1)
  }
}
