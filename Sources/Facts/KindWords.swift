/// Finds a kind by what a convention calls it, in whatever case.
struct KindWords {
  /// A word of at most sixteen bytes, which its length and these two make up: no look at the word itself.
  private struct Entry {
    /// The first eight bytes.
    let head: UInt64
    /// The last eight bytes.
    let tail: UInt64
    let kind: ObservationKind
  }

  /// The shortest first.
  private let entries: [Entry]
  /// By length: where the words of that length begin. One more, behind the last.
  private let starts: [Int]

  init() {
    let kinds = FactConventions.kinds.sorted { ($0.key.utf8.count, $0.key) < ($1.key.utf8.count, $1.key) }
    let longest = kinds.last?.key.utf8.count ?? 0
    precondition(longest <= 16, "a kind's word that is longer than its entry")
    entries = kinds.map { (word, kind) in
      var word = word
      return word.withUTF8 {
        let (head, tail) = Self.ends(of: UnsafeRawBufferPointer($0))
        return Entry(head: head, tail: tail, kind: kind)
      }
    }
    starts = (0...longest + 1).map { length in kinds.firstIndex { $0.key.utf8.count >= length } ?? kinds.count }
  }

  /// nil for a word that says nothing.
  func kind(_ text: UnsafeRawBufferPointer) -> ObservationKind? {
    guard text.count + 1 < starts.count else { return nil }
    let (head, tail) = Self.ends(of: text)
    return entries.withUnsafeBufferPointer { entries in
      for entry in entries[starts[text.count]..<starts[text.count + 1]] where entry.head == head && entry.tail == tail {
        return entry.kind
      }
      return nil
    }
  }

  /// What stands for a text's first and its last eight bytes, in lower case: of shorter texts what all their bytes go into.
  @inline(__always)
  private static func ends(of text: UnsafeRawBufferPointer) -> (head: UInt64, tail: UInt64) {
    if text.count >= 8 {
      return (
        lowercase(text.loadUnaligned(as: UInt64.self)),
        lowercase(text.loadUnaligned(fromByteOffset: text.count - 8, as: UInt64.self))
      )
    }
    if text.count >= 4 {
      let first = text.loadUnaligned(as: UInt32.self)
      let last = text.loadUnaligned(fromByteOffset: text.count - 4, as: UInt32.self)
      return (lowercase(UInt64(first) << 32 | UInt64(last)), 0)
    }
    return (lowercase(text.reduce(0) { $0 << 8 | UInt64($1) }), 0)
  }

  /// All bytes at once: those of A to Z, as the two sums differ in their highest bits, get the bit that makes them small.
  @inline(__always)
  private static func lowercase(_ bytes: UInt64) -> UInt64 {
    let every: UInt64 = 0x0101_0101_0101_0101
    let low = bytes & (every * 0x7f)
    let letters = (low + every * (0x80 - 0x41)) ^ (low + every * (0x7f - 0x5a))
    return bytes | (letters & ~bytes & (every * 0x80)) >> 2
  }
}
