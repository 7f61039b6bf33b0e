import OTLP

/// What becomes of deliveries that the destination will never take.
extension DeliverySchedule {
  /// How long to wait after dead letters could not be written.
  private static let buryPause: UInt64 = 1_000_000_000

  /// Cuts a refused delivery in two where that can help, down to single items; what is left is buried, or dropped.
  mutating func refuse(_ delivery: Delivery, _ refused: Refused) -> Settlement {
    if isClosed {
      if isDurable { return .kept(items: delivery.items) }
      abandon(delivery)
      return .dropped(items: delivery.items, reason: refused.reason)
    }
    let job = delivery.job
    job.refusals += 1
    if refused.isAboutItems, !job.isCondemned, cut(delivery) {
      return .cut(items: delivery.items, reason: refused.reason)
    }
    var doomed = [delivery]
    if job.isCondemned {
      // Those that are under way may still succeed.
      doomed += takeIdle(of: job)
    }
    let items = doomed.reduce(0) { $0 + $1.items }
    for delivery in doomed {
      delivery.refused = refused
      if hasDeadLetters { condemned.append(delivery) } else { finish(delivery) }
    }
    return hasDeadLetters
      ? .condemned(items: items, reason: refused.reason) : .dropped(items: items, reason: refused.reason)
  }

  private mutating func cut(_ delivery: Delivery) -> Bool {
    guard delivery.items > 1,
      let parts = try? delivery.request.split(maxSize: (delivery.items + 1) / 2, sizer: .items), parts.count > 1
    else { return false }
    // The first is taken first.
    for part in parts.reversed() { halves.append(makeDelivery(part, delivery.job)) }
    finish(delivery)
    return true
  }

  /// Takes out all deliveries of a job that are not under way.
  private mutating func takeIdle(of job: DeliveryJob) -> [Delivery] {
    var idle = halves.filter { $0.job === job }
    halves.removeAll { $0.job === job }
    ready.removeAll { delivery in
      guard delivery.job === job else { return false }
      idle.append(delivery)
      return true
    }
    retries.removeAll { retry in
      guard retry.delivery.job === job, retry.delivery.refused == nil else { return false }
      idle.append(retry.delivery)
      return true
    }
    return idle
  }

  mutating func bury(_ delivery: Delivery) -> Step {
    burying = delivery
    return .bury(delivery.request, delivery.refused ?? Refused(reason: ""))
  }

  /// Takes note of whether what `next` wanted to be buried was. If not, it is held until it can be.
  package mutating func buried(isWritten: Bool, now: UInt64) {
    guard let delivery = burying else { preconditionFailure("nothing was being buried") }
    burying = nil
    if isWritten {
      finish(delivery)
    } else if isClosed, !isDurable {
      abandon(delivery)
    } else {
      retryLater(delivery, due: now &+ Self.buryPause)
    }
    giveMemoryUp()
  }
}
