import Locks
package import OTLP
package import Spool

/// Decides what a sending queue does next: merges waiting requests, spaces retries out, keeps the bounds, cuts what was
/// refused.
///
/// It has neither clock nor thread nor disk: who owns it says what time it is and does what it decides.
package struct DeliverySchedule {
  package enum Step {
    /// Send `payload` now, and settle the delivery by its number. `isNew`: this is its first attempt.
    case send(number: UInt64, payload: EncodedRequest, isNew: Bool)
    /// Put this among the dead letters, and tell `buried`.
    case bury(EncodedRequest, Refused)
    /// Load this record, and tell `loaded`.
    case load(SpoolRecord)
    /// There is nothing to do before that time (nil: before something happens).
    case wait(until: UInt64?)
    /// Everything has been dealt with, and nothing will be accepted any more.
    case finished
  }

  /// What became of a delivery after an attempt.
  package enum Settlement: Equatable {
    case delivered(items: Int, rejected: Int)
    /// Given up.
    case dropped(items: Int, reason: String)
    case retrying(items: Int, at: UInt64, reason: String)
    /// Refused, and cut in two.
    case cut(items: Int, reason: String)
    /// Refused; to be put among the dead letters.
    case condemned(items: Int, reason: String)
    /// Not delivered before the end, and kept for the next start.
    case kept(items: Int)
  }

  let maxInFlight: Int
  let batch: BatchConfiguration?
  let retry: RetryConfiguration
  let hasDeadLetters: Bool

  var buffer: RequestBuffer
  /// Size of the requests in `buffer` that nobody has taken, counted by the batch's sizer.
  var waitingSize = 0
  var ready = FIFO<Delivery>()
  /// Halves of what was refused, the smallest last: those go first.
  var halves: [Delivery] = []
  /// Refused for good, to be buried.
  var condemned = FIFO<Delivery>()
  var burying: Delivery?
  /// In the order of their times.
  var retries: [(due: UInt64, delivery: Delivery)] = []
  var inFlight: [UInt64: Delivery] = [:]
  private var lastNumber: UInt64 = 0
  /// When to load again after a failure, and how many there were in a row.
  var loadPause: UInt64?
  var loadFailures = 0
  package private(set) var isDraining = false
  private(set) var isClosed = false

  /// A schedule of an empty queue.
  ///
  /// - Parameters:
  ///   - queue: bounds, consumers, batching.
  ///   - retry: what happens to requests that could not be delivered.
  ///   - storing: how requests are stored; nil keeps all in memory.
  ///   - hasDeadLetters: whether what is refused is buried instead of being dropped.
  package init(
    _ queue: SendingQueueConfiguration, retry: RetryConfiguration, storing: RequestBuffer.Storing? = nil,
    hasDeadLetters: Bool = false
  ) {
    maxInFlight = max(queue.numConsumers, 1)
    batch = queue.enabled ? queue.batch : nil
    var retry = retry
    if storing != nil, retry.maxElapsedTime == nil { retry.maxElapsedTime = .zero }
    self.retry = retry
    self.hasDeadLetters = hasDeadLetters
    buffer = RequestBuffer(queue.limits(isDurable: storing != nil), storing: storing)
  }

  var isDurable: Bool { buffer.storing != nil }

  /// Whether a request like the largest so far would be refused.
  package var isFull: Bool { isDraining || buffer.isFull }
  /// Whether that is for the bound by count.
  package var isFullByCount: Bool { buffer.isFullByCount }
  /// What the queue holds, counted by its sizer.
  package var size: Int { buffer.usedSize }
  /// Bytes of requests in memory.
  package var memoryBytes: Int { buffer.usedBytes }
  package var inFlightCount: Int { inFlight.count }
  /// Whether every accepted request has been dealt with.
  package var isEmpty: Bool { buffer.heldCount == 0 }
  /// When the next retry is due, if one waits.
  package var nextRetry: UInt64? { retries.first?.due }

  /// Whether there is nothing that a drain could still bring. What is stored is left for the next start.
  package var isDrained: Bool {
    guard isDurable else { return isEmpty }
    return inFlight.isEmpty && condemned.isEmpty && burying == nil && halves.isEmpty && ready.isEmpty
      && buffer.ready(at: 0) == nil
  }

  /// Accepts a request. One that comes when the end has begun is left to the next start where requests are stored: it
  /// counts as accepted, and nobody ever settles it.
  ///
  /// - Returns: false when there is no room for it, or the end has begun.
  package mutating func admit(_ request: EncodedRequest, now: UInt64) -> Bool {
    guard !isDraining else { return isDurable }
    guard buffer.admit(request, now: now) else { return false }
    waitingSize += batch?.sizer.size(of: request) ?? 0
    return true
  }

  /// What to do now. A retry goes first: it is the older.
  package mutating func next(now: UInt64) -> Step {
    if isClosed || (isDraining && isDrained) { return .finished }
    if let delivery = condemned.popFirst() { return bury(delivery) }
    guard inFlight.count < maxInFlight else { return .wait(until: nil) }
    // Where undelivered requests are kept, an end does not wait for the destination to recover.
    let waitsForRetries = !(isDraining && isDurable)
    if waitsForRetries, let first = retries.first, first.due <= now {
      retries.removeFirst()
      return first.delivery.refused == nil ? begin(first.delivery, now: now) : bury(first.delivery)
    }
    if let delivery = halves.popLast() ?? ready.popFirst() { return begin(delivery, now: now) }
    switch takeBatch(now: now) {
    case .delivery(let delivery): return begin(delivery, now: now)
    case .load(let record): return .load(record)
    case .wait(let time):
      return .wait(until: [waitsForRetries ? nextRetry : nil, time].compactMap(\.self).min())
    }
  }

  /// Puts the form that travels in the place of the one that was accepted.
  package mutating func replacePayload(of number: UInt64, with payload: EncodedRequest) {
    inFlight[number]?.payload = payload
  }

  /// Takes note of how an attempt ended.
  ///
  /// - Parameters:
  ///   - number: of the delivery, as `next` gave it.
  ///   - outcome: of its attempt.
  ///   - now: monotonic nanoseconds.
  ///   - random: from 0 to 1, for the wait before the next attempt.
  /// - Returns: nil for a number that is not under way.
  package mutating func settle(_ number: UInt64, _ outcome: SendOutcome, now: UInt64, random: Double) -> Settlement? {
    guard let delivery = inFlight.removeValue(forKey: number) else { return nil }
    delivery.job.inFlightCount -= 1
    defer { giveMemoryUp() }
    switch outcome {
    case .delivered(let rejected):
      delivery.job.successes += 1
      finish(delivery)
      // What a server says of itself must not turn the count around.
      return .delivered(items: delivery.items, rejected: min(max(rejected, 0), delivery.items))
    case .refused(let refused):
      return refuse(delivery, refused)
    case .unavailable(let reason, let wait):
      return postpone(delivery, reason: reason, wait: wait, now: now, random: random)
    }
  }

  private mutating func postpone(
    _ delivery: Delivery, reason: String, wait: Duration?, now: UInt64, random: Double
  ) -> Settlement {
    if isDraining, isDurable {
      retries.append((.max, delivery))
      return .kept(items: delivery.items)
    }
    let due =
      isDraining
      ? (isClosed || !retry.enabled ? nil : now + Self.drainWait(wait))
      : delivery.backoff?.nextAttempt(now: now, random: random, atLeast: wait?.nanoseconds ?? 0)
    guard let due else {
      if isClosed { abandon(delivery) } else { finish(delivery) }
      return .dropped(items: delivery.items, reason: reason)
    }
    retryLater(delivery, due: due)
    return .retrying(items: delivery.items, at: due, reason: reason)
  }

  mutating func retryLater(_ delivery: Delivery, due: UInt64) {
    let place = retries.firstIndex { $0.due > due } ?? retries.endIndex
    retries.insert((due, delivery), at: place)
  }

  /// From now on nothing is accepted. In memory, retries are due at once, and then soon again until the queue is closed:
  /// there is no later time to wait for. Where requests are stored, each in memory has one more attempt at most.
  package mutating func beginDrain() {
    isDraining = true
    if !isDurable { retries = retries.map { (due: 0, delivery: $0.delivery) } }
  }

  /// The wait between attempts while draining: what the server asks for, within reason.
  private static func drainWait(_ wanted: Duration?) -> UInt64 {
    min(max(wanted?.nanoseconds ?? 0, 250_000_000), 1_000_000_000)
  }

  /// Gives up all that is not under way, and lets no attempt begin any more.
  ///
  /// - Returns: how many requests and items that were. Where requests are stored they are not lost: what is not settled is
  ///   somebody else's still, and the rest is on the disk.
  package mutating func close() -> (requests: Int, items: Int) {
    isDraining = true
    isClosed = true
    if isDurable { return (buffer.heldCount, buffer.heldItems) }
    var lost = (requests: 0, items: 0)
    while let entry = buffer.takeFirst() {
      lost = (lost.requests + 1, lost.items + entry.itemCount)
      buffer.release(entry)
    }
    var deliveries = retries.map(\.delivery) + halves
    retries = []
    halves = []
    while let delivery = ready.popFirst() ?? condemned.popFirst() { deliveries.append(delivery) }
    for delivery in deliveries {
      abandon(delivery)
      lost = (lost.requests + 1, lost.items + delivery.items)
    }
    return lost
  }

  private mutating func begin(_ delivery: Delivery, now: UInt64) -> Step {
    let isNew = delivery.payload == nil
    if delivery.backoff == nil {
      // The pieces of a request have the time that the request has.
      delivery.backoff = Backoff(retry, now: delivery.job.firstAttempt ?? now)
      delivery.job.firstAttempt = delivery.job.firstAttempt ?? now
    }
    delivery.payload = delivery.payload ?? delivery.request
    inFlight[delivery.number] = delivery
    delivery.job.inFlightCount += 1
    return .send(number: delivery.number, payload: delivery.payload ?? delivery.request, isNew: isNew)
  }

  /// The delivery was dealt with for good.
  mutating func finish(_ delivery: Delivery) {
    let job = delivery.job
    job.openCount -= 1
    job.finishedCount += 1
    guard job.openCount == 0 else { return }
    for entry in job.entries {
      if job.isAbandoned { buffer.release(entry) } else { buffer.finish(entry) }
    }
  }

  /// The delivery is given up because the end has come.
  mutating func abandon(_ delivery: Delivery) {
    delivery.job.isAbandoned = true
    finish(delivery)
  }

  mutating func makeDelivery(_ request: EncodedRequest, _ job: DeliveryJob) -> Delivery {
    lastNumber += 1
    return Delivery(number: lastNumber, request: request, job: job)
  }
}
