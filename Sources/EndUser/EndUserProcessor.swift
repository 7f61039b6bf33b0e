import Locks
package import OTLP
package import Pipeline
import Spool

/// The `enduser` processor: makes every span of a trace carry the end user that was set on its root.
///
/// A request's spans are in the trace table before its completion is called; what its roots resolve leaves on the same
/// thread, but for traces so large that others would wait, and those that must be read back from disk: these are released by
/// a thread of their own, in parts.
///
/// With a storage, requests come with the record that names their spans in the spool. At start, `restore` is called first, then
/// the spool's requests are consumed again, then `finishReplay` is called; new requests may come at any time after `restore`.
package final class EndUserProcessor: TracesConsumer {
  private let table: TraceTable
  private let plan: IdentityPlan
  private let metrics: EndUserMetrics
  private let output: Batcher
  private let makeSieve: SpanSieveFactory?
  private let clock: @Sendable () -> UInt64
  private let tell: @Sendable (Resolution) -> Void
  private let hasStorage: Bool
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
  ///   - storage: what keeps waiting spans and identities over a restart; nil for memory alone.
  ///   - maxWaitingBytes: in memory; nil: what the configuration says.
  ///   - clock: monotonic nanoseconds; with a storage those of `SpoolClock`.
  ///   - makeSieve: says which spans go there; nil for all.
  ///   - tell: called for each resolved trace when the configuration says `log_traces`.
  package init(
    _ configuration: EndUserConfiguration, rules: SpanRules, metrics: EndUserMetrics, output: Batcher,
    storage: EndUserStorage? = nil, maxWaitingBytes: Int? = nil,
    clock: @escaping @Sendable () -> UInt64 = MonotonicClock.now, makeSieve: SpanSieveFactory? = nil,
    tell: @escaping @Sendable (Resolution) -> Void = { _ in }
  ) {
    let plan = IdentityPlan(configuration, rules: rules)
    self.plan = plan
    self.metrics = metrics
    self.output = output
    self.makeSieve = makeSieve
    self.clock = clock
    self.tell = tell
    hasStorage = storage != nil
    let access = storage.map { EndUserStorage.Access($0, rules: rules) }
    table = TraceTable(configuration, plan: plan, metrics: metrics, storage: access, maxBytes: maxWaitingBytes)
    releaser = Releaser(
      inheritance: Inheritance(plan: plan, metrics: metrics, sieve: makeSieve?()), output: output, metrics: metrics,
      storage: access)
    sweeper = Sweeper()
  }

  /// Remembers the traces that earlier runs resolved, and lets time stand still for what they accepted, until it is replayed.
  ///
  /// - Returns: how many entries of the journal were read.
  @discardableResult
  package func restore() -> Int {
    table.beginReplay()
    return table.restore()
  }

  /// Says that every request of earlier runs has been consumed: their waits end in the present from now on.
  package func finishReplay() { table.finishReplay() }

  /// Starts the threads that end waits and release large traces. Without them, tests call `sweep`.
  package func start() {
    releaser.start()
    sweeper.start { [weak self] in self?.sweep() }
  }

  package var refusal: Refusal? { output.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    let seat = seats.withLock { $0.popLast() } ?? Seat(makeInheritance())
    let now = clock()
    if batch.isReplay, let record = batch.record, output.refusal == nil {
      table.replay(until: record.arrival, now: now) { release(&$0, spans: nil, &seat.inheritance) }
    }
    table.accept(batch, traces: seat.traces, now: now, into: &seat.emissions)
    release(&seat.emissions, spans: seat.traces.spans, &seat.inheritance)
    // What one enormous request needed is not kept for ever.
    if !seat.traces.isLarge { seats.withLock { $0.append(seat) } }
    completion(nil)
  }

  /// Resolves what has waited long enough; later, while no exporter has room for it: the table is bounded, and what is
  /// released now could only be lost.
  package func sweep() {
    guard output.refusal == nil else { return }
    var inheritance = makeInheritance()
    table.sweep(now: clock()) { release(&$0, spans: nil, &inheritance) }
    releaser.runOnce()
  }

  /// Stops. Call it when no more requests come. Until the deadline, in nanoseconds of the true monotonic clock, spans that
  /// leave wait for an exporter that has room.
  ///
  /// Everything that waits is released or, with `keepsWaiting`, stays in the spool together with what found no room, for the
  /// next start to replay.
  package func stop(until deadline: UInt64 = 0, keepsWaiting: Bool = false) {
    precondition(hasStorage || !keepsWaiting, "without a storage nothing can be kept")
    sweeper.stop()
    if !keepsWaiting { releaseAll(until: deadline) }
    releaser.stop(until: deadline, keepsRest: keepsWaiting)
  }

  private func releaseAll(until deadline: UInt64) {
    var inheritance = makeInheritance()
    table.releaseAll(.shutdown, now: clock()) { emissions in
      while MonotonicClock.now() < deadline, !output.waitForRoom() {}
      release(&emissions, spans: nil, &inheritance)
    }
  }

  private func makeInheritance() -> Inheritance {
    Inheritance(plan: plan, metrics: metrics, sieve: makeSieve?())
  }

  /// Writes what leaves, and empties the list.
  private func release(_ emissions: inout [Emission], spans: RequestSpans?, _ inheritance: inout Inheritance) {
    guard !emissions.isEmpty else { return }
    output.write { writer in
      for position in emissions.indices {
        let identity = emissions[position].identity
        let waiting = emissions[position].waiting
        if waiting.spanCount > Self.directReleaseLimit || waiting.spilledSpanCount > 0 {
          releaser.take(waiting, of: emissions[position].trace, identity)
          emissions[position].waiting = WaitingChain()
        }
        let emission = emissions[position]
        inheritance.write(identity, of: emission.trace, to: writer) { write in
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
