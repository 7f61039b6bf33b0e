import Compression
import Glibc
import Locks
import SelfTelemetry
import Synchronization

/// Appends records to the active segment, one at a time, and begins the next segment when it is full.
final class SegmentWriter: @unchecked Sendable {
  // Sendable: what is variable is touched only under `lock` or atomic.

  private let store: SegmentStore
  private unowned let keeper: any SpoolRecord.Keeper
  private let lock = Lock()
  /// Nil until the first segment is begun, and after one had to be given up.
  private var active: Segment?
  /// The file of the next segment, when the disk had no room for its header.
  private var prepared: File?
  private var nextSequence: UInt64
  private var nextNumber: UInt64
  private var isClosed = false
  /// Whether the disk has refused a write and has not been found writable since.
  private let isRefusing = Atomic<Bool>(false)
  private let refusalReason = Locked<SpoolError?>(nil)

  init(store: SegmentStore, keeper: any SpoolRecord.Keeper, nextSequence: UInt64, nextNumber: UInt64) {
    self.store = store
    self.keeper = keeper
    self.nextSequence = nextSequence
    self.nextNumber = nextNumber
  }

  /// Why the disk takes nothing at the moment.
  var diskRefusal: SpoolError? {
    isRefusing.load(ordering: .acquiring) ? refusalReason.withLock { $0 } : nil
  }

  /// Whether there is a segment whose name tells the next run where the sequence numbers go on.
  var hasSegment: Bool { lock.withLock { active != nil || prepared != nil } }

  /// The first sequence number of a segment. Larger than all before, whatever was in those: a segment has fewer records.
  static func firstSequence(ofSegment number: UInt64) -> UInt64 { number << 20 }

  /// Writes a request.
  func append(
    _ payload: [UnsafeRawBufferPointer], unitCount: Int, hasFollower: Bool
  ) throws(SpoolError) -> SpoolRecord {
    var header = try header(.request, payload, unitCount: unitCount)
    header.hasFollower = hasFollower
    lock.lock()
    defer { lock.unlock() }
    let (segment, place) = try write(&header, table: [], payload)
    nextSequence += 1
    let record = SpoolRecord(
      sequence: header.sequence, unitCount: unitCount, hasFollower: hasFollower, arrival: header.arrival, place: place,
      keeper: keeper)
    store.lock.withLock {
      segment.size += header.totalLength
      if unitCount > 0 { segment.live[place.offset] = record }
    }
    if unitCount > 0 { store.metrics.records.add(1) }
    return record
  }

  /// Writes what is left of a record, which is there from now on. The old place holds on to its segment until somebody
  /// takes it out.
  func appendMoved(_ record: SpoolRecord, _ table: UnitTable, payload: UnsafeRawBufferPointer) throws(SpoolError) {
    let encodedTable = table.encoded()
    var header = try header(.moved, [payload], unitCount: record.unitCount)
    header.sequence = record.sequence
    header.hasFollower = record.followerUnit != nil
    header.arrival = record.arrival
    header.tableLength = encodedTable.count
    header.tableChecksum = encodedTable.checksum()
    lock.lock()
    defer { lock.unlock() }
    let (segment, place) = try write(&header, table: encodedTable, [payload])
    store.lock.withLock {
      segment.size += header.totalLength
      segment.live[place.offset] = record
      segment.hasMoved = true
      record.place = place
      record.table = table
    }
  }

  private func header(
    _ kind: RecordHeader.Kind, _ payload: [UnsafeRawBufferPointer], unitCount: Int
  ) throws(SpoolError) -> RecordHeader {
    var length = 0
    var checksum: UInt32 = 0
    for part in payload {
      length += part.count
      checksum = Checksum.crc32(part, after: checksum)
    }
    guard length <= RecordHeader.maxPayload, unitCount <= RecordHeader.maxUnits else {
      throw .system("a record of \(length) bytes and \(unitCount) units is too large for the spool")
    }
    return RecordHeader(
      kind: kind, salt: 0, sequence: 0, arrival: store.configuration.time.now(), unitCount: unitCount,
      payloadLength: length, payloadChecksum: checksum)
  }

  /// Under the lock. The caller adds the record's length to the segment's size.
  private func write(
    _ header: inout RecordHeader, table: [UInt8], _ payload: [UnsafeRawBufferPointer]
  ) throws(SpoolError) -> (Segment, SpoolPlace) {
    guard !isClosed else { throw .system("the spool in \(store.directory.path) is closed") }
    if let diskRefusal { throw diskRefusal }
    do throws(SpoolError) {
      let segment = try segmentWithRoom()
      header.salt = segment.salt
      if header.kind == .request { header.sequence = nextSequence }
      let offset = segment.size
      try Self.write(header, table, payload, to: segment.file, at: offset)
      store.grow(header.totalLength)
      return (segment, SpoolPlace(segment: segment.number, offset: offset, length: header.payloadLength))
    } catch {
      if let active, (try? active.file.truncate(to: active.size)) == nil { close(active) }
      refuse(error)
      throw error
    }
  }

  private static func write(
    _ header: RecordHeader, _ table: [UInt8], _ payload: [UnsafeRawBufferPointer], to file: File, at offset: Int
  ) throws(SpoolError) {
    let padding = header.totalLength - header.payloadOffset - header.payloadLength
    // The header, and behind it the zeros that end the record and the log.
    var fault: SpoolError?
    table.withUnsafeBytes { table in
      withUnsafeTemporaryAllocation(byteCount: RecordHeader.size + 8 + RecordHeader.endMarkSize, alignment: 8) {
        memory in
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        header.encode(to: memory)
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: payload.count + 3) { parts in
          func part(_ bytes: UnsafeRawBufferPointer) -> iovec {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
          }
          parts.initializeElement(
            at: 0, to: part(UnsafeRawBufferPointer(rebasing: memory[..<RecordHeader.size])))
          parts.initializeElement(at: 1, to: part(table))
          for (index, bytes) in payload.enumerated() { parts.initializeElement(at: index + 2, to: part(bytes)) }
          parts.initializeElement(
            at: payload.count + 2,
            to: part(
              UnsafeRawBufferPointer(rebasing: memory[RecordHeader.size...].prefix(padding + RecordHeader.endMarkSize)))
          )
          do throws(SpoolError) { try file.write(parts, at: offset) } catch { fault = error }
        }
      }
    }
    if let fault { throw fault }
  }

  /// Under the lock.
  private func segmentWithRoom() throws(SpoolError) -> Segment {
    if let active, active.size < store.configuration.segmentBytes,
      nextSequence < Self.firstSequence(ofSegment: active.number + 1)
    {
      return active
    }
    return try roll()
  }

  /// Begins a segment, then closes the one before. Under the lock.
  @discardableResult
  private func roll() throws(SpoolError) -> Segment {
    let time = store.configuration.time.reading()
    let firstSequence = max(nextSequence, Self.firstSequence(ofSegment: nextNumber))
    let header = FileHeader(
      kind: .segment, number: nextNumber, baseSequence: firstSequence, time: time,
      salt: .random(in: 1 ... .max))
    let path = store.directory.path(nextNumber, SegmentStore.logSuffix)
    let start = header.encoded() + [UInt8](repeating: 0, count: RecordHeader.endMarkSize)
    let operations = store.configuration.operations
    let file: File
    if prepared == nil, let spare = try store.spares.give(path, header: start, operations: operations) {
      file = spare
    } else {
      file = try prepare(path)
      try file.write(start, at: 0)
      prepared = nil
    }
    store.directory.noteChange()
    let segment = Segment(
      number: nextNumber, file: file, salt: header.salt, size: FileHeader.size,
      done: DoneFile(segment: nextNumber, length: 0, store: store))
    store.add(segment)
    nextSequence = firstSequence
    nextNumber += 1
    if let active { close(active) }
    active = segment
    return segment
  }

  /// Creates the next segment's file, unless an attempt before has: what came after its name failed, and is done again.
  /// Its name says where the numbers go on, so that the segment before can go. Under the lock.
  private func prepare(_ path: String) throws(SpoolError) -> File {
    if let prepared { return prepared }
    let file = try File(path, flags: O_RDWR | O_CREAT | O_EXCL, operations: store.configuration.operations)
    store.directory.noteChange()
    prepared = file
    return file
  }

  /// Under the lock.
  private func close(_ segment: Segment) {
    store.lock.withLock { segment.closed = store.configuration.time.now() }
    if active === segment { active = nil }
  }

  /// Appends nothing more to a segment of which a part is lost.
  func abandon(_ segment: Segment) {
    lock.withLock { close(segment) }
  }

  /// Begins the first segment of this run. What the disk says against it is said again when requests come.
  func open() {
    lock.withLock {
      do throws(SpoolError) { _ = try roll() } catch { refuse(error) }
    }
  }

  /// Closes the active segment if everything in it is done, so that it can go: when it is large, or the disk needs all the
  /// space that there is.
  func rollIfFinished() {
    lock.withLock {
      let enough = diskRefusal == nil ? store.configuration.segmentBytes / 4 : FileHeader.size + 1
      guard let active, !isClosed, active.size >= enough, store.lock.withLock({ active.live.isEmpty }) else { return }
      // A disk that has no room for another one has some when this one is gone. Without even a name for the other, this
      // one stays, which is no harm.
      if (try? roll()) == nil && prepared != nil { close(active) }
    }
  }

  /// Takes nothing more. The active segment stays the one that knows the next sequence number.
  func stop() { lock.withLock { isClosed = true } }

  /// Takes nothing until the disk is found writable. Under the lock.
  private func refuse(_ error: SpoolError) {
    store.metrics.counters.writeErrors.add()
    guard !isRefusing.load(ordering: .relaxed) else { return }
    refusalReason.withLock { $0 = error }
    isRefusing.store(true, ordering: .releasing)
    store.log.error(
      "the disk refuses: requests are refused until it can be written again",
      ["directory": store.directory.path, "error": error.description])
  }

  /// Tries whether a disk that has refused can be written again, with as much as a large request.
  func checkDisk() {
    guard isRefusing.load(ordering: .acquiring) else { return }
    lock.withLock {
      guard !isClosed else { return }
      do throws(SpoolError) {
        if active == nil { try roll() }
        guard let segment = active else { return }
        // What a failure leaves is written over by the next record, and is no record until then.
        defer { _ = try? segment.file.truncate(to: segment.size) }
        try segment.file.write([UInt8](repeating: 0, count: 1 << 20), at: segment.size)
      } catch { return }
      isRefusing.store(false, ordering: .releasing)
      store.log.info("the disk can be written again: requests are taken", ["directory": store.directory.path])
    }
  }
}
