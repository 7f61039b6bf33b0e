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

  /// Keeps the file of a segment instead of deleting it. Space that is short is not kept, nor a file that somebody may be
  /// reading, or that grew far beyond the others.
  ///
  /// - Returns: false when it must be deleted.
  func take(over segment: Segment, isRead: Bool) -> Bool {
    guard !isRead, segment.size <= 2 * segmentBytes, !budget.isShort else { return false }
    return files.withLock { files in
      guard files.fresh.count + files.ready.count < Self.maxCount else { return false }
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
  /// - Returns: false when there is none.
  func give(_ path: String, header: [UInt8], operations: FileOperations) throws(SpoolError) -> Bool {
    let spare = files.withLock { $0.ready.popLast() }
    guard let spare else { return false }
    budget.take(-spare.bytes)
    do throws(SpoolError) {
      try File(spare.path, flags: O_RDWR, operations: operations).write(header, at: 0)
      guard rename(spare.path, path) == 0 else { throw .failed("rename", spare.path) }
    } catch {
      unlink(spare.path)
      throw error
    }
    return true
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
