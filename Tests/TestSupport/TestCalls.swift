/// A gRPC client that sends exactly the frames it is told to, over one connection. It has no use for a server's headers: what
/// is answered with a message was answered well. It does not mind a server's
/// windows: all that is sent has to fit into them.
package final class TestCalls {
  package struct Reply: Equatable {
    /// Without its prefix; nil when the call ended without one.
    package var message: [UInt8]?
    /// The call was reset.
    package var isReset = false

    init(message: [UInt8]? = nil, isReset: Bool = false) {
      self.message = message
      self.isReset = isReset
    }
  }

  private let client: TestClient
  private var nextStream: UInt32 = 1
  private var replies: [UInt32: [UInt8]] = [:]
  private var open: Set<UInt32> = []

  /// Connects.
  package init(port: UInt16) throws(ConnectionLost) {
    client = try TestClient(port: port)
    try client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    // As much as there is of a window for answers: on a stream, and on the connection.
    let most = Self.bytes(0x7FFF_0000)
    try send(kind: 4, flags: 0, stream: 0, [0, 4] + most)
    try send(kind: 8, flags: 0, stream: 0, most)
  }

  /// Begins a call of a method such as `/package.Service/Method`, and returns its stream. Names of metadata are in lower case;
  /// with `ends` there is no message.
  package func begin(
    _ method: String, metadata: [(name: String, value: String)] = [], ends: Bool = false
  ) throws(ConnectionLost) -> UInt32 {
    let stream = nextStream
    nextStream += 2
    open.insert(stream)
    let standard = [
      (":path", method), (":authority", "test"), ("content-type", "application/grpc"), ("te", "trailers"),
    ]
    // HPACK's static table has POST and http; everything else stands there in full.
    var block: [UInt8] = [0x83, 0x86]
    for (name, value) in standard + metadata.map({ ($0.name, $0.value) }) {
      block += [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }
    try send(kind: 1, flags: ends ? 5 : 4, stream: stream, block)
    return stream
  }

  /// Sends a call's message in frames of these sizes, the last size again and again, and says that nothing follows.
  package func send(_ message: [UInt8], on stream: UInt32, sizes: [Int] = [16384]) throws(ConnectionLost) {
    var rest = Self.prefix(message.count) + message
    var turn = 0
    repeat {
      let piece = rest.prefix(sizes[min(turn, sizes.count - 1)])
      rest = Array(rest.dropFirst(piece.count))
      turn += 1
      try sendPart(Array(piece), on: stream, ends: rest.isEmpty)
    } while !rest.isEmpty
  }

  /// Sends a part of a message, which begins with `prefix`.
  package func sendPart(_ bytes: [UInt8], on stream: UInt32, ends: Bool = false) throws(ConnectionLost) {
    try send(kind: 0, flags: ends ? 1 : 0, stream: stream, bytes)
  }

  package static func prefix(_ count: Int) -> [UInt8] { [0] + bytes(UInt32(count)) }

  /// Waits for the end of the next call that ends.
  package func receive() throws(ConnectionLost) -> (stream: UInt32, reply: Reply) {
    while true {
      let (kind, stream, ends) = try receiveFrame()
      guard open.contains(stream), kind == 3 || ends else { continue }
      open.remove(stream)
      let message = replies.removeValue(forKey: stream).map { Array($0.dropFirst(5)) }
      return (stream, kind == 3 ? Reply(isReset: true) : Reply(message: message))
    }
  }

  /// Waits until so many bytes have come of a call that goes on, prefixes of messages included.
  package func receive(count: Int, on stream: UInt32) throws(ConnectionLost) -> [UInt8] {
    while replies[stream, default: []].count < count { _ = try receiveFrame() }
    return replies[stream, default: []]
  }

  /// Does what the server asks for until it closes the connection. One that ends in peace waits for its last question to be
  /// answered, for up to twenty seconds.
  package func waitForEnd() {
    while (try? receiveFrame()) != nil {}
  }

  /// Reads a frame and does what it asks for; whether it ends its stream.
  private func receiveFrame() throws(ConnectionLost) -> (kind: UInt8, stream: UInt32, ends: Bool) {
    let head = try client.receive(count: 9)
    let payload = try client.receive(count: Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2]))
    let stream = head[5..<9].reduce(0) { $0 << 8 | UInt32($1) }
    let isFlagged = head[4] & 1 != 0
    switch head[3] {
    case 0: replies[stream, default: []] += payload
    case 4 where !isFlagged: try send(kind: 4, flags: 1, stream: 0, [])
    case 6 where !isFlagged: try send(kind: 6, flags: 1, stream: 0, payload)
    default: break
    }
    return (head[3], stream, isFlagged && head[3] <= 1)
  }

  /// Calls, and waits for the answer. Not while other calls are under way.
  package func call(
    _ method: String, _ message: [UInt8], metadata: [(name: String, value: String)] = []
  ) throws(ConnectionLost) -> Reply {
    try send(message, on: begin(method, metadata: metadata))
    return try receive().reply
  }

  private func send(kind: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) throws(ConnectionLost) {
    try client.send(Self.bytes(UInt32(payload.count))[1...] + [kind, flags] + Self.bytes(stream) + payload)
  }

  private static func bytes(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }
}
