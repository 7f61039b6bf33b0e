import OTLP

/// What one batch of a queue leaves in: one delivery, or several when it was cut. Its requests are finished when all of
/// those are.
final class DeliveryJob {
  let entries: [RequestBuffer.Entry]
  /// Deliveries that are not finished, those of them that are under way, and those that are finished.
  var openCount = 0
  var inFlightCount = 0
  var finishedCount = 0
  /// Attempts that the destination refused, and those that it took.
  var refusals = 0
  var successes = 0
  /// When its first attempt began.
  var firstAttempt: UInt64?
  /// Whether a part of it was given up because the end has come.
  var isAbandoned = false

  /// A refused delivery is cut in half to find out what is wrong with it. That is worth so many attempts, and as many more
  /// for each success, so that a destination that takes nothing is not asked for each item.
  private static let refusalLimit = 32

  init(_ entries: [RequestBuffer.Entry]) {
    self.entries = entries
    firstAttempt = entries.lazy.compactMap(\.firstAttempt).min()
    for entry in entries { entry.job = self }
  }

  /// Whether what is refused is given up instead of being cut any further.
  var isCondemned: Bool { refusals >= Self.refusalLimit * (1 + successes) }

  /// Whether it can be begun anew from the disk, as if it had never left.
  var canBePutBack: Bool {
    inFlightCount == 0 && refusals == 0 && finishedCount == 0 && entries.allSatisfy(\.isSecured)
  }
}

/// Everything that leaves in one request, through all its attempts.
final class Delivery {
  let number: UInt64
  let job: DeliveryJob
  let request: EncodedRequest
  /// The form that travels, from the first attempt on.
  var payload: EncodedRequest?
  var backoff: Backoff?
  /// Why it is to be buried: it is not sent any more then.
  var refused: Refused?

  var items: Int { request.itemCount }

  init(number: UInt64, request: EncodedRequest, job: DeliveryJob) {
    self.number = number
    self.request = request
    self.job = job
    job.openCount += 1
  }
}
