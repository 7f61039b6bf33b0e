/// Reads the `SpanRecord`s of a list that do not stand directly behind one another.
package struct SpanRecordReader {
  private var facts = SpanFacts()
  private var isFollowing = false

  package init() {}

  /// Begins a list.
  package mutating func begin() { isFollowing = false }

  /// Lends what the next record says, a whole one; nothing where it is none. The trace id is not set. Those before it that it
  /// repeats must still be where they were.
  package mutating func read<Failure>(
    _ record: UnsafeRawBufferPointer, _ body: (borrowing SpanFacts) throws(Failure) -> Void
  ) throws(Failure) {
    var reader = ByteReader(record)
    let follows = isFollowing
    isFollowing = withUnsafeMutablePointer(to: &facts) { facts in
      SpanRecord.read(&reader, into: facts, after: follows ? UnsafePointer(facts) : nil)
    }
    if isFollowing { try body(facts) }
  }
}
