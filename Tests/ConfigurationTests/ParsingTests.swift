import Configuration
import Testing

@Suite struct ParsingTests {
  @Test func `reads scalars, lists and mappings in their order`() throws {
    let node = try parse(
      """
      receivers:
        otlp: {protocols: {http: , grpc: ~}}
      exporters:
        file/a: {path: "8", retries: 8, on: true, ratio: .5}
      list: [a, 'b', [c]]
      text: |
        two
        lines
      """)
    #expect(
      Value(node) == [
        "receivers": ["otlp": ["protocols": ["http": nil, "grpc": nil]]],
        "exporters": ["file/a": ["path": "8", "retries": 8, "on": true, "ratio": 0.5]],
        "list": ["a", "b", ["c"]],
        "text": "two\nlines",
      ])
  }

  @Test(arguments: ["", "# only a comment\n# and another", "\n\n", "---\n", "\u{FEFF}", "---\n...\n"])
  func `reads an empty document as a null`(yaml: String) throws {
    #expect(try parse(yaml).isNull)
  }

  @Test func `knows the position of every value and key, in characters from one`() throws {
    let node = try parse("a:\n  bé😀: [x, \"ü\", yy]\n  c: # comment\n    - d\n")
    guard case .mapping(let top) = node.content, case .mapping(let inner) = top[0].value.content,
      case .sequence(let list) = inner[0].value.content, case .sequence(let block) = inner[1].value.content
    else {
      Issue.record("another shape: \(Value(node))")
      return
    }
    #expect(top[0].keyPosition.description == "config.yaml:1:1")
    #expect(top[0].value.position.description == "config.yaml:2:3")
    #expect(inner[0].keyPosition.description == "config.yaml:2:3")
    #expect(inner[0].value.position.description == "config.yaml:2:8")
    #expect(list.map(\.position.column) == [9, 12, 17])
    #expect(block[0].position.description == "config.yaml:4:7")
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func `counts lines whatever ends them`(end: String) throws {
    let node = try parse("a: 1\(end)b:\(end)  c: 2\(end)")
    #expect(Value(node) == ["a": 1, "b": ["c": 2]])
    #expect(node["b"]?["c"]?.position.description == "config.yaml:3:6")
    #expect(failure("a: 1\(end)b: [\(end)") == failure("a: 1\nb: [\n"))
  }

  @Test func `takes no notice of a byte order mark`() throws {
    let node = try parse("\u{FEFF}a: 1")
    #expect(Value(node) == ["a": 1])
    #expect(node["a"]?.position.column == 4)
  }

  @Test func `resolves anchors, aliases and merge keys`() throws {
    let node = try parse(
      """
      base: &base {a: 1, b: 2}
      other: &other {b: 3, c: 4}
      same: *base
      one: {<<: *base, b: own}
      both:
        d: 5
        <<: [*base, *other]
      inline: {<<: {x: 1}}
      quoted: {"<<": 1}
      again: &base 7
      last: *base
      """)
    #expect(Value(node["same"]!) == ["a": 1, "b": 2])
    #expect(Value(node["one"]!) == ["b": "own", "a": 1])
    #expect(Value(node["both"]!) == ["d": 5, "a": 1, "b": 2, "c": 4])
    #expect(Value(node["inline"]!) == ["x": 1])
    #expect(Value(node["quoted"]!) == ["<<": 1])
    #expect(Value(node["last"]!) == 7)
  }

  @Test(arguments: [
    ("a: 1\na: 2", "config.yaml:2:1: error: the key \"a\" is already given in line 1"),
    ("x: {8: 1, \"8\": 2}", "config.yaml:1:11: error: the key \"8\" is already given in line 1"),
    ("a: 1\n---\nb: 2", "config.yaml:2:1: error: a second document: a configuration is one YAML document"),
    ("a: 1\n---\n", "config.yaml:2:1: error: a second document: a configuration is one YAML document"),
    ("a: *b", "config.yaml:1:4: error: *b refers to no anchor that ends before it"),
    ("a: &a [*a]", "config.yaml:1:8: error: *a refers to no anchor that ends before it"),
    ("a: {<<: 1}", "config.yaml:1:9: error: <<: merges mappings only"),
    ("a: {<<: [{b: 1}, [c]]}", "config.yaml:1:18: error: <<: merges mappings only"),
    ("{[a]: 1}", "config.yaml:1:2: error: a key must be a single value"),
    ("a: !secret x", "config.yaml:1:4: error: the tag \"!secret\" does not fit here or means nothing to Heirloom"),
    (
      "a: !!int x",
      "config.yaml:1:4: error: the tag \"tag:yaml.org,2002:int\" does not fit here or means nothing to Heirloom"
    ),
    (
      "a: !!seq {}",
      "config.yaml:1:4: error: the tag \"tag:yaml.org,2002:seq\" does not fit here or means nothing to Heirloom"
    ),
  ])
  func `refuses what a configuration cannot mean`(yaml: String, message: String) {
    #expect(failure(yaml) == message)
  }

  @Test func `says where the text is no YAML, and what to do about tabs`() {
    let tab = failure("a:\n\tb: 1")
    #expect(tab?.hasPrefix("config.yaml:2:1: error: not valid YAML: found character") == true)
    #expect(tab?.hasSuffix("(indent with spaces: YAML takes no tabs there)") == true)
    #expect(
      failure("a: 1\nb: [1, 2\nc: 3\n")?.hasPrefix("config.yaml:3:2: error: not valid YAML: ") == true)
    #expect(failure("a: \"x")?.contains("while scanning a quoted scalar") == true)
    #expect(failure("a: }")?.hasPrefix("config.yaml:1:4: error: not valid YAML: ") == true)
  }

  @Test(arguments: [
    (bytes("a: b\né: ", 0xFF), "config.yaml:2:4: error: not valid YAML text: invalid leading UTF-8 octet"),
    (bytes("a: ", 0xC3, 0x28), "config.yaml:1:5: error: not valid YAML text: invalid trailing UTF-8 octet"),
    (bytes("a: ", 0xE2, 0x82), "config.yaml:1:4: error: not valid YAML text: incomplete UTF-8 octet sequence"),
    (bytes("a: ", 0xED, 0xA0, 0x80), "config.yaml:1:4: error: not valid YAML text: invalid Unicode character"),
    (bytes("a: ", 0), "config.yaml:1:4: error: not valid YAML text: control characters are not allowed"),
    (bytes("", 0xFF, 0xFE, 0x61, 0x00), "config.yaml:1:1: error: not valid YAML text: invalid leading UTF-8 octet"),
  ])
  func `says which byte is no text`(bytes: [UInt8], message: String) {
    #expect(failure(bytes) == message)
  }

  @Test(arguments: [
    String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
    String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
    (0..<1000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
  ])
  func `refuses to go deeper than a hundred levels`(yaml: String) {
    #expect(failure(yaml)?.hasSuffix("error: lists and mappings nest deeper than 100 levels") == true)
  }

  @Test func `goes as deep as a hundred levels`() throws {
    var node = try parse(String(repeating: "[", count: 100) + String(repeating: "]", count: 100))
    var depth = 1
    while case .sequence(let elements) = node.content, let element = elements.first {
      node = element
      depth += 1
    }
    #expect(depth == 100)
  }

  @Test func `refuses aliases that grow without end`() {
    var values = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      values += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(failure(values)?.contains("error: the configuration is too large") == true)

    let merges = (1...40).map { "a\($0): &a\($0) {x: *a\($0 - 1), y: *a\($0 - 1)}\n" }.joined()
    #expect(failure("a0: &a0 1\n" + merges)?.contains("error: the configuration is too large") == true)

    let long = String(repeating: "x", count: 1 << 20)
    let texts = Array(repeating: "*a", count: 100).joined(separator: ", ")
    #expect(failure("a: &a \(long)\nb: [\(texts)]")?.contains("error: the configuration is too large") == true)
  }

  @Test func `refuses files that are too large, by bytes and by values`() {
    #expect(failure([UInt8](repeating: 0x20, count: 16 << 20 + 1)) == "config.yaml: error: larger than 16 MiB")
    let values = "[" + String(repeating: "1,", count: 1_000_001) + "]"
    #expect(failure(values)?.contains("error: the configuration is too large") == true)
  }

  @Test func `refuses floods of directives`() {
    let flood = String(repeating: "%TAG !a! b\n", count: 200_000) + "--- a"
    #expect(failure(flood) == "config.yaml: error: more than 1,000 lines begin with %")
    #expect(failure("%YAML 1.2\n---\na: 1") == nil)
  }
}

private func bytes(_ text: String, _ more: UInt8...) -> [UInt8] { Array(text.utf8) + more }
