/// What is asked of the ledger's API.
package struct LedgerRequest: Equatable, Sendable {
  /// Behind `/api/v1`, each part as it is.
  package var path: [String]
  /// Names and values of the query, as they are.
  package var parameters: [Parameter] = []

  package struct Parameter: Equatable, Sendable {
    package let name: String
    package let value: String
  }

  init(_ path: String...) {
    self.path = path
  }

  /// Adds a parameter that has a value.
  mutating func ask(_ name: String, _ value: String?) {
    if let value { parameters.append(Parameter(name: name, value: value)) }
  }

  /// Path and query as a URL has them.
  package var target: String {
    let path = "/api/v1" + path.map { "/" + Self.encoded($0) }.joined()
    let query = parameters.map { "\($0.name)=\(Self.encoded($0.value))" }.joined(separator: "&")
    return query.isEmpty ? path : path + "?" + query
  }

  /// Percent-encoded, all but what RFC 3986 calls unreserved.
  private static func encoded(_ text: String) -> String {
    // A part of `.` or `..` would be taken for a way through the path.
    if text == "." || text == ".." { return text.utf8.map { _ in "%2E" }.joined() }
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    return result
  }
}

/// Answers requests of the ledger's API: a running collector does, and the ledger's file.
package protocol LedgerSource {
  /// The JSON that answers a GET.
  ///
  /// - Throws: `LedgerFault` when there is no such thing, the request is wrong, or nobody answers.
  func get(_ request: LedgerRequest) throws(LedgerFault) -> [UInt8]

  /// Erases an end user, and returns the JSON that says what was erased.
  func forget(_ endUser: String) throws(LedgerFault) -> [UInt8]
}
