import Glibc
import Locks
package import SelfTelemetry

/// The `sessions` connector: tells pipelines of logs and of metrics what the ledger knows of sessions and end users.
///
/// It works on a thread of its own, and keeps nothing but what it is about to hand on: what is to be told waits in the ledger.
/// While a pipeline refuses, or the ledger cannot be read, it tells nothing; later it tells what is known then.
package final class SessionsConnector: @unchecked Sendable {
  // Sendable: the teller and the thread belong to the thread and to who starts and stops; the rest is touched only under `lock`.

  private let configuration: SessionsConfiguration
  private var sessions: SessionTeller?
  private var users: UserTeller?
  private let ledger: any SessionLedger
  private let failures: Counter
  private let log: Log
  private let lock = Lock()
  private var isStopping = false
  /// When there is no more time for anything, in monotonic nanoseconds.
  private var deadline = UInt64.max
  private var thread: BackgroundThread?
  private var lastFailure = ""

  /// - Parameters:
  ///   - configuration: the connector's keys.
  ///   - id: the connector's.
  ///   - ledger: what knows the figures.
  ///   - logs: where log records go; nil for nowhere.
  ///   - metrics: where metrics go; nil for nowhere.
  ///   - version: the collector's.
  ///   - registry: where it counts.
  ///   - log: the collector's own log.
  package init(
    _ configuration: SessionsConfiguration, id: String, ledger: any SessionLedger, logs: ConnectorOutput?,
    metrics: ConnectorOutput?, version: String, registry: MetricRegistry, log: Log
  ) {
    self.configuration = configuration
    self.ledger = ledger
    self.log = log
    failures = registry.counter(
      "heirloom_connector_failures",
      help: "Times that a connector could not read the ledger, or note in it what it told.",
      labels: [("connector", id)])
    let envelope = Envelope(version: version)
    sessions = logs.map { SessionTeller(configuration, ledger: ledger, output: $0, envelope: envelope) }
    let overflow = Gauge()
    users = metrics.map {
      UserTeller(configuration, ledger: ledger, output: $0, envelope: envelope, usersInOverflow: overflow)
    }
    guard metrics != nil else { return }
    registry.gauge(
      "heirloom_connector_overflow_users", help: "End users beyond aggregation_cardinality_limit, told together.",
      labels: [("connector", id)]
    ) { Double(overflow.value) }
  }

  package func start() {
    thread = BackgroundThread(name: "sessions") { [self] in run() }
  }

  /// Tells what there still is to tell, when nothing more comes, and ends. What pipelines refuse now is told in the next run.
  ///
  /// - Parameter deadline: when to leave it at that, in monotonic nanoseconds.
  package func stop(until deadline: UInt64) {
    lock.withLock {
      isStopping = true
      self.deadline = deadline
      lock.wakeAll()
    }
    thread?.join()
    thread = nil
  }

  // MARK: The thread

  private func run() {
    let now = MonotonicClock.now()
    var nextSessions = sessions == nil ? .max : now + configuration.updateInterval.nanoseconds
    var nextUsers = users == nil ? .max : now + configuration.metricsInterval.nanoseconds
    while wait(until: min(nextSessions, nextUsers)) {
      if MonotonicClock.now() >= nextSessions {
        let pause = tell { try sessions?.tell(at: Self.wallClock(), while: { hasTime }) }
        nextSessions = MonotonicClock.now() + (pause ?? configuration.updateInterval).nanoseconds
      }
      if MonotonicClock.now() >= nextUsers {
        let pause = tell { try users?.tell(at: Self.wallClock(), while: { hasTime }) }
        nextUsers = MonotonicClock.now() + (pause ?? configuration.metricsInterval).nanoseconds
      }
    }
    guard hasTime else { return }
    _ = tell {
      try ledger.catchUp()
      _ = try sessions?.tell(at: Self.wallClock(), while: { hasTime })
      return try users?.tell(at: Self.wallClock(), while: { hasTime })
    }
  }

  /// Waits until a time; false when it is to end.
  private func wait(until time: UInt64) -> Bool {
    lock.withLock {
      while !isStopping, MonotonicClock.now() < time { lock.wait(until: time) }
      return !isStopping
    }
  }

  private var hasTime: Bool { lock.withLock { MonotonicClock.now() < deadline } }

  /// - Parameter body: returns why something was refused.
  /// - Returns: how long to wait before the next attempt, if not as usual.
  private func tell(_ body: () throws -> Duration?) -> Duration? {
    do {
      let pause = try body()
      lastFailure = ""
      return pause
    } catch {
      failures.add()
      if "\(error)" != lastFailure {
        lastFailure = "\(error)"
        log.warn("the sessions connector cannot use the ledger; it tries again", ["error": "\(error)"])
      }
      return nil
    }
  }

  private static func wallClock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
