import EndUser
import OTLP
import TestSupport
import Testing

/// End users that stand in the headers of requests.
struct HeaderIdentityTests {
  private func harness(_ configure: (inout EndUserConfiguration) -> Void = { _ in }) -> Harness {
    Harness {
      $0.fromHeaders.endUser = "x-end-user-id"
      $0.fromHeaders.session = "x-session-id"
      configure(&$0)
    }
  }

  private func origin(_ user: String?, session: String? = nil) -> RequestOrigin {
    RequestOrigin(
      tenant: nil,
      headers: (user.map { [(name: "x-end-user-id", value: $0)] } ?? [])
        + (session.map { [(name: "x-session-id", value: $0)] } ?? []))
  }

  @Test func `they speak where the trace's root names nobody`() {
    let harness = harness()
    harness.send(SpanStub(2, parent: 1))
    harness.send(SpanStub(1), from: origin("ada", session: "s"))
    harness.pass(.seconds(3))
    #expect(harness.ids == [1, 2])
    for id in [1, 2] as [UInt64] {
      #expect(harness.span(id)["enduser.id"] == "ada")
      #expect(harness.span(id)["session.id"] == "s")
    }
    #expect(harness.metric("heirloom_traces_resolved", ("source", "header")) == 1)
    harness.send(SpanStub(3, parent: 1))
    #expect(harness.span(3)["enduser.id"] == "ada")
  }

  @Test func `what spans say goes before them`() {
    let harness = harness()
    harness.send(SpanStub(1, ["user.id": "root's"]), SpanStub(2, parent: 1), from: origin("header's", session: "h"))
    #expect(harness.span(2)["user.id"] == "root's")
    #expect(harness.span(2)["enduser.id"] == nil)
    #expect(harness.span(2)["session.id"] == nil)
    harness.send(
      SpanStub(trace: 2, 1, ["session.id": "root's"]), SpanStub(trace: 2, 2, parent: 1, ["user.id": "child's"]),
      from: origin("header's"))
    #expect(harness.span(1, trace: 2)["user.id"] == "child's")
    harness.send(SpanStub(trace: 3, 1, ["session.id": "root's"]), from: origin("header's", session: "h"))
    harness.pass(.seconds(3))
    #expect(harness.span(1, trace: 3)["enduser.id"] == "header's")
    #expect(harness.span(1, trace: 3)["session.id"] == "root's")
  }

  @Test func `only those that came with the root count, and only those that are asked for`() {
    let harness = harness()
    harness.send(SpanStub(2, parent: 1), from: origin("child's"))
    harness.send(SpanStub(1))
    harness.send(SpanStub(trace: 2, 2, parent: 1), from: origin("ada"))
    harness.send(SpanStub(trace: 3, 1), from: origin(nil, session: "s"))
    harness.pass(.seconds(400))
    #expect(harness.spans.count == 4)
    #expect(harness.spans.allSatisfy { $0.attributes.isEmpty })
    let deaf = Harness()
    deaf.send(SpanStub(1), from: origin("ada"))
    deaf.pass(.seconds(3))
    #expect(deaf.span(1).attributes.isEmpty)
  }

  @Test func `a root that comes late may bring them`() {
    let harness = harness()
    harness.send(SpanStub(2, parent: 1))
    harness.pass(.seconds(301))
    harness.send(SpanStub(1), from: origin("ada"))
    #expect(harness.span(1)["enduser.id"] == "ada")
    #expect(harness.metric("heirloom_late_identities") == 1)
  }

  @Test func `keys that are not read are not written`() {
    let harness = harness {
      $0.idKeys = ["my.user", "my.other"]
      $0.sessionKeys = []
    }
    harness.send(SpanStub(1), from: origin("ada", session: "s"))
    harness.pass(.seconds(3))
    #expect(harness.span(1)["my.user"] == "ada")
    #expect(harness.span(1).attributes.count == 1)
  }

  @Test func `one that is too long is nobody`() {
    let harness = harness { $0.maxIdentityBytes = 100 }
    harness.send(SpanStub(1), from: origin(String(repeating: "x", count: 100)))
    harness.pass(.seconds(3))
    #expect(harness.span(1).attributes.isEmpty)
  }

  @Test func `a restart keeps them`() {
    func run(_ clock: TestClock, _ disk: FakeDisk) -> DurableHarness {
      DurableHarness(clock: clock, disk: disk, maxWaitingBytes: 1 << 30, settlesAtOnce: true) {
        $0.fromHeaders.endUser = "x-end-user-id"
      }
    }
    let clock = TestClock()
    let first = run(clock, FakeDisk { clock.now })
    first.send(SpanStub(1), SpanStub(2, parent: 1), from: origin("ada"))
    let second = run(clock, first.disk.reopened())
    second.recover()
    #expect(second.spans.isEmpty)
    second.pass(.seconds(3))
    #expect(second.span(2)["enduser.id"] == "ada")
  }
}
