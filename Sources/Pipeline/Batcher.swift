import Locks
package import OTLP

/// Where enriched spans go: collects them into requests, and hands each to all exporters of the pipeline.
///
/// A request is sealed when it has enough spans or bytes, or when its first span has waited long enough.
package final class Batcher: @unchecked Sendable {
  // Sendable: `builder`, `deadline` and `closed` are touched only under `lock`.

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
    fileprivate let batcher: Batcher
    private let builder: RequestBuilder
    private let spanLimit: Int
    private let byteLimit: Int

    fileprivate init(_ batcher: Batcher) {
      self.batcher = batcher
      builder = batcher.builder
      spanLimit = batcher.configuration.spanLimit
      byteLimit = batcher.configuration.maxBytes
    }

    /// See `RequestBuilder.append`.
    @inline(__always)
    package func append(
      span: UnsafeRawPointer, length: Int, scope: Unmanaged<Scope>, cuts: UnsafeBufferPointer<Cut>,
      suffix: UnsafeRawBufferPointer
    ) {
      builder.append(span: span, length: length, scope: scope, cuts: cuts, suffix: suffix)
      if builder.spanCount >= spanLimit || builder.byteCount >= byteLimit { batcher.seal() }
    }
  }

  private let configuration: Configuration
  private let exporters: [any Exporter]
  private let lock = Lock()
  private let builder = RequestBuilder()
  private var deadline: UInt64?
  private var closed = false
  private var timer: BackgroundThread?

  package init(configuration: Configuration = Configuration(), exporters: [any Exporter]) {
    self.configuration = configuration
    self.exporters = exporters
    timer = BackgroundThread(name: "batcher") { [weak self] in
      // The thread holds the batcher only while it works: close() ends it.
      while self?.flushWhenDue() == true {}
    }
  }

  /// Why nothing should come at the moment: no exporter of the pipeline has room, what came now could only be lost. While
  /// one of them has room, the others refuse for themselves.
  package var refusal: Refusal? {
    guard !exporters.isEmpty, exporters.allSatisfy(\.isFull) else { return nil }
    return Refusal(message: "every exporter's sending queue is full; try again later", retryAfter: 1)
  }

  /// Lets the body write spans, alone. Writes should be short: other threads wait.
  package func write(_ body: (Writer) -> Void) {
    lock.withLock {
      body(Writer(self))
      guard builder.spanCount > 0 else { return }
      if closed || configuration.sendsAtOnce {
        seal()
      } else if deadline == nil {
        deadline = MonotonicClock.now() + configuration.timeout.nanoseconds
        lock.wakeAll()
      }
    }
  }

  /// Hands on what was collected, and stops the timer. Spans written later leave at once.
  package func close() {
    lock.withLock {
      closed = true
      seal()
      lock.wakeAll()
    }
    timer?.join()
  }

  /// The caller holds the lock: exporters get requests in the order in which they were sealed.
  private func seal() {
    deadline = nil
    guard let request = builder.seal() else { return }
    for exporter in exporters { exporter.export(request) }
  }

  /// Waits for the deadline of what is collected; false once the batcher is closed.
  private func flushWhenDue() -> Bool {
    lock.withLock {
      guard !closed else { return false }
      if let deadline, deadline <= MonotonicClock.now() {
        seal()
      } else {
        // Bounded, so that a batcher that was dropped without close() does not keep its thread for ever.
        lock.wait(until: deadline ?? MonotonicClock.now() + 1_000_000_000)
      }
      return !closed
    }
  }
}
