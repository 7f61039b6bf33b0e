/// Finds a kind by what a convention calls it, in whatever case.
struct KindWords {
  /// Small enough to be compared without a look at the word itself, mostly.
  private struct Entry {
    /// The first eight bytes.
    let head: UInt64
    let kind: ObservationKind
  }

  /// The shortest first.
  private let entries: [Entry]
  private let words: [[UInt8]]
  /// By length: where the words of that length begin. One more, behind the last.
  private let starts: [Int]

  init() {
    let kinds = FactConventions.kinds.sorted { ($0.key.utf8.count, $0.key) < ($1.key.utf8.count, $1.key) }
    let words = kinds.map { Array($0.key.utf8) }
    self.words = words
    entries = kinds.map { (word, kind) in
      var word = word
      return word.withUTF8 { Entry(head: Self.head(of: UnsafeRawBufferPointer($0)), kind: kind) }
    }
    starts = (0...(words.last?.count ?? 0) + 1).map { length in
      words.firstIndex { $0.count >= length } ?? words.count
    }
  }

  /// nil for a word that says nothing.
  func kind(_ text: UnsafeRawBufferPointer) -> ObservationKind? {
    guard text.count + 1 < starts.count else { return nil }
    let head = Self.head(of: text)
    for place in starts[text.count]..<starts[text.count + 1] where entries[place].head == head {
      if text.count <= 8 || zip(words[place], text).allSatisfy({ $0 == Self.lowercase($1) }) {
        return entries[place].kind
      }
    }
    return nil
  }

  private static func head(of text: UnsafeRawBufferPointer) -> UInt64 {
    var head: UInt64 = 0
    if text.count >= 8 {
      head = text.loadUnaligned(as: UInt64.self)
    } else {
      for byte in text.reversed() { head = head << 8 | UInt64(byte) }
    }
    // All bytes at once: those of A to Z, as the two sums differ in their highest bits, get the bit that makes them small.
    let every: UInt64 = 0x0101_0101_0101_0101
    let low = head & (every * 0x7f)
    let letters = (low + every * (0x80 - 0x41)) ^ (low + every * (0x7f - 0x5a))
    return head | (letters & ~head & (every * 0x80)) >> 2
  }

  @inline(__always)
  private static func lowercase(_ byte: UInt8) -> UInt8 {
    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
  }
}
