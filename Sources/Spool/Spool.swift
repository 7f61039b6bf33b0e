import Locks
package import SelfTelemetry
import Synchronization

/// How safe an accepted request is.
package enum Durability: String, Sendable, CaseIterable {
  /// On the disk before the sender hears of it.
  case fsync
  /// With the system before the sender hears of it, on the disk soon after: survives a crash of the process.
  case buffered
  /// In memory.
  case memory
}

/// Why a spool does not take a record.
package enum SpoolError: Error, Sendable, Equatable, CustomStringConvertible {
  /// `max_spool_mib` is reached.
  case full(limit: Int)
  /// The system refused, for the operator to read.
  case system(String)

  package var description: String {
    switch self {
    case .full(let limit): "the spool is full (\(limit >> 20) MiB)"
    case .system(let message): message
    }
  }
}

/// A log of accepted requests in a directory of its own: what was appended and is not done survives the process.
///
/// A record's life: `append` writes it to the active segment. Whoever finishes units of it marks them as done; the spool's
/// thread (`Keeper`) writes that beside the segment. A segment whose records are all done is removed. What is left of old
/// records is moved to the active segment when it holds on to too much. docs/spool.md has the formats, as do `FileHeader`,
/// `RecordHeader` and `DoneFormat`.
///
/// The spool must outlive the use of its records.
package final class Spool: @unchecked Sendable {
  // Sendable: what is variable is touched only under `replayLock`, or atomic.

  package struct Configuration: Sendable {
    package var directory: String
    /// `fsync` or `buffered`.
    package var durability = Durability.buffered
    package var syncInterval = Duration.seconds(1)
    /// Bytes after which a segment is closed and the next begins.
    package var segmentBytes = 32 << 20
    /// Whether records are taken also when the budget has only its reserve left.
    package var usesReserve = false

    /// How often news of what is done are written at most.
    package var recordDelay = Duration.milliseconds(20)
    /// How long a segment is left in peace after it was closed.
    package var moveAge = Duration.seconds(10)
    /// Payload bytes that are moved in one go.
    package var moveBytes = 8 << 20
    package var time = SpoolTime.system
    package var operations = FileOperations.system

    package init(directory: String) { self.directory = directory }
  }

  /// What replay hands out.
  package struct Replayed {
    package let record: SpoolRecord
    package let payload: UnsafeRawBufferPointer
    /// For a record that was moved: the unit of each item in the payload. Nil: they are the same.
    package let units: [UInt32]?
    /// And where each lay in the payload as it was appended, which is how `read` names its bytes.
    package let originalOffsets: [UInt32]?
  }

  /// A record's payload reduced to the units that are not done, when it is moved: the new payload, and for each unit in it,
  /// in the order of the new payload, its number and where its bytes were in the payload that was handed in and are in the
  /// new one.
  package struct Reduced {
    package var payload: [UInt8]
    package var units: [(unit: UInt32, originalOffset: UInt32, offset: UInt32, length: UInt32)]
    package init(payload: [UInt8], units: [(unit: UInt32, originalOffset: UInt32, offset: UInt32, length: UInt32)]) {
      self.payload = payload
      self.units = units
    }
  }

  private let store: SegmentStore
  private let writer: SegmentWriter
  private let recorder: DoneRecorder
  private let mover: Mover
  private let commit: GroupCommit
  private let dataSync: DataSync
  private let keeper: Keeper
  private let replay: Replay
  private let isStopped = Atomic<Bool>(false)

  /// Opens the directory (creating it) and reads what is in it: which records are not done. Corrupt ones are skipped,
  /// counted and reported.
  ///
  /// Throws when the directory can't be used, somebody else uses it, or a file is of another format version.
  package init(
    _ configuration: Configuration, budget: SpoolBudget, log: Log, registry: MetricRegistry,
    labels: MetricRegistry.Labels
  ) throws(SpoolError) {
    store = try SegmentStore(configuration, budget: budget, log: log, registry: registry, labels: labels)
    recorder = DoneRecorder(store: store)
    var recovery = SpoolRecovery(store: store, keeper: recorder)
    do throws(SpoolError) { try recovery.run() } catch {
      store.close()
      throw error
    }
    writer = SegmentWriter(
      store: store, keeper: recorder, nextSequence: recovery.nextSequence, nextNumber: recovery.nextNumber)
    writer.open()
    let sync = DataSync(store: store, writer: writer)
    dataSync = sync
    mover = Mover(store: store, writer: writer, recorder: recorder, moved: recovery.moved)
    commit = GroupCommit(sync: sync)
    replay = Replay(store: store, records: recovery.recovered)
    keeper = Keeper(store: store, writer: writer, recorder: recorder, sync: sync, mover: mover) {
      [replay] in replay.count == 0
    }
  }

  deinit { stop() }

  /// What tells this spool from another whose numbers begin anew, in the same directory or elsewhere.
  package func identity() -> UInt64 { store.directory.identity() }

  /// Called on the spool's thread before it records what was done: what must be there first is written here.
  package func beforeRecording(_ body: @escaping @Sendable () -> Void) { recorder.beforeRecording(body) }

  /// Called on the spool's thread before that gets to the disk, or a segment is removed: what must be on the disk first is
  /// synced here. The power may fail after any sync.
  package func beforeSyncing(_ body: @escaping @Sendable () -> Void) { recorder.beforeSyncing(body) }

  /// Makes a moved record of what is not done of an old one; without it nothing is moved. Nil: it can't be reduced. Of a
  /// record that was moved before, `units(of:)` tells what the items of the payload are.
  package func reduceWith(_ body: @escaping @Sendable (UnsafeRawBufferPointer, SpoolRecord) -> Reduced?) {
    mover.reduceWith(body)
  }

  /// For a record that was moved: the unit of each item in its payload, as in `Replayed`.
  package func units(of record: SpoolRecord) -> [UInt32]? {
    store.lock.withLock { record.table }?.units
  }

  /// Starts the threads that sync, record, retire and move.
  package func start() {
    commit.start()
    keeper.start()
  }

  /// Records and syncs everything, ends the threads and closes the files. What is not done stays for the next start.
  package func stop() {
    guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
    writer.stop()
    keeper.stop()
    commit.stop()
    store.close()
  }

  /// What the spool's thread does at each sync interval, for tests that do not start it.
  package func maintain() { keeper.maintain() }

  /// Hands out the records that were not done when the spool was opened, oldest first; to be called once, on any thread, while others append.
  /// Stops when `body` returns false. A record whose bytes turn out to be corrupt is skipped, counted and reported.
  package func replay(_ body: (Replayed) -> Bool) { replay.run(body) }

  /// Records that `replay` has not handed out.
  package var replayCount: Int { replay.count }

  /// Why nothing is taken at the moment: the limit is reached or the disk refuses; nil otherwise. Cheap: asked for each request.
  package var refusal: SpoolError? {
    store.shortage ?? writer.diskRefusal
  }

  /// Writes a record. When this returns, a crash of the process loses it no more.
  ///
  /// `isFollowed`: whether it gets one unit more, see `SpoolRecord.followerUnit`.
  package func append(
    _ payload: [UnsafeRawBufferPointer], unitCount: Int, isFollowed: Bool = false
  ) throws(SpoolError) -> SpoolRecord {
    if let refusal { throw refusal }
    return try writer.append(payload, unitCount: unitCount + (isFollowed ? 1 : 0), hasFollower: isFollowed)
  }

  /// Calls `body` with true once everything appended so far is on the disk (with false if the disk refused), from another thread;
  /// many calls share one sync.
  ///
  /// `record`: what the caller waits for. Without it, one failed sync is a failure for all until the records that
  ///   it concerned are done.
  package func whenSynced(_ record: SpoolRecord? = nil, _ body: @escaping @Sendable (Bool) -> Void) {
    commit.add(record, body)
  }

  /// Brings what was appended so far to the disk, as far as that takes it. Waits for it.
  package func sync() { dataSync.run() }

  /// Reads bytes of a record that is not done. `offset` counts in the payload as it was appended, also after the record was
  /// moved (then only ranges that lie within one unit that was not done can be read).
  package func read(_ record: SpoolRecord, offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError) {
    let location = try store.location(of: record)
    let place = location.table.map { $0.offset(ofOriginal: offset, count: buffer.count) } ?? offset
    guard let place, place >= 0, place + buffer.count <= location.place.length else {
      throw .system("record \(record.sequence) has no \(buffer.count) bytes at \(offset)")
    }
    try location.read(place, into: buffer)
  }

  /// All of a record's payload; only for records that were never moved.
  package func readAll(_ record: SpoolRecord) throws(SpoolError) -> [UInt8] {
    let location = try store.location(of: record)
    guard location.table == nil else { throw .system("record \(record.sequence) was moved") }
    var memory = GrowingMemory()
    do {
      return Array(try location.readPayload(of: record.sequence, to: &memory))
    } catch {
      throw .system("cannot read record \(record.sequence) in \(location.file.path): \(error)")
    }
  }
}
