import Glibc
import Locks

/// Files of segments that nobody needs any more, to be written again: the pages of a new file cost several times what the
/// copy into them does.
final class SpareSegments: Sendable {
  private struct Spare {
    let path: String
    let bytes: Int
  }

  private struct Files {
    /// Renamed, but perhaps not on the disk: after a crash they may have their old names.
    var fresh: [Spare] = []
    var ready: [Spare] = []
  }

  /// As much as a second's requests at full speed.
  private static let maxCount = 8
  /// What part of the budget they may take: nobody else has any use of that.
  private static let maxShare = 16

  private let directory: SpoolDirectory
  private let budget: SpoolBudget
  private let segmentBytes: Int
  private let files = Locked(Files())

  /// What an earlier run left is deleted.
  init(directory: SpoolDirectory, budget: SpoolBudget, segmentBytes: Int) {
    self.directory = directory
    self.budget = budget
    self.segmentBytes = segmentBytes
    for number in (try? directory.numbers(SegmentStore.spareSuffix)) ?? [] {
      try? directory.remove(number, SegmentStore.spareSuffix)
    }
  }

  /// Whether space is so short that none of it may lie idle.
  private var isSpaceShort: Bool { budget.used >= budget.maxBytes / 2 }

  /// Keeps the file of a segment instead of deleting it. Space that is short is not kept, nor a file that somebody may be
  /// reading, that grew far beyond the others, or that the disk has refused.
  ///
  /// - Returns: false when it must be deleted.
  func take(over segment: Segment, isRead: Bool, isLost: Bool) -> Bool {
    guard !isRead, !isLost, segment.size <= 2 * segmentBytes, !isSpaceShort else { return false }
    return files.withLock { files in
      let kept = (files.fresh + files.ready).reduce(segment.size) { $0 + $1.bytes }
      guard files.fresh.count + files.ready.count < Self.maxCount, kept <= budget.maxBytes / Self.maxShare else {
        return false
      }
      let spare = directory.path(segment.number, SegmentStore.spareSuffix)
      guard rename(directory.path(segment.number, SegmentStore.logSuffix), spare) == 0 else { return false }
      directory.noteChange()
      budget.take(segment.size)
      files.fresh.append(Spare(path: spare, bytes: segment.size))
      return true
    }
  }

  /// Takes note that the names of all are on the disk.
  func release() {
    files.withLock { files in
      files.ready += files.fresh
      files.fresh = []
    }
  }

  /// Makes a file a new segment: with the header in it before it has the name, so that what it held never comes back.
  ///
  /// - Returns: the file; nil when there is none.
  func give(_ path: String, header: [UInt8], operations: FileOperations) throws(SpoolError) -> File? {
    let spare = files.withLock { $0.ready.popLast() }
    guard let spare else { return nil }
    budget.take(-spare.bytes)
    do throws(SpoolError) {
      // Opened once: a file that had its new name and could not be opened would be in the way of the next try.
      let file = try File(spare.path, flags: O_RDWR, operations: operations, name: path)
      try file.write(header, at: 0)
      guard rename(spare.path, path) == 0 else { throw .failed("rename", spare.path) }
      return file
    } catch {
      unlink(spare.path)
      throw error
    }
  }

  /// Deletes them when space is short: they count, and others may need it.
  func removeIfSpaceIsShort() {
    if isSpaceShort { removeAll() }
  }

  func removeAll() {
    files.withLock { files in
      for spare in files.fresh + files.ready {
        unlink(spare.path)
        budget.take(-spare.bytes)
      }
      files = Files()
    }
  }
}
