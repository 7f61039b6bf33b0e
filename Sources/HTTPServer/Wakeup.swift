import CHTTPServer
import Glibc

/// A descriptor that one thread polls and others make readable.
final class Wakeup: Sendable {
  let descriptor: Int32

  init() throws(HTTPServerError) {
    descriptor = chttp_wakeup_new()
    if descriptor < 0 { throw .outOfResources(reason: String(cString: strerror(errno))) }
  }

  deinit {
    close(descriptor)
  }

  func signal() {
    chttp_wakeup_signal(descriptor)
  }

  func clear() {
    chttp_wakeup_clear(descriptor)
  }
}
