import Locks
package import OTLP
package import SelfTelemetry

/// An exporter's queue: takes requests at once, brings them to a `RequestSender` a few at a time, tries again what
/// failed for a while.
package final class SendingQueue: @unchecked Sendable {
  // Sendable: the mutable properties are touched under `lock`; everything else is immutable.
  private let id: String
  private let configuration: SendingQueueConfiguration
  private let sender: any RequestSender
  private let metrics: ExporterMetrics
  private let log: Log
  private let now: @Sendable () -> UInt64
  private let random: @Sendable () -> Double

  private let retrying: FailureLog
  private let dropping: FailureLog
  private let refusing: FailureLog

  private let lock = Lock()
  private var schedule: DeliverySchedule
  private var thread: BackgroundThread?
  /// What was given up while draining.
  private var drainLosses = (requests: 0, items: 0)

  /// A queue that has not started.
  ///
  /// - Parameters:
  ///   - id: of the exporter.
  ///   - configuration: bounds, consumers, batching.
  ///   - retry: what happens to requests that could not be delivered.
  ///   - sender: the destination; the queue stops it.
  ///   - metrics: the exporter's counters.
  ///   - log: the collector's log.
  ///   - now: monotonic nanoseconds. If it can jump, whoever makes it jump calls `clockChanged`.
  ///   - random: from 0 to 1.
  package init(
    id: String, configuration: SendingQueueConfiguration, retry: RetryConfiguration, sender: any RequestSender,
    metrics: ExporterMetrics, log: Log, now: @escaping @Sendable () -> UInt64 = MonotonicClock.now,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
  ) {
    self.id = id
    self.configuration = configuration
    self.sender = sender
    self.metrics = metrics
    self.log = log
    self.now = now
    self.random = random
    schedule = DeliverySchedule(configuration, retry: retry)
    retrying = FailureLog("cannot send, trying again later", exporter: id, log: log, now: now)
    dropping = FailureLog("cannot send, dropped", level: .error, exporter: id, log: log, now: now)
    refusing = FailureLog("queue is full, refused", level: .error, exporter: id, log: log, now: now)
    // Weakly: the registry outlives a queue that a reload replaced.
    metrics.observeQueue(capacity: configuration.limits.size) { [weak self] in self?.size ?? 0 }
    metrics.observeInFlight { [weak self] in self?.inFlightCount ?? 0 }
  }

  /// What the queue holds, with all that is under way, in its sizer's unit.
  package var size: Int { lock.withLock { schedule.size } }

  /// Requests under way.
  package var inFlightCount: Int { lock.withLock { schedule.inFlightCount } }

  /// Whether a request would be refused now.
  package var isFull: Bool { lock.withLock { schedule.isFull } }

  /// When the next retry is due, in monotonic nanoseconds; nil when none waits.
  package var nextRetry: UInt64? { lock.withLock { schedule.nextRetry } }

  /// Starts the queue's thread.
  package func start() {
    lock.withLock { thread = BackgroundThread(name: "send \(id)") { self.run() } }
  }

  /// Whether the pipeline waits for this queue when it is full.
  package var blocksOnOverflow: Bool { configuration.blockOnOverflow }

  /// Takes a request. Never waits for room: whoever offers looks at `isFull` first.
  ///
  /// - Returns: false when the request was refused, which has been counted.
  package func offer(_ request: EncodedRequest) -> Bool {
    let isTaken = lock.withLock {
      guard schedule.admit(request, now: now()) else { return false }
      lock.wakeAll()
      return true
    }
    if isTaken {
      refusing.succeeded()
    } else {
      metrics.enqueueFailed.add(request.itemCount)
      refusing.failed("no room for another request", items: request.itemCount)
    }
    return isTaken
  }

  /// Tries to bring every accepted request until the deadline, ends the sender and the thread, and counts what could not
  /// be brought.
  ///
  /// - Parameter deadline: monotonic nanoseconds of the true clock.
  package func drain(until deadline: UInt64) {
    let (abandoned, thread) = lock.withLock {
      schedule.beginDrain()
      lock.wakeAll()
      while self.thread != nil, !schedule.isEmpty, lock.wait(until: deadline) {}
      let abandoned = schedule.close()
      lock.wakeAll()
      defer { self.thread = nil }
      return (abandoned, self.thread)
    }
    metrics.sendFailed.add(abandoned.items)
    sender.stop()
    thread?.join()
    let losses = lock.withLock { drainLosses }
    guard abandoned.requests + losses.requests > 0 else { return }
    log.error(
      "stopped before everything was sent",
      [
        "exporter": id, "requests": String(abandoned.requests + losses.requests),
        "spans": String(abandoned.items + losses.items),
      ])
  }

  /// Looks at the clock again: for clocks that can be set.
  package func clockChanged() {
    lock.withLock { lock.wakeAll() }
  }

  private func run() {
    lock.lock()
    while true {
      switch schedule.next(now: now()) {
      case .finished:
        return lock.unlock()
      case .wait(let time):
        lock.wait(until: time)
      case .send(let number, let payload, let isNew):
        lock.unlock()
        send(number, payload, isNew: isNew)
        lock.lock()
      }
    }
  }

  private func send(_ number: UInt64, _ payload: EncodedRequest, isNew: Bool) {
    var payload = payload
    if isNew {
      payload = sender.prepare(payload)
      lock.withLock { schedule.replacePayload(of: number, with: payload) }
    }
    sender.send(payload) { outcome in self.settle(number, outcome) }
  }

  private func settle(_ number: UInt64, _ outcome: SendOutcome) {
    let settlement = lock.withLock {
      defer { lock.wakeAll() }
      let settlement = schedule.settle(number, outcome, now: now(), random: random())
      if case .dropped(let items, _) = settlement, schedule.isDraining {
        drainLosses = (drainLosses.requests + 1, drainLosses.items + items)
      }
      return settlement
    }
    switch settlement {
    case .delivered(let items, let rejected):
      metrics.sent.add(items - rejected)
      metrics.rejected.add(rejected)
      retrying.succeeded()
      dropping.succeeded()
    case .dropped(let items, let reason):
      metrics.sendFailed.add(items)
      dropping.failed(reason, items: items)
    case .retrying(let items, _, let reason):
      retrying.failed(reason, items: items)
    case nil:
      preconditionFailure("a sender called a completion twice")
    }
  }
}
