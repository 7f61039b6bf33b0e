import Configuration
import Testing

private enum Format: String, CaseIterable { case json, proto }

@Suite struct SectionTests {
  @Test func `reads values of every type`() throws {
    let loaded = Loaded(
      """
      text: abc
      number: 8
      ratio: 0.5
      flag: yes
      wait: 1m30s
      list: [a, "8"]
      commas: a,b
      map: {X-Scope: one, b: , c: "2"}
      format: JSON
      section: {inner: 1}
      items: [{n: 1}, {n: 2}, ]
      """)
    let section = loaded.section
    #expect(section.string("text") == "abc")
    #expect(section.int("number", in: 1...10) == 8)
    #expect(section.double("ratio") == 0.5)
    #expect(section.double("number") == 8)
    #expect(section.bool("flag") == true)
    #expect(section.duration("wait") == .seconds(90))
    #expect(section.strings("list") == ["a", "8"])
    #expect(section.locatedStrings("list")?.map(\.position.column) == [8, 11])
    #expect(section.strings("commas") == ["a", "b"])
    #expect(section.stringMap("map")?.map(\.key) == ["X-Scope", "b", "c"])
    #expect(section.stringMap("map")?.map(\.value) == ["one", "", "2"])
    #expect(section.choice("format", of: Format.self) == .json)
    #expect(section.section("section")?.int("inner") == 1)
    #expect(section.sections("items")?.map { $0.int("n") } == [1, 2])
    section.finish()
    #expect(loaded.messages == [])
  }

  @Test func `gives the default for what is absent or has no value`() {
    let section = Loaded("null_text:\nnull_number: ~").section
    for key in ["absent", "null_text", "null_number"] {
      #expect(section.string(key) == nil)
      #expect(section.string(key, default: "d") == "d")
      #expect(section.int(key, default: 7) == 7)
      #expect(section.double(key, default: 0.5) == 0.5)
      #expect(section.bool(key, default: true))
      #expect(section.duration(key, default: .seconds(3)) == .seconds(3))
      #expect(section.strings(key, default: ["d"]) == ["d"])
      #expect(section.stringMap(key) == nil)
      #expect(section.sections(key) == nil)
      #expect(section.choice(key, of: Format.self, default: .proto) == .proto)
    }
    section.finish()
    #expect(section.diagnostics.all.isEmpty)
  }

  @Test func `tells an absent section from an empty one`() throws {
    let loaded = Loaded("protocols:\n  http:\n  grpc: {}\n")
    let protocols = try #require(loaded.section.section("protocols"))
    #expect(protocols.section("thrift") == nil)
    #expect(protocols.section("http")?.string("endpoint", default: "d") == "d")
    #expect(protocols.section("grpc")?.entries.isEmpty == true)
    #expect(protocols.has("http") && protocols.isNull("http"))
    #expect(protocols.has("grpc") && !protocols.isNull("grpc"))
    #expect(!protocols.has("thrift") && !protocols.isNull("thrift"))
    #expect(loaded.messages == [])
  }

  @Test func `gives the components in their order`() throws {
    let receivers = try #require(Loaded("receivers:\n  otlp/b:\n  otlp/a: {x: 1}\n").section.section("receivers"))
    #expect(receivers.entries.map(\.key) == ["otlp/b", "otlp/a"])
    #expect(receivers.entries.map(\.keyPosition.line) == [2, 3])
    #expect(receivers.entries.map { receivers.section($0.key)?.path } == ["receivers.otlp/b", "receivers.otlp/a"])
    receivers.finish()
    #expect(receivers.diagnostics.all.map(\.message) == ["unknown key \"x\" in receivers.otlp/a"])
  }

  @Test(arguments: [
    ("int", "abc", "expected a whole number, found the text \"abc\""),
    ("int", "'8'", "expected a whole number, found the text \"8\""),
    ("int", "8.5", "expected a whole number, found the number 8.5"),
    ("int", "-1", "expected a whole number of at least 0, found the whole number -1"),
    ("int", "[1]", "expected a whole number, found a list"),
    ("small", "11", "expected a whole number from 1 to 10, found the whole number 11"),
    ("double", "x", "expected a number, found the text \"x\""),
    ("double", ".nan", "expected a number, found the number .nan"),
    ("double", "-0.5", "expected a number of at least 0.0, found the number -0.5"),
    ("bool", "1", "expected true or false, found the whole number 1"),
    ("bool", "'true'", "expected true or false, found the text \"true\""),
    ("string", "8", "expected text, found the whole number 8 (put it in quotes)"),
    ("string", "true", "expected text, found true (put it in quotes)"),
    ("string", "{a: 1}", "expected text, found a mapping"),
    ("duration", "5", "expected a duration, found the whole number 5 (write its unit, as in 5s)"),
    ("duration", "5x", "expected a duration such as 200ms, 5s or 1m30s, found the text \"5x\""),
    ("duration", "-5s", "expected a duration of at least 0.0 seconds, found the text \"-5s\""),
    ("strings", "{a: 1}", "expected a list of texts, found a mapping"),
    ("strings", "8", "expected a list of texts, found the whole number 8"),
    ("map", "[a]", "expected a mapping of texts, found a list"),
    ("choice", "xml", "expected one of json, proto, found the text \"xml\""),
    ("choice", "8", "expected one of json, proto, found the whole number 8"),
    ("section", "5", "expected a mapping, found the whole number 5"),
    ("section", "[a]", "expected a mapping, found a list"),
    ("sections", "{a: 1}", "expected a list of mappings, found a mapping"),
  ])
  func `reports a wrong type with its way and place, and reads on with the default`(
    type: String, text: String, message: String
  ) throws {
    let loaded = Loaded("a:\n  k: \(text)")
    let section = try #require(loaded.section.section("a"))
    switch type {
    case "int": #expect(section.int("k", default: 7) == 7)
    case "small": #expect(section.int("k", default: 7, in: 1...10) == 7)
    case "double": #expect(section.double("k", default: 0.5) == 0.5)
    case "bool": #expect(section.bool("k", default: true))
    case "string": #expect(section.string("k", default: "d") == "d")
    case "duration": #expect(section.duration("k", default: .seconds(1)) == .seconds(1))
    case "strings": #expect(section.strings("k", default: ["d"]) == ["d"])
    case "map": #expect(section.stringMap("k") == nil)
    case "choice": #expect(section.choice("k", of: Format.self, default: .proto) == .proto)
    case "section": #expect(section.section("k")?.int("x", default: 7) == 7)
    default: #expect(section.sections("k") == nil)
    }
    #expect(loaded.messages == ["config.yaml:2:6: error: a.k: \(message)"])
  }

  @Test func `names the element that is wrong`() {
    let loaded = Loaded("l: [a, 1, c]\nm: {a: x, b: 2}\ns: [{}, 5]")
    let section = loaded.section
    #expect(section.strings("l") == ["a", "c"])
    #expect(section.stringMap("m")?.map(\.key) == ["a"])
    #expect(section.sections("s")?.count == 2)
    #expect(
      loaded.messages == [
        "config.yaml:1:8: error: l[1]: expected text, found the whole number 1 (put it in quotes)",
        "config.yaml:2:14: error: m.b: expected text, found the whole number 2 (put it in quotes)",
        "config.yaml:3:9: error: s[1]: expected a mapping, found the whole number 5",
      ])
  }

  @Test func `finds every problem in one pass`() throws {
    let loaded = Loaded(
      """
      exporters:
        otlp_http:
          endpiont: http://localhost
          timeout: 5
          zzz: 1
          sending_queue: {queue_siez: 1, ok: 1}
      recievers: {}
      """)
    let root = loaded.section
    let exporter = try #require(root.section("exporters")?.section("otlp_http"))
    _ = (root.section("receivers"), exporter.string("endpoint"), exporter.duration("timeout"))
    let queue = try #require(exporter.section("sending_queue"))
    _ = (queue.int("queue_size"), queue.int("ok"))
    root.finish()
    exporter.finish()
    #expect(
      loaded.messages == [
        "config.yaml:4:14: error: exporters.otlp_http.timeout: expected a duration, found the whole number 5"
          + " (write its unit, as in 5s)",
        "config.yaml:7:1: error: unknown key \"recievers\" (did you mean \"receivers\"?)",
        "config.yaml:3:5: error: unknown key \"endpiont\" in exporters.otlp_http (did you mean \"endpoint\"?)",
        "config.yaml:5:5: error: unknown key \"zzz\" in exporters.otlp_http",
        "config.yaml:6:21: error: unknown key \"queue_siez\" in exporters.otlp_http.sending_queue"
          + " (did you mean \"queue_size\"?)",
      ])
    #expect(loaded.diagnostics.errors.count == 5)
  }

  @Test func `warns of keys that the collector has and Heirloom has not`() {
    let loaded = Loaded("http:\n  cors: {a: 1}\n  auth:\n")
    let http = loaded.section.section("http")
    http?.knownButUnsupported(["cors", "auth", "middlewares"])
    http?.finish()
    #expect(
      loaded.messages == [
        "config.yaml:2:3: warning: http.cors is not supported yet and has no effect",
        "config.yaml:3:3: warning: http.auth is not supported yet and has no effect",
      ])
    #expect(loaded.diagnostics.warnings.count == 2 && !loaded.diagnostics.hasErrors)
  }

  @Test func `demands what is required`() throws {
    let loaded = Loaded("file:\n  empty:\n  there: 1\n")
    let section = try #require(loaded.section.section("file"))
    for key in ["there", "empty", "path"] { section.require(key) }
    #expect(
      loaded.messages == [
        "config.yaml:2:3: error: file.empty is required", "config.yaml:1:1: error: file.path is required",
      ])
  }

  @Test func `lets components report what a type does not show`() {
    let section = Loaded("a: {endpoint: nowhere}").section.section("a")
    section?.error("endpoint", "no such host")
    section?.warning("timeout", "too long")
    #expect(
      section?.diagnostics.all.map(\.description) == [
        "config.yaml:1:15: error: a.endpoint: no such host", "config.yaml:1:1: warning: a.timeout: too long",
      ])
  }

  @Test func `shows no secret and no control character in a message`() throws {
    let loaded = Loaded(
      "a: {password: 1234, headers: {x: 7}, api_key: [s], plain: \"\\e[31m\\n\", url: 'http://u:pw@h'}\nb: [\"\u{202E}\"]"
    )
    let section = try #require(loaded.section.section("a"))
    _ = (section.string("password"), section.stringMap("headers"), section.string("api_key"))
    _ = (section.int("plain"), section.int("url"), loaded.section.int("b"))
    #expect(
      loaded.diagnostics.all.map(\.message) == [
        "a.password: expected text, found a whole number (put it in quotes)",
        "a.headers.x: expected text, found a whole number (put it in quotes)",
        "a.api_key: expected text, found a list",
        "a.plain: expected a whole number, found the text \"\\u{1B}[31m\\n\"",
        "a.url: expected a whole number, found the text \"http://u:[REDACTED]@h\"",
        "b: expected a whole number, found a list",
      ])
  }

  @Test func `keeps messages short however long the value is`() {
    let section = Loaded("a: " + String(repeating: "x", count: 100_000)).section
    _ = section.int("a")
    section.finish()
    #expect(section.diagnostics.all.map(\.message.count).allSatisfy { $0 < 200 })
    let unknown = Loaded(String(repeating: "x", count: 1000) + ": 1").section
    _ = unknown.int("y")
    unknown.finish()
    #expect(unknown.diagnostics.all.map(\.message.count).allSatisfy { $0 < 200 })
    #expect(unknown.diagnostics.errors.count == 1)
  }
}
