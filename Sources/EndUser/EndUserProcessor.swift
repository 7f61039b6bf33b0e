import Locks
package import OTLP
package import Pipeline

/// The `enduser` processor: makes every span of a trace carry the end user that was set on its root.
///
/// A request's spans are in the trace table before its completion is called; what its roots resolve leaves on the same
/// thread, but for traces so large that others would wait: those are released by a thread of their own, in slices.
package final class EndUserProcessor: TracesConsumer {
  private let table: TraceTable
  private let plan: IdentityPlan
  private let metrics: EndUserMetrics
  private let output: Batcher
  private let clock: @Sendable () -> UInt64
  private let tell: @Sendable (Resolution) -> Void
  private let seats = Locked<[Seat]>([])
  private let releaser: Releaser
  private let sweeper: Sweeper

  /// What a thread needs while it works on a request, kept for the next one.
  private final class Seat: @unchecked Sendable {
    // Sendable: one thread has it at a time.
    let traces = RequestTraces()
    var emissions: [Emission] = []
    var inheritance: Inheritance

    init(_ inheritance: Inheritance) {
      self.inheritance = inheritance
    }
  }

  /// Spans of one trace that the thread which resolved it writes itself.
  static let directReleaseLimit = 2048

  /// - Parameters:
  ///   - configuration: the processor's keys.
  ///   - rules: what receivers index by; the processor registers its keys there.
  ///   - metrics: what it counts.
  ///   - output: where spans go.
  ///   - clock: monotonic nanoseconds.
  ///   - tell: called for each resolved trace when the configuration says `log_traces`.
  package init(
    _ configuration: EndUserConfiguration, rules: SpanRules, metrics: EndUserMetrics, output: Batcher,
    clock: @escaping @Sendable () -> UInt64 = MonotonicClock.now,
    tell: @escaping @Sendable (Resolution) -> Void = { _ in }
  ) {
    let plan = IdentityPlan(configuration, rules: rules)
    let inheritance = Inheritance(plan: plan, metrics: metrics)
    self.plan = plan
    self.metrics = metrics
    self.output = output
    self.clock = clock
    self.tell = tell
    table = TraceTable(configuration, plan: plan, metrics: metrics)
    releaser = Releaser(inheritance: inheritance, output: output)
    sweeper = Sweeper()
  }

  /// Starts the threads that end waits and release large traces. Without them, tests call `sweep`.
  package func start() {
    releaser.start()
    sweeper.start { [weak self] in self?.sweep() }
  }

  package var refusal: Refusal? { output.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    let seat = seats.withLock { $0.popLast() } ?? Seat(Inheritance(plan: plan, metrics: metrics))
    table.accept(batch, traces: seat.traces, now: clock(), into: &seat.emissions)
    release(&seat.emissions, spans: seat.traces.spans, &seat.inheritance)
    // What one enormous request needed is not kept for ever.
    if !seat.traces.isLarge { seats.withLock { $0.append(seat) } }
    completion(nil)
  }

  /// Resolves what has waited long enough; later, while no exporter has room for it: the table is bounded, and what is
  /// released now could only be lost.
  package func sweep() {
    guard output.refusal == nil else { return }
    var inheritance = Inheritance(plan: plan, metrics: metrics)
    table.sweep(now: clock()) { release(&$0, spans: nil, &inheritance) }
  }

  /// Releases everything that waits, and stops. Call it when no more requests come. Until the deadline, in nanoseconds of
  /// the true monotonic clock, spans wait for an exporter that has room.
  package func stop(until deadline: UInt64 = 0) {
    sweeper.stop()
    var inheritance = Inheritance(plan: plan, metrics: metrics)
    table.releaseAll(.shutdown, now: clock()) { emissions in
      while MonotonicClock.now() < deadline, !output.waitForRoom() {}
      release(&emissions, spans: nil, &inheritance)
    }
    releaser.stop(until: deadline)
  }

  /// Writes what leaves, and empties the list.
  private func release(_ emissions: inout [Emission], spans: RequestSpans?, _ inheritance: inout Inheritance) {
    guard !emissions.isEmpty else { return }
    output.write { writer in
      for position in emissions.indices {
        let identity = emissions[position].identity
        if emissions[position].waiting.spanCount > Self.directReleaseLimit {
          releaser.take(emissions[position].waiting, identity)
          emissions[position].waiting = WaitingChain()
        }
        let emission = emissions[position]
        inheritance.write(identity, to: writer) { write in
          emission.waiting.forEach(write)
          spans?.forEach(from: emission.direct, write)
        }
      }
    }
    for position in emissions.indices {
      emissions[position].waiting.free()
      if let resolution = emissions[position].resolution { tell(resolution) }
    }
    emissions.removeAll(keepingCapacity: true)
  }
}
