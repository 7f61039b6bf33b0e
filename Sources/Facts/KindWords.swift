/// Finds a kind by what a convention calls it, in whatever case.
struct KindWords {
  private let words: [(word: [UInt8], kind: ObservationKind)]

  init() {
    words = FactConventions.kinds.map { (Array($0.key.utf8), $0.value) }
  }

  /// nil for a word that says nothing.
  func kind(_ text: UnsafeRawBufferPointer) -> ObservationKind? {
    for (word, kind) in words where word.count == text.count {
      if zip(word, text).allSatisfy({ $0 == Self.lowercase($1) }) { return kind }
    }
    return nil
  }

  @inline(__always)
  private static func lowercase(_ byte: UInt8) -> UInt8 {
    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
  }
}
