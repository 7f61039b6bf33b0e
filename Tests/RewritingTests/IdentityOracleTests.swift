import Foundation
import OTLP
import Pipeline
import Rewriting
import TestSupport
import Testing

/// Random requests with random identities, rewritten, as Python's protobuf and a table of its own see them.
struct IdentityOracleTests {
  private struct Case: Codable {
    struct Identity: Codable {
      var id: String?
      var metadata: String?
      var session: String?
    }

    var signal: String
    var message: Data
    var owners: [Int]
    var identities: [Identity]
    var conventions: [String]
    var rewritten: Data?
  }

  private final class Known: TraceIdentity {
    let endUserID: String?
    let endUserMetadata: String?
    let session: String?

    init(_ identity: Case.Identity) {
      (endUserID, endUserMetadata, session) = (identity.id, identity.metadata, identity.session)
    }
  }

  private static let script = "Tests/Oracles/identity_oracle.py"

  /// The request as a pipeline makes it, which notes whose its spans are.
  private static func request(_ one: Case, _ signal: Signal) throws -> EncodedRequest {
    let index = SpanIndex()
    let bytes = [UInt8](one.message)
    let identities = one.identities.map { Known($0) }
    return try bytes.withUnsafeBytes { bytes in
      try index.fill(from: bytes, signal: signal, rules: SpanRules())
      let scopes = ScopeInterner().scopes(of: index, in: bytes)
      let builder = RequestBuilder(signal, notesIdentities: true)
      for position in 0..<index.spanCount {
        let (span, owner) = (index.spans[position], one.owners[position])
        builder.begin(owner < 0 ? nil : identities[owner])
        builder.append(
          span: bytes.baseAddress! + Int(span.offset), length: Int(span.length),
          scope: .passUnretained(scopes[Int(span.scope)]), cuts: UnsafeBufferPointer(start: nil, count: 0),
          suffix: UnsafeRawBufferPointer(start: nil, count: 0))
      }
      return try withExtendedLifetime(scopes) { try #require(builder.seal()) }
    }
  }

  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"), arguments: [1, 2, 3, 4])
  func `every span has what Python expects it to have`(seed: Int) throws {
    let lines = try OraclePython.run(Self.script, ["make", String(seed), "150"]).split(separator: UInt8(ascii: "\n"))
    var checked = Data()
    for line in lines {
      var one = try JSONDecoder().decode(Case.self, from: line)
      let signal = try #require(Signal.allCases.first { $0.name == one.signal })
      var configuration = RewritingConfiguration()
      configuration.identityAs = try one.conventions.map { try #require(OutgoingConvention(rawValue: $0)) }
      let request = try Self.request(one, signal)
      let writer = IdentityWriter(configuration.identityAs, maxMetadataKeys: configuration.maxMetadataKeys)
      let rewritten = try writer.rewrite(request)
      #expect(rewritten.itemCount == one.owners.count)
      // A second time nothing changes: what is right stays where it is.
      #expect(try writer.rewrite(rewritten).bytes == rewritten.bytes)
      one.rewritten = Data(rewritten.bytes)
      checked += try JSONEncoder().encode(one) + [UInt8(ascii: "\n")]
    }
    #expect(lines.count == 150)
    let problems = try OraclePython.run(Self.script, ["check"], input: checked)
    #expect(String(decoding: problems, as: UTF8.self) == "")
  }
}
