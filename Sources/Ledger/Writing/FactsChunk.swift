package import Facts
import OTLP

/// The facts of one accepted request: what its spans say, and the scores in it, on their way to the ledger.
///
/// Spans of one trace that come behind one another are a run: its trace id (16 bytes), how long its spans are (4) and how many
/// (4), then for each span its `SpanRecord`, one list in each run, how long its body is (a varint), and the body. Scores are
/// runs of no trace, a `ScoreRecord` for each.
package struct FactsChunk: Sendable {
  private(set) var bytes = FactsBytes()
  package private(set) var spanCount = 0
  /// Where the last run begins, whose it is, and what it holds.
  private var run = 0
  private var trace = TraceID(first: 0, second: 0)
  private var runCount: UInt32 = 0
  private var records = SpanRecordWriter()
  private static let headSize = 24

  package init() {}

  /// With what another chunk's `bytes` were; nothing can be added.
  init(_ bytes: UnsafeRawBufferPointer, spanCount: Int) {
    self.bytes = FactsBytes(bytes)
    self.spanCount = spanCount
  }

  package var isEmpty: Bool { bytes.isEmpty }
  package var byteCount: Int { bytes.count }
  /// Bytes of memory that it takes.
  var memoryBytes: Int { bytes.capacity }

  /// The same, in as much memory as it takes.
  var compact: FactsChunk { bytes.withUnsafeBytes { FactsChunk($0, spanCount: spanCount) } }

  /// Empties it, and keeps the memory if no copy has it, too.
  package mutating func removeAll() {
    bytes.removeAll()
    spanCount = 0
  }

  /// Makes room for the facts of so many spans, if they are as long as most.
  package mutating func reserve(spans: Int) { bytes.reserve(spans * Self.usualSpanBytes) }

  private static let usualSpanBytes = 100

  /// Adds a span.
  ///
  /// - Parameters:
  ///   - facts: of the span, with its trace id.
  ///   - body: the whole span, a `Span` message; empty where bodies are not kept.
  package mutating func append(
    _ facts: borrowing SpanFacts, body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    let most = SpanRecordWriter.mostBytes(facts) + Self.mostLengthBytes + body.count
    let base = bytes.reserve(Self.headSize + most)
    begin(facts.trace)
    var at = records.write(facts, to: base + bytes.count, behind: base, count: bytes.count)
    at = Varint.write(body.count, to: at)
    if !body.isEmpty {
      at.copyMemory(from: body.baseAddress!, byteCount: body.count)
      at += body.count
    }
    bytes.end(at: at - base)
    spanCount += 1
    end()
  }

  /// Bytes of the length of a body at most.
  private static let mostLengthBytes = 10

  /// Adds a score.
  package mutating func append(_ score: Score) {
    var record: [UInt8] = []
    ScoreRecord.append(score, to: &record)
    bytes.reserve(Self.headSize + record.count)
    begin(.none)
    record.withUnsafeBytes { bytes.append($0) }
    end()
  }

  /// Writes the head of a run unless one of that trace is the last. There is room for it.
  @inline(__always)
  private mutating func begin(_ owner: TraceID) {
    guard bytes.isEmpty || !(owner == trace) else { return }
    (run, trace, runCount) = (bytes.count, owner, 0)
    records.begin()
    withUnsafeBytes(of: (trace.first, trace.second, UInt64(0))) { bytes.append($0) }
  }

  /// Says of the run that is the last that it has one more.
  @inline(__always)
  private mutating func end() {
    runCount += 1
    bytes.store(UInt32(bytes.count - run - Self.headSize), at: run + 16)
    bytes.store(runCount, at: run + 20)
  }

  // MARK: Reading

  /// Spans of one trace behind one another, or scores: where they are, and how many.
  struct Run {
    /// `none` of scores.
    var trace: TraceID
    /// Stay where they are as long as the chunk is there, and nothing is added to it.
    var bytes: UnsafeRawBufferPointer
    var count: Int
  }

  /// Lends the runs, in order.
  func forEachRun(_ body: (Run) -> Void) {
    bytes.withUnsafeBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        let start = offset + Self.headSize
        let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt32.self))
        let trace = TraceID(
          first: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
          second: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        let count = Int(bytes.loadUnaligned(fromByteOffset: offset + 20, as: UInt32.self))
        body(Run(trace: trace, bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]), count: count))
        offset = start + length
      }
    }
  }

  private static func length(_ bytes: UnsafeRawBufferPointer) -> (Int, size: Int) {
    let length = Int(Varint.read(bytes))
    return (length, Varint.size(length))
  }

  /// A span of a run.
  struct Place {
    let span: UInt64
    let record: UnsafeRawBufferPointer
    let body: UnsafeRawBufferPointer
  }

  /// Lends the spans of a run's bytes, in order.
  @inline(__always)
  static func forEach<Failure>(
    in run: UnsafeRawBufferPointer, _ body: (Place) throws(Failure) -> Void
  ) throws(Failure) {
    guard var at = run.baseAddress else { return }
    let end = at + run.count
    while let record = SpanRecord.first(in: UnsafeRawBufferPointer(start: at, count: end - at)) {
      let bytes = UnsafeRawBufferPointer(start: at, count: record.byteCount)
      at += record.byteCount
      // Mostly there is none.
      let (length, size) =
        at.load(as: UInt8.self) == 0 ? (0, 1) : Self.length(UnsafeRawBufferPointer(start: at, count: end - at))
      at += size + length
      try body(
        Place(
          span: record.spanID, record: bytes,
          body: UnsafeRawBufferPointer(start: at - length, count: length)))
    }
  }
}
