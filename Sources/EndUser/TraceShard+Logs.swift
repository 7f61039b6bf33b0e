import OTLP
import SelfTelemetry

/// Log records: they wait for their trace as spans do, and never speak for it.
extension TraceShard {
  /// Takes the log records of one trace that a request brought at that time, for an outlet, and says what leaves.
  func acceptLogs(
    _ trace: RequestTraces.Trace, of request: RequestSpans, for outlet: Int, at time: TraceTable.Time,
    into emissions: inout [Emission]
  ) {
    let entry =
      map.find(trace.id, of: request.tenant, hash: trace.hash)
      ?? map.insert(trace.id, of: request.tenant, hash: trace.hash, since: time.arrival)
    if entry.pointee.state == .resolved {
      emissions.append(Emission(trace: trace.id, identity: entry.pointee.identity, direct: trace.first))
      return
    }
    var bytes = 0
    request.forEach(from: trace.first) {
      bytes += WaitingBlock.recordSize(length: $0.length, attributeCount: $0.attributeCount)
    }
    let block = WaitingBlock(recordBytes: bytes, record: request.record, outlet: outlet) {
      request.forEach(from: trace.first, $0)
    }
    wait(entry, block, at: time)
    guard entry.pointee.waiting.spanCount >= settings.maxSpansPerTrace else { return }
    emissions.append(resolveWithoutRoot(entry, .maxSpansPerTrace, now: time.now))
  }

  /// Makes the log records of a trace leave of which no span has come. It is not remembered: its spans have not waited yet, and
  /// are to be asked whose they are when they come.
  func releaseLogsAlone(_ entry: TraceEntry.Pointer) -> Emission {
    let emission = Emission(trace: entry.pointee.id, identity: nil, waiting: takeWaiting(of: entry))
    map.remove(entry, hash: TraceHash.hash(entry.pointee.id, settings.seed ^ entry.pointee.tenant))
    return emission
  }
}
