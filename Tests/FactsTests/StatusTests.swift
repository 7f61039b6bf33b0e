import Facts
import TestSupport
import Testing

/// Name, time and status come from the span's own fields.
@Suite struct StatusTests {
  private func facts(_ extra: (inout ProtobufWriter) -> Void) throws -> OwnedFacts {
    var span = SpanStub(1, name: "work", start: 2_000)
    span.extra = ProtobufWriter.message(extra)
    return try #require(extracted(SpanStub.request([span])).first)
  }

  @Test func `an error is a status of two, with its message`() throws {
    let failed = try facts {
      $0.messageField(15) {
        $0.varintField(3, 2)
        $0.stringField(2, "ValueError: boom")
      }
    }
    #expect(failed.flags.contains(.isError))
    #expect(failed.text(\.statusMessage) == "ValueError: boom")
    #expect(failed.text(\.name) == "work")
    #expect(!(try facts { _ in }).flags.contains(.isError))
  }

  @Test func `a span without a start has none before its end`() throws {
    var span = SpanStub(1, start: 0)
    let ended = try #require(extracted(SpanStub.request([span])).first)
    #expect(ended.start == 500 && ended.end == 500)
    span.extra = ProtobufWriter.message { $0.fixed64Field(8, 0) }
    let timeless = try #require(extracted(SpanStub.request([span])).first)
    #expect(timeless.start == 0 && timeless.end == 0)
  }

  @Test func `the span's own message goes before Langfuse's`() throws {
    var span = SpanStub(1, ["langfuse.observation.status_message": "other"])
    #expect(try extracted(SpanStub.request([span])).first?.text(\.statusMessage) == "other")
    span.extra = ProtobufWriter.message { $0.messageField(15) { $0.stringField(2, "own") } }
    #expect(try extracted(SpanStub.request([span])).first?.text(\.statusMessage) == "own")
  }

  @Test func `an end before the start is the start`() throws {
    #expect(try facts { $0.fixed64Field(8, 9_000) }.end == 9_000)
    #expect(try facts { $0.fixed64Field(8, 1_000) }.end == 2_000)
    #expect(try facts { $0.fixed64Field(8, 0) }.end == 2_000)
  }
}
