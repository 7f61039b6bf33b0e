package import OTLP

/// Why a request cannot be rewritten, for the operator. It does not leave then: nobody knows what would leave with it.
package struct RewritingFailure: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}

/// What an exporter changes in requests before they leave. An exporter has several of them, one behind another.
///
/// Requests are rewritten before the exporter's queue: what is in the queue, stored or not, and what it puts among its dead
/// letters is as it may leave.
package protocol RequestRewriting: AnyObject, Sendable {
  /// Names it where requests are stored: see `RewrittenStore`. Lower-case letters, digits and underscores; the same in every
  /// version.
  var name: String { get }

  /// Whether it reads `EncodedRequest.identities`. Not known of what another run has stored.
  var needsIdentities: Bool { get }

  /// The request as it may leave: the same object when nothing changes, else one `inPlaceOf` it. Called by any thread, and by
  /// several at once.
  func rewrite(_ request: EncodedRequest) throws(RewritingFailure) -> EncodedRequest
}

/// All that an exporter changes, in the order in which it happens.
package struct Rewritings: Sendable {
  let steps: [any RequestRewriting]

  package init(_ steps: [any RequestRewriting]) {
    self.steps = steps
  }

  package var isEmpty: Bool { steps.isEmpty }
  package var needsIdentities: Bool { steps.contains(where: \.needsIdentities) }

  /// Does what is to be done.
  ///
  /// - Parameters:
  ///   - request: as the pipeline made it, or as far as it was rewritten.
  ///   - done: names of what was done to it.
  /// - Returns: the request as it may leave.
  /// - Throws: why it may not.
  func apply(
    to request: EncodedRequest, beside done: Set<String> = []
  ) throws(RewritingFailure) -> EncodedRequest {
    var request = request
    for step in steps where !done.contains(step.name) { request = try step.rewrite(request) }
    return request
  }
}
