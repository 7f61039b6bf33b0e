import Glibc

/// The start line and the fields of a request or a reply.
struct HTTPHead {
  let startLine: [Substring]
  private let fields: [(name: String, value: String)]

  fileprivate init?(_ text: String) {
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true)
    guard let first = lines.first else { return nil }
    startLine = first.split(separator: " ", maxSplits: 2)
    fields = lines.dropFirst().compactMap { line in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      return (line[..<colon].lowercased(), String(value))
    }
  }

  /// The value of a field.
  ///
  /// - Parameter name: in lower case.
  subscript(name: String) -> String? {
    fields.first { $0.name == name }?.value
  }

  var closesConnection: Bool {
    self["connection"]?.lowercased() == "close"
  }
}

/// Reads HTTP/1.1 messages from a socket, with bounds on all of them.
final class HTTPStream {
  static let largestBody = 256 << 20
  private static let largestHead = 64 << 10
  private static let mostTrailers = 64

  let socket: Socket
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: largestHead, alignment: 16)
  /// What of the buffer was received and not yet read.
  private var start = 0
  private var end = 0

  init(_ socket: Socket) {
    self.socket = socket
  }

  deinit {
    buffer.deallocate()
  }

  /// The next message's head; nil when the peer closed the connection between two messages.
  ///
  /// - Throws: when the connection broke, or what came is not HTTP.
  func readHead() throws -> HTTPHead? {
    let blankLine: [UInt8] = [13, 10, 13, 10]
    while true {
      let waiting = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
      if let found = waiting.firstRange(of: blankLine) {
        start += found.upperBound
        guard let head = HTTPHead(String(decoding: waiting[..<found.lowerBound], as: UTF8.self)) else {
          throw BenchError("an HTTP message without a start line")
        }
        return head
      }
      guard waiting.count < buffer.count else { throw BenchError("an HTTP head of more than 64 KiB") }
      guard try fill() else {
        guard waiting.isEmpty else { throw BenchError("the connection ended within an HTTP head") }
        return nil
      }
    }
  }

  /// Reads the body that belongs to a head.
  ///
  /// - Parameters:
  ///   - head: the last head that was read.
  ///   - memory: gets the body at its beginning.
  /// - Returns: the body's length.
  /// - Throws: when the connection broke, or the body is too large.
  func readBody(of head: HTTPHead, into memory: Memory) throws -> Int {
    if head["transfer-encoding"]?.lowercased() == "chunked" { return try readChunks(into: memory) }
    guard let field = head["content-length"] else { return 0 }
    guard let length = Int(field), 0...Self.largestBody ~= length else {
      throw BenchError("a body of \(field) bytes")
    }
    try read(length, into: memory, at: 0)
    return length
  }

  private func readChunks(into memory: Memory) throws -> Int {
    var length = 0
    while true {
      let size = try readLine().prefix { $0 != ";" }
      guard let count = Int(size, radix: 16), count >= 0, length + count <= Self.largestBody else {
        throw BenchError("a chunk of \"\(size)\" bytes")
      }
      guard count > 0 else { break }
      try read(count, into: memory, at: length)
      length += count
      guard try readLine().isEmpty else { throw BenchError("a chunk longer than it says") }
    }
    for _ in 0..<Self.mostTrailers where try readLine().isEmpty { return length }
    throw BenchError("more than \(Self.mostTrailers) trailers")
  }

  private func readLine() throws -> String {
    while true {
      let waiting = buffer[start..<end]
      if let newline = waiting.firstIndex(of: 10) {
        let line = waiting[..<newline].last == 13 ? waiting[..<(newline - 1)] : waiting[..<newline]
        start = newline + 1
        return String(decoding: line, as: UTF8.self)
      }
      guard waiting.count < buffer.count, try fill() else { throw BenchError("a line without an end") }
    }
  }

  private func read(_ count: Int, into memory: Memory, at offset: Int) throws {
    let target = UnsafeMutableRawBufferPointer(rebasing: memory.reserve(offset + count)[offset..<(offset + count)])
    let buffered = min(count, end - start)
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<(start + buffered)]))
    start += buffered
    var done = buffered
    while done < count {
      let received = try socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: target[done...]))
      guard received > 0 else { throw BenchError("the connection ended within a body") }
      done += received
    }
  }

  /// Receives more behind what is waiting; false at the end of the stream.
  private func fill() throws -> Bool {
    if start > 0 {
      memmove(buffer.baseAddress!, buffer.baseAddress! + start, end - start)
      end -= start
      start = 0
    }
    let received = try socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
    end += received
    return received > 0
  }
}
