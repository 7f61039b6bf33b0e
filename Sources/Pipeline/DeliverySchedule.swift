import Locks
package import OTLP

/// Decides what a sending queue does next: merges waiting requests, spaces retries out, keeps the bounds.
///
/// It has neither clock nor thread: who owns it says what time it is and does what it decides.
package struct DeliverySchedule {
  package enum Step {
    /// Send `payload` now, and settle the delivery by its number. `isNew`: this is its first attempt.
    case send(number: UInt64, payload: EncodedRequest, isNew: Bool)
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
  }

  /// Everything that leaves in one request, through all its attempts.
  private final class Delivery {
    let number: UInt64
    let items: Int
    var payload: EncodedRequest
    let sources: [Source]
    var backoff: Backoff?

    init(number: UInt64, payload: EncodedRequest, sources: [Source]) {
      self.number = number
      items = payload.itemCount
      self.payload = payload
      self.sources = sources
    }
  }

  /// An accepted request, whose room is free again when all deliveries that hold a part of it are done.
  private final class Source {
    let entry: RequestBuffer.Entry
    var openDeliveries: Int

    init(_ entry: RequestBuffer.Entry, openDeliveries: Int) {
      self.entry = entry
      self.openDeliveries = openDeliveries
    }
  }

  private let maxInFlight: Int
  private let batch: BatchConfiguration?
  private let retry: RetryConfiguration

  private var buffer: RequestBuffer
  /// Size of the requests in `buffer` that nobody has taken, counted by the batch's sizer.
  private var waitingSize = 0
  private var ready = FIFO<Delivery>()
  /// In the order of their times.
  private var retries: [(due: UInt64, delivery: Delivery)] = []
  private var inFlight: [UInt64: Delivery] = [:]
  private var lastNumber: UInt64 = 0
  package private(set) var isDraining = false
  private var isClosed = false

  package init(_ queue: SendingQueueConfiguration, retry: RetryConfiguration) {
    maxInFlight = max(queue.numConsumers, 1)
    batch = queue.enabled ? queue.batch : nil
    self.retry = retry
    buffer = RequestBuffer(queue.limits)
  }

  /// Whether a request like the largest so far would be refused.
  package var isFull: Bool { isDraining || buffer.isFull }
  /// What the queue holds, counted by its sizer.
  package var size: Int { buffer.usedSize }
  package var inFlightCount: Int { inFlight.count }
  /// Whether every accepted request has been dealt with.
  package var isEmpty: Bool { buffer.heldCount == 0 }
  /// When the next retry is due, if one waits.
  package var nextRetry: UInt64? { retries.first?.due }

  /// Accepts a request.
  ///
  /// - Returns: false when there is no room for it, or the end has begun.
  package mutating func admit(_ request: EncodedRequest, now: UInt64) -> Bool {
    guard !isDraining, buffer.admit(request, now: now) else { return false }
    waitingSize += batch?.sizer.size(of: request) ?? 0
    return true
  }

  /// What to do now. A retry goes first: it is the older.
  package mutating func next(now: UInt64) -> Step {
    if isClosed || (isDraining && isEmpty) { return .finished }
    guard inFlight.count < maxInFlight else { return .wait(until: nil) }
    if let first = retries.first, first.due <= now {
      retries.removeFirst()
      return begin(first.delivery, now: now)
    }
    if let delivery = ready.popFirst() ?? takeBatch(now: now) { return begin(delivery, now: now) }
    return .wait(until: [nextRetry, flushTime].compactMap(\.self).min())
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
    switch outcome {
    case .delivered(let rejected):
      release(delivery)
      // What a server says of itself must not turn the count around.
      return .delivered(items: delivery.items, rejected: min(max(rejected, 0), delivery.items))
    case .refused(let reason):
      release(delivery)
      return .dropped(items: delivery.items, reason: reason)
    case .unavailable(let reason, let wait):
      let due =
        isDraining
        ? (isClosed || !retry.enabled ? nil : now + Self.drainWait(wait))
        : delivery.backoff?.nextAttempt(now: now, random: random, atLeast: wait?.nanoseconds ?? 0)
      guard let due else {
        release(delivery)
        return .dropped(items: delivery.items, reason: reason)
      }
      let place = retries.firstIndex { $0.due > due } ?? retries.endIndex
      retries.insert((due, delivery), at: place)
      return .retrying(items: delivery.items, at: due, reason: reason)
    }
  }

  /// From now on nothing is accepted, retries are due at once, and then soon again until the queue is closed: there is no
  /// later time to wait for.
  package mutating func beginDrain() {
    isDraining = true
    retries = retries.map { (due: 0, delivery: $0.delivery) }
  }

  /// The wait between attempts while draining: what the server asks for, within reason.
  private static func drainWait(_ wanted: Duration?) -> UInt64 {
    min(max(wanted?.nanoseconds ?? 0, 250_000_000), 1_000_000_000)
  }

  /// Gives up all that is not under way, and lets no attempt begin any more.
  ///
  /// - Returns: how many requests and items that were.
  package mutating func close() -> (requests: Int, items: Int) {
    isDraining = true
    isClosed = true
    var lost = (requests: 0, items: 0)
    while let entry = buffer.takeFirst() {
      buffer.release(entry)
      lost = (lost.requests + 1, lost.items + entry.request.itemCount)
    }
    var deliveries = retries.map(\.delivery)
    while let delivery = ready.popFirst() { deliveries.append(delivery) }
    for delivery in deliveries {
      release(delivery)
      lost = (lost.requests + 1, lost.items + delivery.items)
    }
    retries = []
    return lost
  }

  private mutating func begin(_ delivery: Delivery, now: UInt64) -> Step {
    let isNew = delivery.backoff == nil
    if isNew { delivery.backoff = Backoff(retry, now: now) }
    inFlight[delivery.number] = delivery
    return .send(number: delivery.number, payload: delivery.payload, isNew: isNew)
  }

  private mutating func release(_ delivery: Delivery) {
    for source in delivery.sources {
      source.openDeliveries -= 1
      if source.openDeliveries == 0 { buffer.release(source.entry) }
    }
  }

  // Batching

  /// When the waiting requests leave although they are few.
  private var flushTime: UInt64? {
    guard let batch, let first = buffer.first else { return nil }
    let (time, overflow) = first.arrival.addingReportingOverflow(batch.flushTimeout.nanoseconds)
    return overflow ? .max : time
  }

  private mutating func takeBatch(now: UInt64) -> Delivery? {
    guard let batch else {
      return buffer.takeFirst().map { makeDelivery($0.request, [Source($0, openDeliveries: 1)]) }
    }
    guard isDraining || waitingSize >= batch.minSize || flushTime.map({ $0 <= now }) == true else { return nil }
    var entries: [RequestBuffer.Entry] = []
    var size = 0
    while let next = buffer.first, entries.isEmpty || size < batch.minSize {
      let nextSize = batch.sizer.size(of: next.request)
      if !entries.isEmpty, batch.maxSize > 0, size + nextSize > batch.maxSize { break }
      size += nextSize
      if let entry = buffer.takeFirst() { entries.append(entry) }
    }
    guard !entries.isEmpty else { return nil }
    waitingSize -= size
    return batch.maxSize > 0 && size > batch.maxSize
      ? takePieces(of: entries[0], batch)
      : makeDelivery(.merging(entries.map(\.request)), entries.map { Source($0, openDeliveries: 1) })
  }

  /// The first of the pieces of a request that is too large; the others are ready to follow.
  private mutating func takePieces(of entry: RequestBuffer.Entry, _ batch: BatchConfiguration) -> Delivery? {
    // What cannot be cut travels whole: the destination may understand it.
    let pieces = (try? entry.request.split(maxSize: batch.maxSize, sizer: batch.sizer)) ?? [entry.request]
    let source = Source(entry, openDeliveries: pieces.count)
    for piece in pieces { ready.append(makeDelivery(piece, [source])) }
    return ready.popFirst()
  }

  private mutating func makeDelivery(_ payload: EncodedRequest, _ sources: [Source]) -> Delivery {
    lastNumber += 1
    return Delivery(number: lastNumber, payload: payload, sources: sources)
  }
}
