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
      for key in [form.endUserID].compactMap({ $0 }) + form.sessions { _ = rules.number(forKey: key) }
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
      do throws(WireError) {
        return try write(request, bytes, identities, seat)
      } catch {
        throw RewritingFailure("a resource that cannot be read: \(error)")
      }
    }
  }

  private func write(
    _ request: EncodedRequest, _ bytes: UnsafeRawBufferPointer, _ identities: SpanIdentities, _ seat: Seat
  ) throws(WireError) -> EncodedRequest {
    let builder = RequestBuilder(request.signal, notesIdentities: true)
    var splice = AttributeSplice(bytes, seat.index, seat.document)
    var known: [ObjectIdentifier: OutgoingIdentity] = [:]
    var scopes = OutgoingScopes(interner, of: seat.index, in: bytes)
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
      for position in position..<position + run.count {
        let scope = try scopes.scope(Int(seat.index.spans[position].scope), outgoing)
        splice.write(position, outgoing, under: scope, to: builder)
      }
      position += run.count
    }
    return withExtendedLifetime(scopes) { builder.seal(inPlaceOf: request) ?? request }
  }
}

/// The scopes that spans leave under: their own, or the same under a resource that names the end user.
private struct OutgoingScopes {
  private let interner: ScopeInterner
  private let own: [Scope]
  /// By scope and end user.
  private var changed: [Key: Scope] = [:]
  private var last: (key: Key, scope: Scope)?

  private struct Key: Hashable {
    let scope: Int
    let text: [UInt8]
  }

  init(_ interner: ScopeInterner, of index: SpanIndex, in bytes: UnsafeRawBufferPointer) {
    self.interner = interner
    own = interner.scopes(of: index, in: bytes)
  }

  /// The scope lives as long as this.
  mutating func scope(_ position: Int, _ identity: OutgoingIdentity?) throws(WireError) -> Unmanaged<Scope> {
    guard let attribute = identity?.ofResource else { return .passUnretained(own[position]) }
    let key = Key(scope: position, text: attribute.text)
    if let last, last.key == key { return .passUnretained(last.scope) }
    let scope: Scope
    if let known = changed[key] {
      scope = known
    } else {
      scope = interner.scope(
        own[position],
        underResource: try ResourceHeader.setting(
          attribute.key, to: attribute.text, in: own[position].resource.header))
      changed[key] = scope
    }
    last = (key, scope)
    return .passUnretained(scope)
  }
}
