package import SelfTelemetry
package import Spool
import Synchronization

/// Where a pipeline's facts wait for the ledger on disk, instead of in memory: what is in here survives the process, so nobody
/// else need keep its request.
///
/// A request's facts are far fewer bytes than the request, and written over and over into the same few files. That costs less
/// than the memory that they would take, and a spool that waits for the ledger would have to begin a new file for each
/// few requests.
package final class FactsLog: Sendable {
  private let spool: Spool
  private let maxBytes: Int
  private let metrics: LedgerTapMetrics
  private let log: Log
  private let waiting = Atomic<Int>(0)

  /// What stands before a chunk: a version, how many spans, the request's number, how long the pipeline's name is; then the name.
  /// What is no spool's has the highest number.
  private static let headSize = 20
  private static let version: UInt32 = 2
  /// Before records could repeat what others say: all of theirs can be read.
  private static let earliestVersion: UInt32 = 1

  /// - Parameters:
  ///   - spool: of facts alone, and of one pipeline.
  ///   - maxBytes: of facts at most that wait.
  ///   - metrics: hear of what is lost.
  ///   - log: the collector's own log.
  package init(_ spool: Spool, maxBytes: Int, metrics: LedgerTapMetrics, log: Log) {
    self.spool = spool
    self.maxBytes = maxBytes
    self.metrics = metrics
    self.log = log
  }

  var hasRoom: Bool { waiting.load(ordering: .relaxed) < maxBytes && spool.refusal == nil }

  /// Writes down what came; nil when the disk does not take it.
  func append(_ arrival: Arrival) -> SpoolRecord? {
    var head: [UInt8] = []
    head.reserveCapacity(Self.headSize + 64)
    var pipeline = arrival.pipeline
    pipeline.withUTF8 { name in
      func add(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { head.append(contentsOf: $0) }
      }
      add(Self.version)
      add(UInt32(truncatingIfNeeded: arrival.facts.spanCount))
      add(arrival.sequence ?? .max)
      add(UInt32(truncatingIfNeeded: name.count))
      head.append(contentsOf: name)
    }
    let record = head.withUnsafeBytes { head in
      arrival.facts.bytes.withUnsafeBytes { facts in
        // What the disk says against it, the spool's own log says.
        try? spool.append([head, facts], unitCount: 1)
      }
    }
    if record != nil { waiting.add(arrival.facts.byteCount, ordering: .relaxed) }
    return record
  }

  /// What a record holds; nil, counted and told, when it cannot be read.
  func read(_ record: SpoolRecord) -> Arrival? {
    do throws(SpoolError) {
      let payload = try spool.readAll(record)
      if let arrival = payload.withUnsafeBytes({ Self.arrival(in: $0) }) { return arrival }
      giveUp("it is another version's")
    } catch {
      giveUp(error.description)
    }
    return nil
  }

  /// What was read is in the ledger, or lost.
  func finish(_ record: SpoolRecord, byteCount: Int) {
    record.markAllDone()
    waiting.subtract(byteCount, ordering: .relaxed)
  }

  /// Lends what an earlier run left; to be called once, before anything is appended.
  func replay(_ body: (SpoolRecord, Arrival) -> Void) {
    spool.replay { replayed in
      if let arrival = Self.arrival(in: replayed.payload) {
        waiting.add(arrival.facts.byteCount, ordering: .relaxed)
        body(replayed.record, arrival)
      } else {
        giveUp("it is another version's")
        replayed.record.markAllDone()
      }
      return true
    }
  }

  private func giveUp(_ reason: String) {
    metrics.givenUpRequests.add()
    log.error("facts that waited for the ledger are lost", ["error": reason])
  }

  private static func arrival(in payload: UnsafeRawBufferPointer) -> Arrival? {
    guard payload.count >= headSize else { return nil }
    func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Number.Type) -> Number {
      Number(littleEndian: payload.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
    let facts = headSize + Int(number(at: 16, UInt32.self))
    guard earliestVersion...version ~= number(at: 0, UInt32.self), facts <= payload.count else { return nil }
    let sequence = number(at: 8, UInt64.self)
    return Arrival(
      facts: FactsChunk(
        UnsafeRawBufferPointer(rebasing: payload[facts...]), spanCount: Int(number(at: 4, UInt32.self))),
      pipeline: String(decoding: payload[headSize..<facts], as: UTF8.self),
      sequence: sequence == .max ? nil : sequence)
  }
}
