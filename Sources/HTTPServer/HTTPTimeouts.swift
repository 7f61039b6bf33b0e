import Locks

/// How long an `HTTPServer` waits for its clients. Zero means for ever.
///
/// What is too late is noticed when the server looks the next time: after an eighth of the shortest of these times, and
/// two seconds at most. The time that a handler takes counts nowhere.
package struct HTTPTimeouts: Equatable, Sendable {
  /// Without a byte from the client: between two requests, and within one. More than the minute that lies between two
  /// exports of many SDKs, so that they find their connection alive.
  package var idle: Duration
  /// From the first byte of a request to the end of its headers; and for a TLS handshake, from the connection's beginning.
  package var readHeader: Duration
  /// From the first byte of a request to the last one of its body, however steadily they come.
  package var read: Duration
  /// From a reply's beginning until the client's side has taken all of it.
  package var write: Duration

  package init(
    idle: Duration = .seconds(120), readHeader: Duration = .seconds(60), read: Duration = .seconds(120),
    write: Duration = .seconds(30)
  ) {
    self.idle = idle
    self.readHeader = readHeader
    self.read = read
    self.write = write
  }

  /// The time between two looks, in nanoseconds; nil when nothing is ever too late.
  var interval: UInt64? {
    let shortest = [idle, readHeader, read, write].filter { $0 > .zero }.min()
    return shortest.map { min(max($0.nanoseconds / 8, 10_000_000), 2_000_000_000) }
  }
}

/// Why an `HTTPServer` ended a connection of which the client had not had enough.
package enum HTTPEnding: CaseIterable, Sendable {
  /// There were too many connections already.
  case maxConnections
  /// The timeouts of `HTTPTimeouts`.
  case idle, readHeader, read, write
  /// A body was so far beyond its limit that the server stopped throwing it away.
  case endlessBody
  /// The client and the server did not come to a TLS session.
  case handshake
}
