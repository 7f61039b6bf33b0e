import EndUser
import OTLP
import Spool
import TestSupport

/// What a run of the process leaves to the next one.
protocol TestDisk: AnyObject, Sendable {
  var reader: any RecordReader { get }
  var log: any EntryLog { get }
  /// A request is accepted.
  func append(_ spans: [SpanStub], _ bytes: [UInt8], _ index: SpanIndex) -> SpoolRecord
  /// What was done is written down.
  func record()
  /// The spans that no later run may hand on again: as often as they came, they are done on the disk.
  var recordedDone: Set<[UInt64]> { get }
  /// Units that are not done.
  var remaining: Int { get }
  /// The requests that are not done, oldest first: the record, the bytes, and what a moved one needs beside them.
  var unfinished: [(record: SpoolRecord, bytes: [UInt8], units: [UInt32]?, offsets: [UInt32]?)] { get }
  /// The process dies: what the next one finds. Records for which `moves` says so have been moved, if the test can choose.
  func reopened(moves: (UInt64) -> Bool) -> any TestDisk
}
