import Glibc
import Locks

/// A collector that runs while it is measured.
final class CollectorProcess {
  private let pid: pid_t
  private var exitStatus: Int32?

  /// Starts a command by the shell, which the command replaces.
  ///
  /// - Parameters:
  ///   - command: a shell command line.
  ///   - environment: variables for it, before our own: of two with one name the first counts.
  /// - Throws: when there is no process to be had.
  init(command: String, environment: [String: String]) throws {
    let inherited = try Self.readFile("/proc/self/environ").split(separator: 0)
    let added = environment.map { Array("\($0.key)=\($0.value)".utf8) }
    let variables = (added + inherited.map(Array.init)).map { String(decoding: $0, as: UTF8.self) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Our standard output is for figures.
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
    var pid = pid_t()
    let status = Self.withCStrings(["/bin/sh", "-c", "exec \(command)"]) { arguments in
      Self.withCStrings(variables) { posix_spawn(&pid, "/bin/sh", &actions, nil, arguments, $0) }
    }
    guard status == 0 else { throw BenchError("cannot start \(command): \(String(cString: strerror(status)))") }
    self.pid = pid
  }

  /// Waits until somebody accepts at the endpoint.
  ///
  /// - Throws: when the process has ended, or the seconds have passed.
  func waitUntilListening(at endpoint: Endpoint, seconds: Int) throws {
    let deadline = MonotonicClock.now() + UInt64(seconds) * 1_000_000_000
    while MonotonicClock.now() < deadline {
      if let status = reap() { throw BenchError("the collector ended before it listened (\(Self.describe(status)))") }
      // Where nobody listens, TCP may connect a socket to itself.
      if let socket = try? Socket.connect(to: endpoint, patience: 1), socket.port != endpoint.port { return }
      usleep(20_000)
    }
    throw BenchError("the collector did not listen at \(endpoint) within \(seconds) seconds")
  }

  /// User and system time of all threads, in seconds. From the process's clock: /proc/PID/stat has the same, in steps
  /// of 10 ms.
  var cpuSeconds: Double {
    get throws {
      var clock = clockid_t()
      var time = timespec()
      guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
        throw BenchError("the collector has ended")
      }
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
  }

  /// Resident memory now, in bytes.
  var residentBytes: Int {
    get throws { try status("VmRSS:") }
  }

  /// The most resident memory so far, in bytes.
  var peakBytes: Int {
    get throws { try status("VmHWM:") }
  }

  /// Ends the process: by SIGTERM, and by SIGKILL if that does not do within the seconds.
  ///
  /// - Returns: how it ended; nil when all went well.
  func stop(seconds: Int) -> String? {
    if exitStatus == nil { kill(pid, SIGTERM) }
    let deadline = MonotonicClock.now() + UInt64(seconds) * 1_000_000_000
    while MonotonicClock.now() < deadline {
      if let status = reap() { return status == 0 ? nil : Self.describe(status) }
      usleep(5000)
    }
    kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    exitStatus = status
    return "SIGKILL, \(seconds) seconds after SIGTERM"
  }

  private func reap() -> Int32? {
    if exitStatus == nil {
      var status: Int32 = 0
      if waitpid(pid, &status, WNOHANG) == pid { exitStatus = status }
    }
    return exitStatus
  }

  /// In words, what `waitpid` says.
  private static func describe(_ status: Int32) -> String {
    let signal = status & 0x7F
    return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
  }

  /// A figure of /proc/PID/status, which has it in KiB.
  private func status(_ name: String) throws -> Int {
    let text = String(decoding: try Self.readFile("/proc/\(pid)/status"), as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      if let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) {
        return kibibytes * 1024
      }
    }
    throw BenchError("the collector has ended")
  }

  private static func readFile(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw BenchError("cannot read \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    let most = 1 << 20
    while bytes.count < most {
      let part = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        count = fread(buffer.baseAddress, 1, buffer.count, file)
      }
      guard !part.isEmpty else { break }
      bytes += part
    }
    return bytes
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
  }
}
