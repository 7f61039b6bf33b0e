import Glibc
import HTTPClient
import OTLP
import Pipeline

/// OTLP/HTTP with protobuf bodies.
struct OTLPHTTPTransport: OTLPTransport {
  let url: HTTPURL
  let headers: [HTTPHeader]
  let decodeStatus: OTLPHTTPResponse.DecodeStatus
  let decodePartialSuccess: OTLPHTTPResponse.DecodePartialSuccess

  func httpRequest(for request: EncodedRequest) -> HTTPRequest {
    HTTPRequest(url: url, headers: headers, body: request)
  }

  func judge(_ response: HTTPResponse) -> OTLPAnswer {
    OTLPHTTPResponse(
      response, unixTime: time(nil), decodeStatus: decodeStatus, decodePartialSuccess: decodePartialSuccess
    ).answer
  }
}
