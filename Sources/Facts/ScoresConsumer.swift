package import Pipeline

/// What takes scores that come by themselves, and not with a span or a log record.
package protocol ScoresConsumer: AnyObject, Sendable {
  /// Asked before a request's body is read: why none is taken at the moment, or nil.
  var refusal: Refusal? { get }

  /// Takes scores, all of them or none.
  ///
  /// - Parameters:
  ///   - scores: of one request.
  ///   - completion: called exactly once, perhaps later and from another thread: with nil when all are as safe as a request
  ///     is that was accepted (`service.durability`), else with the reason to tell the sender.
  func take(_ scores: [Score], completion: @escaping @Sendable (Refusal?) -> Void)
}
