import Locks
import OTLP
import Pipeline
import Privacy

/// One part of a privacy policy: takes out of requests what must not leave.
///
/// The parts are steps of their own, though one walk could do all: so each is done once to what is stored, whatever was
/// configured when it was.
final class PrivacyStep: RequestRewriting {
  let name: String
  let needsIdentities = false
  private let policy: PrivacyPolicy
  private let rewriters = Locked<[PrivacyRewriter]>([])

  private init(_ name: String, _ policy: PrivacyPolicy) {
    self.name = name
    self.policy = policy
  }

  /// The steps of a policy: metadata goes before pseudonyms are written into it, and what is masked last are no ids any more.
  static func steps(of policy: PrivacyPolicy) -> [PrivacyStep] {
    func step(_ name: String, _ keep: (inout PrivacyPolicy) -> Void) -> PrivacyStep {
      var part = PrivacyPolicy()
      (part.userKeys, part.metadataKeys) = (policy.userKeys, policy.metadataKeys)
      keep(&part)
      return PrivacyStep(name, part)
    }
    var steps: [PrivacyStep] = []
    if policy.redaction != nil { steps.append(step("redact") { $0.redaction = policy.redaction }) }
    if policy.pseudonyms != nil { steps.append(step("pseudonymize") { $0.pseudonyms = policy.pseudonyms }) }
    if policy.masking != nil { steps.append(step("mask") { $0.masking = policy.masking }) }
    return steps
  }

  func rewrite(_ request: EncodedRequest) throws(RewritingFailure) -> EncodedRequest {
    var rewriter = rewriters.withLock { $0.popLast() } ?? PrivacyRewriter(policy)
    defer { rewriters.withLock { $0.append(rewriter) } }
    let bytes: [UInt8]
    do throws(WireError) {
      bytes = try request.withContiguousBytes { message throws(WireError) in
        try rewriter.rewritten(message, request.signal)
      }
    } catch {
      throw RewritingFailure("\(name): the request is no protobuf message: \(error)")
    }
    return EncodedRequest(copying: bytes, inPlaceOf: request)
  }
}

extension EncodedRequest {
  /// The same items in other bytes.
  fileprivate convenience init(copying bytes: [UInt8], inPlaceOf original: EncodedRequest) {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    storage.copyBytes(from: bytes)
    let address = UInt(bitPattern: storage.baseAddress)
    self.init(
      segments: [UnsafeRawBufferPointer(start: storage.baseAddress, count: bytes.count)],
      itemCount: original.itemCount, inPlaceOf: original, identities: original.identities
    ) { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
  }
}
