import Locks
import OTLP
import TestSupport
import Testing

/// Equal resources and scopes are one object, for as long as anyone holds them.
struct ScopeInternerTests {
  private static func request(resource: String = "r", scope: String = "s") -> [UInt8] {
    HandWire.message(1, HandWire.text(3, resource), HandWire.message(2, HandWire.text(3, scope), HandWire.span()))
  }

  private static func scopes(_ request: [UInt8], _ interner: ScopeInterner) throws -> [Scope] {
    try IndexedRequest(request, interner: interner).batch.scopes
  }

  @Test func `equal bytes are one object, whatever requests they came in`() throws {
    let interner = ScopeInterner()
    let first = try Self.scopes(Self.request(), interner)[0]
    // The same fields around the spans, which stand elsewhere.
    let other = HandWire.message(
      1, HandWire.message(2, HandWire.span(), HandWire.span(), HandWire.text(3, "s")), HandWire.text(3, "r"))
    let second = try Self.scopes(other, interner)[0]
    #expect(first === second)
    #expect(first.resource === second.resource)
  }

  @Test func `other bytes are another object, and so is the same scope of another resource`() throws {
    let interner = ScopeInterner()
    let first = try Self.scopes(Self.request(), interner)[0]
    let otherScope = try Self.scopes(Self.request(scope: "t"), interner)[0]
    let otherResource = try Self.scopes(Self.request(resource: "q"), interner)[0]
    #expect(first !== otherScope && first.resource === otherScope.resource)
    #expect(first !== otherResource && first.resource !== otherResource.resource)
    #expect(first.header == otherResource.header)
  }

  @Test func `two interners share nothing`() throws {
    let first = try Self.scopes(Self.request(), ScopeInterner())[0]
    let second = try Self.scopes(Self.request(), ScopeInterner())[0]
    #expect(first !== second)
  }

  @Test func `what nobody holds is gone`() throws {
    let interner = ScopeInterner()
    weak var scope: Scope?
    weak var resource: Resource?
    do {
      let held = try Self.scopes(Self.request(), interner)
      scope = held[0]
      resource = held[0].resource
      #expect(scope != nil && resource != nil)
    }
    #expect(scope == nil && resource == nil)
  }

  @Test func `places of what is gone are swept, and what is held stays the same`() throws {
    let interner = ScopeInterner()
    let held = try (0..<100).map { try Self.scopes(Self.request(scope: "held \($0)"), interner)[0] }
    // The same scope each time: new resources alone must lead to a sweep, though each may lie where the last one lay.
    for number in 0..<5000 {
      _ = try Self.scopes(Self.request(resource: "gone \(number)", scope: "s"), interner)
      #expect(interner.placeCount <= 512)
    }
    for (number, scope) in held.enumerated() {
      #expect(try Self.scopes(Self.request(scope: "held \(number)"), interner)[0] === scope)
    }
  }

  @Test func `threads that intern the same bytes at once get the same objects`() {
    let interner = ScopeInterner()
    let requests = (0..<200).map { Self.request(resource: "r\($0 % 5)", scope: "s\($0)") }
    let found = Collected<[Scope]>()
    let threads = (0..<4).map { _ in
      BackgroundThread(name: "interning") {
        found.append(requests.compactMap { try? Self.scopes($0, interner)[0] })
      }
    }
    for thread in threads { thread.join() }
    let all = found.wait(count: 4)
    #expect(all.allSatisfy { $0.count == requests.count })
    for scopes in all.dropFirst() { #expect(zip(scopes, all[0]).allSatisfy { $0 === $1 }) }
    #expect(Set(all[0].map { ObjectIdentifier($0.resource) }).count == 5)
  }

  @Test func `threads may intern, drop and sweep at once`() {
    let interner = ScopeInterner()
    let wrong = Collected<String>()
    let threads = (0..<4).map { thread in
      BackgroundThread(name: "interning") {
        for round in 0..<2000 {
          let name = "s\((round &* 7 &+ thread) % 600)"
          guard let scope = try? Self.scopes(Self.request(resource: "r\(round % 3)", scope: name), interner)[0],
            scope.header == HandWire.text(3, name), scope.resource.header == HandWire.text(3, "r\(round % 3)")
          else {
            wrong.append(name)
            continue
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(wrong.all.isEmpty)
  }
}
