import EndUser
import Facts
import TestSupport
import Testing

/// Metadata in every encoding, and tags.
@Suite struct MetadataTests {
  @Test func `an object's text stays as it came, but for the space around it`() throws {
    let text = " {\"plan\" :  \"pro\", \"n\": [1, 2.50]}\n"
    let facts = try extracted(["metadata": .string(text)])
    #expect(facts.text(\.metadata) == #"{"plan" :  "pro", "n": [1, 2.50]}"#)
    #expect(try extracted(["metadata": .string(text)], parent: 3).metadata == facts.metadata)
  }

  @Test(arguments: ["plain", "[1]", "12", "\"text\"", "{", "{\"a\":}", "null", ""])
  func `what is no object is no metadata`(text: String) throws {
    #expect(try extracted(["metadata": .string(text)]).metadata.isEmpty)
    // And leaves room for the next.
    #expect(
      try extracted(["neatlogs.end_user.metadata": .string(text), "metadata": "{\"a\":1}"]).metadataText == "{\"a\":1}")
    #expect(
      try extracted(["metadata": .string(text), "langsmith.metadata.a": 1]).metadataText == "{\"a\":1}")
  }

  @Test func `a list of keys and values becomes an object`() throws {
    let facts = try extracted([
      "metadata": .kvlist([
        "plan": "pro", "n": 3, "d": .double(0.5), "b": .bool(false), "list": .array(["x", 1, .kvlist([:])]),
        "deep": .kvlist(["a": .kvlist(["b": "c"])]), "bytes": .bytes([1]), "none": .empty, "nan": .double(.nan),
      ])
    ])
    #expect(
      facts.metadataText
        == #"{"b":false,"bytes":null,"d":0.5,"deep":{"a":{"b":"c"}},"list":["x",1,{}],"n":3,"nan":null,"none":null,"plan":"pro"}"#
    )
  }

  @Test func `what is said of the end user goes before what is said of the span`() throws {
    let facts = try extracted([
      "metadata": #"{"request": 1}"#, "neatlogs.end_user.metadata": #"{"plan": "pro"}"#,
      "langfuse.trace.metadata.other": "1",
    ])
    #expect(facts.metadataText == #"{"plan":"pro"}"#)
  }

  @Test func `an object and attributes for one key make one object`() throws {
    let facts = try extracted([
      "langsmith.metadata.plan": "free", "metadata": #"{"plan": "pro", "a": "\u00e4"}"#,
      "traceloop.association.properties.seats": 4, "langwatch.metadata.seats": 5,
    ])
    #expect(facts.metadataText == #"{"a":"ä","plan":"pro","seats":4}"#)
    #expect(
      try extracted(["metadata": .kvlist(["plan": "pro"]), "langsmith.metadata.plan": "free"]).metadataText
        == #"{"plan":"pro"}"#)
  }

  @Test func `a key with quotes and anything else is a key`() throws {
    let facts = try extracted([#"langsmith.metadata.a"b\ü"#: "x\n\u{1}", "langsmith.metadata.": "empty"])
    #expect(facts.metadataText == #"{"":"empty","a\"b\\ü":"x\n\u0001"}"#)
  }

  @Test func `an object that is too long is left out`() throws {
    var configuration = EndUserConfiguration()
    configuration.maxIdentityBytes = 60
    let long = String(repeating: "x", count: 60)
    #expect(try extracted(["metadata": .string("{\"a\":\"\(long)\"}")], configuration).metadata.isEmpty)
    #expect(try extracted(["langsmith.metadata.a": .string(long)], configuration).metadata.isEmpty)
    #expect(!(try extracted(["langsmith.metadata.a": "x"], configuration).metadata.isEmpty))
  }

  /// One extractor for all of them: nothing of one span may be left for the next.
  @Test func `spans don't get what others said`() throws {
    let spans = [
      SpanStub(1, ["metadata": #"{"a": 1}"#, "tag.tags": .array(["a"])]),
      SpanStub(2, ["http.method": "GET"]),
      SpanStub(3, ["langsmith.metadata.b": 2, "enduser.id": 5]),
      SpanStub(4, ["metadata": "{"]),
      SpanStub(5, ["metadata": #"{"a": 1}"#, "tag.tags": .array(["a"])]),
      SpanStub(6, ["tag.tags": .array([])]),
      SpanStub(7, ["tag.tags": .array(["a"]), "langfuse.tags": "b"]),
      SpanStub(8, ["tag.tags": .array(["a"])]),
    ]
    let facts = try extracted(SpanStub.request(spans))
    #expect(facts.map(\.metadataText) == [#"{"a":1}"#, nil, #"{"b":2}"#, nil, #"{"a":1}"#, nil, nil, nil])
    #expect(facts.map(\.tagList) == [["a"], [], [], [], ["a"], [], ["b", "a"], ["a"]])
    #expect(facts.map { $0.text(\.endUser) } == ["", "", "5", "", "", "", "", ""])
  }

  @Test func `tags come as lists, as JSON and as text`() throws {
    #expect(try extracted(["neatlogs.tags": "beta, eu ,,beta"]).tagList == ["beta", "eu"])
    #expect(try extracted(["langfuse.tags": #"["a, b", "c", 1]"#]).tagList == ["a, b", "c"])
    #expect(try extracted(["langfuse.tags": "[not json"]).tagList == ["[not json"])
    #expect(try extracted(["tag.tags": .array(["x", 7, .bool(true), "", "ü\""])]).tagList == ["x", "7", "ü\""])
    #expect(try extracted(["tag.tags": 5]).tagList == [])
    #expect(try extracted(["tag.tags": .array([])]).tags.isEmpty)
  }

  @Test func `tags of several keys add up in the keys' order`() throws {
    let facts = try extracted([
      "neatlogs.tags": "n,shared", "tag.tags": .array(["t", "shared"]), "langfuse.trace.tags": .array(["l"]),
    ])
    #expect(facts.tagList == ["l", "t", "shared", "n"])
  }

  @Test func `tags have a limit in number and length`() throws {
    let many = StubValue.array((0..<100).map { .string("t\($0)") })
    #expect(try extracted(["tag.tags": many]).tagList == (0..<64).map { "t\($0)" })
    let long = String(repeating: "x", count: 199) + "äb"
    #expect(try extracted(["tag.tags": .array([.string(long)])]).tagList == [String(repeating: "x", count: 199)])
  }

  @Test func `long text is cut between characters`() throws {
    let span = SpanStub(1, name: String(repeating: "x", count: 999) + "äb")
    let facts = try #require(extracted(SpanStub.request([span])).first)
    #expect(facts.text(\.name) == String(repeating: "x", count: 999))
  }
}
