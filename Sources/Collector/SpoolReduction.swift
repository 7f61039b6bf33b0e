import OTLP
import Spool

/// Cuts a request of a spool down to the spans that are not done, when the spool moves it.
struct SpoolReduction {
  private let signal: Signal
  private let rules: SpanRules

  /// - Parameters:
  ///   - signal: of the requests.
  ///   - rules: what receivers index by.
  init(_ signal: Signal, rules: SpanRules) {
    self.signal = signal
    self.rules = rules
  }

  /// - Parameters:
  ///   - payload: the record's, as it is stored now.
  ///   - record: says what is done.
  ///   - units: of a record that was moved before, see `Spool.units(of:)`.
  /// - Returns: nil if the request has to stay as it is.
  func reduce(_ payload: UnsafeRawBufferPointer, of record: SpoolRecord, units: [UInt32]?) -> Spool.Reduced? {
    let index = SpanIndex()
    guard (try? index.fill(from: payload, signal: signal, rules: rules)) != nil,
      // Another version may have left out other spans, and named them otherwise.
      index.spanCount == units?.count ?? record.spanCount
    else { return nil }
    func unit(_ position: Int) -> UInt32 { units?[position] ?? UInt32(position) }
    let subset = RequestSubset(of: index, in: payload) { !record.isDone(Int(unit($0))) }
    return Spool.Reduced(
      payload: subset.bytes + origin(of: payload, behind: subset.bytes),
      units: subset.places.map { place in
        (
          unit: unit(place.position), originalOffset: UInt32(place.originalOffset), offset: UInt32(place.offset),
          length: UInt32(place.length)
        )
      })
  }

  /// What stands behind the reduced request: what stood behind the whole one.
  private func origin(of payload: UnsafeRawBufferPointer, behind subset: [UInt8]) -> [UInt8] {
    if let origin = StoredOrigin.suffix(of: payload) { return Array(origin) }
    // What was in the middle may stand at the end now.
    return subset.withUnsafeBytes { StoredOrigin.suffix(nil, behind: $0) } ?? []
  }
}
