import Foundation
import OTLP
import TestSupport
import Testing

@testable import Privacy

/// Whole requests, held against what Python makes of them.
struct RewriterOracleTests {
  private struct Case: Decodable {
    var signal: String
    var action: String
    var request: Data
    var expected: Data
  }

  private static func policy(_ action: Redaction.Action) -> PrivacyPolicy {
    var policy = PrivacyPolicy()
    policy.pseudonyms = Pseudonyms(key: "0123456789abcdef0123456789abcdef")
    policy.redaction = Redaction(keys: ["email", "address.street", "plan"], action: action)
    policy.userKeys = ["customer.uid"]
    policy.metadataKeys = ["extra.metadata"]
    return policy
  }

  @Test(
    "Random requests of every signal become, to the last byte, what Python makes of them",
    .enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"), arguments: [1, 2, 3])
  func matchesPython(seed: Int) throws {
    let cases: [Case] = try Oracle.lines(String(seed), "600")
    try #require(cases.count == 600)
    var rewriters = Dictionary(
      uniqueKeysWithValues: Redaction.Action.allCases.map { ($0, PrivacyRewriter(Self.policy($0))) })
    for (number, one) in cases.enumerated() {
      let signal = try #require(Signal.allCases.first { $0.name == one.signal })
      let action = try #require(Redaction.Action(rawValue: one.action))
      let rewritten = try one.request.withUnsafeBytes { request in
        try rewriters[action]?.rewritten(request, signal)
      }
      guard rewritten.map({ Data($0) }) == one.expected else {
        Issue.record("case \(number) of seed \(seed), \(signal.name)")
        return
      }
    }
  }
}
