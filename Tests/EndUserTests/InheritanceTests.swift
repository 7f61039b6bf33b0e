import EndUser
import Testing
import TestSupport

@Suite struct InheritanceTests {
  @Test func `children that come before their root get its identity when it comes`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1), SpanStub(3, parent: 2))
    #expect(harness.spans.isEmpty)
    #expect(harness.metric("heirloom_waiting_spans") == 2)
    harness.send(SpanStub(1, ["neatlogs.end_user.id": "u_812", "neatlogs.session.id": "s1"]))
    #expect(harness.ids == [1, 2, 3])
    for id in [2, 3] as [UInt64] {
      #expect(harness.span(id)["neatlogs.end_user.id"] == "u_812")
      #expect(harness.span(id)["neatlogs.session.id"] == "s1")
    }
    #expect(harness.metric("heirloom_waiting_spans") == 0)
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
    #expect(harness.metric("heirloom_waiting_traces") == 0)
    #expect(harness.metric("heirloom_traces_resolved", ("source", "root")) == 1)
  }

  @Test func `the root itself leaves byte for byte as it came`() {
    let harness = Harness()
    let root = SpanStub(1, ["enduser.id": "a", "neatlogs.end_user.id": "b", "user.id": "c", "enduser.id": "a"])
    harness.send(root, SpanStub(2, parent: 1))
    #expect(harness.span(1).bytes == root.bytes)
    #expect(harness.span(2)["neatlogs.end_user.id"] == "b")
    #expect(harness.span(2)["enduser.id"] == nil)
  }

  @Test func `the root first, its children straight through`() {
    let harness = Harness()
    harness.send(SpanStub(1, ["langfuse.user.id": "u"]))
    harness.send(SpanStub(2, parent: 1))
    #expect(harness.span(2)["langfuse.user.id"] == "u")
    #expect(harness.metric("heirloom_late_spans") == 1)
  }

  @Test func `an all-zero parent id is no parent`() {
    let harness = Harness()
    var root = SpanStub(1, ["enduser.id": "u"])
    root.extra = ProtobufWriter.message { $0.bytesField(4, [UInt8](repeating: 0, count: 8)) }
    harness.send(root, SpanStub(2, parent: 1))
    #expect(harness.span(2)["enduser.id"] == "u")
  }

  @Test(arguments: [
    "neatlogs.end_user.id", "langfuse.user.id", "langwatch.user.id", "enduser.id",
    "traceloop.association.properties.user_id", "user.id", "langsmith.metadata.user_id",
    "ai.telemetry.metadata.userId", "gen_ai.user", "enduser.pseudo.id",
  ])
  func `every id key speaks on a root`(key: String) {
    let harness = Harness()
    var root = SpanStub(1)
    root.attributes = [StubAttribute(key, "u")]
    harness.send(SpanStub(2, parent: 1))
    harness.send(root)
    #expect(harness.span(2)[key] == "u")
  }

  @Test func `keys are asked in their order, empty values and other types are passed over`() {
    let harness = Harness()
    harness.send(
      SpanStub(
        1,
        [
          "enduser.pseudo.id": "last", "user.id": "later", "enduser.id": "chosen", "langfuse.user.id": "",
          "langwatch.user.id": true, "session.id": "s", "langfuse.session.id": .empty,
        ]), SpanStub(2, parent: 1))
    let child = harness.span(2)
    #expect(child.attributes == [StubAttribute("enduser.id", "chosen"), StubAttribute("session.id", "s")])
  }

  @Test func `an int stays an int`() {
    let harness = Harness()
    harness.send(SpanStub(1, ["enduser.id": 12345]), SpanStub(2, parent: 1))
    #expect(harness.span(2)["enduser.id"] == 12345)
  }

  @Test func `the configuration's keys and their order count`() {
    let harness = Harness {
      $0.idKeys = ["app.customer", "enduser.id"]
      $0.sessionKeys = ["app.chat"]
      $0.metadataKeys = ["app.customer.info"]
    }
    harness.send(
      SpanStub(
        1, ["enduser.id": "x", "app.customer": "y", "app.chat": "c", "app.customer.info": "{}", "session.id": "no"]),
      SpanStub(2, parent: 1, ["enduser.id": "child"]))
    #expect(
      Set(harness.span(2).attributes) == [
        StubAttribute("app.customer", "y"), StubAttribute("app.chat", "c"), StubAttribute("app.customer.info", "{}"),
      ])
  }

  @Test func `inherit hands down named attributes and prefixes, of any type`() {
    let harness = Harness { $0.inherit = ["tag.tags", "langfuse.trace.metadata.*"] }
    harness.send(
      SpanStub(
        1,
        [
          "enduser.id": "u", "tag.tags": .array(["a", "b"]), "langfuse.trace.metadata.plan": "pro",
          "langfuse.trace.metadata.seats": 4, "other": "stays",
        ]),
      SpanStub(
        2, parent: 1,
        ["langfuse.trace.metadata.plan": "free", "langfuse.trace.metadata.own": "mine", "tag.tags": "old"]))
    let child = harness.span(2)
    #expect(child["tag.tags"] == .array(["a", "b"]))
    #expect(child["langfuse.trace.metadata.plan"] == "pro")
    #expect(child["langfuse.trace.metadata.seats"] == 4)
    #expect(child["langfuse.trace.metadata.own"] == "mine")
    #expect(child["other"] == nil)
    #expect(child.attributes.count == 5)
  }

  @Test func `a session is handed down without an end user, and inherited attributes too`() {
    let harness = Harness {
      $0.inherit = ["workflow"]
      $0.fallback = .none
    }
    harness.send(SpanStub(1, ["session.id": "s", "workflow": "w"]), SpanStub(2, parent: 1, ["enduser.id": "own"]))
    #expect(harness.span(2)["session.id"] == "s")
    #expect(harness.span(2)["workflow"] == "w")
    #expect(harness.span(2)["enduser.id"] == "own")
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "anonymous_root")) == 1)
  }

  @Test func `resource, scope and every other field stay as they came`() {
    let harness = Harness()
    var child = SpanStub(2, parent: 1, ["a": "b", "enduser.id": "mine", "c": .kvlist(["d": 1])], scope: "lib")
    child.extra = ProtobufWriter.message {
      $0.messageField(11) { $0.stringField(2, "event") }
      $0.stringField(3000, "unknown")
      $0.varintField(10, 3)
    }
    harness.send(child)
    harness.send(SpanStub(1, ["enduser.id": "u"]))
    let out = harness.span(2)
    var expected = child
    expected.attributes = [StubAttribute("a", "b"), StubAttribute("c", .kvlist(["d": 1]))]
    let suffix = ProtobufWriter.message { $0.messageField(9) { StubAttribute("enduser.id", "u").write(to: &$0) } }
    #expect(out.bytes == expected.bytes + suffix)
    #expect(out.scope == ProtobufWriter.message { $0.messageField(1) { $0.stringField(1, "lib") } })
    #expect(
      out.resource
        == ProtobufWriter.message {
          $0.messageField(1) { $0.messageField(1) { StubAttribute("service.name", "shop").write(to: &$0) } }
        })
  }

  @Test func `a trace without identity leaves byte for byte as it came`() {
    let harness = Harness()
    let spans = [SpanStub(1), SpanStub(2, parent: 1, ["neatlogs.end_user.id": "no effect", "k": "v"])]
    harness.send(spans)
    harness.pass(.seconds(3))
    #expect(harness.spans.map(\.bytes) == spans.map(\.bytes))
  }

  @Test func `what a span has already stays where it is`() {
    let harness = Harness()
    let child = SpanStub(2, parent: 1, ["enduser.id": "u", "k": "v"])
    harness.send(SpanStub(1, ["enduser.id": "u"]), child)
    #expect(harness.span(2).bytes == child.bytes)
    #expect(harness.metric("heirloom_child_identities_replaced") == 0)
  }

  @Test func `the completion marker passes and gets the identity`() {
    let harness = Harness()
    harness.send(SpanStub(1, ["neatlogs.end_user.id": "u"]))
    harness.send(SpanStub(2, parent: 1, name: "neatlogs.trace.complete", scope: "neatlogs.internal"))
    #expect(harness.span(2)["neatlogs.end_user.id"] == "u")
    #expect(harness.metric("heirloom_observations") == 1, "it is no observation")
  }

  @Test func `interleaved traces keep their own users`() {
    let harness = Harness()
    harness.send((1...50).map { SpanStub(trace: $0, 2, parent: 1) })
    harness.send((1...50).reversed().map { SpanStub(trace: $0, 1, ["enduser.id": .string("u\($0)")]) })
    for trace in 1...50 as ClosedRange<UInt64> {
      #expect(harness.span(2, trace: trace)["enduser.id"] == .string("u\(trace)"))
    }
  }

  @Test func `the same span twice leaves once`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1), SpanStub(2, parent: 1))
    harness.send(SpanStub(2, parent: 1))
    harness.send(SpanStub(1, ["enduser.id": "u"]))
    harness.send(SpanStub(1, ["enduser.id": "u"]), SpanStub(2, parent: 1))
    #expect(harness.ids == [1, 2])
    #expect(harness.metric("heirloom_duplicate_spans") == 4)
  }

  @Test func `a trace of many spans knows them all`() {
    let harness = Harness()
    let spans = (2...3000).map { SpanStub(UInt64($0), parent: 1) }
    harness.send(spans)
    harness.send(spans)
    harness.send(SpanStub(1, ["enduser.id": "u"]))
    harness.processor.stop()
    #expect(harness.ids == Array(1...3000))
    #expect(harness.spans.allSatisfy { $0["enduser.id"] == "u" })
  }
}
