import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Spool

/// Writes the spans of very large traces, and those that must be read back from disk, on a thread of its own, a part at a
/// time, so that neither the receiver that brought the root nor other traces wait for all of them.
final class Releaser: @unchecked Sendable {
  // Sendable: the queue, the thread and what stops it are touched under `lock`; the rest by the thread that runs alone.
  private struct Release {
    let trace: TraceID
    var chain: WaitingChain
    let identity: Identity?
  }

  private let lock = Lock()
  private let outlets: Outlets
  private let metrics: EndUserMetrics
  private let log: Log?
  /// By outlet; made when they are needed first.
  private var readers: [Int: SpilledReader] = [:]
  private var inheritance: Inheritance
  private var queue = Queue()
  private var thread: BackgroundThread?
  private var stopping = false
  /// Until when spans wait for an exporter that has room, in monotonic nanoseconds.
  private var patience = UInt64.max
  /// Whether what has not left by then stays in the spool, and leaves when it is replayed.
  private var keepsRest = false

  init(inheritance: Inheritance, outlets: Outlets, metrics: EndUserMetrics, log: Log?) {
    self.inheritance = inheritance
    self.outlets = outlets
    self.metrics = metrics
    self.log = log
  }

  deinit {
    while var release = queue.popFirst() { release.chain.free() }
  }

  func start() {
    thread = BackgroundThread(name: "releaser") { [self] in run(waits: true) }
  }

  /// Takes a trace's chain over.
  func take(_ chain: WaitingChain, of trace: TraceID, _ identity: Identity?) {
    lock.withLock {
      queue.append(Release(trace: trace, chain: chain, identity: identity))
      lock.wakeAll()
    }
  }

  /// Writes what is there, on the calling thread: for those who never called `start`.
  func runOnce() {
    guard lock.withLock({ thread == nil }) else { return }
    run(waits: false)
  }

  /// Writes what is left and ends the thread. What finds no room by the deadline is written all the same or, with
  /// `keepsRest`, not at all.
  func stop(until deadline: UInt64, keepsRest: Bool) {
    lock.withLock {
      stopping = true
      patience = deadline
      self.keepsRest = keepsRest
      lock.wakeAll()
    }
    if let thread { thread.join() } else { run(waits: false) }
  }

  private func run(waits: Bool) {
    while true {
      let next: Release? = lock.withLock {
        while waits, queue.isEmpty, !stopping { lock.wait() }
        return queue.popFirst()
      }
      guard var release = next else { return }
      while let block = release.chain.popFirst() {
        write(block, of: release)
        block.free()
      }
    }
  }

  private func write(_ block: WaitingBlock, of release: Release) {
    let output = outlets[block.outlet].output
    guard block.isSpilled else {
      guard waitForRoom(in: output) else { return }
      write(to: output, block, of: release, block.forEach)
      return
    }
    guard let reader = reader(block.outlet), waitForRoom(in: output) else { return }
    reader.read(block, of: release.trace) {
      // The lock of the batcher is not held while a disk is read.
      guard waitForRoom(in: output) else { return }
      write(to: output, block, of: release, reader.forEach)
      tellUnreadable(reader, of: release.trace)
    }
  }

  private func write(
    to output: Batcher, _ block: WaitingBlock, of release: Release, _ items: ((SpanView) -> Void) -> Void
  ) {
    output.write { writer in
      if block.isLogs {
        inheritance.writeLogRecords(release.identity, of: release.trace, to: writer, records: items)
      } else {
        inheritance.write(release.identity, of: release.trace, to: writer, spans: items)
      }
    }
  }

  private func reader(_ outlet: Int) -> SpilledReader? {
    if readers[outlet] == nil { readers[outlet] = outlets[outlet].makeReader?() }
    return readers[outlet]
  }

  /// False when the time for that is over and what is left stays in the spool.
  private func waitForRoom(in output: Batcher) -> Bool {
    while true {
      let (isLate, keepsRest) = lock.withLock { (MonotonicClock.now() >= patience, self.keepsRest) }
      if isLate { return !keepsRest }
      if output.waitForRoom() { return true }
    }
  }

  private func tellUnreadable(_ reader: SpilledReader, of trace: TraceID) {
    guard reader.missingCount > 0 else { return }
    metrics.unreadableSpans.add(reader.missingCount)
    log?.error(
      reader.refusedCount > 0
        ? "waiting spans can't be read back now: they are tried again at the next start"
        : "waiting spans can't be read back and are lost",
      [
        "trace_id": trace.hexadecimal, "spans": String(reader.missingCount),
        "error": reader.failure?.description ?? "the bytes on disk are no span of the trace",
      ])
    reader.markUnreadableDone()
  }

  /// First in, first out.
  private struct Queue {
    private var releases: [Release?] = []
    private var head = 0

    var isEmpty: Bool { head == releases.count }

    mutating func append(_ release: Release) { releases.append(release) }

    mutating func popFirst() -> Release? {
      guard head < releases.count else { return nil }
      let release = releases[head]
      releases[head] = nil
      head += 1
      // The dead part in front goes when it is half of all.
      if head * 2 > releases.count {
        releases.removeFirst(head)
        head = 0
      }
      return release
    }
  }
}
