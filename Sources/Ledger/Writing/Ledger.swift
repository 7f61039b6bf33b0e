import Locks
import Privacy
package import SelfTelemetry

/// The ledger while the collector runs: it collects what feeds take, and writes it on a thread of its own, in one
/// transaction an interval. When it falls behind, transactions become larger.
///
/// When the file refuses, what was collected stays in memory until it takes it, and feeds take no more when that is full.
package final class Ledger: Sendable {
  private let configuration: LedgerConfiguration
  private let log: Log
  private let metrics: LedgerMetrics
  private let queue: LedgerQueue
  private let requests = AppliedRequests()
  private let thread = Locked<BackgroundThread?>(nil)
  /// Until the thread has it; and when it has to end, in monotonic nanoseconds.
  private let handOver: Locked<HandOver>

  private struct HandOver {
    var writer: LedgerWriter?
    var deadline = UInt64.max
  }

  /// Opens the ledger, and makes it when it is missing.
  ///
  /// - Parameters:
  ///   - configuration: of the extension.
  ///   - log: hears of faults.
  ///   - registry: gets the ledger's metrics.
  /// - Throws: LedgerError, when there is something else at the path, or the file cannot be written.
  package init(_ configuration: LedgerConfiguration, log: Log, registry: MetricRegistry) throws(LedgerError) {
    self.configuration = configuration
    self.log = log
    metrics = LedgerMetrics(registry, path: configuration.path)
    queue = LedgerQueue(capacity: configuration.maxBufferedMiB << 20, metrics: metrics)
    let writer = try LedgerWriter(configuration, applied: requests)
    handOver = Locked(HandOver(writer: writer))
  }

  /// Begins to write.
  package func start() {
    thread.withLock { thread in
      guard thread == nil else { return }
      thread = BackgroundThread(name: "ledger") { [self] in run() }
    }
  }

  /// Takes nothing more, commits what was taken, and closes the file.
  ///
  /// - Parameter deadline: monotonic nanoseconds; what is not committed by then is left to the spool.
  package func stop(until deadline: UInt64) {
    handOver.withLock { $0.deadline = deadline }
    queue.stop()
    let thread = thread.withLock { $0 }
    thread?.join()
    // Never started: there is nobody else to close the file.
    handOver.withLock { $0.writer.take() }?.close()
  }

  /// What the pipeline of that name hands its facts to. Requests of its spool are known by the same name in the next run.
  /// `facts`: where they wait; nil for in memory.
  package func feed(pipeline: String, log facts: FactsLog? = nil) -> LedgerFeed {
    LedgerFeed(
      pipeline: pipeline, mostBodyBytes: configuration.spanBodies ? configuration.maxBodyBytes : 0,
      privacy: configuration.privacy, log: facts, queue: queue, requests: requests, metrics: metrics)
  }

  /// Erases an end user, between two transactions. Waits for it.
  ///
  /// - Parameter endUser: the id; that of a user whom the ledger knows by a pseudonym, or the pseudonym.
  /// - Returns: what went.
  /// - Throws: LedgerError, also when the ledger stops.
  package func forget(endUser: String) throws(LedgerError) -> Erasure {
    let pseudonyms = configuration.privacy.pseudonyms
    return try ask { (writer) throws(LedgerError) in try writer.forget(endUser: endUser, alsoAs: pseudonyms) }
  }

  /// Has the thread do something between two transactions, and waits for it.
  ///
  /// - Throws: what the body throws, and LedgerError.stopped when the ledger stops.
  func ask<Value: Sendable>(
    _ body: @escaping @Sendable (LedgerWriter) throws(LedgerError) -> Value
  ) throws(LedgerError) -> Value {
    let answer = Answer<Value>()
    let isTaken = queue.put { writer in
      do throws(LedgerError) {
        answer.give(.success(try body(writer.get())))
      } catch {
        answer.give(.failure(error))
      }
    }
    guard isTaken else { throw .stopped }
    return try answer.wait().get()
  }

  /// Erases an end user from a ledger that no collector needs to run for. One that does notices, and refuses what it still
  /// holds of that user.
  ///
  /// - Parameters:
  ///   - endUser: the id.
  ///   - configuration: says where the ledger is, and what becomes of later spans.
  /// - Returns: what went.
  /// - Throws: LedgerError; .missing when there is no ledger.
  package static func forget(endUser: String, in configuration: LedgerConfiguration) throws(LedgerError) -> Erasure {
    let writer = try LedgerWriter(configuration, mayCreate: false)
    defer { writer.close() }
    return try writer.forget(endUser: endUser, alsoAs: configuration.privacy.pseudonyms)
  }

  // MARK: The thread

  private func run() {
    var loop = LedgerLoop(configuration, queue: queue, requests: requests, log: log, metrics: metrics) {
      [handOver] in handOver.withLock { $0.deadline }
    }
    loop.writer = handOver.withLock { $0.writer.take() }
    loop.run()
  }

  /// Waits for what the thread answers.
  private final class Answer<Value: Sendable>: Sendable {
    private let lock = Lock()
    private nonisolated(unsafe) var result: Result<Value, LedgerError>?

    func give(_ result: Result<Value, LedgerError>) {
      lock.withLock {
        self.result = result
        lock.wakeAll()
      }
    }

    func wait() -> Result<Value, LedgerError> {
      lock.withLock {
        while true {
          if let result { return result }
          lock.wait()
        }
      }
    }
  }
}
