import Glibc

/// How many descriptors (files, sockets) this process may have open at once.
package enum DescriptorLimit {
  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  /// The number now. The largest one when the system does not tell.
  package static var current: Int {
    var limit = rlimit()
    return getrlimit(resource, &limit) == 0 ? Int(clamping: limit.rlim_cur) : .max
  }

  /// Raises it to the most that the system grants this process. What is refused stays as it was.
  package static func raise() {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
  }

  /// How many of so many descriptors a server's connections may take: as many as are wanted, but a quarter, 256 at most, is
  /// left to others, so that idle clients cannot keep exporters from connecting and files from being opened. At least one.
  package static func connections(wanted: Int, of descriptors: Int = current) -> Int {
    max(1, min(wanted, descriptors - min(256, descriptors / 4)))
  }
}
