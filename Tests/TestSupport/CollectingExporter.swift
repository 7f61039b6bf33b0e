import Locks
package import OTLP
import Pipeline

/// An exporter that keeps what it gets.
package final class CollectingExporter: Exporter {
  package let id = "collecting"
  private let requests = Locked<[[UInt8]]>([])
  private let full = Locked(false)

  package init() {}

  package func start() {}

  package func export(_ request: EncodedRequest) -> Bool {
    requests.withLock { $0.append(request.bytes) }
    return true
  }

  package var isFull: Bool { full.withLock { $0 } }

  package func drain(until deadline: UInt64) {}

  /// Makes the exporter say that its queue is full, or not.
  package func setFull(_ isFull: Bool) { full.withLock { $0 = isFull } }

  /// All requests so far.
  package var received: [[UInt8]] { requests.withLock { $0 } }

  /// All spans so far, in the order in which they came.
  package var spans: [DecodedSpan] { received.flatMap { DecodedSpan.all(inRequest: $0) } }

  /// Forgets what was received.
  package func clear() { requests.withLock { $0 = [] } }
}
