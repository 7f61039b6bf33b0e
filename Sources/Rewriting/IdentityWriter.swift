import JSON
import Locks
package import OTLP
import Pipeline

/// `identity_as`: spans and log records tell their trace's identity in the words of other conventions too. What they say there
/// themselves goes if it differs.
///
/// Whose a span is, the pipeline has found out and noted (`EncodedRequest.identities`). Spans that nobody's identity was handed
/// down to leave as they are, and so does a request of which nothing was noted.
package final class IdentityWriter: RequestRewriting {
  package let name = "identity_as"
  package let needsIdentities = true

  private let forms: [OutgoingConvention.Form]
  private let maxMetadataKeys: Int
  private let rules = SpanRules()
  private let interner = ScopeInterner()
  private let seats = Locked<[Seat]>([])

  /// What one thread works with; one that is free is used again.
  private struct Seat: @unchecked Sendable {
    // Sendable: one thread has it at a time.
    let index = SpanIndex()
    let document = JSONDocument()
  }

  /// - Parameters:
  ///   - conventions: at least one.
  ///   - maxMetadataKeys: see `RewritingConfiguration`.
  package init(_ conventions: [OutgoingConvention], maxMetadataKeys: Int) {
    forms = conventions.map(\.form)
    self.maxMetadataKeys = maxMetadataKeys
    for form in forms {
      for key in [form.endUserID, form.session].compactMap({ $0 }) { _ = rules.number(forKey: key) }
      switch form.metadata {
      case .none: break
      case .text(let key), .object(let key): _ = rules.number(forKey: key)
      case .attributes(let prefix, _): _ = rules.number(forPrefix: prefix)
      }
    }
  }

  package func rewrite(_ request: EncodedRequest) throws(RewritingFailure) -> EncodedRequest {
    guard request.signal != .metrics, let identities = request.identities,
      identities.runs.contains(where: { $0.identity != nil })
    else { return request }
    let seat = seats.withLock { $0.popLast() } ?? Seat()
    defer { seats.withLock { $0.append(seat) } }
    return try request.withContiguousBytes { bytes throws(RewritingFailure) in
      do throws(MalformedRequest) {
        try seat.index.fill(from: bytes, signal: request.signal, rules: rules)
      } catch {
        throw RewritingFailure(error.description)
      }
      let (found, noted) = (seat.index.spanCount, identities.spanCount)
      guard found == noted else {
        throw RewritingFailure("only \(found) of \(noted) \(request.signal.itemsName) are usable")
      }
      return write(request, bytes, identities, seat)
    }
  }

  private func write(
    _ request: EncodedRequest, _ bytes: UnsafeRawBufferPointer, _ identities: SpanIdentities, _ seat: Seat
  ) -> EncodedRequest {
    let scopes = interner.scopes(of: seat.index, in: bytes)
    let builder = RequestBuilder(request.signal, notesIdentities: true)
    var splice = AttributeSplice(bytes, seat.index, scopes, seat.document)
    var known: [ObjectIdentifier: OutgoingIdentity] = [:]
    var position = 0
    for run in identities.runs {
      builder.begin(run.identity)
      let outgoing = run.identity.map { identity in
        if let made = known[ObjectIdentifier(identity)] { return made }
        let made = OutgoingIdentity(
          identity, forms, maxMetadataKeys: maxMetadataKeys, signal: request.signal, seat.document)
        known[ObjectIdentifier(identity)] = made
        return made
      }
      for position in position..<position + run.count { splice.write(position, outgoing, to: builder) }
      position += run.count
    }
    return withExtendedLifetime(scopes) { builder.seal(inPlaceOf: request) ?? request }
  }
}
