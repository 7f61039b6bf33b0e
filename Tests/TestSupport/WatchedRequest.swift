package import OTLP
import Spool

/// A request whose settling can be watched.
package final class WatchedRequest: Sendable {
  private final class Keeper: SpoolRecord.Keeper {
    func noteChange(of record: SpoolRecord) {}
  }

  package let request: EncodedRequest
  private let record: SpoolRecord
  private let keeper = Keeper()

  /// - Parameters:
  ///   - original: what is in it.
  ///   - destinations: how often it must be settled to count as settled.
  package init(_ original: EncodedRequest, destinations: Int = 1) {
    let record = SpoolRecord(
      sequence: 1, unitCount: 1, arrival: 0, place: SpoolPlace(segment: 0, offset: 0, length: 0), keeper: keeper)
    self.record = record
    request = EncodedRequest(
      segments: (0..<original.segmentCount).map { original.segment($0) }, itemCount: original.itemCount,
      origins: [SpoolUnits(record: .passUnretained(record), first: 0, count: 1)]
    ) { withExtendedLifetime(original) {} }
    request.expect(destinations: destinations)
  }

  package var isSettled: Bool { record.remainingCount == 0 }

  /// Whether it was settled once and not twice. To be asked once, at the end, of a request with two destinations.
  package func wasSettledOnce() -> Bool {
    guard !isSettled else { return false }
    request.settle()
    return isSettled
  }
}
