import Glibc
import Locks
import SelfTelemetry

/// Reads what earlier runs have left: the records that are not done, and where the numbers go on.
struct SpoolRecovery {
  private let store: SegmentStore
  private unowned let keeper: any SpoolRecord.Keeper
  private let today: SpoolTime.Reading
  /// No spool gets as far, and sequence numbers have room for it.
  private static let maxNumber: UInt64 = 1 << 40
  private var records: [UInt64: SpoolRecord] = [:]
  private(set) var nextSequence: UInt64 = 1
  private(set) var nextNumber: UInt64 = 1
  /// Records that were found in their old places too.
  private(set) var moved: [Mover.Moved] = []
  /// Lines about damage that may still be logged.
  private var linesLeft = 20

  init(store: SegmentStore, keeper: any SpoolRecord.Keeper) {
    self.store = store
    self.keeper = keeper
    today = store.configuration.time.reading()
  }

  /// The records, oldest first.
  var recovered: [SpoolRecord] { records.values.sorted { $0.sequence < $1.sequence } }

  mutating func run() throws(SpoolError) {
    let numbers = try store.directory.numbers(SegmentStore.logSuffix)
    let known = Set(numbers)
    let newest = numbers.last { $0 < Self.maxNumber }
    for number in try store.directory.numbers(SegmentStore.doneSuffix) where !known.contains(number) {
      try store.directory.remove(number, SegmentStore.doneSuffix)
    }
    for number in numbers {
      guard number < Self.maxNumber else {
        // Nothing could be named after it.
        store.log.error(
          "a file is no segment of a spool: it is left alone",
          ["file": store.directory.path(number, SegmentStore.logSuffix)])
        continue
      }
      nextNumber = max(nextNumber, number + 1)
      try recover(number, isNewest: number == newest)
    }
    store.metrics.records.add(records.count)
  }

  private mutating func recover(_ number: UInt64, isNewest: Bool) throws(SpoolError) {
    let file = try File(
      store.directory.path(number, SegmentStore.logSuffix), flags: O_RDONLY, operations: store.configuration.operations)
    let size = try file.size()
    let (header, looksForeign, isBlank) = try header(of: file)
    if let header, header.number != number {
      // A file that was to be written over, whose new header did not reach the disk; nor did anything behind it that was
      // relied on.
      store.log.info(
        "a segment that was to be begun is removed", ["file": file.path, "used before as": String(header.number)])
      return try store.directory.remove(number, SegmentStore.logSuffix)
    }
    let lateSequence = SegmentWriter.firstSequence(ofSegment: number + 1)
    var scanner = LogScanner(
      file, size: size, salt: header?.salt,
      sequences: isBlank ? SegmentWriter.firstSequence(ofSegment: number)..<lateSequence : nil, isNewest: isNewest)
    let done = try done(of: number)
    let segment = Segment(
      number: number, file: file, salt: 0, size: size,
      done: DoneFile(segment: number, length: done.soundLength, store: store))
    segment.closed = today.now
    // Read only, and read from the start.
    segment.wasRead = true
    var isForeign = looksForeign
    var last: Int?
    while let found = scanner.next() {
      isForeign = false
      guard found.header.sequence < lateSequence else {
        // No number of this segment, nor of an earlier one: those that come next would have to be larger.
        report(
          LogScanner.Damage(offset: found.offset, length: found.header.totalLength, isTornEnd: false), in: file)
        continue
      }
      last = found.offset
      nextSequence = max(nextSequence, found.header.sequence + 1)
      if done.whole.contains(found.offset) { continue }
      add(found, to: segment, from: header?.time, words: done.words[found.offset] ?? [])
    }
    for damage in scanner.damages { report(damage, in: file) }
    if let last, isNewest { leaveOutTornEnd(at: last, of: segment) }
    if isForeign {
      store.log.error("a file is no segment of a spool: it is left alone", ["file": file.path])
      return
    }
    if let header { nextSequence = max(nextSequence, min(header.baseSequence, lateSequence)) }
    store.add(segment)
    store.metrics.doneBytes.add(done.soundLength)
    store.budget.take(done.soundLength)
  }

  /// In a file that was used before, old bytes stand behind those that a crash let through: the last record is checked.
  private mutating func leaveOutTornEnd(at offset: Int, of segment: Segment) {
    guard let record = segment.live[offset], record.table == nil else { return }
    let location = RecordLocation(file: segment.file, salt: segment.salt, place: record.place, table: nil)
    var memory = GrowingMemory()
    do throws(RecordLocation.Fault) {
      _ = try location.readPayload(of: record.sequence, to: &memory)
    } catch {
      guard case .corrupt = error else { return }
      segment.live[offset] = nil
      records[record.sequence] = nil
      segment.done.addWhole(offset)
      report(LogScanner.Damage(offset: offset, length: record.place.length, isTornEnd: true), in: segment.file)
    }
  }

  /// No header when it is damaged; then also whether the file looks like nothing that Heirloom has written, and whether
  /// nothing of the header reached the disk.
  private mutating func header(of file: File) throws(SpoolError) -> (FileHeader?, isForeign: Bool, isBlank: Bool) {
    var bytes = [UInt8](repeating: 0, count: FileHeader.size)
    let count = (try? bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }) ?? 0
    let reading = bytes.withUnsafeBytes { FileHeader.read($0.part(from: 0, count: count), .segment) }
    switch reading {
    case .header(let header): return (header, false, false)
    case .otherVersion(let version): throw .otherVersion(version, file.path)
    case .damaged, .foreign:
      // A crash leaves a file that was just begun empty, or full of zeros.
      guard bytes.contains(where: { $0 != 0 }) else { return (nil, false, true) }
      report(LogScanner.Damage(offset: 0, length: count, isTornEnd: count < FileHeader.size), in: file)
      return (nil, reading == .foreign, false)
    }
  }

  private mutating func done(of number: UInt64) throws(SpoolError) -> DoneFormat.Contents {
    let path = store.directory.path(number, SegmentStore.doneSuffix)
    guard access(path, F_OK) == 0 else { return DoneFormat.Contents() }
    let file = try File(path, flags: O_RDONLY)
    guard let bytes = try? file.readAll() else {
      report(LogScanner.Damage(offset: 0, length: 0, isTornEnd: false), in: file)
      return DoneFormat.Contents()
    }
    let header = bytes.withUnsafeBytes { FileHeader.read($0, .done) }
    if case .otherVersion(let version) = header { throw .otherVersion(version, path) }
    var contents = bytes.withUnsafeBytes { DoneFormat.read($0, segment: number) }
    if contents.soundLength < FileHeader.size { contents.soundLength = 0 }
    for _ in 0..<contents.damages {
      report(LogScanner.Damage(offset: 0, length: bytes.count, isTornEnd: false), in: file)
    }
    return contents
  }

  private mutating func add(
    _ found: LogScanner.Found, to segment: Segment, from time: SpoolTime.Reading?,
    words: [(index: Int, bits: UInt64)]
  ) {
    let header = found.header
    segment.hasMoved = segment.hasMoved || header.kind == .moved
    segment.salt = header.salt
    let record = SpoolRecord(
      sequence: header.sequence, unitCount: header.unitCount, hasFollower: header.hasFollower,
      arrival: time.map { SpoolTime.translate(header.arrival, from: $0, to: today) } ?? min(header.arrival, today.now),
      place: SpoolPlace(segment: segment.number, offset: found.offset, length: header.payloadLength), keeper: keeper)
    if let table = found.table {
      record.table = table
      record.restoreOthers(than: table)
    }
    for word in words { record.restoreDone(word: word.index, bits: word.bits) }
    let earlier = records[header.sequence]
    if let earlier {
      // It ended between writing the new place and giving up the old. What was done in either is done.
      let location = RecordLocation(
        file: segment.file, salt: header.salt, place: record.place, table: record.table)
      var memory = GrowingMemory()
      do { _ = try location.readPayload(of: header.sequence, to: &memory) } catch {
        report(LogScanner.Damage(offset: found.offset, length: header.totalLength, isTornEnd: false), in: segment.file)
        segment.done.addWhole(found.offset)
        return
      }
      moved.append(Mover.Moved(record: record, from: earlier.place, oldTable: earlier.table, to: record.place))
    }
    guard record.remainingCount > 0 else {
      if earlier != nil { records[header.sequence] = nil }
      return
    }
    segment.live[found.offset] = record
    records[header.sequence] = record
    guard let earlier else { return }
    for unit in 0..<min(record.unitCount, earlier.unitCount) where earlier.isDone(unit) {
      record.markDone(unit, count: 1)
    }
  }

  private mutating func report(_ damage: LogScanner.Damage, in file: File) {
    if damage.isTornEnd {
      store.log.info(
        "the last write to a segment was not finished: what is there of it is left out",
        ["file": file.path, "offset": String(damage.offset), "bytes": String(damage.length)])
      return
    }
    store.metrics.counters.corruptRecords.add()
    linesLeft -= 1
    guard linesLeft >= 0 else { return }
    store.log.error(
      linesLeft > 0 ? "a file of the spool is damaged: that part is skipped" : "more damage is not logged one by one",
      ["file": file.path, "offset": String(damage.offset), "bytes": String(damage.length)])
  }
}
