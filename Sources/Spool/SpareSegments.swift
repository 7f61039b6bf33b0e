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
    guard !isRead, segment.size <= 2 * segmentBytes, budget.used < budget.maxBytes / 2 else { return false }
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

  /// Gives a file the name of a new segment.
  ///
  /// - Returns: false when there is none.
  func give(_ path: String) -> Bool {
    files.withLock { files in
      guard let spare = files.ready.popLast() else { return false }
      budget.take(-spare.bytes)
      guard rename(spare.path, path) == 0 else {
        unlink(spare.path)
        return false
      }
      return true
    }
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
