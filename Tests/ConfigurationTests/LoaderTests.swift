import Configuration
import Foundation
import Testing

@Suite struct LoaderTests {
  @Test func `merges sources in their order, mappings deep and all else whole`() {
    let loaded = Loaded(
      "a: {x: 1, y: {p: 1, q: 2}, l: [1, 2], n: {m: 1}}\nkeep: 1", variables: ["MORE": "a: {y: {q: 4}}"],
      files: ["second.yaml": "a: {y: {q: 3, r: 5}, l: [3], n: }\nnew: 2"],
      sources: ["file:second.yaml", "env:MORE", "yaml:{a: {x: {z: 1}}}"])
    #expect(
      loaded.value == [
        "a": ["x": ["z": 1], "y": ["p": 1, "q": 4, "r": 5], "l": [3], "n": nil], "keep": 1, "new": 2,
      ])
    #expect(loaded.messages == [])
  }

  @Test func `names a file by its whole path, however long it is`() {
    let path = String(repeating: "folder/", count: 100) + "config.yaml"
    let loaded = Loaded("a: 1", files: [path: "b: [1"], sources: [path, "file:" + path + ".missing"])
    #expect(loaded.messages.count == 2)
    #expect(loaded.messages.first?.hasPrefix(path + ":") == true)
    #expect(loaded.messages.last?.hasPrefix(path + ".missing: error: cannot read the file " + path) == true)
  }

  @Test func `looks up only what was not replaced`() {
    #expect(Loaded("a: ${foo:x}", settings: ["a=1"]).messages == [])
  }

  @Test(
    arguments: [
      (["a.b.c=2"], ["a": ["b": ["c": 2, "d": 3]]]),
      (["a::b::c=2"], ["a": ["b": ["c": 2, "d": 3]]]),
      (["a.b.c={x: [1, \"2\"]}"], ["a": ["b": ["c": ["x": [1, "2"]], "d": 3]]]),
      (["a.b=c=d"], ["a": ["b": "c=d"]]),
      (["a.b="], ["a": ["b": nil]]),
      (["a.b.d=5s", "a.b.d=6s"], ["a": ["b": ["c": 1, "d": "6s"]]]),
      (["a::b::otlp/x.y::z=1"], ["a": ["b": ["c": 1, "d": 3, "otlp/x.y": ["z": 1]]]]),
      (["a.b.c.x=1"], ["a": ["b": ["c": ["x": 1], "d": 3]]]),
      (["a.b.c=${env:PORT}"], ["a": ["b": ["c": 4318, "d": 3]]]),
      (["new.key=text"], ["a": ["b": ["c": 1, "d": 3]], "new": ["key": "text"]]),
    ] as [([String], Value)])
  func `lays settings over everything`(settings: [String], value: Value) {
    let loaded = Loaded("a: {b: {c: 1, d: 3}}", variables: ["PORT": "4318"], settings: settings)
    #expect(loaded.value == value)
    #expect(loaded.messages == [])
  }

  @Test(arguments: [
    ("a.b", "--set a.b: error: write key=value"), ("a..b=1", "--set a..b: error: an empty key"),
    ("=1", "--set : error: an empty key"), ("a.b=[1", "--set a.b: error: not valid YAML"),
    ("a.b=${foo:x}", "--set a.b: error: unknown scheme \"foo\""),
    (String(repeating: "a.", count: 1000) + "a=1", "error: more than 100 keys inside one another"),
  ])
  func `names the setting that is wrong`(setting: String, message: String) {
    let loaded = Loaded("a: 1", settings: [setting])
    #expect(loaded.messages.count == 1)
    #expect(loaded.messages.first?.contains(message) == true)
  }

  @Test func `points at the setting that a value came from`() {
    let section = Loaded("a: {b: 1}", settings: ["a.b=x"]).section
    #expect(section.section("a")?.int("b") == nil)
    #expect(
      section.diagnostics.all.map(\.description)
        == ["--set a.b: error: a.b: expected a whole number, found the text \"x\""])
  }

  @Test func `takes a short form of nested keys at the top of a source`() {
    let loaded = Loaded("a: {b: 1}", sources: ["yaml:a::c: 2", "yaml:a::b: 3"])
    #expect(loaded.value == ["a": ["b": 3, "c": 2]])
    #expect(Loaded("a::: 1").messages == ["config.yaml:1:1: error: an empty key"])
  }

  @Test(arguments: [
    ("missing.yaml", "missing.yaml: error: cannot read the file missing.yaml: No such file or directory"),
    ("env:NOPE", "env:NOPE: error: this environment variable is not set"),
    ("http://x/y", "--config http://x/y: error: unknown scheme \"http\": there are env, file and yaml"),
    ("env:LIST", "env:LIST:1:1: error: a configuration is a mapping, this is a list"),
    ("env:BROKEN", "env:BROKEN:2:3: error: not valid YAML: did not find expected"),
    ("yaml:text", "yaml:1:1: error: a configuration is a mapping, this is the text \"text\""),
  ])
  func `reports a source that cannot be used and goes on with the others`(source: String, message: String) {
    let loaded = Loaded("a: 1", variables: ["LIST": "[1]", "BROKEN": "{\n }}"], sources: [source, "yaml:b: 2"])
    #expect(loaded.messages.count == 1)
    #expect(loaded.messages.first?.hasPrefix(message) == true)
    #expect(loaded.value == ["a": 1, "b": 2])
  }

  @Test(arguments: ["", "# nothing", "---"])
  func `takes an empty source as an empty mapping`(yaml: String) {
    let loaded = Loaded(yaml)
    #expect(loaded.value == [:])
    #expect(loaded.messages == [])
    #expect(loaded.node.position.source == "config.yaml")
  }

  @Test func `bounds the number of sources`() {
    let loaded = Loaded("a: 1", sources: Array(repeating: "yaml:a: 2", count: 100))
    #expect(loaded.messages == ["--config: error: given more than 100 times"])
  }

  @Test func `reads the files and variables of the process`() throws {
    let path = NSTemporaryDirectory() + "/heirloom-config-\(UUID().uuidString).yaml"
    try "a: ${env:PATH}\n".write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let diagnostics = Diagnostics()
    let section = ConfigSection(ConfigLoader.load([path], diagnostics: diagnostics), diagnostics: diagnostics)
    #expect(section.string("a") == ProcessInfo.processInfo.environment["PATH"])
    #expect(diagnostics.all.isEmpty)

    _ = ConfigLoader.load(["/dev/zero", "/"], diagnostics: diagnostics)
    #expect(
      diagnostics.all.map(\.description) == [
        "/dev/zero: error: cannot read the file /dev/zero: larger than 16 MiB",
        "/: error: cannot read the file /: Is a directory",
      ])
  }

  @Test func `reports text files that are not text`() {
    let diagnostics = Diagnostics()
    let environment = ConfigEnvironment(variable: { _ in nil }, file: { _ in [0xFF, 0xFE] })
    _ = ConfigLoader.load(["yaml:a: ${file:x}"], environment: environment, diagnostics: diagnostics)
    #expect(diagnostics.all.map(\.description) == ["yaml:1:4: error: the file x is not UTF-8 text"])
  }
}
