import OTLP
package import Spool

/// Where the bytes of accepted requests are read back from: a spool.
package protocol RecordReader: AnyObject, Sendable {
  /// See `Spool.read`.
  func read(_ record: SpoolRecord, offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError)
}

extension Spool: RecordReader {}

/// Reads the spans, or log records, of spilled blocks back, a part of a block at a time. Holds scratch memory; not to be used by two threads
/// at once.
final class SpilledReader {
  /// A span that was read: which one it is, beside its place in the index.
  private struct Name {
    let unit: UInt32
    let offset: UInt32
    let scope: Unmanaged<Scope>
    let marks: UInt32
  }

  /// Bytes that one read brings at most, but for a span that is larger; and bytes of others between two spans that are read
  /// along, since that is cheaper than another read.
  private static let partBytes = 1 << 20
  private static let gapBytes = 4096

  private let source: any RecordReader
  private let signal: Signal
  private let rules: SpanRules
  private let index = SpanIndex()
  private var names: [Name] = []
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
  /// Bytes of the buffer that hold spans of the part.
  private var used = 0
  private var record: Unmanaged<SpoolRecord>?
  /// Units of the part whose bytes are no span of the trace.
  private var unreadable: [UInt32] = []
  /// Spans of the part that the disk did not give.
  private(set) var refusedCount = 0
  /// Why it did not give the first of them.
  private(set) var failure: SpoolError?

  /// Spans of the part that are not lent, for either reason.
  var missingCount: Int { unreadable.count + refusedCount }

  init(_ source: any RecordReader, _ signal: Signal, rules: SpanRules) {
    self.source = source
    self.signal = signal
    self.rules = rules
  }

  deinit {
    buffer.deallocate()
  }

  /// Reads a block, and calls `body` for each part of it: within it, `forEach` lends the part's spans.
  func read(_ block: WaitingBlock, of trace: TraceID, _ body: () -> Void) {
    guard let record = block.record else { return }
    self.record = record
    let count = block.spanCount
    var cursor = RunCursor(block)
    var first = 0
    while first < count {
      let last = Self.endOfPart(block.places, from: first, count: count)
      begin()
      if !readTogether(first..<last, of: block, &cursor, trace) {
        // A record that was moved holds the bytes between its spans no more.
        begin()
        for place in first..<last { readAlone(block.places[place], cursor.next(), trace) }
      }
      body()
      first = last
    }
  }

  /// Lends the spans of the part that was read.
  @inline(__always)
  func forEach(_ body: (SpanView) -> Void) {
    let base = UnsafeRawPointer(buffer.baseAddress!)
    let spans = index.spans
    let attributes = index.attributes
    names.withUnsafeBufferPointer { names in
      for position in names.indices {
        let span = spans[position]
        let name = names[position]
        body(
          SpanView(
            payload: base + Int(span.offset), length: Int(span.length), attributes: attributes + Int(span.attribute),
            attributeCount: Int(span.attributeCount), spanID: span.spanID, parentID: span.parentID, start: span.start,
            marks: SpanMarks(rawValue: span.marks.rawValue | name.marks), scope: name.scope, record: record,
            unit: name.unit, offset: name.offset))
      }
    }
  }

  /// What is no span is done: it can't be had any more. What the disk did not give today it may give another day, so that
  /// stays in the spool for the next start.
  func markUnreadableDone() {
    guard let record else { return }
    for unit in unreadable { record.takeUnretainedValue().markDone(Int(unit), count: 1) }
  }

  private func begin() {
    index.clear(for: signal)
    names.removeAll(keepingCapacity: true)
    unreadable.removeAll(keepingCapacity: true)
    refusedCount = 0
    failure = nil
    used = 0
  }

  /// Where the spans end that one read may bring.
  private static func endOfPart(_ places: UnsafeMutablePointer<WaitingBlock.Place>, from first: Int, count: Int) -> Int
  {
    let start = Int(places[first].offset)
    var end = start + Int(places[first].length)
    var next = first + 1
    while next < count {
      let offset = Int(places[next].offset)
      let behind = offset + Int(places[next].length)
      guard offset >= end, offset - end <= gapBytes, behind - start <= partBytes else { break }
      end = behind
      next += 1
    }
    return next
  }

  /// Reads the range that the places span; false when there is no such range.
  private func readTogether(
    _ range: Range<Int>, of block: WaitingBlock, _ cursor: inout RunCursor, _ trace: TraceID
  ) -> Bool {
    let places = block.places
    let start = Int(places[range.lowerBound].offset)
    let last = places[range.upperBound - 1]
    let byteCount = Int(last.offset) + Int(last.length) - start
    reserve(byteCount)
    guard let record else { return false }
    do {
      try source.read(
        record.takeUnretainedValue(), offset: start,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<byteCount]))
    } catch {
      return false
    }
    used = byteCount
    for position in range {
      let place = places[position]
      add(place, at: Int(place.offset) - start, cursor.next(), trace)
    }
    return true
  }

  private func readAlone(_ place: WaitingBlock.Place, _ run: WaitingBlock.Run, _ trace: TraceID) {
    let byteCount = Int(place.length)
    let at = used
    reserve(at + byteCount)
    do {
      if let record {
        try source.read(
          record.takeUnretainedValue(), offset: Int(place.offset),
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[at..<at + byteCount]))
      }
    } catch {
      if failure == nil { failure = error }
      refusedCount += 1
      return
    }
    used += byteCount
    add(place, at: at, run, trace)
  }

  /// Indexes a span that was read, if it is one of the trace.
  private func add(_ place: WaitingBlock.Place, at start: Int, _ run: WaitingBlock.Run, _ trace: TraceID) {
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[0..<used])
    guard index.add(start..<start + Int(place.length), of: bytes, rules: rules) else {
      unreadable.append(place.unit)
      return
    }
    guard index.spans[index.spanCount - 1].traceID == trace else {
      index.removeLast()
      unreadable.append(place.unit)
      return
    }
    names.append(Name(unit: place.unit, offset: place.offset, scope: run.scope, marks: run.marks))
  }

  /// Makes room for so many bytes, keeping those that are used.
  private func reserve(_ byteCount: Int) {
    guard byteCount > buffer.count else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 2 * used), alignment: 8)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[0..<used]))
    buffer.deallocate()
    buffer = larger
  }

  /// Goes through a block's runs, span by span.
  private struct RunCursor {
    private var run: UnsafeMutablePointer<WaitingBlock.Run>
    private var left: UInt32

    init(_ block: WaitingBlock) {
      run = block.runs
      left = run.pointee.count
    }

    /// The next span's run.
    mutating func next() -> WaitingBlock.Run {
      if left == 0 {
        run += 1
        left = run.pointee.count
      }
      left -= 1
      return run.pointee
    }
  }
}
