import Locks

/// Brings texts to a reader on a thread of its own, so that a reader who has stopped stops nobody else. What the reader
/// is too slow for is left out, and the reader is told how much that was.
final class TextWriter: @unchecked Sendable {
  // Sendable: the mutable properties are touched under `lock`.
  private let write: @Sendable (String) -> Void
  private let lock = Lock()
  private var texts: [String] = []
  /// UTF-8 bytes of `texts`.
  private var bytes = 0
  private var leftOut = 0
  private var isEnding = false
  private var hasEnded = false
  private var thread: BackgroundThread?

  /// Bytes that wait at most, but for a single text that is larger.
  static let limit = 1 << 20

  /// A writer whose thread has not started.
  ///
  /// - Parameter write: takes whole lines; one call at a time, on the writer's thread.
  init(write: @escaping @Sendable (String) -> Void) {
    self.write = write
  }

  func start() {
    lock.withLock { thread = BackgroundThread(name: "debug") { self.run() } }
  }

  /// Takes a text, or leaves it out; returns at once.
  func show(_ text: String) {
    lock.withLock {
      guard !isEnding, texts.isEmpty || bytes + text.utf8.count <= Self.limit else {
        leftOut += 1
        return
      }
      texts.append(text)
      bytes += text.utf8.count
      lock.wakeAll()
    }
  }

  /// Ends the thread when everything is written. One that still writes at the deadline is left behind.
  ///
  /// - Parameter deadline: monotonic nanoseconds.
  func end(until deadline: UInt64) {
    let ended = lock.withLock {
      isEnding = true
      lock.wakeAll()
      while thread != nil, !hasEnded, lock.wait(until: deadline) {}
      defer { thread = nil }
      return hasEnded ? thread : nil
    }
    ended?.join()
  }

  private func run() {
    while let (texts, leftOut) = takeAll() {
      for text in texts { write(text) }
      if leftOut > 0 { write("… and \(leftOut) more, left out since nobody read fast enough\n") }
    }
    lock.withLock {
      hasEnded = true
      lock.wakeAll()
    }
  }

  /// Waits for texts; nil at the end.
  private func takeAll() -> (texts: [String], leftOut: Int)? {
    lock.withLock {
      while texts.isEmpty && leftOut == 0 {
        if isEnding { return nil }
        lock.wait()
      }
      defer { (texts, bytes, leftOut) = ([], 0, 0) }
      return (texts, leftOut)
    }
  }
}
