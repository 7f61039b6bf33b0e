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

  /// Waits for SIGTERM or SIGINT. A second one ends the process at once.
  ///
  /// Unless it is the first one's echo: make and timeout pass on a signal that the whole process group was sent, so that
  /// one wish is heard twice within the same moment.
  static func waitForStop(log: (String) -> Void) {
    let first = next(log: log)
    let echoEnds = MonotonicClock.now() + Duration.milliseconds(500).nanoseconds
    log("received \(name(first))")
    _ = BackgroundThread(name: "second signal") {
      var second = next { _ in }
      while MonotonicClock.now() < echoEnds { second = next { _ in } }
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
