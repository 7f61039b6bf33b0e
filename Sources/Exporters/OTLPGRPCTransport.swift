import HTTPClient
import OTLP

/// OTLP/gRPC: unary calls over HTTP/2.
struct OTLPGRPCTransport: OTLPTransport {
  private let url: HTTPURL
  private let headers: [HTTPHeader]
  private let isCompressed: Bool
  private let inflate: GRPCResponse.Inflate
  private let decodePartialSuccess: OTLPHTTPResponse.DecodePartialSuccess

  /// - Parameters:
  ///   - endpoint: URL of the server, without a path.
  ///   - signal: of all requests.
  ///   - headers: of every call.
  ///   - isCompressed: whether requests are.
  ///   - inflate: for compressed answers.
  ///   - decodePartialSuccess: for answers.
  /// - Throws: `HTTPClientError` when the endpoint takes no path.
  init(
    endpoint: HTTPURL, signal: Signal, headers: [HTTPHeader], isCompressed: Bool,
    inflate: @escaping GRPCResponse.Inflate,
    decodePartialSuccess: @escaping OTLPHTTPResponse.DecodePartialSuccess
  ) throws(HTTPClientError) {
    let base = endpoint.text.hasSuffix("/") ? String(endpoint.text.dropLast()) : endpoint.text
    url = try HTTPURL(base + Self.path(of: signal))
    self.headers = headers
    self.isCompressed = isCompressed
    self.inflate = inflate
    self.decodePartialSuccess = decodePartialSuccess
  }

  /// The method that takes a signal's requests.
  static func path(of signal: Signal) -> String {
    let service =
      switch signal {
      case .traces: "trace.v1.TraceService"
      case .logs: "logs.v1.LogsService"
      case .metrics: "metrics.v1.MetricsService"
      }
    return "/opentelemetry.proto.collector.\(service)/Export"
  }

  func httpRequest(for request: EncodedRequest) -> HTTPRequest {
    let message = GRPCMessage(request, isCompressed: isCompressed)
    var call = HTTPRequest(url: url, headers: headers, body: message)
    call.answerFields = GRPCStatus.fields
    return call
  }

  func judge(_ response: HTTPResponse) -> OTLPAnswer {
    GRPCResponse(response, inflate: inflate, decodePartialSuccess: decodePartialSuccess).answer
  }
}
