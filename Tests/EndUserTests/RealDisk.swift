import EndUser
import Foundation
import Locks
import OTLP
import SelfTelemetry
@testable import Spool
import TestSupport

/// A spool and a journal in a directory that ends with this object.
final class RealDisk: TestDisk {
  private let directory: String
  private let clock: TestClock
  private let spool: Spool
  private let journal: Journal
  /// The spans of each request, by its number.
  private let sent: Locked<[UInt64: [SpanStub]]>
  /// What the spool had when it was opened.
  private let found: [(record: SpoolRecord, bytes: [UInt8], units: [UInt32]?, offsets: [UInt32]?)]
  private let opened = Locked<[SpoolRecord]>([])

  var reader: any RecordReader { spool }
  var log: any EntryLog { journal }

  convenience init(_ clock: TestClock) {
    self.init(
      clock, directory: FileManager.default.temporaryDirectory.path + "/heirloom-enduser-\(UUID().uuidString)",
      sent: [:])
  }

  private init(_ clock: TestClock, directory: String, sent: [UInt64: [SpanStub]]) {
    self.clock = clock
    self.directory = directory
    self.sent = Locked(sent)
    let time = SpoolTime(now: { clock.now }, wall: { clock.now }, bootID: SpoolBootID(high: 1, low: 1))
    var spooling = Spool.Configuration(directory: directory + "/requests")
    // A few requests fill a segment, so that the rest of old ones is moved.
    spooling.segmentBytes = 8192
    spooling.moveAge = .zero
    spooling.time = time
    var journaling = Journal.Configuration(directory: directory + "/identities", lifetime: 1 << 60)
    journaling.time = time
    let budget = SpoolBudget(maxBytes: 1 << 30)
    let registry = MetricRegistry()
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      spool = try Spool(spooling, budget: budget, log: Log(level: .error), registry: registry, labels: [])
      journal = try Journal(journaling, budget: budget, log: Log(level: .error), registry: registry, labels: [])
    } catch {
      preconditionFailure("no disk: \(error)")
    }
    spool.beforeRecording { [journal] in journal.flush() }
    var found: [(record: SpoolRecord, bytes: [UInt8], units: [UInt32]?, offsets: [UInt32]?)] = []
    spool.replay { replayed in
      found.append(
        (
          replayed.record, Array(replayed.payload), replayed.units,
          replayed.record.table?.entries.map(\.originalOffset)
        ))
      return true
    }
    self.found = found
    let reduced = self.sent
    spool.reduceWith { [weak spool] payload, record in
      guard let spool, let spans = reduced.withLock({ $0[record.sequence] }) else { return nil }
      return Self.reduce(payload, record, units: spool.units(of: record), spans)
    }
  }

  deinit {
    spool.stop()
    journal.close()
    try? FileManager.default.removeItem(atPath: directory)
  }

  func append(_ spans: [SpanStub], _ bytes: [UInt8], _ index: SpanIndex) -> SpoolRecord {
    let record = bytes.withUnsafeBytes { bytes in
      do {
        return try spool.append([bytes], unitCount: index.spanCount)
      } catch {
        preconditionFailure("not appended: \(error)")
      }
    }
    sent.withLock { $0[record.sequence] = spans }
    opened.withLock { $0.append(record) }
    return record
  }

  func record() { spool.maintain() }

  var unfinished: [(record: SpoolRecord, bytes: [UInt8], units: [UInt32]?, offsets: [UInt32]?)] { found }

  var remaining: Int {
    (opened.withLock { $0 } + found.map(\.record)).reduce(0) { $0 + $1.remainingCount }
  }

  /// By what another spool finds in a copy of the files.
  var recordedDone: Set<[UInt64]> {
    let copy = reopened()
    let unfinished = Dictionary(uniqueKeysWithValues: copy.found.map { ($0.record.sequence, $0.record) })
    var done: Set<[UInt64]> = []
    var open: Set<[UInt64]> = []
    for (sequence, spans) in sent.withLock({ $0 }) {
      for (unit, span) in spans.enumerated() {
        if unfinished[sequence]?.isDone(unit) ?? true {
          done.insert([span.trace, span.id])
        } else {
          open.insert([span.trace, span.id])
        }
      }
    }
    return done.subtracting(open)
  }

  func reopened(moves: (UInt64) -> Bool) -> any TestDisk { reopened() }

  /// The files as a process leaves them that is killed now.
  private func reopened() -> RealDisk {
    let copy = FileManager.default.temporaryDirectory.path + "/heirloom-enduser-\(UUID().uuidString)"
    do {
      try FileManager.default.copyItem(atPath: directory, toPath: copy)
    } catch {
      preconditionFailure("no copy: \(error)")
    }
    return RealDisk(clock, directory: copy, sent: sent.withLock { $0 })
  }

  /// What is left of a request, as somebody would do it who knows its spans.
  private static func reduce(
    _ payload: UnsafeRawBufferPointer, _ record: SpoolRecord, units: [UInt32]?, _ spans: [SpanStub]
  ) -> Spool.Reduced? {
    let rules = SpanRules()
    let before = SpanIndex()
    let after = SpanIndex()
    do {
      try before.fill(from: payload, rules: rules)
      let kept = (0..<before.spanCount).filter { !record.isDone(Int(units?[$0] ?? UInt32($0))) }
      let bytes = SpanStub.request(kept.map { spans[Int(units?[$0] ?? UInt32($0))] })
      let isSound = bytes.withUnsafeBytes { bytes in (try? after.fill(from: bytes, rules: rules)) != nil }
      guard isSound else { return nil }
      return Spool.Reduced(
        payload: bytes,
        units: kept.enumerated().map { place, position in
          (
            unit: units?[position] ?? UInt32(position), originalOffset: before.spans[position].offset,
            offset: after.spans[place].offset, length: after.spans[place].length
          )
        })
    } catch {
      return nil
    }
  }
}
