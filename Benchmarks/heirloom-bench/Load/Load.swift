import Locks

/// Traffic over several connections at once.
struct Load: Sendable {
  var traffic: Traffic
  var endpoint: Endpoint
  var connections: Int
  /// Seconds that a phase may take.
  var patience: Int

  /// Sends traces, and returns when everything has been accepted.
  ///
  /// - Parameters:
  ///   - traces: their numbers; each connection gets a row of them.
  ///   - roots: what becomes of the roots.
  ///   - templates: the spans of this load's traffic.
  /// - Returns: what was sent.
  /// - Throws: the first failure of a connection.
  func send(traces: Range<Int>, roots: RequestPlanner.Roots, templates: SpanTemplates) throws -> SentCount {
    let outcomes = Locked<[Result<SentCount, any Error>]>([])
    let deadline = MonotonicClock.now() + UInt64(patience) * 1_000_000_000
    let threads = (0..<connections).map { instance in
      BackgroundThread(name: "generator") {
        let sender = Sender(
          traffic, templates: templates, to: endpoint, instance: instance, deadline: deadline)
        let share = share(of: traces, instance)
        let outcome = Result { () throws in
          try sender.send(RequestPlanner(traces: share, roots: roots))
          var sent = sender.sent
          sent.cpu = threadCPUTime()
          return sent
        }
        outcomes.withLock { $0.append(outcome) }
      }
    }
    threads.forEach { $0.join() }
    return try outcomes.withLock { $0 }.reduce(SentCount()) { try $0 + $1.get() }
  }

  private func share(of traces: Range<Int>, _ instance: Int) -> Range<Int> {
    let start = traces.lowerBound + traces.count * instance / connections
    let end = traces.lowerBound + traces.count * (instance + 1) / connections
    return start..<end
  }
}
