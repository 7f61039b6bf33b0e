import Locks
package import OTLP
package import SelfTelemetry
import Spool

/// An exporter's queue: takes requests at once, brings them to a `RequestSender` a few at a time, tries again what
/// failed for a while. What waits for long is stored, where there is a store.
package final class SendingQueue: @unchecked Sendable {
  // Sendable: the mutable properties are touched under `lock`; everything else is immutable.
  let id: String
  let signal: Signal
  private let configuration: SendingQueueConfiguration
  private let sender: any RequestSender
  let store: (any RequestStore)?
  private let deadLetters: DeadLetterFile?
  let metrics: ExporterMetrics
  let log: Log
  let now: @Sendable () -> UInt64
  private let random: @Sendable () -> Double

  private let retrying: FailureLog
  private let dropping: FailureLog
  private let refusing: FailureLog
  private let burying: FailureLog
  private let holding: FailureLog
  let storing: FailureLog
  let loading: FailureLog

  let lock = Lock()
  var schedule: DeliverySchedule
  private var threads: [BackgroundThread] = []
  /// What was given up while draining.
  private var drainLosses = (requests: 0, items: 0)

  /// A queue that has not started.
  ///
  /// - Parameters:
  ///   - id: of the exporter.
  ///   - signal: of its requests.
  ///   - configuration: bounds, consumers, batching.
  ///   - retry: what happens to requests that could not be delivered.
  ///   - sender: the destination; the queue stops it.
  ///   - store: for what can't be delivered soon; the queue starts and stops it. Nil keeps all in memory.
  ///   - deadLetters: for what is refused for good; nil drops it.
  ///   - metrics: the exporter's counters.
  ///   - log: the collector's log.
  ///   - now: monotonic nanoseconds. If it can jump, whoever makes it jump calls `clockChanged`.
  ///   - random: from 0 to 1.
  package init(
    id: String, signal: Signal = .traces, configuration: SendingQueueConfiguration, retry: RetryConfiguration,
    sender: any RequestSender,
    store: (any RequestStore)? = nil, deadLetters: DeadLetterFile? = nil, metrics: ExporterMetrics, log: Log,
    now: @escaping @Sendable () -> UInt64 = MonotonicClock.now,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
  ) {
    self.id = id
    self.signal = signal
    self.configuration = configuration
    self.sender = sender
    self.store = store
    self.deadLetters = deadLetters
    self.metrics = metrics
    self.log = log
    self.now = now
    self.random = random
    schedule = DeliverySchedule(
      configuration, retry: retry, storing: store.map { RequestBuffer.Storing(delay: $0.delay, syncs: $0.syncs) },
      hasDeadLetters: deadLetters != nil)
    func failures(_ message: String, _ level: Log.Level = .error) -> FailureLog {
      FailureLog(message, level: level, exporter: id, itemsKey: signal.itemsKey, log: log, now: now)
    }
    retrying = failures("cannot send, trying again later", .warn)
    dropping = failures("cannot send, dropped")
    refusing = failures("queue is full, refused")
    burying = failures("refused for good, written to the dead letters")
    holding = failures("refused for good, held until it can be written to the dead letters")
    storing = failures("cannot store what waits, holding it in memory")
    loading = failures("cannot read what was stored")
    // Weakly: the registry outlives a queue that a reload replaced.
    let capacity = configuration.limits(isDurable: store != nil).size
    metrics.observeQueue(capacity: capacity == .max ? nil : capacity) { [weak self] in self?.size ?? 0 }
    metrics.observeInFlight { [weak self] in self?.inFlightCount ?? 0 }
  }

  /// What the queue holds, with all that is under way, in its sizer's unit.
  package var size: Int { lock.withLock { schedule.size } }

  /// Requests under way.
  package var inFlightCount: Int { lock.withLock { schedule.inFlightCount } }

  /// Bytes of requests in memory.
  package var memoryBytes: Int { lock.withLock { schedule.memoryBytes } }

  /// Whether a request would be refused now.
  package var isFull: Bool { lock.withLock { schedule.isFull } }

  /// When the next retry is due, in monotonic nanoseconds; nil when none waits.
  package var nextRetry: UInt64? { lock.withLock { schedule.nextRetry } }

  /// Starts the queue's threads.
  package func start() {
    lock.withLock {
      if let store {
        schedule.beginRestoring()
        threads.append(BackgroundThread(name: "store \(id)") { self.runStore(store) })
      }
      threads.append(BackgroundThread(name: "send \(id)") { self.run() })
    }
  }

  /// Whether the pipeline waits for this queue when it is full. A queue that can be stored is no place where something is
  /// lost, unless the operator has bounded it.
  package var blocksOnOverflow: Bool {
    if configuration.blockOnOverflow { return true }
    guard store != nil else { return false }
    return !configuration.isBoundByCount || !lock.withLock { schedule.isFullByCount }
  }

  /// Takes a request. Never waits for room: whoever offers looks at `isFull` first.
  ///
  /// - Returns: false when the request was refused, which has been counted.
  package func offer(_ request: EncodedRequest) -> Bool {
    let isTaken = change { schedule in schedule.admit(request, now: now()) }
    if isTaken {
      refusing.succeeded()
    } else {
      metrics.enqueueFailed.add(request.itemCount)
      refusing.failed("no room for another request", items: request.itemCount)
    }
    return isTaken
  }

  /// Tries to bring every accepted request until the deadline, ends the sender and the threads, and counts what could not
  /// be brought. With a store, what is in memory is tried once more at most, and the rest is left for the next start.
  ///
  /// - Parameter deadline: monotonic nanoseconds of the true clock.
  package func drain(until deadline: UInt64) {
    let (abandoned, threads) = lock.withLock {
      schedule.beginDrain()
      lock.wakeAll()
      while !self.threads.isEmpty, !schedule.isDrained, lock.wait(until: deadline) {}
      let abandoned = schedule.close()
      lock.wakeAll()
      defer { self.threads = [] }
      return (abandoned, self.threads)
    }
    if store == nil { metrics.sendFailed.add(abandoned.items) }
    sender.stop()
    for thread in threads { thread.join() }
    if !threads.isEmpty { store?.stop() }
    let losses = lock.withLock { drainLosses }
    tellEnd(requests: abandoned.requests + losses.requests, items: abandoned.items + losses.items)
  }

  private func tellEnd(requests: Int, items: Int) {
    guard requests > 0 else { return }
    let fields: Log.Fields = ["exporter": id, "requests": String(requests), signal.itemsKey: String(items)]
    if store == nil {
      log.error("stopped before everything was sent", fields)
    } else {
      log.info("stopped before everything was sent; the rest is kept for the next start", fields)
    }
  }

  /// Looks at the clock again: for clocks that can be set.
  package func clockChanged() {
    lock.withLock { lock.wakeAll() }
  }

  /// Changes the schedule under the lock, and tells the spools what is finished by it.
  func change<Value>(_ body: (inout DeliverySchedule) -> Value) -> Value {
    let (value, finished) = lock.withLock {
      defer { lock.wakeAll() }
      let value = body(&schedule)
      return (value, schedule.takeFinished())
    }
    finished.tell()
    return value
  }

  // Delivering, on the queue's thread

  private func run() {
    lock.lock()
    while true {
      let step = schedule.next(now: now())
      if case .wait(let time) = step {
        lock.wait(until: time)
        continue
      }
      lock.unlock()
      switch step {
      case .finished: return
      case .send(let number, let payload, let isNew): send(number, payload, isNew: isNew)
      case .bury(let request, let refused): bury(request, refused)
      case .load(let record): load(record)
      case .wait: break
      }
      lock.lock()
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
    let settlement = change { schedule in
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
    case .cut, .condemned, .kept:
      break
    case nil:
      preconditionFailure("a sender called a completion twice")
    }
  }

  private func bury(_ request: EncodedRequest, _ refused: Refused) {
    let problem = deadLetters?.append(request, refused)
    if let problem {
      holding.failed(problem, items: request.itemCount)
    } else {
      metrics.sendFailed.add(request.itemCount)
      metrics.deadLettered.add(request.itemCount)
      burying.failed(refused.reason, items: request.itemCount)
      holding.succeeded()
    }
    change { schedule in
      guard schedule.buried(isWritten: problem == nil, now: now()) else { return }
      metrics.sendFailed.add(request.itemCount)
      drainLosses = (drainLosses.requests + 1, drainLosses.items + request.itemCount)
    }
  }
}
