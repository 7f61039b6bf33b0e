import Configuration
import Receivers

extension OTLPReceiver.Configuration {
  /// Reads what a protocol of the receiver says about who may send, and in what form.
  mutating func readEdge(_ http: ConfigSection) {
    readCodings(http)
    extraTracesPaths = (http.strings("extra_traces_paths") ?? []).map { $0.hasPrefix("/") ? $0 : "/" + $0 }
    admission = Admission(http)
    if let cors = http.section("cors") { readCORS(cors) }
  }

  private mutating func readCodings(_ http: ConfigSection) {
    let key = "compression_algorithms"
    guard let names = http.strings(key) else { return }
    compressionAlgorithms = []
    for name in names {
      // The OpenTelemetry Collector's word for no compression.
      if let coding = ContentCoding(rawValue: name.isEmpty ? "identity" : name) {
        if !compressionAlgorithms.contains(coding) { compressionAlgorithms.append(coding) }
      } else if ["snappy", "x-snappy-framed", "lz4"].contains(name) {
        http.warning(key, "\(name) is not supported yet and has no effect")
      } else {
        let known = ContentCoding.allCases.map(\.rawValue).joined(separator: ", ")
        http.error(key, "\"\(name)\" is no compression that is known here; there are \(known)")
      }
    }
    // Nothing compressed is taken then.
    if compressionAlgorithms.isEmpty { compressionAlgorithms = [.identity] }
  }

  private mutating func readCORS(_ section: ConfigSection) {
    cors.allowedOrigins = section.strings("allowed_origins") ?? []
    cors.allowedHeaders = section.strings("allowed_headers") ?? []
    cors.exposedHeaders = section.strings("exposed_headers") ?? []
    cors.maxAge = section.int("max_age", default: 0, in: -1...Int(Int32.max))
    for origin in cors.allowedOrigins where origin.filter({ $0 == "*" }).count > 1 {
      section.error("allowed_origins", "an origin has one * at most: \(origin)")
    }
    for header in cors.exposedHeaders where !header.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) {
      section.error("exposed_headers", "not the name of a header: \(header)")
    }
    if cors.allowedOrigins.isEmpty, section.has("allowed_headers") {
      section.warning("allowed_headers", "without allowed_origins it has no effect")
    }
  }
}

extension Admission {
  /// Reads `auth` and `include_metadata` of a protocol.
  init(_ section: ConfigSection) {
    self.init()
    includeMetadata = section.bool("include_metadata", default: includeMetadata)
    guard let auth = section.section("auth") else { return }
    auth.knownButUnsupported(["request_params"])
    let one = auth.string("authenticator")
    let several = auth.strings("authenticators") ?? []
    if (one == nil) == several.isEmpty {
      auth.error("authenticator", "one of authenticator and authenticators is required")
    }
    authenticators = several + (one.map { [$0] } ?? [])
  }
}
