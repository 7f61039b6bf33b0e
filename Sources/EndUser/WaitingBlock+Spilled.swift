import OTLP
import Spool

/// A block whose spans' bytes are only in the spool: runs of spans of the same scope, then where each span is.
extension WaitingBlock {
  /// Spans of one scope behind one another.
  struct Run {
    let scope: Unmanaged<Scope>
    var count: UInt32
    /// Marks that all of them have. Those that their scope set are among these, and no index of a lone span finds them.
    var marks: UInt32
  }

  /// A span in the spool: its unit, and where its payload is in the request as it was received.
  struct Place {
    let unit: UInt32
    let offset: UInt32
    let length: UInt32
  }

  /// The same spans without their bytes, in place of this block, which ends. Only for spans that the spool has.
  func spilled() -> WaitingBlock {
    var runs = 0
    var previous: UnsafeMutableRawPointer?
    forEach { span in
      if previous != span.scope.toOpaque() { runs += 1 }
      previous = span.scope.toOpaque()
    }
    let size = Self.spilledSize(runs: runs, spans: spanCount)
    let block = WaitingBlock(base: .allocate(byteCount: size, alignment: Self.word))
    let excess = header.pointee.words - header.pointee.used
    block.base.initializeMemory(
      as: Header.self,
      to: Header(
        next: header.pointee.next, record: record, words: UInt32(size / Self.word) + excess,
        used: UInt32(size / Self.word), spanCount: header.pointee.spanCount, outlet: outlet,
        runCount: runs))
    // The references to the scopes move with the runs.
    var run = block.runs
    var place = block.places
    previous = nil
    forEach { span in
      if previous != span.scope.toOpaque() {
        if previous != nil { run += 1 }
        previous = span.scope.toOpaque()
        run.initialize(to: Run(scope: span.scope, count: 0, marks: .max))
      }
      run.pointee.count += 1
      run.pointee.marks &= span.marks.rawValue
      place.initialize(to: Place(unit: span.unit, offset: span.offset, length: UInt32(span.length)))
      place += 1
    }
    base.deallocate()
    return block
  }

  /// Behind the header.
  var runs: UnsafeMutablePointer<Run> { (base + MemoryLayout<Header>.size).assumingMemoryBound(to: Run.self) }

  /// One for each span, behind the runs.
  var places: UnsafeMutablePointer<Place> {
    UnsafeMutableRawPointer(runs + header.pointee.runCount).assumingMemoryBound(to: Place.self)
  }

  func freeSpilled() {
    for run in 0..<header.pointee.runCount { runs[run].scope.release() }
    base.deallocate()
  }

  private static func spilledSize(runs: Int, spans: Int) -> Int {
    let bytes =
      MemoryLayout<Header>.size + runs * MemoryLayout<Run>.stride + spans * MemoryLayout<Place>.stride
    return (bytes + word - 1) & ~(word - 1)
  }
}
