import Locks
import SelfTelemetry

/// Writes again what is left of old records, so that a few that wait for long do not hold on to whole segments. Only for the
/// spool's thread.
final class Mover: @unchecked Sendable {
  // Sendable: `moved` is touched only by the spool's thread.

  package typealias Reduce = @Sendable (UnsafeRawBufferPointer, SpoolRecord) -> Spool.Reduced?

  /// A record that has left its old place, whose new one is not on the disk yet.
  struct Moved {
    let record: SpoolRecord
    let from: SpoolPlace
    let oldTable: UnitTable?
    let to: SpoolPlace
  }

  /// A function in a structure: a generic value that is a bare function gets another wrapper at each access.
  private struct Reduction {
    let reduce: Reduce
  }

  private let store: SegmentStore
  private let writer: SegmentWriter
  private let recorder: DoneRecorder
  private let reduction = Locked<Reduction?>(nil)
  private var moved: [Moved]

  /// `moved`: those whose old place is still there since an earlier run.
  init(store: SegmentStore, writer: SegmentWriter, recorder: DoneRecorder, moved: [Moved]) {
    self.store = store
    self.writer = writer
    self.recorder = recorder
    self.moved = moved
  }

  func reduceWith(_ body: @escaping Reduce) { reduction.withLock { $0 = Reduction(reduce: body) } }

  /// Takes out the old places of those whose new one is on the disk. To be called after a sync.
  func vacate() {
    moved.removeAll { moved in
      let (isSynced, isLost) = store.lock.withLock {
        guard let segment = store.segments[moved.to.segment] else { return (true, false) }
        return (moved.to.offset < segment.synced, segment.isLost)
      }
      if isSynced || moved.record.remainingCount == 0 {
        recorder.vacate(moved.from)
        return true
      }
      if isLost { moveBack(moved) }
      return isLost
    }
  }

  /// The new place may never reach the disk: the old one is the record's again.
  private func moveBack(_ moved: Moved) {
    store.lock.withLock {
      moved.record.place = moved.from
      moved.record.table = moved.oldTable
    }
    recorder.vacate(moved.to)
    moved.record.restartRecording(moved.oldTable)
    recorder.recordAnew(moved.record)
    // That is more than what was done when `prepare` was last called.
    recorder.prepare()
  }

  /// Moves some records of segments that hold little that is needed.
  ///
  /// - Returns: whether there is more to be done.
  func run() -> Bool {
    guard let reduce = reduction.withLock({ $0 })?.reduce else { return false }
    let now = store.configuration.time.now()
    // When space gets short, it is worth more work.
    let quarters = store.budget.isShort ? 3 : 1
    let age = store.configuration.moveAge.nanoseconds
    let onTheirWay = Set(moved.map(\.record.sequence))
    var rest = store.configuration.moveBytes
    var memory = GrowingMemory()
    for segment in store.sorted({ segment in
      guard let closed = segment.closed, !segment.live.isEmpty, closed + age <= now else { return false }
      return segment.isLost || Self.neededBytes(of: segment) * 4 < segment.size * quarters
    }) {
      let records = store.lock.withLock { segment.live.sorted { $0.key < $1.key } }
      for (offset, record) in records
      where !onTheirWay.contains(record.sequence) && !record.staysInPlace && !record.isFollowed {
        let place = store.lock.withLock { record.place }
        guard place.segment == segment.number, place.offset == offset else { continue }
        guard rest > 0 else { return true }
        rest -= place.length
        do throws(SpoolError) {
          if try !move(record, reduce, &memory) && record.remainingCount > 0 { record.staysInPlace = true }
        } catch {
          // The disk refuses: who writes has said so.
          return false
        }
      }
    }
    return false
  }

  /// About how many bytes in a segment belong to units that are not done. Under the store's lock.
  private static func neededBytes(of segment: Segment) -> Int {
    segment.live.reduce(0) { sum, live in
      let (offset, record) = live
      guard record.place.segment == segment.number, record.place.offset == offset else { return sum }
      let units = max(1, record.table?.entries.count ?? record.unitCount)
      return sum + record.place.length * record.remainingCount / units
    }
  }

  /// Returns false if the record has to stay where it is.
  private func move(_ record: SpoolRecord, _ reduce: Reduce, _ memory: inout GrowingMemory) throws(SpoolError) -> Bool {
    guard let location = try? store.location(of: record) else { return false }
    let reduced: Spool.Reduced?
    do {
      reduced = reduce(try location.readPayload(of: record.sequence, to: &memory), record)
    } catch {
      store.metrics.counters.corruptRecords.add()
      store.log.error(
        "cannot move a record: it stays where it is",
        ["file": location.file.path, "offset": String(location.place.offset), "error": "\(error)"])
      return false
    }
    guard let reduced, let table = table(of: reduced, record, location.table) else { return false }
    // The units that are left out count as done from now on.
    recorder.prepare()
    let fault: SpoolError? = reduced.payload.withUnsafeBytes { payload in
      do throws(SpoolError) {
        try writer.appendMoved(record, table, payload: payload)
        return nil
      } catch { return error }
    }
    if let fault { throw fault }
    store.metrics.movedBytes.add(reduced.payload.count)
    moved.append(
      Moved(
        record: record, from: location.place, oldTable: location.table, to: store.lock.withLock { record.place }))
    record.restartRecording(table)
    recorder.recordAnew(record)
    return true
  }

  /// The table of a reduced payload; nil unless it has everything that is not done.
  private func table(of reduced: Spool.Reduced, _ record: SpoolRecord, _ old: UnitTable?) -> UnitTable? {
    guard !reduced.units.isEmpty else { return nil }
    let entries = reduced.units.map {
      UnitTable.Entry(unit: $0.unit, originalOffset: $0.originalOffset, offset: $0.offset, length: $0.length)
    }
    guard let composed = old.map({ $0.compose(entries) }) ?? entries,
      let table = UnitTable(composed, unitCount: record.unitCount, payloadLength: reduced.payload.count)
    else { return nil }
    let units = Set(table.units)
    for unit in 0..<record.unitCount where !record.isDone(unit) && !units.contains(UInt32(unit)) { return nil }
    return table
  }
}
