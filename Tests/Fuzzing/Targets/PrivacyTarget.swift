import OTLP
import Privacy

extension FuzzTarget {
  /// What is rewritten before it leaves: whatever an index accepts comes out as a request that it accepts, with the same items.
  static let privacy = FuzzTarget(name: "privacy") { bytes in
    for signal in Signal.allCases {
      if let fault = fault(of: bytes, signal) { return "\(signal.name): \(fault)" }
    }
    return nil
  }

  private static let policy: PrivacyPolicy = {
    var policy = PrivacyPolicy()
    policy.pseudonyms = Pseudonyms(key: "0123456789abcdef", minLength: 2)
    policy.redaction = Redaction(keys: ["email", "address.street", "plan"], action: .mask)
    policy.masking = Masking(
      attributes: ["*"], includesBodies: true, patterns: TextPattern.Name.allCases.map { TextPattern($0) })
    return policy
  }()

  private static func fault(of bytes: [UInt8], _ signal: Signal) -> String? {
    // Nobody asks for what may be no request, and it must do no harm.
    _ = try? rewritten(bytes, signal)
    guard let accepted = accepted(bytes, signal) else { return nil }
    guard let rewritten = try? rewritten(accepted.bytes, signal) else { return "a good request was not rewritten" }
    return self.accepted(rewritten, signal)?.count == accepted.count ? nil : "other items came out than went in"
  }

  private static func rewritten(_ bytes: [UInt8], _ signal: Signal) throws -> [UInt8] {
    var rewriter = PrivacyRewriter(policy)
    return try bytes.withUnsafeBytes { try rewriter.rewritten($0, signal) }
  }

  /// The items that an index does not leave out; nil when it refuses the request.
  private static func accepted(_ bytes: [UInt8], _ signal: Signal) -> (bytes: [UInt8], count: Int)? {
    let index = SpanIndex()
    return bytes.withUnsafeBytes { bytes in
      guard (try? index.fill(from: bytes, signal: signal, rules: SpanRules())) != nil else { return nil }
      return (RequestSubset(of: index, in: bytes) { _ in true }.bytes, index.spanCount)
    }
  }
}
