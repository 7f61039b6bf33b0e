import Glibc
import Locks

/// The signals that end the process, taken by a thread of its own.
enum Signals {
  /// Makes the calling thread, and all that it creates later, leave these signals to `waitForStop`. A peer that goes away
  /// must not end the process.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    var set = stopSignals
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// A signal to a whole process group comes twice when a parent, such as make, passes it on: within this time, it is one.
  private static let echo: UInt64 = 100_000_000

  /// Waits for SIGTERM or SIGINT. A second one ends the process at once.
  static func waitForStop(log: (String) -> Void) {
    let first = next(log: log)
    let time = MonotonicClock.now()
    log("received \(name(first))")
    _ = BackgroundThread(name: "second signal") {
      var second = next { _ in }
      while MonotonicClock.now() < time + echo { second = next { _ in } }
      _exit(128 + second)
    }
  }

  private static var stopSignals: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, number) }
    return set
  }

  private static func next(log: (String) -> Void) -> Int32 {
    while true {
      var set = stopSignals
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { continue }
      if number != SIGHUP { return number }
      log("SIGHUP is ignored: reloading the configuration is not supported yet")
    }
  }

  private static func name(_ number: Int32) -> String {
    number == SIGINT ? "SIGINT" : "SIGTERM"
  }
}
