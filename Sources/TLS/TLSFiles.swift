import Glibc

/// What stands in the files that a `TLSServerConfiguration` names.
package struct TLSFiles: Sendable, Equatable {
  package let certificate: [UInt8]
  package let key: [UInt8]
  /// Nil where no client needs a certificate.
  package let clientAuthorities: [UInt8]?

  /// Reads them.
  ///
  /// - Throws: which of them can't be read, and why.
  package init(_ configuration: TLSServerConfiguration) throws(TLSFault) {
    certificate = try Self.read(configuration.certFile, .certificate)
    key = try Self.read(configuration.keyFile, .key)
    clientAuthorities = try configuration.clientCAFile.map { path throws(TLSFault) in
      try Self.read(path, .clientAuthorities)
    }
  }

  /// Bytes that a file may have: a bundle of all authorities there are has some hundred thousand.
  private static let limit = 4 << 20

  private static func read(_ path: String, _ part: TLSFault.Part) throws(TLSFault) -> [UInt8] {
    func fault(_ reason: String) -> TLSFault { TLSFault(part, "cannot read \"\(path)\": \(reason)") }
    // A pipe must not hold anybody up.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw fault(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      var piece = [UInt8](repeating: 0, count: 65536)
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw fault(String(cString: strerror(errno)))
      }
      bytes += piece.prefix(count)
      if bytes.count > limit { throw fault("it is larger than \(limit >> 20) MiB") }
    }
  }
}

/// Why a server can't speak TLS.
package struct TLSFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, by the key that names it.
  package enum Part: String, Sendable, CaseIterable {
    case certificate = "cert_file"
    case key = "key_file"
    case clientAuthorities = "client_ca_file"
  }

  package let part: Part
  /// For the person who wrote the configuration.
  package let description: String

  package init(_ part: Part, _ description: String) {
    self.part = part
    self.description = description
  }
}
