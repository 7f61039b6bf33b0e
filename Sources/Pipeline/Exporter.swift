package import OTLP

/// The end of a pipeline: takes encoded requests and brings them where they belong.
///
/// Every exporter has a queue of its own, so that one slow backend delays nobody else.
package protocol Exporter: AnyObject, Sendable {
  /// The component's id in the configuration, `type/name`.
  var id: String { get }

  /// Opens files and starts threads. Called once, before the first request.
  ///
  /// - Throws: a message for the operator when the exporter can't do its work at all.
  func start() throws

  /// Takes a request into the exporter's queue. Never waits for the destination. Of a request that it took, the exporter
  /// calls `settle` once: when it has brought it to its destination, has it safe on disk, or has given it up for good and
  /// counted that. What it has not settled at the end is not lost where the pipeline can bring it again.
  ///
  /// - Returns: false when the queue is full and the request was dropped; the exporter has counted that.
  @discardableResult
  func export(_ request: EncodedRequest) -> Bool

  /// Whether the queue has no room: the pipeline holds what it has and refuses more when every exporter says so.
  var isFull: Bool { get }

  /// Whether the whole pipeline waits for this exporter when its queue is full, instead of going on without it.
  var blocksOnOverflow: Bool { get }

  /// Whether requests have to tell whose their spans are: see `EncodedRequest.identities`. Asked once.
  var needsIdentities: Bool { get }

  /// Brings everything that was accepted to its destination, then stops. What cannot be delivered before the deadline
  /// is given up and counted.
  ///
  /// - Parameter deadline: monotonic nanoseconds.
  func drain(until deadline: UInt64)
}

extension Exporter {
  package var blocksOnOverflow: Bool { false }
  package var needsIdentities: Bool { false }
}
