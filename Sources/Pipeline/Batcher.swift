import Locks
package import OTLP
package import Spool
import Synchronization

/// Where enriched spans go: collects them into requests, and hands each to all exporters of the pipeline.
///
/// A request is sealed when it has enough spans or bytes, or when its first span has waited long enough. While no exporter
/// of the pipeline has room, sealed requests are held here and new ones refused at the door: what was acknowledged must
/// not be lost because a queue filled in the meantime. An exporter that is full while others are not refuses for itself,
/// unless it says `block_on_overflow`.
///
/// What a spool keeps as well is never handed on without room: it stays held, and at the end in the spool.
package final class Batcher: @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`, but `holds`, which is atomic.

  /// The `batch` processor's keys, and a bound on bytes.
  package struct Configuration: Sendable, Equatable {
    /// Spans after which a request leaves; 0 to send at once what was written in one go.
    package var sendBatchSize = 8192
    /// Spans that no request exceeds; 0 for no such bound.
    package var sendBatchMaxSize = 0
    /// How long a span waits for others at most; zero to send at once, as with a size of 0.
    package var timeout = Duration.milliseconds(200)
    /// Bytes after which a request leaves, whatever its number of spans.
    package var maxBytes = 1 << 20

    package init() {}

    /// Whether no span waits for another write.
    fileprivate var sendsAtOnce: Bool { sendBatchSize == 0 || timeout == .zero }

    /// Spans at which a request is sealed. What leaves at once needs no size to be worth a request.
    fileprivate var spanLimit: Int {
      let most = sendBatchMaxSize > 0 ? sendBatchMaxSize : Int.max
      return sendsAtOnce ? most : min(sendBatchSize, most)
    }
  }

  /// Writes spans while the batcher is held.
  package struct Writer {
    // Unmanaged: the batcher outlives the write, and counting references for each span costs as much as the copy.
    private let batcher: Unmanaged<Batcher>
    private let builder: Unmanaged<RequestBuilder>
    private let spanLimit: Int
    private let byteLimit: Int

    fileprivate init(_ batcher: Batcher) {
      self.batcher = .passUnretained(batcher)
      builder = .passUnretained(batcher.builder)
      spanLimit = batcher.configuration.spanLimit
      byteLimit = batcher.configuration.maxBytes
    }

    /// See `RequestBuilder.begin`.
    @inline(__always)
    package func begin(_ identity: @autoclosure () -> (any TraceIdentity)?) {
      builder._withUnsafeGuaranteedRef { $0.begin(identity()) }
    }

    /// See `RequestBuilder.append`.
    @inline(__always)
    package func append(
      span: UnsafeRawPointer, length: Int, scope: Unmanaged<Scope>, cuts: UnsafeBufferPointer<Cut>,
      suffix: UnsafeRawBufferPointer, record: Unmanaged<SpoolRecord>? = nil, unit: UInt32 = 0,
      items: Int = 1
    ) {
      let isFull = builder._withUnsafeGuaranteedRef { builder in
        builder.append(
          span: span, length: length, scope: scope, cuts: cuts, suffix: suffix, record: record, unit: unit,
          items: items)
        return builder.itemCount >= spanLimit || builder.byteCount >= byteLimit
      }
      if isFull { batcher._withUnsafeGuaranteedRef { $0.seal() } }
    }
  }

  /// Bytes of requests that are held at most; past that, the exporters get them and say no.
  private static let maxHeldBytes = 64 << 20
  /// How often an exporter is asked for room while requests are held.
  private static let retryInterval: UInt64 = 10_000_000

  private let configuration: Configuration
  private let exporters: [any Exporter]
  private let isSpooled: Bool
  private let lock = Lock()
  private let builder: RequestBuilder
  private var deadline: UInt64?
  private var held: [EncodedRequest] = []
  private let holds = Atomic<Bool>(false)
  private var closed = false
  private var timer: BackgroundThread?

  /// - Parameters:
  ///   - signal: of all that is written.
  ///   - configuration: the processor's keys.
  ///   - exporters: those of the pipeline.
  ///   - isSpooled: a spool keeps what was not handed on.
  package init(
    _ signal: Signal = .traces, configuration: Configuration = Configuration(), exporters: [any Exporter],
    isSpooled: Bool = false
  ) {
    builder = RequestBuilder(signal, notesIdentities: exporters.contains(where: \.needsIdentities))
    self.configuration = configuration
    self.exporters = exporters
    self.isSpooled = isSpooled
    timer = BackgroundThread(name: "batcher") { [weak self] in
      // The thread holds the batcher only while it works: close() ends it.
      while self?.flushWhenDue() == true {}
    }
  }

  /// Why nothing should come at the moment: no exporter of the pipeline has room.
  package var refusal: Refusal? {
    guard holds.load(ordering: .relaxed) || nobodyHasRoom else { return nil }
    return Refusal(message: "every exporter's sending queue is full; try again later", retryAfter: 1)
  }

  /// Lets the body write spans, alone. Writes should be short: other threads wait.
  package func write(_ body: (Writer) -> Void) {
    lock.withLock {
      body(Writer(self))
      guard !builder.isEmpty else { return }
      if closed || configuration.sendsAtOnce {
        seal()
      } else if deadline == nil {
        deadline = MonotonicClock.now() + configuration.timeout.nanoseconds
        lock.wakeAll()
      }
    }
  }

  /// Hands on what was collected, and stops the timer. Spans written later leave at once.
  ///
  /// `deadline` is in monotonic nanoseconds: until then, what is held waits for an exporter that has room.
  package func close(until deadline: UInt64 = 0) {
    lock.withLock {
      seal()
      while !held.isEmpty, MonotonicClock.now() < deadline {
        lock.wait(until: min(deadline, MonotonicClock.now() + Self.retryInterval))
        handOnHeld()
      }
      closed = true
      // Others may have written while this waited.
      seal()
      handOnHeld()
      lock.wakeAll()
    }
    timer?.join()
  }

  /// Waits until something may be written without being held, for a moment at most, so that the caller can look at its
  /// own affairs in between. Not to be called within a write.
  ///
  /// - Returns: whether there is room.
  package func waitForRoom() -> Bool {
    lock.withLock {
      guard !closed, holds.load(ordering: .relaxed) || nobodyHasRoom else { return true }
      lock.wait(until: MonotonicClock.now() + Self.retryInterval)
      handOnHeld()
      return held.isEmpty && !nobodyHasRoom
    }
  }

  /// Whether all exporters are full, or one that makes the others wait for it.
  private var nobodyHasRoom: Bool {
    guard !exporters.isEmpty else { return false }
    return exporters.allSatisfy(\.isFull) || exporters.contains { $0.blocksOnOverflow && $0.isFull }
  }

  /// The caller holds the lock: exporters get requests in the order in which they were sealed.
  fileprivate func seal() {
    deadline = nil
    guard let request = builder.seal() else { return }
    held.append(request)
    handOnHeld()
  }

  /// Hands on what is held, as far as there is room for it.
  private func handOnHeld() {
    var count = 0
    var bytes = held.reduce(0) { $0 + $1.byteCount }
    for request in held {
      if nobodyHasRoom, isSpooled || (bytes <= Self.maxHeldBytes && !closed) { break }
      // Where nobody is to have them, as when only a connector is there, spans are done.
      request.expect(destinations: max(exporters.count, 1))
      if exporters.isEmpty { request.settle() }
      // An exporter that has no room for it has counted it as lost.
      for exporter in exporters where !exporter.export(request) { request.settle() }
      bytes -= request.byteCount
      count += 1
    }
    held.removeFirst(count)
    holds.store(!held.isEmpty, ordering: .relaxed)
  }

  /// Waits for the deadline of what is collected; false once the batcher is closed.
  private func flushWhenDue() -> Bool {
    lock.withLock {
      guard !closed else { return false }
      let now = MonotonicClock.now()
      if let deadline, deadline <= now {
        seal()
      } else if !held.isEmpty {
        handOnHeld()
        if !held.isEmpty { lock.wait(until: now + Self.retryInterval) }
      } else {
        // Bounded, so that a batcher that was dropped without close() does not keep its thread for ever.
        lock.wait(until: deadline ?? now + 1_000_000_000)
      }
      return !closed
    }
  }
}
