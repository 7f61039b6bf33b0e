import HTTPClient
import Pipeline

/// How a call ended: what a gRPC server says in the trailers of its answer, or what the answer means without them.
struct GRPCStatus: Equatable {
  /// The codes that Heirloom has to tell apart, by their numbers.
  enum Code {
    static let ok = 0
    static let cancelled = 1
    static let unknown = 2
    static let invalidArgument = 3
    static let deadlineExceeded = 4
    static let permissionDenied = 7
    static let resourceExhausted = 8
    static let aborted = 10
    static let outOfRange = 11
    static let unimplemented = 12
    static let internalError = 13
    static let unavailable = 14
    static let dataLoss = 15
    static let unauthenticated = 16
  }

  private static let names = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
  ]

  /// Headers and trailers that `init` reads.
  static let fields = ["grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding"]

  /// Characters of a message that are worth a log line.
  private static let textLimit = 512

  let code: Int
  let message: String
  /// How long the server wants to be left alone.
  let retryDelay: Duration?

  /// Reads what the answer says of it.
  init(_ response: HTTPResponse) {
    guard let text = response.fields["grpc-status"] else {
      let type = response.contentType ?? "no content type"
      guard response.status != 200 || !type.lowercased().hasPrefix("application/grpc") else {
        // The server, or its connection, went away in the middle: nobody has said that this is final.
        (code, message, retryDelay) = (Code.unavailable, "the answer ends before its status", nil)
        return
      }
      code = Self.code(ofHTTP: response.status)
      message = "the answer is none of a gRPC server: HTTP \(response.status), \(type)"
      retryDelay = nil
      return
    }
    code = Int(text) ?? Code.unknown
    message = String(GRPCText.message(response.fields["grpc-message"] ?? "").prefix(Self.textLimit))
    retryDelay = response.fields["grpc-status-details-bin"].flatMap(Base64.decode).flatMap(Self.retryDelay)
  }

  /// For the operator.
  var reason: String {
    let name = Self.names.indices.contains(code) ? Self.names[code] : "status \(code)"
    return "gRPC \(name)" + (message.isEmpty ? "" : ": \(message)")
  }

  /// What gRPC says an HTTP status means where there is no other.
  private static func code(ofHTTP status: Int) -> Int {
    switch status {
    case 400: Code.internalError
    case 401: Code.unauthenticated
    case 403: Code.permissionDenied
    case 404: Code.unimplemented
    case 429, 502, 503, 504: Code.unavailable
    default: Code.unknown
    }
  }

  /// The delay of the first `google.rpc.RetryInfo` among the details of a `google.rpc.Status`.
  private static func retryDelay(inStatus bytes: [UInt8]) -> Duration? {
    bytes.withUnsafeBytes { status in
      first(3, of: status) { detail in
        let type = first(1, of: detail) { String(decoding: $0, as: UTF8.self) }
        guard type?.hasSuffix("/google.rpc.RetryInfo") == true else { return nil }
        return first(2, of: detail) { info in first(1, of: info, duration) }
      }
    }
  }

  /// The first that `read` makes of the fields of that number; nil where there is none, or the bytes are no message.
  private static func first<Value>(
    _ number: Int, of message: UnsafeRawBufferPointer, _ read: (UnsafeRawBufferPointer) -> Value?
  ) -> Value? {
    var reader = WireReader(message)
    while let field = try? reader.next() {
      if field.number == number, let bytes = field.bytes, let value = read(bytes) { return value }
    }
    return nil
  }

  /// From zero to what a `Retry-After` may ask for.
  private static func duration(_ message: UnsafeRawBufferPointer) -> Duration {
    var (seconds, nanoseconds) = (Int64(0), Int64(0))
    var reader = WireReader(message)
    while let field = try? reader.next() {
      guard case .varint(let number) = field.value else { continue }
      if field.number == 1 { seconds = Int64(bitPattern: number) }
      if field.number == 2 { nanoseconds = Int64(bitPattern: number) }
    }
    let limit = RetryAfter.limit
    guard (0..<limit).contains(seconds) else { return .seconds(seconds < 0 ? 0 : limit) }
    return .seconds(seconds) + .nanoseconds(min(max(nanoseconds, 0), 999_999_999))
  }
}
