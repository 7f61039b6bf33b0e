import CHTTPServer
import Glibc
import Locks

/// Keeps sockets open whose connection was closed early, until the client has stopped sending.
///
/// When a socket is closed while bytes lie unread in it, the kernel resets the connection, and a client that is still
/// sending loses the reply it has not read yet. Here a descriptor of the same socket stays open on a thread of its own,
/// which throws away what comes in. It never writes, so that it serves encrypted connections as well.
final class Linger: Sendable {
  /// Bytes read from one client before it is cut off.
  static let maxBytes = 64 << 20
  /// Nanoseconds one client has.
  static let maxTime: UInt64 = 5_000_000_000
  /// Sockets at one time; further ones are closed at once.
  static let maxSockets = 128

  private struct Inbox {
    var arrivals: [Int32] = []
    /// Those that the thread has.
    var guests = 0
    var isStopping = false
  }

  private struct Guest {
    let socket: Int32
    let deadline: UInt64
    var bytesLeft: Int

    /// Reads what is there; false when the socket is done with.
    mutating func drain() -> Bool {
      let count = chttp_discard(socket, Int(min(bytesLeft, 1 << 20)))
      guard count > 0 else { return count == -Int64(EAGAIN) || count == -Int64(EINTR) }
      bytesLeft -= Int(count)
      return bytesLeft > 0
    }
  }

  private let inbox = Locked(Inbox())
  private let wakeup: Wakeup
  private let thread = Locked<BackgroundThread?>(nil)

  init() throws(HTTPServerError) {
    wakeup = try Wakeup()
  }

  func start() {
    thread.withLock { $0 = BackgroundThread(name: "http-linger") { self.run() } }
  }

  /// Takes over a socket, to close it at once if there are so many already.
  func add(_ socket: Int32, ifFewerThan limit: Int = Linger.maxSockets) {
    let isWelcome = inbox.withLock { inbox in
      guard !inbox.isStopping && inbox.guests + inbox.arrivals.count < limit else { return false }
      inbox.arrivals.append(socket)
      return true
    }
    if isWelcome { wakeup.signal() } else { close(socket) }
  }

  /// Closes all sockets and ends the thread.
  func stop() {
    inbox.withLock { $0.isStopping = true }
    wakeup.signal()
    thread.withLock { $0.take() }?.join()
  }

  private func run() {
    var guests: [Guest] = []
    while true {
      let (arrivals, isStopping) = inbox.withLock { inbox in
        let arrivals = inbox.arrivals
        inbox.arrivals.removeAll(keepingCapacity: true)
        inbox.guests = guests.count + arrivals.count
        return (arrivals, inbox.isStopping)
      }
      let now = MonotonicClock.now()
      guests += arrivals.map { Guest(socket: $0, deadline: now + Self.maxTime, bytesLeft: Self.maxBytes) }
      if isStopping {
        for guest in guests { close(guest.socket) }
        return
      }
      guests = attend(guests, now: now)
    }
  }

  /// Waits for something to do, does it, and returns the guests that stay.
  private func attend(_ guests: [Guest], now: UInt64) -> [Guest] {
    var polled = [pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)]
    polled += guests.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
    let next = guests.map(\.deadline).min()
    // Rounded up, lest the last millisecond be spent in a busy loop.
    let timeout = next.map { $0 > now ? Int32(($0 - now) / 1_000_000) + 1 : 0 } ?? -1
    poll(&polled, nfds_t(polled.count), timeout)
    if polled[0].revents != 0 { wakeup.clear() }

    let later = MonotonicClock.now()
    return zip(guests, polled.dropFirst()).compactMap { guest, state in
      var guest = guest
      if (state.revents == 0 || guest.drain()) && guest.deadline > later { return guest }
      close(guest.socket)
      return nil
    }
  }
}
