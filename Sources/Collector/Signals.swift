import Glibc
import Locks

/// The signals that mean something to the process, taken by the thread that waits for them.
enum Signals {
  /// Makes the calling thread, and all that it creates later, leave these signals to `waitForStop`. A peer that goes away
  /// must not end the process.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    // What is too large for a file is an error of the write.
    signal(SIGXFSZ, SIG_IGN)
    var set = ours
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Whether SIGTERM or SIGINT waits to be taken.
  @Sendable static func isStopPending() -> Bool {
    var set = sigset_t()
    return sigpending(&set) == 0 && (sigismember(&set, SIGTERM) == 1 || sigismember(&set, SIGINT) == 1)
  }

  /// Waits for SIGTERM or SIGINT. A second one ends the process at once.
  ///
  /// Unless it is the first one's echo: make and timeout pass on a signal that the whole process group was sent, so that
  /// one wish is heard twice within the same moment.
  ///
  /// - Parameters:
  ///   - log: takes a line for each signal.
  ///   - hangUp: called for each SIGHUP; must not take long.
  static func waitForStop(log: (String) -> Void, hangUp: () -> Void) {
    let first = next {
      log("received SIGHUP")
      hangUp()
    }
    let echoEnds = MonotonicClock.now() + Duration.milliseconds(500).nanoseconds
    log("received \(name(first))")
    _ = BackgroundThread(name: "second signal") {
      var second = next {}
      while MonotonicClock.now() < echoEnds { second = next {} }
      _exit(128 + second)
    }
  }

  private static var ours: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, number) }
    return set
  }

  private static func next(hangUp: () -> Void) -> Int32 {
    while true {
      var set = ours
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { continue }
      if number != SIGHUP { return number }
      hangUp()
    }
  }

  private static func name(_ number: Int32) -> String {
    number == SIGINT ? "SIGINT" : "SIGTERM"
  }
}
