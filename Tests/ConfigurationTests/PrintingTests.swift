import Configuration
import Testing

@Suite struct PrintingTests {
  @Test func `prints what a person would write`() {
    let loaded = Loaded(
      """
      {receivers: {otlp: {protocols: {http: }}}, list: [a, [b, c], {d: 1, e: []}, {}], "text": "two\\nlines",
       quoted: "8", url: 'http://localhost:4318/x', flag: "yes", plain: yes, octal: 0x1F, colon: 'a: b', empty: ""}
      """)
    #expect(
      loaded.node.maskedYAML() == """
        receivers:
          otlp:
            protocols:
              http: null
        list:
          - a
          - - b
            - c
          - d: 1
            e: []
          - {}
        text: "two\\nlines"
        quoted: "8"
        url: http://localhost:4318/x
        flag: "yes"
        plain: yes
        octal: 0x1F
        colon: "a: b"
        empty: ""

        """)
  }

  @Test func `masks secrets and prints everything else that was substituted`() {
    let loaded = Loaded(
      """
      exporters:
        otlp_http:
          endpoint: ${env:HOST}
          headers: {X-Scope-OrgID: tenant, n: 1, nested: {deep: x}}
          Authorization: ${env:TOKEN}
          auth: {bearer_token: t, username: me, client-secret: s}
          X-API-Key: k
          tls: {key_pem: "${env:TOKEN}", key_file: key.pem}
          password:
          proxy_url: http://me:pw@proxy:3128/x@y
          endpoints: [https://t0ken@host/x, "user:pw@host:4318", ann@example.com, "at noon: a@b"]
          max_tokens: 5
          tokens: {access_token: [a, b]}
      processors:
        enduser: {pseudonymize: {key: k, algorithm: sha256}, key: shown}
      extensions:
        bearertokenauth/a: {tokens: [a, b], scheme: Bearer}
        basicauth: {htpasswd: {file: f, inline: "a:b"}, inline: shown}
        apikeyauth: {keys: [{key: k, tenant: shown}]}
      """, variables: ["HOST": "http://h:1", "TOKEN": "t0ken"])
    let printed = loaded.node.maskedYAML()
    #expect(
      printed == """
        exporters:
          otlp_http:
            endpoint: http://h:1
            headers:
              X-Scope-OrgID: "[REDACTED]"
              n: "[REDACTED]"
              nested:
                deep: "[REDACTED]"
            Authorization: "[REDACTED]"
            auth:
              bearer_token: "[REDACTED]"
              username: me
              client-secret: "[REDACTED]"
            X-API-Key: "[REDACTED]"
            tls:
              key_pem: "[REDACTED]"
              key_file: key.pem
            password: null
            proxy_url: "http://me:[REDACTED]@proxy:3128/x@y"
            endpoints:
              - "https://[REDACTED]@host/x"
              - "user:[REDACTED]@host:4318"
              - ann@example.com
              - "at noon: a@b"
            max_tokens: 5
            tokens:
              access_token:
                - "[REDACTED]"
                - "[REDACTED]"
        processors:
          enduser:
            pseudonymize:
              key: "[REDACTED]"
              algorithm: sha256
            key: shown
        extensions:
          bearertokenauth/a:
            tokens:
              - "[REDACTED]"
              - "[REDACTED]"
            scheme: Bearer
          basicauth:
            htpasswd:
              file: f
              inline: "[REDACTED]"
            inline: shown
          apikeyauth:
            keys:
              - key: "[REDACTED]"
                tenant: shown

        """)
    #expect(loaded.node.yaml().contains("t0ken"))
  }

  @Test(arguments: 0..<50)
  func `reads back what it prints`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20 {
      let node = randomNode(&random, depth: 5)
      let printed = node.yaml()
      let again = try parse(printed)
      #expect(Value(again) == Value(node), "\(printed)")
      #expect(again.yaml() == printed)
    }
  }

  private static let position = Position(source: "random")

  private func randomNode(_ random: inout SeededGenerator, depth: Int) -> ConfigNode {
    let kind = Int.random(in: 0..<(depth > 0 ? 4 : 2), using: &random)
    switch kind {
    case 2:
      let elements = (0..<Int.random(in: 0...4, using: &random)).map { _ in randomNode(&random, depth: depth - 1) }
      return ConfigNode(.sequence(elements), at: Self.position)
    case 3:
      let keys = Set((0..<Int.random(in: 0...4, using: &random)).map { _ in randomText(&random) }).sorted()
      let entries = keys.map { key in
        ConfigNode.Entry(key: key, keyPosition: Self.position, value: randomNode(&random, depth: depth - 1))
      }
      return ConfigNode(.mapping(entries), at: Self.position)
    case 1:
      let plain = ["8", "-1", "0x1F", "true", "null", "", "~", "1.5", ".inf", "yes", "abc", "+1", "1e3", "0o7", "a:b"]
      return ConfigNode(.scalar(Scalar(plain.randomElement(using: &random)!, isQuoted: false)), at: Self.position)
    default:
      return ConfigNode(.scalar(Scalar(randomText(&random), isQuoted: true)), at: Self.position)
    }
  }

  private func randomText(_ random: inout SeededGenerator) -> String {
    let pieces = [
      "a", "b", "8", "0", "-", "- ", ":", ": ", " #", "#", " ", "  ", "\n", "\r\n", "\t", "\"", "'", "\\", "{", "}",
      "[", "]",
      ",", "&", "*", "!", "|", ">", "%", "@", "`", "?", "? ", "<<", "~", "null", "true", "yes", "---", "...", "$",
      "${x}", "é",
      "😀", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{FFFF}", "\u{0}", "\u{1B}", "\u{7F}", "\u{202E}", "=", "/", ".",
    ]
    let count = Int.random(in: 0...(Int.random(in: 0..<20, using: &random) == 0 ? 900 : 6), using: &random)
    return (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined()
  }
}

/// SplitMix64: the same numbers in every run, so that what fails once fails again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
