import CHTTPServer

/// A reply that never changes: the common ones are built once and sent any number of times, from any thread.
package final class HTTPResponse: @unchecked Sendable {
  // Sendable: immutable; libmicrohttpd counts the references to what is behind `handle` under a lock of its own.
  let handle: OpaquePointer

  package let status: Int
  package let headers: [(name: String, value: String)]
  package let body: [UInt8]

  /// - Parameters:
  ///   - status: 200 to 999.
  ///   - contentType: of the body; nil for no such header.
  ///   - headers: further ones, without control characters. `Date`, `Content-Length` and `Connection` are added by
  ///     the server.
  ///   - body: not sent in reply to `HEAD`.
  package convenience init(
    status: Int, contentType: String? = nil, headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.init(
      status: status, allHeaders: (contentType.map { [(name: "Content-Type", value: $0)] } ?? []) + headers, body: body)
  }

  private init(status: Int, allHeaders: [(name: String, value: String)], body: [UInt8]) {
    precondition(200...999 ~= status, "no final HTTP status: \(status)")
    guard let handle = body.withUnsafeBytes({ chttp_response_new($0.baseAddress, $0.count) }) else {
      fatalError("out of memory: a reply of \(body.count) bytes")
    }
    for (name, value) in allHeaders {
      let legal = chttp_response_add_header(handle, name, value)
      precondition(legal, "no legal HTTP header: \(name)")
    }
    self.handle = handle
    self.status = status
    self.headers = allHeaders
    self.body = body
  }

  deinit {
    chttp_response_free(handle)
  }

  /// The reply as it is sent where libmicrohttpd does not send it, before it closes the connection.
  var closingBytes: [UInt8] {
    let fields =
      headers.filter { $0.name != "Connection" } + [("Content-Length", String(body.count)), ("Connection", "close")]
    let lines = fields.map { "\($0.name): \($0.value)\r\n" }.joined()
    return Array("HTTP/1.1 \(status) \(String(cString: chttp_reason(UInt32(status))))\r\n\(lines)\r\n".utf8) + body
  }

  /// The same reply with those of these headers that it has not, perhaps one after which the connection is closed.
  func with(_ further: [HTTPHeaderField], closing: Bool) -> HTTPResponse {
    let own = Set(headers.map { $0.name.lowercased() })
    let added = further.filter { !own.contains($0.name.lowercased()) }.map { (name: $0.name, value: $0.value) }
    return adding(added + (closing ? [(name: "Connection", value: "close")] : []))
  }

  /// The same reply with more headers.
  func adding(_ further: [(name: String, value: String)]) -> HTTPResponse {
    HTTPResponse(status: status, allHeaders: headers + further, body: body)
  }
}
