package import OTLP

/// How one attempt to deliver a request ended.
package enum SendOutcome: Sendable, Equatable {
  /// The destination has it, but for `rejected` items that it will never take.
  case delivered(rejected: Int)
  /// The destination will never take this request.
  case refused(Refused)
  /// Another attempt may succeed, after `wait` at the earliest if the destination said so.
  case unavailable(reason: String, wait: Duration?)
}

/// Why a destination will never take a request.
package struct Refused: Sendable, Equatable {
  /// For the operator.
  package let reason: String
  /// What the protocol calls it, if it has a number for it.
  package let status: Int?
  /// Whether a part of the request may be taken: it is the items that are refused, or their number.
  package let isAboutItems: Bool

  package init(reason: String, status: Int? = nil, isAboutItems: Bool = false) {
    self.reason = reason
    self.status = status
    self.isAboutItems = isAboutItems
  }
}

extension SendOutcome {
  package static func refused(reason: String, status: Int? = nil, isAboutItems: Bool = false) -> SendOutcome {
    .refused(Refused(reason: reason, status: status, isAboutItems: isAboutItems))
  }
}

/// Brings requests to a destination: what a `SendingQueue` needs of a protocol.
package protocol RequestSender: AnyObject, Sendable {
  /// The form in which a request travels, compressed for instance. Called before its first attempt, on the queue's thread.
  func prepare(_ request: EncodedRequest) -> EncodedRequest

  /// Begins one attempt and returns at once.
  ///
  /// - Parameters:
  ///   - request: as `prepare` returned it.
  ///   - completion: called exactly once, on any thread.
  func send(_ request: EncodedRequest, completion: @escaping @Sendable (SendOutcome) -> Void)

  /// Ends all attempts, and every later one, with `unavailable`; returns when their completions have been called.
  func stop()
}
