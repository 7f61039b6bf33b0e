import Locks
import OTLP

/// Indexes that are used again, so that indexing a request allocates nothing.
final class IndexPool: Sendable {
  private static let maxIdleCount = 64
  /// An index grows with its request: those of larger ones are freed, as their bodies are.
  private static let maxRequestBytes = 4 << 20

  private let idle = Locked<[SpanIndex]>([])

  /// An index that nobody else has, with anything in it.
  func take() -> SpanIndex { idle.withLock { $0.popLast() } ?? SpanIndex() }

  /// Takes an index back that was filled from a request of that many bytes.
  func give(_ index: SpanIndex, requestBytes: Int) {
    guard requestBytes <= Self.maxRequestBytes else { return }
    idle.withLock { if $0.count < Self.maxIdleCount { $0.append(index) } }
  }

  /// Indexes that wait for a request.
  var idleCount: Int { idle.withLock { $0.count } }
}
