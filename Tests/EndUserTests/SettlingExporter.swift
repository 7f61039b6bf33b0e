import Locks
import OTLP
import Pipeline
import TestSupport

/// An exporter that settles what it has when a test says so: only then a span has left.
final class SettlingExporter: Exporter {
  let id = "settling"
  private let pending = Locked<[EncodedRequest]>([])
  private let settled = Locked<[[UInt8]]>([])
  private let settlesAtOnce: Bool

  init(settlesAtOnce: Bool = false) { self.settlesAtOnce = settlesAtOnce }

  func start() {}

  func export(_ request: EncodedRequest) -> Bool {
    pending.withLock { $0.append(request) }
    if settlesAtOnce { settle { _ in true } }
    return true
  }

  var isFull: Bool { false }

  func drain(until deadline: UInt64) {}

  /// Settles those that are chosen.
  func settle(_ isChosen: (EncodedRequest) -> Bool) {
    let chosen = pending.withLock { pending in
      let chosen = pending.filter(isChosen)
      pending.removeAll { request in chosen.contains { $0 === request } }
      return chosen
    }
    for request in chosen {
      settled.withLock { $0.append(request.bytes) }
      request.settle()
    }
  }

  /// The spans of what was settled.
  var spans: [DecodedSpan] { settled.withLock { $0 }.flatMap { DecodedSpan.all(inRequest: $0) } }
}
