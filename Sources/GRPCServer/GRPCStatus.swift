/// The status codes of gRPC that servers here use.
package enum GRPCCode: Int32, Sendable {
  case ok = 0
  case cancelled = 1
  case invalidArgument = 3
  case notFound = 5
  case resourceExhausted = 8
  case unimplemented = 12
  case `internal` = 13
  case unavailable = 14
  case unauthenticated = 16
}

/// How a call ends that is not answered with a message.
package struct GRPCStatus: Error, Sendable, Equatable {
  package var code: GRPCCode
  /// For the person who runs the client.
  package var message: String
  /// An encoded `google.rpc.Status` for the client's program; may be empty.
  package var details: [UInt8]

  package init(_ code: GRPCCode, _ message: String, details: [UInt8] = []) {
    self.code = code
    self.message = message
    self.details = details
  }
}
