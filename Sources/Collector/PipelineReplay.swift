import Locks
import Pipeline
import SelfTelemetry
import Spool

/// The replay of one pipeline's spool, on a thread of its own.
final class PipelineReplay: @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`, but `thread`, which belongs to who starts and stops.

  private let replay: SpoolReplay
  private let spool: Spool
  private let pipeline: String
  private let log: Log
  private let finish: @Sendable () -> Void
  private let lock = Lock()
  private var isDone = false
  private var isStopping = false
  private var thread: BackgroundThread?

  /// - Parameters:
  ///   - replay: does the work.
  ///   - spool: what it replays.
  ///   - pipeline: the pipeline's id, for the log.
  ///   - log: the collector's own log.
  ///   - finish: called when everything has been replayed.
  init(
    _ replay: SpoolReplay, of spool: Spool, pipeline: String, log: Log, finish: @escaping @Sendable () -> Void
  ) {
    self.replay = replay
    self.spool = spool
    self.pipeline = pipeline
    self.log = log
    self.finish = finish
  }

  func start() {
    thread = BackgroundThread(name: "replay") { [self] in run() }
  }

  private func run() {
    let waiting = spool.replayCount
    if waiting > 0 {
      log.info("replaying what an earlier run left", ["pipeline": pipeline, "requests": String(waiting)])
    }
    let result = replay.run { [self] in lock.withLock { isStopping } }
    if result.isComplete { finish() }
    if waiting > 0 {
      log.info(
        result.isComplete ? "replayed what an earlier run left" : "the replay goes on at the next start",
        ["pipeline": pipeline, "requests": String(result.requests), "spans": String(result.spans)])
    }
    lock.withLock {
      isDone = true
      lock.wakeAll()
    }
  }

  /// Waits for its end, until a deadline in monotonic nanoseconds or until it is cancelled.
  func wait(until deadline: UInt64, unless isCancelled: () -> Bool) {
    let interval: UInt64 = 20_000_000
    lock.withLock {
      while !isDone, thread != nil, !isCancelled(), MonotonicClock.now() < deadline {
        lock.wait(until: min(deadline, MonotonicClock.now() + interval))
      }
    }
  }

  /// Ends it; what is left stays in the spool for the next start.
  func stop() {
    lock.withLock { isStopping = true }
    thread?.join()
    thread = nil
  }
}
