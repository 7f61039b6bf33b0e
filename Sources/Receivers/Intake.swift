package import Facts
import Locks
package import OTLP
package import Pipeline

/// The door between a receiver and the pipelines behind it, which may be exchanged while requests come. A request goes to
/// those that are there; while there are none it is held, for a bounded time, and its connection with it.
package final class Intake: @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`.

  /// Pipelines, and what requests to them are indexed by: an index by other rules would tell them nothing.
  package struct Target: Sendable {
    package let rules: SpanRules
    /// By the signal that they take. A signal without one is not served.
    package let consumers: [Signal: any TracesConsumer]
    /// What takes scores; nil where they are not served.
    package let scores: (any ScoresConsumer)?

    package init(
      rules: SpanRules, consumers: [Signal: any TracesConsumer], scores: (any ScoresConsumer)? = nil
    ) {
      self.rules = rules
      self.consumers = consumers
      self.scores = scores
    }
  }

  /// What becomes of a request: called once, with where it goes or with what to tell the sender.
  typealias Passage = @Sendable (Result<Target, Refusal>) -> Void

  private enum State {
    case open(Target)
    /// Until then, in monotonic nanoseconds, requests wait; later ones are refused.
    case holding(until: UInt64)
  }

  private static let refused = Refusal(
    message: "the collector is changing its configuration; try again later", retryAfter: 1)

  private let maxHeldCount: Int
  private let lock = Lock()
  private var state = State.holding(until: 0)
  /// In the order of their arrival.
  private var held: [Passage] = []
  /// Requests that are on their way into the target.
  private var enteringCount = 0

  /// Without a target: nothing passes before `open`.
  ///
  /// - Parameter maxHeldCount: requests that are held at most; further ones are refused.
  package init(maxHeldCount: Int = 4096) {
    self.maxHeldCount = maxHeldCount
  }

  /// Why a request of that signal would not be taken now.
  func objection(to signal: Signal) -> ExportService.Answer? {
    switch lookingAhead({ $0.consumers[signal] }) {
    case .success(let consumer?): consumer.refusal.map { .refused($0) }
    case .success(nil): .unserved
    case .failure(let refusal): .refused(refusal)
    case nil: nil
    }
  }

  /// What a request would meet now: what is asked of the target, why it would be refused, or nil when it would be held.
  func lookingAhead<Answer>(_ ask: (Target) -> Answer) -> Result<Answer, Refusal>? {
    let target: Target? = lock.withLock {
      guard case .open(let target) = state else { return nil }
      return target
    }
    if let target { return .success(ask(target)) }
    return lock.withLock { mayHold ? nil : .failure(Self.refused) }
  }

  /// Lets a request pass: now and on this thread if it can be, else later.
  func pass(_ passage: @escaping Passage) {
    let result: Result<Target, Refusal>? = lock.withLock {
      if case .open(let target) = state {
        enteringCount += 1
        return .success(target)
      }
      guard mayHold else { return .failure(Self.refused) }
      held.append(passage)
      return nil
    }
    guard let result else { return }
    passage(result)
    if case .success = result { hasEntered() }
  }

  /// Whether there is room and time for another request. The caller holds the lock.
  private var mayHold: Bool {
    switch state {
    case .open: true
    case .holding(let deadline): held.count < maxHeldCount && MonotonicClock.now() < deadline
    }
  }

  /// Holds requests from now on, until `open`. When this returns, none is on its way into the old target any more. If
  /// they are held already, the first deadline stays.
  ///
  /// - Parameter deadline: monotonic nanoseconds; what is held then is refused.
  package func hold(until deadline: UInt64) {
    let isNew = lock.withLock {
      guard case .open = state else { return false }
      state = .holding(until: deadline)
      while enteringCount > 0 { lock.wait() }
      return true
    }
    guard isNew else { return }
    _ = BackgroundThread(name: "held requests") { [self] in refuseWhenDue(deadline) }
  }

  /// Lets everything go to new pipelines, what was held first.
  package func open(_ target: Target) {
    let waiting = lock.withLock {
      state = .open(target)
      enteringCount += 1
      lock.wakeAll()
      return takeHeld()
    }
    for passage in waiting { passage(.success(target)) }
    hasEntered()
  }

  /// Refuses what is held, and whatever still comes.
  package func close() {
    let waiting = lock.withLock {
      state = .holding(until: 0)
      lock.wakeAll()
      return takeHeld()
    }
    for passage in waiting { passage(.failure(Self.refused)) }
  }

  private func refuseWhenDue(_ deadline: UInt64) {
    let waiting: [Passage] = lock.withLock {
      while case .holding(deadline) = state, MonotonicClock.now() < deadline { lock.wait(until: deadline) }
      guard case .holding(deadline) = state else { return [] }
      return takeHeld()
    }
    for passage in waiting { passage(.failure(Self.refused)) }
  }

  private func takeHeld() -> [Passage] {
    defer { held = [] }
    return held
  }

  private func hasEntered() {
    lock.withLock {
      enteringCount -= 1
      if enteringCount == 0 { lock.wakeAll() }
    }
  }
}
