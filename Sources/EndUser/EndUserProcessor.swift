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
  private let outlets: Outlets
  private let makeSieve: SpanSieveFactory?
  private let clock: @Sendable () -> UInt64
  private let tell: @Sendable (Resolution) -> Void
  private let hasStorage: Bool
  private let rules: SpanRules
  /// Replays that are not finished.
  private let replays = Locked(0)
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

  /// Pipelines of log records that one processor can serve.
  package static let maxLogsPipelines = Outlets.maxLogs

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
    self.rules = rules
    let access = storage.map { EndUserStorage.Access($0, rules: rules) }
    var makeReader: (@Sendable () -> SpilledReader)?
    if let access { makeReader = { access.makeReader() } }
    outlets = Outlets(spans: Outlets.Outlet(output: output, makeReader: makeReader))
    table = TraceTable(configuration, plan: plan, metrics: metrics, storage: access, maxBytes: maxWaitingBytes)
    releaser = Releaser(
      inheritance: Inheritance(plan: plan, metrics: metrics, sieve: makeSieve?()), outlets: outlets, metrics: metrics,
      log: storage?.log)
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

  /// Says that one spool more will be replayed to this processor, or to those who share its table. To be called before `restore`.
  package func expectReplay() { replays.withLock { $0 += 1 } }

  /// Says that every request of earlier runs has been consumed, of the one spool or of one of those that are expected. After the
  /// last, their waits end in the present.
  package func finishReplay() {
    let left = replays.withLock { left in
      left -= 1
      return left
    }
    if left <= 0 { table.finishReplay() }
  }

  /// Makes what takes the log records of another pipeline: they wait for the traces of this processor, and get their
  /// identities. To be called before `restore` and `start`.
  ///
  /// - Parameters:
  ///   - output: where they go.
  ///   - reader: the spool that has their requests; nil without one.
  /// - Returns: what takes requests of log records.
  package func makeLogsConsumer(output: Batcher, reader: (any RecordReader)?) -> EndUserLogs {
    var makeReader: (@Sendable () -> SpilledReader)?
    if let reader { makeReader = { [rules] in SpilledReader(reader, .logs, rules: rules) } }
    let number = outlets.addLogs(Outlets.Outlet(output: output, makeReader: makeReader))
    return EndUserLogs(self, number, output: output)
  }

  /// Takes a request's log records, which leave through that outlet.
  func consumeLogs(_ batch: SpanBatch, for outlet: Int) {
    let seat = takeSeat()
    table.acceptLogs(batch, for: outlet, traces: seat.traces, now: clock(), into: &seat.emissions)
    release(&seat.emissions, direct: (seat.traces.spans, outlet), &seat.inheritance)
    give(seat)
  }

  private func takeSeat() -> Seat { seats.withLock { $0.popLast() } ?? Seat(makeInheritance()) }

  /// What one enormous request needed is not kept for ever.
  private func give(_ seat: Seat) {
    if !seat.traces.isLarge { seats.withLock { $0.append(seat) } }
  }

  /// Starts the threads that end waits and release large traces. Without them, tests call `sweep`.
  package func start() {
    releaser.start()
    sweeper.start { [weak self] in self?.sweep() }
  }

  package var refusal: Refusal? { output.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    let seat = takeSeat()
    let now = clock()
    if batch.isReplay, let record = batch.record, output.refusal == nil {
      table.replay(until: record.arrival, now: now) { release(&$0, direct: nil, &seat.inheritance) }
    }
    table.accept(batch, traces: seat.traces, now: now, into: &seat.emissions)
    release(&seat.emissions, direct: (seat.traces.spans, 0), &seat.inheritance)
    give(seat)
    completion(nil)
  }

  /// Resolves what has waited long enough; later, while no exporter has room for it: the table is bounded, and what is
  /// released now could only be lost.
  package func sweep() {
    guard output.refusal == nil else { return }
    var inheritance = makeInheritance()
    table.sweep(now: clock()) { release(&$0, direct: nil, &inheritance) }
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
      release(&emissions, direct: nil, &inheritance)
    }
  }

  private func makeInheritance() -> Inheritance {
    Inheritance(plan: plan, metrics: metrics, sieve: makeSieve?())
  }

  /// Writes what leaves, and empties the list. `direct`: the request that emissions have their direct spans or log records from,
  /// and the number of the outlet that these leave through.
  private func release(
    _ emissions: inout [Emission], direct: (request: RequestSpans, outlet: Int)?, _ inheritance: inout Inheritance
  ) {
    guard !emissions.isEmpty else { return }
    var hasSpans = direct?.outlet == 0
    var hasLogs = !(hasSpans || direct == nil)
    for position in emissions.indices {
      let waiting = emissions[position].waiting
      guard !waiting.isEmpty else { continue }
      if waiting.spanCount > Self.directReleaseLimit || waiting.spilledSpanCount > 0 {
        releaser.take(waiting, of: emissions[position].trace, emissions[position].identity)
        emissions[position].waiting = WaitingChain()
      } else {
        hasSpans = hasSpans || waiting.logCount < waiting.spanCount
        hasLogs = hasLogs || waiting.logCount > 0
      }
    }
    let spans = direct?.outlet == 0 ? direct?.request : nil
    if hasSpans {
      output.write { writer in
        for emission in emissions {
          inheritance.write(emission.identity, of: emission.trace, to: writer) { write in
            emission.waiting.forEach(leavingThrough: 0, write)
            spans?.forEach(from: emission.direct, write)
          }
        }
      }
    }
    if hasLogs { releaseLogs(emissions, direct: direct, &inheritance) }
    for position in emissions.indices {
      emissions[position].waiting.free()
      if let resolution = emissions[position].resolution { tell(resolution) }
    }
    emissions.removeAll(keepingCapacity: true)
  }

  private func releaseLogs(
    _ emissions: [Emission], direct: (request: RequestSpans, outlet: Int)?, _ inheritance: inout Inheritance
  ) {
    for (position, outlet) in outlets.logs.enumerated() {
      let number = position + 1
      let records = direct?.outlet == number ? direct?.request : nil
      outlet.output.write { writer in
        for emission in emissions where records != nil || emission.waiting.logCount > 0 {
          inheritance.writeLogRecords(emission.identity, of: emission.trace, to: writer) { write in
            emission.waiting.forEach(leavingThrough: number, write)
            records?.forEach(from: emission.direct, write)
          }
        }
      }
    }
  }
}
