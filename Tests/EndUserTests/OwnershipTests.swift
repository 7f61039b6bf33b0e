import Testing
import TestSupport

/// The root owns the identity, and the operator is not the end user.
@Suite struct OwnershipTests {
  @Test(arguments: [
    "neatlogs.end_user.id", "langfuse.user.id", "langwatch.user.id", "enduser.id",
    "traceloop.association.properties.user_id", "langsmith.metadata.user_id", "ai.telemetry.metadata.userId",
    "enduser.pseudo.id", "neatlogs.end_user.metadata",
  ])
  func `what a child set under a key that can only mean the end user goes`(key: String) {
    let harness = Harness()
    var child = SpanStub(2, parent: 1, ["before": "b"])
    child.attributes += [StubAttribute(key, "child's own"), StubAttribute("after", "a")]
    harness.send(child)
    harness.send(SpanStub(1, ["enduser.id": "u"]))
    #expect(
      harness.span(2).attributes == [
        StubAttribute("before", "b"), StubAttribute("after", "a"), StubAttribute("enduser.id", "u"),
      ])
    #expect(harness.metric("heirloom_child_identities_replaced") == 1)
  }

  @Test(arguments: ["user.id", "gen_ai.user", "session.id"])
  func `what may mean something else stays`(key: String) {
    let harness = Harness()
    var child = SpanStub(2, parent: 1)
    child.attributes = [StubAttribute(key, "child's own")]
    harness.send(SpanStub(1, ["enduser.id": "u", "neatlogs.session.id": "s"]), child)
    #expect(harness.span(2)[key] == "child's own")
    #expect(harness.span(2)["enduser.id"] == "u")
    #expect(harness.span(2)["neatlogs.session.id"] == "s")
  }

  @Test(arguments: ["user.id", "gen_ai.user", "session.id"])
  func `the very key that is handed down is overwritten`(key: String) {
    let harness = Harness()
    var root = SpanStub(1)
    root.attributes = [StubAttribute(key, "root's")]
    var child = SpanStub(2, parent: 1)
    child.attributes = [StubAttribute(key, "child's"), StubAttribute(key, "again")]
    harness.send(child)
    harness.send(root)
    harness.pass(.seconds(3))
    #expect(harness.span(2).attributes == [StubAttribute(key, "root's")])
  }

  @Test func `metadata of a child goes even when the root has none`() {
    let harness = Harness()
    harness.send(
      SpanStub(1, ["neatlogs.end_user.id": "u"]), SpanStub(2, parent: 1, ["neatlogs.end_user.metadata": "{}"]))
    #expect(harness.span(2).attributes == [StubAttribute("neatlogs.end_user.id", "u")])
  }

  @Test func `the operator on the resource and in neatlogs' own key is neither used nor changed`() {
    let harness = Harness()
    let operators: KeyValuePairs<String, StubValue> = ["user.id": "operator"]
    harness.send(
      SpanStub(1, ["neatlogs.user.id": "operator"], resource: operators),
      SpanStub(2, parent: 1, ["neatlogs.user.id": "operator"], resource: operators))
    harness.pass(.seconds(3))
    #expect(harness.span(2).attributes == [StubAttribute("neatlogs.user.id", "operator")])
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "anonymous_root")) == 1)
  }

  @Test func `user id on neatlogs' spans is not the end user`() {
    let harness = Harness()
    harness.send(
      SpanStub(trace: 1, 1, ["user.id": "op", "neatlogs.span.kind": "workflow"]),
      SpanStub(trace: 2, 1, ["user.id": "op"], scope: "neatlogs.tracer"),
      SpanStub(trace: 3, 1, ["user.id": "person"]), SpanStub(trace: 1, 2, parent: 1), SpanStub(trace: 2, 2, parent: 1),
      SpanStub(trace: 3, 2, parent: 1))
    harness.pass(.seconds(3))
    #expect(harness.span(2, trace: 1)["user.id"] == nil)
    #expect(harness.span(2, trace: 2)["user.id"] == nil)
    #expect(harness.span(2, trace: 3)["user.id"] == "person")
  }

  @Test func `the first root that brings an identity speaks, a different one is counted`() {
    let harness = Harness()
    harness.send(SpanStub(1, ["enduser.id": "first"]), SpanStub(2, ["enduser.id": "second"]))
    harness.send(SpanStub(3, ["enduser.id": "third"]), SpanStub(4, ["enduser.id": "first"]), SpanStub(5, parent: 3))
    for id in [2, 3, 4, 5] as [UInt64] { #expect(harness.span(id)["enduser.id"] == "first") }
    #expect(harness.metric("heirloom_conflicting_roots") == 2)
  }

  @Test func `no span leaves with one key twice`() {
    let harness = Harness()
    harness.send(
      SpanStub(1, ["enduser.id": "u"]),
      SpanStub(2, parent: 1, ["enduser.id": "u", "k": "v", "enduser.id": "u"]),
      SpanStub(3, parent: 1, ["enduser.id": "x", "k": "v", "enduser.id": "u"]))
    for id in [2, 3] as [UInt64] {
      #expect(harness.span(id).count("enduser.id") == 1)
      #expect(harness.span(id)["enduser.id"] == "u")
    }
  }
}
