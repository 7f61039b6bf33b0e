import Locks
import OTLP
import Spool

/// What leaves next of the requests that wait.
extension DeliverySchedule {
  enum Taken {
    case delivery(Delivery)
    case load(SpoolRecord)
    /// Nothing before that time (nil: before something happens).
    case wait(until: UInt64?)
  }

  mutating func takeBatch(now: UInt64) -> Taken {
    guard let oldest = buffer.oldest else { return .wait(until: nil) }
    guard let batch else {
      guard !buffer.mustLoad else { return load(now: now) }
      return buffer.takeFirst().map { .delivery(makeJob([$0])) } ?? .wait(until: nil)
    }
    let flushTime = Self.flushTime(of: oldest, batch)
    guard isDraining || waitingSize >= batch.minSize || flushTime <= now else { return .wait(until: flushTime) }

    var count = 0
    var size = 0
    var isAsLargeAsMayBe = false
    while let next = buffer.ready(at: count), count == 0 || size < batch.minSize {
      let nextSize = batch.sizer.size(of: next)
      isAsLargeAsMayBe = count > 0 && batch.maxSize > 0 && size + nextSize > batch.maxSize
      if isAsLargeAsMayBe { break }
      size += nextSize
      count += 1
    }
    if size < batch.minSize, !isAsLargeAsMayBe, !buffer.stored.isEmpty {
      // Those on disk would belong to it; if they can't come, it leaves without them.
      let loading = load(now: now)
      if case .load = loading { return loading }
      if count == 0 { return loading }
    }
    let entries = (0..<count).compactMap { _ in buffer.takeFirst() }
    guard !entries.isEmpty else { return .wait(until: nil) }
    waitingSize -= size
    return .delivery(
      batch.maxSize > 0 && size > batch.maxSize ? makePieces(of: entries[0], batch) : makeJob(entries))
  }

  /// When the waiting requests leave although they are few.
  private static func flushTime(of oldest: RequestBuffer.Entry, _ batch: BatchConfiguration) -> UInt64 {
    let (time, overflow) = oldest.arrival.addingReportingOverflow(batch.flushTimeout.nanoseconds)
    return overflow ? .max : time
  }

  private mutating func makeJob(_ entries: [RequestBuffer.Entry]) -> Delivery {
    makeDelivery(.merging(entries.compactMap(\.request)), DeliveryJob(entries))
  }

  /// The first of the pieces of a request that is too large; the others are ready to follow.
  private mutating func makePieces(of entry: RequestBuffer.Entry, _ batch: BatchConfiguration) -> Delivery {
    let job = DeliveryJob([entry])
    let request = EncodedRequest.merging([entry].compactMap(\.request))
    // What cannot be cut travels whole: the destination may understand it.
    let pieces = (try? request.split(maxSize: batch.maxSize, sizer: batch.sizer)) ?? [request]
    let deliveries = pieces.map { makeDelivery($0, job) }
    for delivery in deliveries.dropFirst() { ready.append(delivery) }
    return deliveries[0]
  }

  private mutating func load(now: UInt64) -> Taken {
    // What is on disk is left there at the end.
    guard !isDraining else { return .wait(until: nil) }
    if let loadPause, now < loadPause { return .wait(until: loadPause) }
    // Where there is no room, a delivery's end makes some.
    return buffer.beginLoading().map { .load($0) } ?? .wait(until: nil)
  }
}

extension QueueSizer {
  fileprivate func size(of entry: RequestBuffer.Entry) -> Int {
    size(items: entry.itemCount, bytes: entry.byteCount)
  }
}
