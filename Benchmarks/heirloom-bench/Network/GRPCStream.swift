/// A client's side of an HTTP/2 connection that makes unary gRPC calls, one after the other. It knows no more of HTTP/2 than that
/// takes; replies are told apart by whether they have a message.
final class GRPCStream {
  private let socket: Socket
  private let headers: [UInt8]
  private let frame = Memory()
  private var streamID: UInt32 = 1
  /// Bytes that may be sent: on the connection, on a new stream, on the stream of the call.
  private var connectionWindow = 65535
  private var initialWindow = 65535
  private var streamWindow = 0
  /// Of the call under way.
  private var reply: [UInt8] = []
  private var isOver = false

  private enum Kind: UInt8 {
    case data = 0
    case headers = 1
    case resetStream = 3
    case settings = 4
    case ping = 6
    case goAway = 7
    case windowUpdate = 8
  }

  private static let endStream: UInt8 = 1
  private static let endHeaders: UInt8 = 4
  private static let acknowledgment: UInt8 = 1
  /// Bytes of a DATA frame: what every server takes.
  private static let largestFrame = 16384

  /// Begins the connection on a connected socket, for calls of a method such as `/package.Service/Method`.
  init(_ socket: Socket, method: String, gzip: Bool) throws {
    self.socket = socket
    headers = Self.headers(method: method, gzip: gzip)
    try socket.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", moreFollows: true)
    try send(.settings, flags: 0, stream: 0, [])
    // Replies are small, but there are many.
    try send(.windowUpdate, flags: 0, stream: 0, Self.bytes(of: UInt32(1 << 30)))
  }

  /// Calls with a message, and returns the one that answers; nil when there is only a status.
  ///
  /// - Throws: when the connection broke, or the server ends the call before it is over.
  func call(_ message: UnsafeRawBufferPointer, compressed: Bool) throws -> [UInt8]? {
    streamWindow = initialWindow
    reply = []
    isOver = false
    try send(.headers, flags: Self.endHeaders, stream: streamID, headers)
    let prefix = [compressed ? 1 : 0] + Self.bytes(of: UInt32(message.count))
    try send(.data, flags: 0, stream: streamID, prefix, moreFollows: true)
    connectionWindow -= prefix.count
    streamWindow -= prefix.count
    var rest = message
    repeat {
      while min(connectionWindow, streamWindow) <= 0 && !rest.isEmpty { try readFrame() }
      let count = min(rest.count, Self.largestFrame, connectionWindow, streamWindow)
      let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      let isLast = rest.isEmpty
      try sendHead(.data, flags: isLast ? Self.endStream : 0, stream: streamID, count: count)
      try socket.send(piece, moreFollows: !isLast)
      connectionWindow -= count
      streamWindow -= count
    } while !rest.isEmpty
    while !isOver { try readFrame() }
    streamID += 2
    return reply.count >= prefix.count ? Array(reply[prefix.count...]) : nil
  }

  private func readFrame() throws {
    try read(9)
    let head = frame.prefix(9)
    let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
    let (kind, flags) = (Kind(rawValue: head[3]), head[4])
    let stream = Self.number(head, at: 5) & 0x7FFF_FFFF
    try read(count)
    let payload = frame.prefix(count)
    switch kind {
    case .data:
      reply += payload
    case .settings where flags & Self.acknowledgment == 0:
      for start in stride(from: 0, to: count - 5, by: 6) where payload[start] == 0 && payload[start + 1] == 4 {
        let window = Int(Self.number(payload, at: start + 2))
        streamWindow += window - initialWindow
        initialWindow = window
      }
      try send(.settings, flags: Self.acknowledgment, stream: 0, [])
    case .ping where flags & Self.acknowledgment == 0:
      try send(.ping, flags: Self.acknowledgment, stream: 0, Array(payload))
    case .windowUpdate:
      let more = Int(Self.number(payload, at: 0))
      if stream == 0 { connectionWindow += more } else if stream == streamID { streamWindow += more }
    case .resetStream where stream == streamID && !isOver:
      throw BenchError("the receiver reset the call")
    case .goAway:
      throw BenchError("the receiver wants no more calls")
    default: break
    }
    if kind == .data || kind == .headers, stream == streamID, flags & Self.endStream != 0 { isOver = true }
  }

  private func read(_ count: Int) throws {
    let target = UnsafeMutableRawBufferPointer(rebasing: frame.reserve(max(count, 9))[..<count])
    var done = 0
    while done < count {
      let received = try socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: target[done...]))
      guard received > 0 else { throw BenchError("the receiver closed the connection") }
      done += received
    }
  }

  private func send(
    _ kind: Kind, flags: UInt8, stream: UInt32, _ payload: [UInt8], moreFollows: Bool = false
  ) throws {
    try sendHead(kind, flags: flags, stream: stream, count: payload.count, moreFollows: moreFollows)
    try payload.withUnsafeBytes { try socket.send($0, moreFollows: moreFollows) }
  }

  private func sendHead(
    _ kind: Kind, flags: UInt8, stream: UInt32, count: Int, moreFollows: Bool = true
  ) throws {
    let head = Self.bytes(of: UInt32(count))[1...] + [kind.rawValue, flags] + Self.bytes(of: stream)
    try head.withUnsafeBytes { try socket.send($0, moreFollows: count > 0 || moreFollows) }
  }

  /// In HPACK, without its tables but for the static one, and without Huffman codes.
  private static func headers(method: String, gzip: Bool) -> [UInt8] {
    func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + text.utf8 }
    func field(_ name: String, _ value: String) -> [UInt8] { [0] + text(name) + text(value) }
    let methodPost: UInt8 = 0x83
    let schemeHTTP: UInt8 = 0x86
    return [methodPost, schemeHTTP] + field(":path", method) + field(":authority", "localhost")
      + field("content-type", "application/grpc") + field("te", "trailers")
      + (gzip ? field("grpc-encoding", "gzip") : [])
  }

  private static func bytes(of number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }

  private static func number(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
    UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
