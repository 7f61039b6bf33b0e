import Configuration
import Testing

@Suite struct MutationTests {
  private static let seed = """
    # A configuration with a little of everything.
    receivers: &r
      otlp: {protocols: {http: {endpoint: "127.0.0.1:4318"}, grpc: }}
    processors:
      enduser: {wait: 5m, inherit: [a, 'b', "c\\u00e9"], <<: {x: 1}}
      batch: !!map {size: 8192}
    exporters: {file: {path: "${env:DIR:-/var}/x", token: '${file:t}', n: 0x1F}}
    text: |
      two
      lines
    again: *r
    """

  @Test(arguments: 0..<40)
  func `survives any bytes, and reads back whatever it took`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let environment = ConfigEnvironment.fake(["DIR": "${yaml:[1, 2]}", "A": "{a: ${B}}"], files: ["t": "s: ${DIR}"])
    for _ in 0..<50 {
      let bytes = mutated(&random)
      guard let node = try? ConfigNode.parse(bytes) else { continue }
      #expect(Value(try parse(node.yaml())) == Value(node))

      let diagnostics = Diagnostics()
      let text = String(decoding: bytes, as: UTF8.self)
      let loaded = ConfigLoader.load(["yaml:" + text], environment: environment, diagnostics: diagnostics)
      let section = ConfigSection(loaded, diagnostics: diagnostics)
      _ = (section.section("receivers")?.entries, section.strings("processors"), section.string("text"))
      section.finish()
      #expect(throws: Never.self) { try parse(loaded.maskedYAML()) }
      #expect(Value(try parse(loaded.yaml())) == Value(loaded))
    }
  }

  private func mutated(_ random: inout SeededGenerator) -> [UInt8] {
    let pieces = [
      "&a ", "*a", "{", "}", "[", "]", "- ", "? ", ": ", "\n", "\t", "\"", "'", "!!str ", "<<: ", "${", "}", "$$",
      "|\n", "---\n", "%YAML 1.2\n", "#", "\u{FEFF}", "😀", "\0", "::", "${A}", "null",
    ]
    var bytes = Array(Self.seed.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard !bytes.isEmpty else { break }
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random)!.utf8, at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + 20))
      default:
        bytes.insert(
          contentsOf: bytes[place..<min(bytes.count, place + 30)], at: Int.random(in: 0...bytes.count, using: &random))
      }
    }
    return bytes
  }
}
