/// One file of the log, with what is known of its records.
final class Segment: @unchecked Sendable {
  // Sendable: `done` is touched only by the spool's thread, what is variable beside it only under the store's lock.

  let number: UInt64
  let file: File
  /// See `FileHeader`. Variable only while the segment is recovered.
  var salt: UInt32
  /// Bytes of whole records, the header included.
  var size: Int
  /// How many of them are known to be on the disk.
  var synced = 0
  /// A sync has failed: what was not on the disk then perhaps never will be, whatever later syncs say.
  var isLost = false
  /// When it was closed: nanoseconds of `SpoolClock`; nil while records are appended to it.
  var closed: UInt64?
  /// Records that hold on to the segment, by their offset in it: those that are not done, and copies of moved ones whose
  /// new place is not on the disk yet.
  var live: [Int: SpoolRecord] = [:]
  /// Whether somebody may be reading from the file.
  var wasRead = false
  /// Whether it has records that were moved here.
  var hasMoved = false
  let done: DoneFile

  init(number: UInt64, file: File, salt: UInt32, size: Int, done: DoneFile) {
    self.number = number
    self.file = file
    self.salt = salt
    self.size = size
    self.done = done
  }

  /// Whether nothing in it is needed any more. Under the store's lock.
  var isFinished: Bool { closed != nil && live.isEmpty }
}
