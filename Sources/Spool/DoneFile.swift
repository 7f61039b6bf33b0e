import Glibc
import SelfTelemetry

/// The file beside a segment that says what of it is done. Written by one thread.
///
/// What was not written, or perhaps not synced, stays in memory and is written again: a disk that refuses for a while
/// costs nothing but that memory.
final class DoneFile {
  private let path: String
  private let segment: UInt64
  private unowned let store: SegmentStore
  /// Open while there is something to sync.
  private var file: File?
  /// Bytes at the file's start that are on the disk.
  private var syncedLength: Int
  /// What follows them, and how much of it is written.
  private var tail: [UInt8] = []
  private var writtenOfTail = 0

  /// `length`: sound bytes in the file; 0 if there is none.
  init(segment: UInt64, length: Int, store: SegmentStore) {
    self.segment = segment
    self.store = store
    path = store.directory.path(segment, SegmentStore.doneSuffix)
    syncedLength = length
  }

  /// Bytes in the file.
  var length: Int { syncedLength + writtenOfTail }

  /// Whether everything is on the disk.
  var isSynced: Bool { tail.isEmpty }

  /// Takes note that a record is done.
  func addWhole(_ offset: Int) {
    addHeader()
    DoneFormat.appendWhole(offset, segment: segment, to: &tail)
  }

  /// Takes note that units of a record are done.
  func add(_ offset: Int, first: Int, words: some Collection<UInt64>) {
    addHeader()
    DoneFormat.append(offset, first: first, words: words, segment: segment, to: &tail)
  }

  private func addHeader() {
    guard syncedLength == 0 && tail.isEmpty else { return }
    tail = FileHeader(
      kind: .done, number: segment, baseSequence: 0, time: store.configuration.time.reading(), salt: 0
    ).encoded()
  }

  /// Hands the system what it has not got yet.
  func write() throws(SpoolError) {
    guard writtenOfTail < tail.count else { return }
    let file = try opened()
    let (start, offset) = (writtenOfTail, length)
    // What a failure tears is overwritten next time, and no sound entry until then.
    try file.write(tail, from: start, at: offset)
    store.budget.take(tail.count - writtenOfTail)
    store.metrics.doneBytes.add(tail.count - writtenOfTail)
    writtenOfTail = tail.count
  }

  func sync() throws(SpoolError) {
    guard !tail.isEmpty, writtenOfTail == tail.count, let file else { return }
    do throws(SpoolError) {
      try file.sync()
    } catch {
      store.budget.take(-writtenOfTail)
      store.metrics.doneBytes.add(-writtenOfTail)
      writtenOfTail = 0
      self.file = nil
      throw error
    }
    syncedLength += tail.count
    tail = []
    writtenOfTail = 0
    self.file = nil
  }

  private func opened() throws(SpoolError) -> File {
    if let file { return file }
    let opened = try File(path, flags: O_WRONLY | O_CREAT, operations: store.configuration.operations)
    if syncedLength == 0 { store.directory.noteChange() }
    // A torn end of an earlier run.
    try opened.truncate(to: length)
    file = opened
    return opened
  }
}
