import OTLP

/// What becomes of deliveries that the destination will never take.
extension DeliverySchedule {
  /// How long to wait after dead letters could not be written.
  private static let buryPause: UInt64 = 1_000_000_000

  /// Cuts a refused delivery in two where that can help, down to single items; what is left is buried, or dropped. Of a
  /// condemned job, each part that was not tried yet still is: what the destination takes of them is worth more cuts.
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
    delivery.refused = refused
    guard hasDeadLetters else {
      finish(delivery)
      return .dropped(items: delivery.items, reason: refused.reason)
    }
    condemned.append(delivery)
    return .condemned(items: delivery.items, reason: refused.reason)
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

  mutating func bury(_ delivery: Delivery) -> Step {
    burying = delivery
    return .bury(delivery.request, delivery.refused ?? Refused(reason: ""))
  }

  /// Takes note of whether what `next` wanted to be buried was. If not, it is held until it can be.
  ///
  /// - Returns: whether it was given up instead, because the end has come.
  @discardableResult
  package mutating func buried(isWritten: Bool, now: UInt64) -> Bool {
    guard let delivery = burying else { preconditionFailure("nothing was being buried") }
    burying = nil
    let isLost = !isWritten && isClosed && !isDurable
    if isWritten {
      finish(delivery)
    } else if isLost {
      abandon(delivery)
    } else {
      retryLater(delivery, due: now &+ Self.buryPause)
    }
    giveMemoryUp()
    return isLost
  }
}
