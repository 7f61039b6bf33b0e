import Glibc
import Locks
package import SelfTelemetry

/// A log of small entries in order, of which only the latest matter: the oldest go when there are too many or they are too old.
package final class Journal: @unchecked Sendable {
  // Sendable: `pending` is touched only under `lock`, what belongs to the files only under `fileLock`.

  package struct Configuration: Sendable {
    package var directory: String
    package var segmentBytes = 4 << 20
    package var maxBytes = 256 << 20
    /// Nanoseconds after which an entry is of no use.
    package var lifetime: UInt64
    /// Bytes that are kept in memory while the disk refuses them; then the oldest are forgotten.
    package var maxPendingBytes = 32 << 20
    package var time = SpoolTime.system
    package var operations = FileOperations.system

    package init(directory: String, lifetime: UInt64) {
      self.directory = directory
      self.lifetime = lifetime
    }
  }

  /// A file of entries.
  private struct Segment {
    let number: UInt64
    var size: Int
    /// When its newest entry was appended: nanoseconds of `SpoolClock`.
    var newest: UInt64
  }

  private static let suffix = ".journal"

  private let configuration: Configuration
  private let directory: SpoolDirectory
  private let budget: SpoolBudget
  private let log: Log
  private let metrics: LogCounters
  private let bytes = Gauge()

  private let lock = Lock()
  /// Entries that are not written yet, as they will be.
  private var pending: [UInt8] = []

  /// Taken before `lock`.
  private let fileLock = Lock()
  /// The last one is written to if `file` is there.
  private var segments: [Segment] = []
  private var file: File?
  private var nextNumber: UInt64 = 1
  /// Bytes of `file` that are not known to be on the disk.
  private var isUnsynced = false
  private var isFailing = false
  private var isClosed = false

  package init(
    _ configuration: Configuration, budget: SpoolBudget, log: Log, registry: MetricRegistry,
    labels: MetricRegistry.Labels
  ) throws(SpoolError) {
    self.configuration = configuration
    self.budget = budget
    self.log = log
    metrics = LogCounters(registry, labels)
    LogCounters.registerBytes(registry, labels) { [bytes] in bytes.value }
    directory = try SpoolDirectory(configuration.directory, operations: configuration.operations)
    do throws(SpoolError) {
      for number in try directory.numbers(Self.suffix) {
        let file = try File(directory.path(number, Self.suffix), flags: O_RDONLY)
        if case .otherVersion(let version) = try Self.header(of: file) {
          throw .otherVersion(version, file.path)
        }
        segments.append(Segment(number: number, size: try file.size(), newest: configuration.time.now()))
        nextNumber = number + 1
      }
    } catch {
      directory.unlock()
      throw error
    }
    grow(segments.reduce(0) { $0 + $1.size })
  }

  deinit { close() }

  /// Hands out the entries of earlier runs, oldest first, each with the time it was appended at (nanoseconds of `SpoolClock`).
  package func replay(_ body: (UnsafeRawBufferPointer, UInt64) -> Void) {
    fileLock.withLock {
      let today = configuration.time.reading()
      for index in segments.indices where file == nil || index < segments.count - 1 {
        guard let bytes = try? File(directory.path(segments[index].number, Self.suffix), flags: O_RDONLY).readAll()
        else {
          report(segments[index])
          continue
        }
        bytes.withUnsafeBytes { bytes in
          guard case .header(let header) = FileHeader.read(bytes, .journal) else {
            // Without its clocks nobody can tell how old an entry is.
            if bytes.contains(where: { $0 != 0 }) { report(segments[index]) }
            return
          }
          var newest: UInt64 = 0
          let damages = JournalEntry.read(bytes, from: FileHeader.size) { entry, time in
            let time = SpoolTime.translate(time, from: header.time, to: today)
            newest = max(newest, time)
            body(entry, time)
          }
          segments[index].newest = newest
          for _ in 0..<damages { report(segments[index]) }
        }
      }
    }
  }

  private func report(_ segment: Segment) {
    metrics.corruptRecords.add()
    log.error(
      "a file of a journal is damaged: that part is skipped", ["file": directory.path(segment.number, Self.suffix)])
  }

  /// Adds an entry in memory: cheap, for many threads. `flush` writes it.
  package func append(_ entry: UnsafeRawBufferPointer) {
    precondition(entry.count <= JournalEntry.maxLength, "an entry of \(entry.count) bytes is too large for a journal")
    let time = configuration.time.now()
    lock.withLock { JournalEntry.append(entry, time: time, to: &pending) }
  }

  /// Writes what was appended, and lets old segments go.
  package func flush() {
    fileLock.withLock {
      guard !isClosed else { return }
      write()
      retire()
    }
  }

  /// Flushes, and returns when it is on the disk.
  package func sync() {
    flush()
    fileLock.withLock {
      guard isUnsynced, let file else { return }
      do throws(SpoolError) {
        metrics.syncs.add()
        try file.sync()
        try directory.sync()
        isUnsynced = false
      } catch {
        note(error)
        // Nothing says what of the file is on the disk: the next entries go to another.
        self.file = nil
        isUnsynced = false
      }
    }
  }

  package func close() {
    sync()
    fileLock.withLock {
      guard !isClosed else { return }
      isClosed = true
      file = nil
      grow(-bytes.value)
      directory.unlock()
    }
  }

  /// Under the file lock.
  private func write() {
    let entries = lock.withLock {
      defer { pending = [] }
      return pending
    }
    guard !entries.isEmpty else { return }
    do throws(SpoolError) {
      let file = try fileWithRoom()
      let index = segments.count - 1
      try file.write(entries, at: segments[index].size)
      segments[index].size += entries.count
      segments[index].newest = configuration.time.now()
      grow(entries.count)
      isUnsynced = true
      isFailing = false
    } catch {
      note(error)
      // What is torn is written over next time.
      lock.withLock {
        if entries.count + pending.count <= configuration.maxPendingBytes { pending = entries + pending }
      }
    }
  }

  /// Under the file lock.
  private func fileWithRoom() throws(SpoolError) -> File {
    if let file, segments[segments.count - 1].size < configuration.segmentBytes { return file }
    if let file, isUnsynced {
      metrics.syncs.add()
      try file.sync()
    }
    let header = FileHeader(
      kind: .journal, number: nextNumber, baseSequence: 0, time: configuration.time.reading(), salt: 0)
    let begun = try File(
      directory.path(nextNumber, Self.suffix), flags: O_RDWR | O_CREAT | O_TRUNC, operations: configuration.operations)
    directory.noteChange()
    try begun.write(header.encoded(), at: 0)
    segments.append(Segment(number: nextNumber, size: FileHeader.size, newest: header.time.now))
    grow(FileHeader.size)
    nextNumber += 1
    file = begun
    return begun
  }

  /// Removes segments whose entries are too old or too many. Under the file lock.
  private func retire() {
    let now = configuration.time.now()
    var total = segments.reduce(0) { $0 + $1.size }
    while let oldest = segments.first, file == nil || segments.count > 1,
      (now > oldest.newest && now - oldest.newest > configuration.lifetime) || total > configuration.maxBytes
    {
      do throws(SpoolError) { try directory.remove(oldest.number, Self.suffix) } catch { return note(error) }
      total -= oldest.size
      grow(-oldest.size)
      segments.removeFirst()
    }
  }

  private func grow(_ bytes: Int) {
    budget.take(bytes)
    self.bytes.add(bytes)
  }

  private func note(_ error: SpoolError) {
    metrics.writeErrors.add()
    guard !isFailing else { return }
    isFailing = true
    log.error("cannot write a journal: it is tried again", ["error": error.description])
  }

  private static func header(of file: File) throws(SpoolError) -> FileHeader.Reading {
    var bytes = [UInt8](repeating: 0, count: FileHeader.size)
    let count = (try? bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }) ?? 0
    return bytes.withUnsafeBytes { FileHeader.read($0.part(from: 0, count: count), .journal) }
  }
}
