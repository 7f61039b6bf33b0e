import Configuration
import Testing

@Suite struct SubstitutionTests {
  private static let variables = [
    "PORT": "4318", "HOST": "localhost", "FLAG": "true", "OCTAL": "0123", "QUOTED": "\"0123\"", "EMPTY": "",
    "WORD": "yes",
    "LIST": "[a, b]", "MAP": "{x: 1, y: '${env:PORT}'}", "NAME": "PORT", "DOLLAR": "a$$b", "CHAIN": "${env:PORT}",
    "ODD": "@no: [yaml", "SPACED": " 8 ", "NULL": "null", "MIXED": "p-${HOST}", "TAB": "a\tb\n",
  ]

  @Test(
    arguments: [
      ("${env:PORT}", 4318), ("${PORT}", 4318), ("\"${env:PORT}\"", 4318), ("'${PORT}'", 4318), ("${env:FLAG}", true),
      ("${env:HOST}:${env:PORT}", "localhost:4318"), ("${PORT}${PORT}", "43184318"), ("a${PORT}", "a4318"),
      ("${env:NOPE:-8}", 8), ("${env:NOPE:-a:-b}", "a:-b"), ("${NOPE:-8}", 8), ("${N:-8}", 8), ("${env:NOPE:-}", nil),
      ("${env:PORT:-8}", 4318), ("x${env:NOPE:-}y", "xy"), ("${env:EMPTY:-8}", nil),
      ("${env:LIST}", ["a", "b"]), ("${env:MAP}", ["x": 1, "y": 4318]), ("${env:QUOTED}", "\"0123\""),
      ("${env:OCTAL}", 83),
      ("${env:ODD}", "@no: [yaml"), ("${env:TAB}", "a\tb\n"), ("${env:NULL}", nil), ("${env:WORD}", "yes"),
      ("${env:SPACED}", 8),
      ("${env:${env:NAME}}", 4318), ("${env:NOPE:-${env:HOST}}", "localhost"), ("${${NAME}}", 4318),
      ("${env:CHAIN}", 4318), ("${env:MIXED}", "p-localhost"), ("<${env:MIXED}>", "<p-localhost>"),
      ("${env:DOLLAR}", "a$b"),
      ("${yaml:[1, 2]}", [1, 2]), ("${yaml:8}", 8), ("${file:token}", "s3cret"),
      ("Bearer ${file:token}", "Bearer s3cret"),
      ("${file:part.yaml}", ["k": 4318, "l": ["m"]]), ("${file:windows}", "line"),
      ("a$$b", "a$b"), ("$$${PORT}", "$4318"), ("$${PORT}", "${PORT}"), ("$$$$", "$$"), ("$PORT", "$PORT"), ("$", "$"),
      ("a$", "a$"),
      ("\"${PORT\"", "${PORT"), ("\"${A${PORT}\"", "${A4318"), ("\"}${PORT}}\"", "}4318}"), ("PORT}", "PORT}"),
      ("é${HOST}é", "élocalhosté"),
    ] as [(String, Value)])
  func `puts in place what a reference stands for`(text: String, value: Value) {
    let loaded = Loaded(
      "k: \(text)", variables: Self.variables,
      files: ["token": "s3cret\n", "part.yaml": "k: ${env:PORT}\nl: [m]\n", "windows": "line\r\n"])
    #expect(loaded.value == ["k": value])
    #expect(loaded.messages == [])
  }

  @Test(arguments: [
    ("${env:OCTAL}", "0123"), ("${env:PORT}", "4318"), ("${env:FLAG}", "true"), ("${env:NULL}", "null"),
    ("${env:EMPTY}", ""),
    ("${env:MAP}", "{x: 1, y: '${env:PORT}'}"), ("${env:SPACED}", " 8 "), ("${env:CHAIN}", "4318"),
  ])
  func `keeps the text letter for letter where text is asked for`(text: String, string: String) {
    let loaded = Loaded("k: \(text)", variables: Self.variables)
    #expect(loaded.section.string("k") == string)
    #expect(loaded.messages == [])
  }

  @Test func `says where a variable is used that is not set, and takes it as empty`() {
    let loaded = Loaded("a: 1\nb: ${env:NOPE}\nc: x${NOPE}")
    #expect(loaded.value == ["a": 1, "b": nil, "c": "x"])
    let section = loaded.section
    #expect(section.string("b") == "")
    #expect(section.int("b", default: 7) == 7)
    #expect(section.strings("b") == [])
    #expect(section.section("b")?.entries.isEmpty == true)
    #expect(
      loaded.messages == [
        "config.yaml:2:4: warning: the environment variable NOPE is not set: its value is empty",
        "config.yaml:3:4: warning: the environment variable NOPE is not set: its value is empty",
      ])
    #expect(!loaded.diagnostics.hasErrors)
  }

  @Test(arguments: [
    ("${foo:x}", "unknown scheme \"foo\": there are env, file and yaml"),
    ("${http://x}", "unknown scheme \"http\": there are env, file and yaml"),
    ("${1}", "\"1\" is no name of an environment variable (write $$ for a $ that is only a $)"),
    ("${}", "\"\" is no name of an environment variable (write $$ for a $ that is only a $)"),
    ("${env:A B}", "\"A B\" is no name of an environment variable (write $$ for a $ that is only a $)"),
    ("${file:missing}", "cannot read the file missing: No such file or directory"),
    ("${env:SELF}", "substitutions nest deeper than 16 levels: one may contain itself"),
    ("x${env:SELF}", "substitutions nest deeper than 16 levels: one may contain itself"),
    ("${file:self.yaml}", "substitutions nest deeper than 16 levels: one may contain itself"),
  ])
  func `reports a reference that leads nowhere and goes on`(text: String, message: String) {
    let loaded = Loaded(
      "a:\n  - \(text)\nb: ${PORT}", variables: ["SELF": "${env:SELF}", "PORT": "1"],
      files: ["self.yaml": "${file:self.yaml}"])
    #expect(loaded.messages == ["config.yaml:2:5: error: \(message)"])
    #expect(loaded.value == ["a": [nil], "b": 1])
  }

  @Test func `refuses references that nest without end`() {
    let nested = String(repeating: "${", count: 100_000) + "A" + String(repeating: "}", count: 100_000)
    #expect(Loaded("a: \(nested)").messages.first?.contains("nest deeper than 16") == true)
    #expect(Loaded("a: " + String(repeating: "${", count: 100_000)).messages == [])
  }

  @Test func `refuses references that grow without end`() {
    var variables = ["V0": "xx"]
    for level in 1...14 { variables["V\(level)"] = "${V\(level - 1)}${V\(level - 1)}" }
    let loaded = Loaded("a: ${V14}\nb: ${V0}\nc: ${V0}", variables: variables)
    #expect(loaded.messages == ["config.yaml:1:4: error: more than 10,000 substitutions"])

    let long = String(repeating: "$", count: 1 << 20)
    let aliases = Array(repeating: "*a", count: 61).joined(separator: ", ")
    let many = Loaded("a: &a \(long)\nb: [\(aliases)]")
    #expect(many.messages.count == 1)
    #expect(many.messages.first?.contains("the configuration is too large") == true)
  }

  @Test func `refuses aliases in a variable that grow without end`() {
    let bomb =
      "[&a [1,1,1,1,1,1,1,1], "
      + (1...12).map { level in
        let previous = level == 1 ? "*a" : "*a\(level - 1)"
        return "&a\(level) [\(Array(repeating: previous, count: 8).joined(separator: ","))]"
      }.joined(separator: ",") + "]"
    let loaded = Loaded("a: ${BOMB}", variables: ["BOMB": bomb])
    #expect(loaded.messages.count == 1)
    #expect(loaded.messages.first?.hasPrefix("config.yaml:1:4: error: the configuration is too large") == true)
  }

  @Test func `leaves keys alone`() {
    #expect(Loaded("${HOST}: 1", variables: Self.variables).value == ["${HOST}": 1])
  }

  @Test func `points into an included file, and at the reference for anything shorter`() {
    let loaded = Loaded(
      "a: ${file:part.yaml}\nb: ${env:MAP}", variables: ["MAP": "{x: 1}"], files: ["part.yaml": "k: 1\nl: {m: 2}\n"])
    #expect(loaded.node["a"]?["l"]?["m"]?.position.description == "part.yaml:2:8")
    #expect(loaded.node["a"]?.position.description == "config.yaml:1:4")
    #expect(loaded.node["b"]?["x"]?.position.description == "config.yaml:2:4")
  }

  @Test func `says once what an alias repeats`() {
    let loaded = Loaded("a: &a {x: \"${foo:x}\"}\nb: *a\nc: *a")
    #expect(loaded.messages == ["config.yaml:1:11: error: unknown scheme \"foo\": there are env, file and yaml"])
  }
}
