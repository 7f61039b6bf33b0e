import Locks

/// Threads that ask the ledger, so that an answer that takes long holds up no connection but its own.
final class QueryThreads: Sendable {
  private let count: Int
  private let places: Int
  private let patience: UInt64
  private let lock = Lock()
  private let state = Locked(State())

  private struct State {
    var waiting: [Question] = []
    var isStopping = false
    var threads: [BackgroundThread] = []
  }

  private struct Question {
    let deadline: UInt64
    let answer: @Sendable (_ isLate: Bool) -> Void
  }

  /// - Parameters:
  ///   - count: threads, and so questions that are answered at a time.
  ///   - places: questions that may wait.
  ///   - patience: how long they wait.
  init(count: Int, places: Int, patience: Duration) {
    self.count = count
    self.places = places
    self.patience = patience.nanoseconds
  }

  func start() {
    state.withLock { state in
      state.threads = (0..<count).map { number in
        BackgroundThread(name: "console-\(number)") { [unowned self] in run() }
      }
    }
  }

  /// Waits for the answers that are being found; the others count as late.
  func stop() {
    let threads = lock.withLock {
      let threads = state.withLock { state in
        state.isStopping = true
        return state.threads
      }
      lock.wakeAll()
      return threads
    }
    for thread in threads { thread.join() }
  }

  /// Has a thread call `answer`, soon.
  ///
  /// - Parameter answer: told whether the question has waited for too long to be looked at.
  /// - Returns: false when too many are waiting; nothing is called then.
  func ask(_ answer: @escaping @Sendable (_ isLate: Bool) -> Void) -> Bool {
    let question = Question(deadline: MonotonicClock.now() &+ patience, answer: answer)
    return lock.withLock {
      let hasPlace = state.withLock { state in
        guard !state.isStopping, state.waiting.count < places else { return false }
        state.waiting.append(question)
        return true
      }
      lock.wakeOne()
      return hasPlace
    }
  }

  private func run() {
    while let (question, isStopping) = next() {
      question.answer(isStopping || MonotonicClock.now() > question.deadline)
    }
  }

  /// The question that has waited longest; nil when there will be none any more.
  private func next() -> (Question, isStopping: Bool)? {
    lock.withLock {
      while true {
        let (question, isStopping) = state.withLock { state in
          (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isStopping)
        }
        if let question { return (question, isStopping) }
        if isStopping { return nil }
        lock.wait()
      }
    }
  }
}
