import Locks
import SelfTelemetry
import Synchronization

/// Hands out what earlier runs have left.
final class Replay: Sendable {
  private let store: SegmentStore
  private let records: Locked<[SpoolRecord]>
  private let left: Atomic<Int>

  /// `records`: oldest first.
  init(store: SegmentStore, records: [SpoolRecord]) {
    self.store = store
    self.records = Locked(records)
    left = Atomic(records.count)
  }

  /// Records that were not handed out.
  var count: Int { left.load(ordering: .acquiring) }

  func run(_ body: (Spool.Replayed) -> Bool) {
    let records = records.withLock { records in
      defer { records = [] }
      return records
    }
    var memory = GrowingMemory()
    var linesLeft = 20
    for record in records {
      let goesOn = handOut(record, &memory, &linesLeft, body)
      guard goesOn else { return }
      left.subtract(1, ordering: .acquiringAndReleasing)
    }
  }

  private func handOut(
    _ record: SpoolRecord, _ memory: inout GrowingMemory, _ linesLeft: inout Int, _ body: (Spool.Replayed) -> Bool
  ) -> Bool {
    guard record.remainingCount > 0, let location = try? store.location(of: record) else { return true }
    let payload: UnsafeRawBufferPointer
    do throws(RecordLocation.Fault) {
      payload = try location.readPayload(of: record.sequence, to: &memory)
    } catch {
      store.metrics.counters.corruptRecords.add()
      linesLeft -= 1
      if linesLeft >= 0 {
        store.log.error(
          linesLeft > 0 ? "a request in the spool is lost" : "more lost requests are not logged one by one",
          [
            "file": location.file.path, "offset": String(location.place.offset),
            "bytes": String(location.place.length), "error": "\(error)",
          ])
      }
      // What can't be read today may be read another day; what was read and is wrong stays wrong.
      if case .corrupt = error { record.markAllDone() }
      return true
    }
    return body(
      Spool.Replayed(
        record: record, payload: payload, units: location.table?.units,
        originalOffsets: location.table?.entries.map(\.originalOffset)))
  }
}
