import Locks
import OTLP
import Pipeline
import Synchronization
import TestSupport

/// A destination that answers when the test says so.
final class ManualSender: RequestSender {
  struct Attempt: Sendable {
    let request: EncodedRequest
    let end: @Sendable (SendOutcome) -> Void
  }

  let attempts = Collected<Attempt>()
  private let prepared = Atomic<Int>(0)
  private let open = Locked<[@Sendable (SendOutcome) -> Void]?>([])

  var preparedCount: Int { prepared.load(ordering: .relaxed) }

  func prepare(_ request: EncodedRequest) -> EncodedRequest {
    prepared.add(1, ordering: .relaxed)
    return request
  }

  func send(_ request: EncodedRequest, completion: @escaping @Sendable (SendOutcome) -> Void) {
    let unused = Locked<(@Sendable (SendOutcome) -> Void)?>(completion)
    let end: @Sendable (SendOutcome) -> Void = { outcome in
      let completion = unused.withLock { unused in
        defer { unused = nil }
        return unused
      }
      completion?(outcome)
    }
    let isStopped = open.withLock { open in
      open?.append(end)
      return open == nil
    }
    if isStopped { end(.unavailable(reason: "stopped", wait: nil)) }
    attempts.append(Attempt(request: request, end: end))
  }

  func stop() {
    let ends = open.withLock { open in
      defer { open = nil }
      return open ?? []
    }
    for end in ends { end(.unavailable(reason: "stopped", wait: nil)) }
  }
}
