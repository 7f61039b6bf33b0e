@testable import Exporters
import HTTPClient
import OTLP
import Pipeline
import TestSupport
import Testing

@Suite struct GRPCResponseTests {
  /// A partial success is a make-believe protobuf: text. A compressed message has a Z before it.
  private func judge(_ response: HTTPResponse) -> GRPCResponse {
    GRPCResponse(
      response, inflate: { $0.first == UInt8(ascii: "Z") ? Array($0.dropFirst()) : nil },
      decodePartialSuccess: { $0.isEmpty ? nil : (rejected: $0.count, message: String(decoding: $0, as: UTF8.self)) })
  }

  private func response(_ code: Int, _ message: String = "", details: [UInt8]? = nil, body: [UInt8] = [])
    -> HTTPResponse
  {
    var fields = ["grpc-status": String(code)]
    if !message.isEmpty { fields["grpc-message"] = message }
    if let details { fields["grpc-status-details-bin"] = Base64.encode(details) }
    return HTTPResponse(status: 200, contentType: "application/grpc", fields: fields, body: body)
  }

  private func frame(_ text: String, isCompressed: Bool = false) -> [UInt8] {
    [isCompressed ? 1 : 0, 0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8)
  }

  /// A `google.rpc.Status` with an unknown detail, and a `RetryInfo` of that many seconds and nanoseconds.
  private func retryInfo(seconds: Int64, nanoseconds: Int64 = 0) -> [UInt8] {
    var delay: [UInt8] = [0x08]
    delay.appendVarint(UInt64(bitPattern: seconds))
    delay.append(0x10)
    delay.appendVarint(UInt64(bitPattern: nanoseconds))
    func detail(_ type: String, _ value: [UInt8]) -> [UInt8] {
      var any: [UInt8] = []
      any.appendField(1, Array(type.utf8))
      any.appendField(2, value)
      return any
    }
    var info: [UInt8] = []
    info.appendField(1, delay)
    var status: [UInt8] = []
    status.appendField(2, Array("busy".utf8))
    status.appendField(3, detail("type.googleapis.com/google.rpc.Help", [0xFF]))
    status.appendField(3, detail("type.googleapis.com/google.rpc.RetryInfo", info))
    return status
  }

  @Test func `a success is one, with what the server left out`() {
    #expect(judge(response(0)).outcome == .delivered(rejected: 0))
    #expect(judge(response(0, body: frame(""))).warning == nil)
    let partial = judge(response(0, body: frame("bad")))
    #expect(partial.outcome == .delivered(rejected: 3))
    #expect(partial.warning == "bad")
  }

  @Test func `a compressed answer is read, and one that cannot be is a success`() {
    var answer = response(0, body: frame("Zbad", isCompressed: true))
    #expect(judge(answer).outcome == .delivered(rejected: 0))
    answer = HTTPResponse(
      status: 200, fields: ["grpc-status": "0", "grpc-encoding": "gzip"], body: frame("Zbad", isCompressed: true))
    #expect(judge(answer).outcome == .delivered(rejected: 3))
    for body in [[0], [0, 0, 0, 0, 9, 1], frame("no", isCompressed: true), [0, 0xFF, 0xFF, 0xFF, 0xFF]] as [[UInt8]] {
      #expect(judge(response(0, body: body)).outcome == .delivered(rejected: 0))
    }
  }

  @Test(arguments: [1, 4, 10, 11, 14, 15]) func `a code that may pass is tried again, after the wait it asks for`(
    code: Int
  ) {
    guard case .unavailable(let reason, nil) = judge(response(code, "a%20%C3%A4%zz%")).outcome else {
      return #expect(Bool(false), "\(code) is tried again")
    }
    #expect(reason.hasSuffix(": a ä%zz%"))
    let waiting = judge(response(code, details: retryInfo(seconds: 2, nanoseconds: 500_000_000))).outcome
    guard case .unavailable(_, .some(let wait)) = waiting else { return #expect(Bool(false), "it has a wait") }
    #expect(wait == .milliseconds(2500))
  }

  @Test(arguments: [
    (-1, 0, Duration.zero), (0, -1, .zero), (1 << 40, 0, .seconds(86_400)), (1, 1 << 40, .nanoseconds(1_999_999_999)),
  ])
  func `a wait that cannot be is bounded`(seconds: Int64, nanoseconds: Int64, wait: Duration) {
    let details = retryInfo(seconds: seconds, nanoseconds: nanoseconds)
    #expect(judge(response(8, details: details)).outcome == .unavailable(reason: "gRPC RESOURCE_EXHAUSTED", wait: wait))
  }

  @Test func `exhausted without a word of when means that it is too large, and parts may do`() {
    let expected = SendOutcome.refused(reason: "gRPC RESOURCE_EXHAUSTED: 5 > 4", status: 8, isAboutItems: true)
    #expect(judge(response(8, "5 > 4")).outcome == expected)
    #expect(judge(response(8, "5 > 4", details: [0xFF, 0xFF])).outcome == expected)
    // tonic
    let tonic = "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes"
    guard case .refused(let refused) = judge(response(11, tonic)).outcome else {
      return #expect(Bool(false), "it is refused")
    }
    #expect(refused.isAboutItems)
  }

  @Test(arguments: [2, 3, 5, 6, 9, 12, 13, 99]) func `every other code is final`(code: Int) {
    guard case .refused(let refused) = judge(response(code, "no")).outcome else {
      return #expect(Bool(false), "\(code) is final")
    }
    #expect(refused.status == code)
    #expect(refused.isAboutItems == (code == 3))
    #expect(refused.reason.hasSuffix(": no"))
  }

  @Test(arguments: [7, 16]) func `wrong credentials are no reason to let go of the data`(code: Int) {
    guard case .unavailable(let reason, nil) = judge(response(code, "expired")).outcome else {
      return #expect(Bool(false), "\(code) is held")
    }
    #expect(reason.contains("expired") && reason.contains("held"))
  }

  @Test(
    arguments: [
      (200, 2), (400, 13), (401, nil), (403, nil), (404, 12), (413, 2), (429, nil), (500, 2), (502, nil), (503, nil),
      (504, nil),
    ] as [(Int, Int?)])
  func `an answer without a gRPC status means what its HTTP status does`(status: Int, code: Int?) {
    let outcome = judge(HTTPResponse(status: status, contentType: "text/html", body: Array("<html>".utf8))).outcome
    switch outcome {
    case .refused(let refused):
      #expect(refused.status == code)
      #expect(refused.isAboutItems == (status == 413))
      #expect(refused.reason.contains("HTTP \(status), text/html"))
    case .unavailable(let reason, _):
      #expect(code == nil)
      #expect(reason.contains("HTTP \(status)"))
    case .delivered: Issue.record("nobody took it")
    }
  }

  @Test(arguments: ["application/grpc", "application/grpc+proto"])
  func `an answer that was cut off before its status is no refusal`(type: String) {
    let outcome = judge(HTTPResponse(status: 200, contentType: type)).outcome
    #expect(
      outcome == .unavailable(reason: "gRPC UNAVAILABLE: the answer ends before its status", wait: nil))
  }

  @Test func `a message is five bytes and the request, which is not copied`() {
    let request = SampleRequest.make(spans: 3, segmentLength: 10)
    let message = GRPCMessage(request, isCompressed: true)
    #expect(message.byteCount == request.byteCount + 5)
    #expect(message.segmentCount == request.segmentCount + 1)
    #expect(Array(message.segment(0)) == [1, 0, 0, UInt8(request.byteCount >> 8), UInt8(request.byteCount & 0xFF)])
    for index in 0..<request.segmentCount {
      #expect(message.segment(index + 1).baseAddress == request.segment(index).baseAddress)
    }
  }

  @Test func `each signal has its method`() {
    let service = "/opentelemetry.proto.collector"
    #expect(OTLPGRPCTransport.path(of: .traces) == service + ".trace.v1.TraceService/Export")
    #expect(OTLPGRPCTransport.path(of: .logs) == service + ".logs.v1.LogsService/Export")
    #expect(OTLPGRPCTransport.path(of: .metrics) == service + ".metrics.v1.MetricsService/Export")
  }

  @Test(arguments: [
    (Duration.seconds(5), "5000m"), (.milliseconds(1), "1m"), (.nanoseconds(1), "1m"), (.microseconds(1500), "2m"),
    (.seconds(99_998), "99998000m"), (.seconds(99_999), "99999S"), (.seconds(99_999_999), "27778H"),
    (.seconds(Int64.max), "99999999H"),
  ])
  func `a deadline has eight digits at most`(duration: Duration, text: String) {
    #expect(GRPCText.timeout(duration) == text)
  }
}
