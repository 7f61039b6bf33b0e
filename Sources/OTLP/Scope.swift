import COTLP
import Locks
import Synchronization

/// The resource of spans, once for all requests that bring the same bytes: every field of a `ResourceSpans` but its scopes.
package final class Resource: Sendable {
  package let header: [UInt8]

  init(header: [UInt8]) {
    self.header = header
  }
}

/// The instrumentation scope of spans within its resource, once for all requests that bring the same bytes: every field
/// of a `ScopeSpans` but its spans.
package final class Scope: Sendable {
  package let resource: Resource
  package let header: [UInt8]
  /// Where a request builder found this scope last: a hint that it checks.
  let slotHint = Atomic<Int>(0)

  init(resource: Resource, header: [UInt8]) {
    self.resource = resource
    self.header = header
  }
}

/// Makes equal resources and scopes one object, whatever requests they came in: an outgoing request then carries each
/// once. Nothing is kept alive here: what no span holds any more goes, and its place is swept as the table grows.
package final class ScopeInterner: Sendable {
  private struct WeakResource {
    weak var resource: Resource?
  }

  private struct WeakScope {
    weak var scope: Scope?
  }

  private struct ScopeKey: Hashable {
    // A dead resource's identity may be another's later; its scopes, which hold it, are dead then too.
    let resource: ObjectIdentifier
    let header: [UInt8]
  }

  private struct Table {
    var resources: [[UInt8]: WeakResource] = [:]
    var scopes: [ScopeKey: WeakScope] = [:]
    /// Places in both tables at which those of what is gone are let go.
    private var sweepAt = 512
    /// Bytes of keys that came since the last sweep: a few enormous resources must not wait for many others.
    private var newBytes = 0
    private static let sweepAtBytes = 16 << 20

    mutating func resource(_ header: [UInt8]) -> Resource {
      if let known = resources[header]?.resource { return known }
      sweepWhenFull(adding: header.count)
      let resource = Resource(header: header)
      resources[header] = WeakResource(resource: resource)
      return resource
    }

    mutating func scope(_ header: [UInt8], of resource: Resource) -> Scope {
      let key = ScopeKey(resource: ObjectIdentifier(resource), header: header)
      if let known = scopes[key]?.scope { return known }
      sweepWhenFull(adding: header.count)
      let scope = Scope(resource: resource, header: header)
      scopes[key] = WeakScope(scope: scope)
      return scope
    }

    private mutating func sweepWhenFull(adding bytes: Int) {
      newBytes += bytes
      guard resources.count + scopes.count >= sweepAt || newBytes >= Self.sweepAtBytes else { return }
      newBytes = bytes
      scopes = scopes.filter { $0.value.scope != nil }
      resources = resources.filter { $0.value.resource != nil }
      sweepAt = max(512, 2 * (resources.count + scopes.count))
    }
  }

  private let table = Locked(Table())

  package init() {}

  /// Resources and scopes that have a place here, those that nobody holds any more and that no sweep has met included.
  package var placeCount: Int { table.withLock { $0.resources.count + $0.scopes.count } }

  /// A scope as it is under another resource, whose header that is.
  package func scope(_ scope: Scope, underResource header: [UInt8]) -> Scope {
    table.withLock { table in
      let resource = table.resource(header)
      return table.scope(scope.header, of: resource)
    }
  }

  /// The scopes of an indexed request, by their position in it.
  package func scopes(of index: SpanIndex, in request: UnsafeRawBufferPointer) -> [Scope] {
    let count = index.scopeCount
    guard count > 0 else { return [] }
    return table.withLock { table in
      var current: (position: Int, resource: Resource)?
      return (0..<count).map { scope in
        let position = index.resource(ofScope: scope)
        let resource: Resource
        if let current, current.position == position {
          resource = current.resource
        } else {
          resource = table.resource(index.resourceHeader(position, in: request))
          current = (position, resource)
        }
        return table.scope(index.scopeHeader(scope, in: request), of: resource)
      }
    }
  }
}

extension Resource {
  /// Lends the resource's attributes that the rules ask for, with the bytes that their offsets count in. Their field
  /// ranges name the `KeyValue` alone, without tag and length.
  package func withAttributes(
    _ rules: SpanRules, _ body: (UnsafeRawBufferPointer, UnsafeBufferPointer<AttributeEntry>) -> Void
  ) {
    header.withUnsafeBytes { header in
      lendAttributes(rules, of: header, capacity: 64, to: body)
    }
  }

  private func lendAttributes(
    _ rules: SpanRules, of header: UnsafeRawBufferPointer, capacity: Int,
    to body: (UnsafeRawBufferPointer, UnsafeBufferPointer<AttributeEntry>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: cotlp_attribute.self, capacity: capacity) { buffer in
      let count = Int(
        cotlp_resource_attributes(
          rules.raw, header.baseAddress, header.count, buffer.baseAddress, UInt32(capacity)))
      guard count <= capacity else { return lendAttributes(rules, of: header, capacity: count, to: body) }
      buffer.baseAddress!.withMemoryRebound(to: AttributeEntry.self, capacity: capacity) {
        body(header, UnsafeBufferPointer(start: $0, count: count))
      }
    }
  }
}
