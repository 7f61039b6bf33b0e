/// A body that is read segment by segment, and again from its start when a request must be repeated.
package protocol HTTPBody: AnyObject, Sendable {
  /// Bytes of all segments together.
  var byteCount: Int { get }
  var segmentCount: Int { get }
  /// Bytes that stay where they are for as long as the body lives.
  func segment(_ index: Int) -> UnsafeRawBufferPointer
}

/// One header line of a request.
package struct HTTPHeader: Sendable, Equatable {
  package let name: String
  package let value: String

  /// Checks both: a line break in a value would be the beginning of another header.
  ///
  /// - Parameters:
  ///   - name: a token, as HTTP defines it.
  ///   - value: text without control characters.
  /// - Throws: `HTTPClientError` that names the header.
  package init(_ name: String, _ value: String) throws(HTTPClientError) {
    guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
      throw HTTPClientError("not a header name: \"\(name)\"")
    }
    guard value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
      throw HTTPClientError("the value of header \(name) has a control character")
    }
    self.name = name
    self.value = value
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  /// The form that libcurl takes: it would leave out a header whose value is empty after a colon.
  var line: String { value.isEmpty ? "\(name);" : "\(name): \(value)" }
}

/// What a client asks of a server: a POST, which has a body, or one of the methods that have none.
package struct HTTPRequest: Sendable {
  package enum Method: String, Sendable {
    case get = "GET"
    case delete = "DELETE"
  }

  package let url: HTTPURL
  package let headers: [HTTPHeader]
  /// Headers and trailers of the answer that are wanted in its `fields`.
  package var answerFields: [String] = []
  /// Nil for a POST.
  let method: Method?
  /// Of a POST.
  let body: (any HTTPBody)?

  /// A POST.
  package init(url: HTTPURL, headers: [HTTPHeader], body: any HTTPBody) {
    self.url = url
    self.headers = headers
    self.body = body
    method = nil
  }

  /// A request without a body.
  package init(_ method: Method, url: HTTPURL, headers: [HTTPHeader] = []) {
    self.url = url
    self.headers = headers
    self.method = method
    body = nil
  }
}

/// What a server answered.
package struct HTTPResponse: Sendable, Equatable {
  package let status: Int
  package let contentType: String?
  package let retryAfter: String?
  /// The values of the request's `answerFields`, those that there are.
  package let fields: [String: String]
  /// The beginning of the body, up to the client's limit.
  package let body: [UInt8]

  package init(
    status: Int, contentType: String? = nil, retryAfter: String? = nil, fields: [String: String] = [:],
    body: [UInt8] = []
  ) {
    self.status = status
    self.contentType = contentType
    self.retryAfter = retryAfter
    self.fields = fields
    self.body = body
  }
}

/// Why there is no answer, or why a client cannot be set up, in words for the operator.
package struct HTTPClientError: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }

  /// The client was stopped before the answer came.
  package static let stopped = HTTPClientError("stopped before the answer came")
}
