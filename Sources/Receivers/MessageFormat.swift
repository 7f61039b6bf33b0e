import HTTPServer
import OTLP

/// How the message of a request is written, by its Content-Type. The reply is written likewise.
enum MessageFormat {
  case protobuf, json

  /// nil for a media type that OTLP/HTTP does not have.
  init?(of head: HTTPRequestHead) {
    guard let type = head.header("Content-Type")?.withoutParameters else { return nil }
    if type.isWord("application/x-protobuf") {
      self = .protobuf
    } else if type.isWord("application/json") {
      self = .json
    } else {
      return nil
    }
  }

  var contentType: String {
    switch self {
    case .protobuf: "application/x-protobuf"
    case .json: "application/json"
    }
  }

  /// Whether the characters of a message in this format can be read: JSON is UTF-8, whatever else HTTP knows.
  func isReadable(_ head: HTTPRequestHead) -> Bool {
    guard self == .json, let charset = head.header("Content-Type")?.parameter("charset") else { return true }
    return ["utf-8", "utf8", "us-ascii"].contains(charset.lowercased())
  }
}

extension HTTPResponse {
  /// The same reply of an export service, whose body is protobuf, in another format.
  func written(in format: MessageFormat, _ signal: Signal?) -> HTTPResponse {
    guard format == .json else { return self }
    let message: OTLPMessage = status == 200 ? .response(signal ?? .traces) : .status
    var text: [UInt8] = []
    let isWritten: Void? = try? body.withUnsafeBytes { try OTLPJSON.append($0, as: message, to: &text) }
    precondition(isWritten != nil, "a reply of our own has JSON")
    return HTTPResponse(
      status: status, contentType: format.contentType, headers: headers.filter { $0.name != "Content-Type" }, body: text
    )
  }
}
