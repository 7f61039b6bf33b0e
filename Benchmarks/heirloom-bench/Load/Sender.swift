import Compression
import Glibc
import Locks
import OTLP

/// What was sent, by one connection or by all.
struct SentCount: Sendable {
  var requests = 0
  var spans = 0
  /// Bytes of bodies.
  var bytes = 0
  /// Bytes of the spans themselves, without what is around them.
  var spanBytes = 0
  /// Replies 429 and 503, each of which had the request sent again.
  var refusals = 0
  /// CPU time of the generator's threads, in nanoseconds.
  var cpu = 0

  static func + (a: SentCount, b: SentCount) -> SentCount {
    SentCount(
      requests: a.requests + b.requests, spans: a.spans + b.spans, bytes: a.bytes + b.bytes,
      spanBytes: a.spanBytes + b.spanBytes, refusals: a.refusals + b.refusals, cpu: a.cpu + b.cpu)
  }
}

/// Posts the requests of one connection, one after the other.
final class Sender {
  private let endpoint: Endpoint
  private let traffic: Traffic
  private let writer: RequestWriter
  private let deadline: UInt64
  private let reply = Memory()
  private var stream: HTTPStream?
  private var calls: GRPCStream?
  /// The request in JSON.
  private var text: [UInt8] = []
  private(set) var sent = SentCount()

  /// - Parameters:
  ///   - traffic: what to send.
  ///   - templates: the traffic's spans.
  ///   - endpoint: the receiver.
  ///   - instance: number of the connection.
  ///   - deadline: monotonic nanoseconds after which nothing more is sent.
  init(_ traffic: Traffic, templates: SpanTemplates, to endpoint: Endpoint, instance: Int, deadline: UInt64) {
    self.traffic = traffic
    self.endpoint = endpoint
    self.deadline = deadline
    writer = RequestWriter(traffic, templates: templates, instance: instance)
  }

  /// Sends everything that the planner plans.
  ///
  /// - Throws: when the receiver fails, answers with an error other than 429 and 503, or rejects spans.
  func send(_ plans: RequestPlanner) throws {
    var plans = plans
    var isFirst = true
    while let plan = plans.next() {
      let request = writer.write(plan)
      if isFirst {
        isFirst = false
        if traffic.fault == .requestLost { continue }
        if traffic.fault == .requestTwice { try post(request) }
      }
      try post(request)
      sent.requests += 1
      sent.spans += plan.spanCount
      sent.bytes += request.count
      sent.spanBytes += writer.spanBytes
    }
  }

  private func post(_ request: UnsafeRawBufferPointer) throws {
    guard traffic.json else { return try compressAndPost(request) }
    text.removeAll(keepingCapacity: true)
    try OTLPJSON.append(message: request, signal: .traces, to: &text)
    try text.withUnsafeBytes { try compressAndPost($0) }
  }

  private func compressAndPost(_ request: UnsafeRawBufferPointer) throws {
    guard traffic.gzip else { return try postUntilAccepted(request) }
    try Deflate.gzip(request, level: 1).withUnsafeBytes { try postUntilAccepted($0) }
  }

  /// A benchmark that is refused measures something else, so that gRPC's other statuses are not told apart.
  private func call(_ message: UnsafeRawBufferPointer) throws {
    let calls =
      try calls
      ?? GRPCStream(
        Socket.connect(to: endpoint, patience: 60),
        method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export", gzip: traffic.gzip)
    self.calls = calls
    guard let reply = try calls.call(message, compressed: traffic.gzip) else {
      throw BenchError("the receiver refused a call")
    }
    try reply.withUnsafeBytes(checkReply)
  }

  /// Within bounds.
  private func postUntilAccepted(_ body: UnsafeRawBufferPointer) throws {
    if traffic.grpc { return try call(body) }
    let mostAttempts = 1000
    for _ in 0..<mostAttempts {
      guard MonotonicClock.now() < deadline else { throw BenchError("the load was not accepted in time") }
      let head = try exchange(body)
      let status = head.startLine.count > 1 ? String(head.startLine[1]) : "no status"
      switch status {
      case "200": return
      case "429", "503":
        sent.refusals += 1
        pause(retryAfter: head["retry-after"])
      default: throw BenchError("the receiver answered \(head.startLine.joined(separator: " "))")
      }
    }
    throw BenchError("a request was refused \(mostAttempts) times")
  }

  /// Sends the body once and reads the reply.
  private func exchange(_ body: UnsafeRawBufferPointer) throws -> HTTPHead {
    let stream = try stream ?? HTTPStream(Socket.connect(to: endpoint, patience: 60))
    self.stream = stream
    if traffic.chunked { try sendChunked(body, on: stream.socket) } else { try sendWhole(body, on: stream.socket) }
    guard let head = try stream.readHead() else { throw BenchError("the receiver closed the connection") }
    let replyLength = try stream.readBody(of: head, into: reply)
    if head.startLine.dropFirst().first == "200" { try checkReply(reply.prefix(replyLength)) }
    if head.closesConnection { self.stream = nil }
    return head
  }

  private func sendWhole(_ body: UnsafeRawBufferPointer, on socket: Socket) throws {
    try socket.send(requestHead + "Content-Length: \(body.count)\r\n\r\n", moreFollows: true)
    try socket.send(body)
  }

  private func sendChunked(_ body: UnsafeRawBufferPointer, on socket: Socket) throws {
    try socket.send(requestHead + "Transfer-Encoding: chunked\r\n\r\n", moreFollows: true)
    let chunk = 100_000
    for start in stride(from: 0, to: body.count, by: chunk) {
      let end = min(body.count, start + chunk)
      try socket.send(String(end - start, radix: 16) + "\r\n", moreFollows: true)
      try socket.send(UnsafeRawBufferPointer(rebasing: body[start..<end]), moreFollows: true)
      try socket.send("\r\n", moreFollows: true)
    }
    try socket.send("0\r\n\r\n")
  }

  private var requestHead: String {
    "POST /v1/traces HTTP/1.1\r\nHost: \(endpoint)\r\nContent-Type: application/\(traffic.json ? "json" : "x-protobuf")\r\n"
      + (traffic.gzip ? "Content-Encoding: gzip\r\n" : "")
  }

  /// An accepted request may have rejected spans: `ExportTraceServiceResponse.partial_success.rejected_spans`.
  private func checkReply(_ message: UnsafeRawBufferPointer) throws {
    if traffic.json {
      guard message.elementsEqual("{}".utf8) else { throw BenchError("the receiver did not take all spans") }
      return
    }
    var response = WireReader(message)
    while try response.next() {
      guard response.number == 1 else { continue }
      var partialSuccess = WireReader(response.bytes)
      while try partialSuccess.next() {
        guard partialSuccess.number != 1 || partialSuccess.value == 0 else {
          throw BenchError("the receiver rejected \(partialSuccess.value) spans")
        }
      }
    }
  }

  /// Waits as the receiver asked, though never long: a benchmark should keep the pressure up.
  private func pause(retryAfter: String?) {
    let asked = retryAfter.flatMap(Double.init) ?? 0.05
    usleep(UInt32(min(max(asked, 0.01), 1) * 1_000_000))
  }
}
