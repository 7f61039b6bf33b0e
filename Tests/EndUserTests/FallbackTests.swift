import EndUser
import Testing
import TestSupport

/// Roots that name nobody.
@Suite struct FallbackTests {
  @Test func `neatlogs' keys on a child have no effect`() {
    let harness = Harness()
    harness.send(
      SpanStub(2, parent: 1, ["neatlogs.end_user.id": "x", "neatlogs.session.id": "s"]), SpanStub(1),
      SpanStub(3, parent: 1))
    harness.pass(.seconds(3))
    #expect(harness.span(1).attributes.isEmpty)
    #expect(harness.span(3).attributes.isEmpty)
    #expect(harness.span(2).attributes.count == 2)
  }

  @Test func `the topmost span that has an id speaks, for the root as well`() {
    let harness = Harness()
    harness.send(
      SpanStub(4, parent: 3, start: 1, ["enduser.id": "deep"]),
      SpanStub(3, parent: 1, start: 50, ["user.id": "upper", "session.id": "s"]),
      SpanStub(5, parent: 1, start: 60, ["user.id": "upper but later"]))
    harness.send(SpanStub(1, ["http.route": "/chat"]))
    #expect(harness.ids == [1, 3, 4, 5])
    for id in [1, 3, 4, 5] as [UInt64] {
      #expect(harness.span(id)["user.id"] == "upper")
      #expect(harness.span(id)["session.id"] == "s")
      #expect(harness.span(id)["enduser.id"] == nil)
    }
    #expect(harness.metric("heirloom_traces_resolved", ("source", "topmost")) == 1)
  }

  @Test func `the root's own session goes before the topmost span's`() {
    let harness = Harness()
    harness.send(
      SpanStub(1, ["session.id": "root's"]), SpanStub(2, parent: 1, ["user.id": "u", "session.id": "child's"]))
    #expect(harness.span(2)["session.id"] == "root's")
    #expect(harness.span(1)["user.id"] == "u")
  }

  @Test func `an anonymous root waits for a candidate`() {
    let harness = Harness()
    harness.send(SpanStub(1), SpanStub(2, parent: 1))
    harness.pass(.seconds(1))
    #expect(harness.spans.isEmpty)
    harness.send(SpanStub(3, parent: 1, ["enduser.id": "u"]))
    #expect(harness.ids == [1, 2, 3])
    #expect(harness.spans.allSatisfy { $0["enduser.id"] == "u" })
  }

  @Test func `an anonymous trace leaves as it is after its wait`() {
    let harness = Harness { $0.fallbackWait = .seconds(7) }
    harness.send(SpanStub(1), SpanStub(2, parent: 1))
    harness.pass(.seconds(6))
    #expect(harness.spans.isEmpty)
    harness.pass(.seconds(1))
    #expect(harness.ids == [1, 2])
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "anonymous_root")) == 1)
  }

  @Test func `a span that names the user after that wait speaks from then on`() {
    let harness = Harness()
    harness.send(SpanStub(1), SpanStub(2, parent: 1))
    harness.pass(.seconds(3))
    harness.send(SpanStub(3, parent: 1), SpanStub(4, parent: 3, ["enduser.id": "u"]))
    harness.send(SpanStub(5, parent: 1))
    #expect(harness.span(2)["enduser.id"] == nil)
    for id in [3, 4, 5] as [UInt64] { #expect(harness.span(id)["enduser.id"] == "u") }
    #expect(harness.metric("heirloom_late_identities") == 1)
  }

  @Test func `without the fallback nobody but roots speaks`() {
    let harness = Harness { $0.fallback = .none }
    harness.send(SpanStub(2, parent: 1, ["enduser.id": "u"]))
    harness.send(SpanStub(1))
    #expect(harness.ids == [1, 2])
    #expect(harness.span(1)["enduser.id"] == nil)
  }

  @Test(arguments: ["neatlogs.end_user.id", "enduser.id", "posthog.distinct_id"])
  func `the root's resource speaks last`(key: String) {
    let harness = Harness()
    var root = SpanStub(1)
    root.resource = [StubAttribute("service.name", "worker"), StubAttribute(key, "process user")]
    harness.send(root, SpanStub(2, parent: 1))
    #expect(harness.spans.isEmpty)
    harness.pass(.seconds(3))
    for id in [1, 2] as [UInt64] { #expect(harness.span(id).attributes == [StubAttribute(key, "process user")]) }
    #expect(harness.metric("heirloom_traces_resolved", ("source", "resource")) == 1)
  }

  @Test func `a child's resource says nothing`() {
    let harness = Harness()
    harness.send(SpanStub(1), SpanStub(2, parent: 1, resource: ["enduser.id": "x"]))
    harness.pass(.seconds(3))
    #expect(harness.span(1).attributes.isEmpty)
  }

  @Test func `a candidate goes before the resource`() {
    let harness = Harness()
    harness.send(SpanStub(1, resource: ["enduser.id": "process"]), SpanStub(2, parent: 1, ["enduser.id": "person"]))
    #expect(harness.span(1)["enduser.id"] == "person")
  }

  @Test func `the whole request is known before any of its traces resolves`() {
    let harness = Harness()
    harness.send(
      SpanStub(1), SpanStub(2, parent: 1, start: 2_000, ["user.id": "b"]), SpanStub(3, parent: 1, ["user.id": "a"]))
    #expect(harness.span(1)["user.id"] == "a")
  }

  @Test func `parents that form a circle do no harm`() {
    let harness = Harness()
    harness.send(
      SpanStub(2, parent: 3, ["user.id": "x"]), SpanStub(3, parent: 2, ["user.id": "y"]), SpanStub(1),
      SpanStub(4, parent: 1, ["user.id": "top"]))
    #expect(harness.span(1)["user.id"] == "top")
  }
}
