import Locks
package import OTLP
package import Spool
import SelfTelemetry

/// A consumer behind a spool: a request is on the spool before its spans go on, and named by its record there.
///
/// With `fsync` its sender hears of it when it is on the disk, otherwise at once.
package final class SpooledTraces: TracesConsumer {
  private let spool: Spool
  private let durability: Durability
  private let isFollowed: Bool
  private let consumer: any TracesConsumer

  /// - Parameters:
  ///   - consumer: takes the requests that the spool has.
  ///   - spool: the pipeline's; opened.
  ///   - durability: `fsync` or `buffered`.
  ///   - isFollowed: whether the consumer says when somebody beside the pipeline has the request, with
  ///     `SpoolRecord.markFollowed`.
  package init(_ consumer: any TracesConsumer, spool: Spool, durability: Durability, isFollowed: Bool = false) {
    self.isFollowed = isFollowed
    self.consumer = consumer
    self.spool = spool
    self.durability = durability
  }

  package var refusal: Refusal? { spool.refusal.map(Self.refusal) ?? consumer.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    let record: SpoolRecord
    do throws(SpoolError) {
      record = try append(batch)
    } catch {
      return completion(Self.refusal(error))
    }
    consumer.consume(SpanBatch(batch, record: record)) { [spool, durability] refusal in
      if let refusal {
        // The sender keeps it.
        record.markAllDone()
        return completion(refusal)
      }
      guard durability == .fsync else { return completion(nil) }
      spool.whenSynced(record) { isSynced in
        completion(isSynced ? nil : Self.refusal(.system("the spool's disk refuses")))
      }
    }
  }

  private func append(_ batch: SpanBatch) throws(SpoolError) -> SpoolRecord {
    guard let origin = StoredOrigin.suffix(batch.origin, behind: batch.bytes) else {
      return try spool.append([batch.bytes], unitCount: batch.spanCount, isFollowed: isFollowed)
    }
    let result: Result<SpoolRecord, SpoolError> = origin.withUnsafeBytes { origin in
      do throws(SpoolError) {
        return .success(try spool.append([batch.bytes, origin], unitCount: batch.spanCount, isFollowed: isFollowed))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func refusal(_ error: SpoolError) -> Refusal {
    switch error {
    case .full: Refusal(message: "\(error); try again later", retryAfter: 5)
    case .system: Refusal(message: "the request cannot be stored: \(error); try again later", retryAfter: 5)
    }
  }
}
